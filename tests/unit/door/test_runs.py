"""What a run gives to pandas, Neo and Matplotlib."""

from __future__ import annotations

import bgnest
import matplotlib as mpl
import numpy as np
import pytest
from bgnest.analysis.statistics import run_table
from matplotlib.figure import Figure


def test_spikes_as_a_table_that_knows_its_unit(run):
    spikes, arrays = run.spikes("STN"), run.spike_arrays("STN")
    assert list(spikes.columns) == ["time_ms", "cell"]
    assert spikes.attrs["unit"] == "ms" and spikes.attrs["n_cells"] == run.populations["STN"] == arrays.n_neurons
    assert spikes.attrs["window_ms"] == run.window == (100.0, 400.0)
    np.testing.assert_array_equal(spikes["time_ms"], arrays.times)
    assert spikes["time_ms"].is_monotonic_increasing
    assert len(run.spikes("GPe_TI")) == len(run.spikes("GPe_TI_N")) + len(run.spikes("GPe_TI_S"))
    with pytest.raises(bgnest.Error, match="no spikes of 'STM'; there are: MSN_D1"):
        run.spikes("STM")


def test_rates_and_verdict_are_those_of_the_analysis(run):
    rates = run.rates()
    assert rates.equals(run_table(run.reader))
    assert rates.loc["MSN_D1", "rate"] == pytest.approx(20.0, rel=0.1)  # what was drawn
    verdict = run.verdict()
    assert not verdict and not verdict.passed  # nothing like striatal cells
    assert (verdict.table.loc[["MSN_D1"], "verdict"] == "high").any()
    assert "not judged at this size" in repr(verdict) and "MSN_D1" in verdict._repr_html_()


def test_rates_around_spikes(run):
    """Of cells that know nothing of each other: the mean rate, with as many lags to each side."""
    around = run.triggered("GPe_TI", "SNr", reach=20.0)
    assert list(around.index) == list(range(-20, 21)) and around["rate"].mean() == pytest.approx(20.0, rel=0.3)
    own = run.triggered("MSN_D1", reach=20.0)
    assert own["rate"][0.0] == pytest.approx(20.0, rel=0.3)  # without the spike itself


def test_traces_as_a_table(run):
    table = run.traces("STN")
    assert list(table.columns) == ["time_ms", "cell", "V_m", "w"]
    assert table.attrs["units"] == {"V_m": "mV", "w": "pA"}
    first = table[table["cell"] == 0]
    np.testing.assert_allclose(first["V_m"], np.arange(len(first)))
    np.testing.assert_allclose(table[table["cell"] == 1]["w"], -np.arange(len(first)))
    assert first["time_ms"].iloc[0] == 100.0
    assert list(run.traces("STN", "w").columns) == ["time_ms", "cell", "w"]
    with pytest.raises(bgnest.Error, match=r"no trace of STN.u; there are: STN.V_m \(stn\), STN.w \(stn\)"):
        run.traces("STN", "u")


def test_neo_has_a_train_per_cell_and_the_signals(run):
    block = run.to_neo(["STN", "SNr"])
    (segment,) = block.segments
    assert len(segment.spiketrains) == run.populations["STN"] + run.populations["SNr"]
    assert sum(map(len, segment.spiketrains)) == len(run.spikes("STN")) + len(run.spikes("SNr"))
    train = segment.spiketrains[0]
    mine = run.spikes("STN").query("cell == 0")["time_ms"]
    np.testing.assert_allclose(train.rescale("ms").magnitude, mine)
    assert (float(train.t_start), float(train.t_stop)) == run.window
    signal = next(signal for signal in segment.analogsignals if signal.name == "STN.V_m")
    assert str(signal.units.dimensionality) == "mV" and float(signal.sampling_period.rescale("ms")) == 1.0
    assert [group.name for group in block.groups] == ["STN", "SNr"]


def test_without_neo_one_sentence_says_how_to_install_it(run, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "neo", None)
    with pytest.raises(bgnest.Error, match="pip install neo"):
        run.to_neo()


@pytest.mark.parametrize("figure", ["raster", "rates", "rate_courses", "spectra", "connectivity", "weights"])
def test_figures_go_into_the_axes_of_the_caller(run, figure):
    page = Figure(figsize=(8, 4))
    left, right = page.subplots(1, 2)
    settings = dict(mpl.rcParams)
    assert getattr(run.plot, figure)(ax=left) is left
    assert left.has_data() and not right.has_data()
    assert left.get_xlabel() and left.figure is page
    assert dict(mpl.rcParams) == settings
    assert isinstance(getattr(run.plot, figure)(), Figure)


def test_a_trace_goes_into_the_axes_of_the_caller(run):
    axes = Figure().subplots()
    run.plot.traces("STN", "V_m", ax=axes)
    (line,) = axes.get_lines()
    assert axes.get_ylabel() == "V_m (mV)" and len(line.get_xdata()) == 300


def test_the_courses_that_are_drawn_are_the_rates(run):
    axes = Figure().subplots()
    run.plot.rate_courses(ax=axes, populations=["MSN_D1", "MSN_D2"], bin_width=10.0)
    lines = axes.get_lines()
    assert len(lines) == 2
    assert np.mean(lines[0].get_ydata()) == pytest.approx(run.rates().loc["MSN_D1", "rate"], rel=1e-6)


def test_a_run_is_short_to_look_at_and_leads_back_to_its_experiment(run, experiment):
    assert len(repr(run)) < 300 and "complete" in repr(run)
    assert "<td>STN</td>" in run._repr_html_()
    assert run.plan == experiment.plan()
    assert run.params["simulation"]["t_sim"]["value"] == experiment["simulation.t_sim"] == 300.0
    assert run.experiment().plan() == experiment.plan()
    assert run.verify() is run


def test_what_is_no_run_is_named(tmp_path):
    with pytest.raises(bgnest.Error, match="no such folder"):
        bgnest.open_run(tmp_path / "nosuch")
