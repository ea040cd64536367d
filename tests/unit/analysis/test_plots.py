"""Figures say what they show: labelled axes with units, one colour per population, sizes fit for print."""

from __future__ import annotations

import json
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from network.analysis import plots, run_table
from network.analysis.plots import style
from network.analysis.wiring import connection_matrices
from network.experiment import load_experiment
from network.experiment.presentation import load_presentation
from network.plans import make_plan
from network.runs import Report, Spikes

UNITS = ("(ms)", "(spikes/s)", "(mV)", "(Hz)", "(nS)", "/Hz)", "(%)", "dimensionless", "per target cell)")


def texts(figure):
    """Axis labels of a figure, shared ones included."""
    labels = [label for axes in figure.axes for label in (axes.get_xlabel(), axes.get_ylabel())]
    return [label for label in [*labels, figure.get_supxlabel(), figure.get_supylabel()] if label]


def all_text(figure):
    return "\n".join(text.get_text() for text in figure.findobj(mpl.text.Text))


@pytest.fixture(scope="module")
def spikes(run):
    return {name: run.spikes(name) for name in run.recorded}


def figures(run, spikes):
    bands = {"STN": (10.5, 14.5)}
    yield plots.raster(spikes, 1000.0, 2000.0)
    yield plots.rate_courses(spikes, 1000.0, 2000.0)
    yield plots.rate_bands(run_table(run), bands)
    yield plots.traces([run.report(*key) for key in run.reports], spikes=spikes, n_cells=2)
    yield plots.spectra(spikes, 1000.0, 2000.0)
    yield plots.intervals(spikes, 1000.0, 2000.0)
    yield plots.connectivity(run.plan)
    yield plots.weights(run.plan)


def test_axes_are_labelled_with_units_and_figures_fit_a_column_or_a_page(run, spikes):
    for figure in figures(run, spikes):
        assert isinstance(figure, Figure)
        labels = texts(figure)
        for text in labels:
            assert any(unit in text for unit in UNITS) or "population" in text, text
        assert any(any(unit in text for unit in UNITS) for text in labels), labels
        width = figure.get_figwidth() * 25.4
        assert min(abs(width - 85), abs(width - 180)) < 0.01
        assert figure.get_figheight() * 25.4 <= 240
        sizes = [t.get_fontsize() for t in figure.findobj(mpl.text.Text) if t.get_text()]
        assert min(sizes) >= 5
        assert max(sizes) <= 8


def test_raster_shows_the_sampled_cells_of_each_population_in_its_band(spikes):
    figure = plots.raster(spikes, 1000.0, 2000.0, n_cells=60)
    (axes,) = figure.axes
    assert axes.get_xlabel() == "time (ms)"
    marks = [line for line in axes.lines if line.get_marker() == "|"]
    for row, (line, (name, train)) in enumerate(zip(marks, spikes.items(), strict=True)):
        height = np.asarray(line.get_ydata())
        assert line.get_color() == style.colours(spikes)[name]
        assert np.all((height > row) & (height < row + 1))
        assert len(np.unique(height.round(6))) <= (600 if name in ("MSN_D1", "MSN_D2") else 60)
        times = np.asarray(line.get_xdata())
        assert np.all((times >= 1000.0) & (times < 2000.0))
        if train.n_neurons > 60 and name not in ("MSN_D1", "MSN_D2"):
            rate = len(train.between(1000.0, 2000.0)) / train.n_neurons
            assert len(times) / 60 == pytest.approx(rate, rel=0.15)
    shown = [text.get_text().split("\n")[1] for text in axes.texts]
    assert shown[0] != "60 cells shown" and shown[list(spikes).index("STN")] == "60 cells shown"
    labels = [tick.get_text() for tick in axes.get_yticklabels()]
    assert labels[0] == "MSN D1\nn = 37,971"
    small = plots.raster({"SNr": Spikes(np.array([5.0]), np.array([2], dtype=np.uint64), 3)}, 0.0, 10.0)
    assert "3 cells shown" in all_text(small)


def test_rates_stand_beside_their_bands(run):
    text = all_text(plots.rate_bands(run_table(run), {"STN": (10.5, 14.5), "SNr": (50.0, 60.0), "x": (1.0, 2.0)}))
    for part in ("10.5 - 14.5", "pass", "low", "missing", "37,971"):
        assert part in text


def test_connection_matrices_add_up_and_scale_plastic_weights(run):
    in_degree, inhibitory, excitatory = connection_matrices(run.plan)
    assert in_degree.loc["SNr", "MSN_D1"] == 500  # row target, column source
    assert np.isnan(in_degree.loc["MSN_D1", "SNr"])
    assert inhibitory.loc["SNr", "MSN_D1"] == pytest.approx(2.0, rel=1e-3)
    assert inhibitory.loc["SNr", "GPe_TI_N"] == pytest.approx(76.0, rel=1e-3)
    assert excitatory.loc["SNr", "STN"] == pytest.approx(3.458, rel=1e-3)
    assert np.isnan(inhibitory.loc["SNr", "STN"])
    assert "500" in all_text(plots.connectivity(run.plan))
    assert {"source population", "target population"} <= set(texts(plots.connectivity(run.plan)))


def test_inhibition_is_told_by_the_receptor_and_not_by_its_name():
    plan = make_plan(load_experiment("chakravarty2022/normal")).to_dict()
    _, inhibitory, excitatory = connection_matrices(plan)
    cells = {p["name"] for p in plan["populations"]}
    for source in cells:
        drawn = inhibitory if source in ("D1", "D2", "FSN", "GPeTI", "GPeTA", "SNr") else excitatory
        other = excitatory if drawn is inhibitory else inhibitory
        assert other[source].isna().all(), source
    assert inhibitory.notna().to_numpy().any()
    for population in plan["populations"]:  # as runs of earlier versions have it
        del population["receptors"]
    assert connection_matrices(plan)[1].equals(inhibitory)


def test_the_sign_of_a_current_is_that_of_its_weight(run):
    plan = json.loads(json.dumps(run.plan))
    (stn,) = (p for p in plan["populations"] if p["name"] == "STN")
    stn["receptors"] = {"gaba_gpe": {"port": "gaba_gpe", "unit": "pA", "effect": 1}}
    assert not np.isnan(connection_matrices(plan)[2].loc["STN", "GPe_TI_N"])
    for projection in plan["projections"]:
        if projection["receptor"] == "gaba_gpe" and projection["target"] == "STN":
            projection["weight"] = -3.0
    assert connection_matrices(plan)[1].loc["STN", "GPe_TI_N"] == 3.0
    assert "nS or pA" in all_text(plots.weights(plan))


def test_silence_is_drawn_without_complaint():
    silent = {"STN": Spikes(np.empty(0), np.empty(0, dtype=np.uint64), 5)}
    for function in (plots.raster, plots.rate_courses, plots.spectra, plots.intervals):
        function(silent, 0.0, 1000.0)


def test_a_network_says_its_colours_and_labels_and_others_get_some():
    lindahl, chakravarty = (load_presentation(model) for model in ("lindahl2016", "chakravarty2022"))
    with plots.presented(lindahl):
        known = plots.colours(["STN", "CM_Pf", "PPN"])
        assert plots.label("GPe_TI_N") == "GPe TI N"
    with plots.presented(chakravarty):
        assert plots.label("GPeTI") == "GPe TI" and plots.colours(["GPeTI"])["GPeTI"] == "#009E73"
    assert known["STN"] == "#D55E00" and len(set(known.values())) == 3
    assert plots.label("GPeTI") == "GPeTI"


def test_standard_set(small_run, tmp_path):
    before = dict(mpl.rcParams)
    paths = plots.plot_run(small_run, tmp_path / "figures", state="control")
    names = [
        "raster",
        "rates",
        "rate_courses",
        "spectra",
        "intervals",
        "connectivity",
        "weights",
        "traces_V_m",
    ]
    assert [path.name for path in paths] == [f"{name}.png" for name in names]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
    assert dict(mpl.rcParams) == before
    both = plots.save(plots.connectivity(small_run.plan), tmp_path / "matrix.png", pdf=True)
    assert [path.suffix for path in both] == [".png", ".pdf"]


def test_analysis_needs_neither_nest_nor_matplotlib():
    code = "import sys, network.analysis.spectra; print({'nest', 'pynestml', 'matplotlib'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


def test_panels_and_their_texts_do_not_overlap_and_stay_inside(spikes):
    figure = plots.intervals({name: spikes[name] for name in list(spikes)[:3]}, 1000.0, 2000.0, title="title")
    figure.draw_without_rendering()
    boxes = [axes.get_tightbbox(for_layout_only=True) for axes in figure.axes]
    boxes += [figure._suptitle.get_window_extent(), figure._supylabel.get_window_extent()]
    for number, box in enumerate(boxes):
        assert box.x0 > 0 and box.y0 > 0 and box.x1 < figure.bbox.x1 and box.y1 < figure.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[:number])
    widths = {round(axes.get_position().width, 9) for axes in figure.axes}
    assert len(widths) == 1 and widths.pop() > 0.4


def test_notebooks_show_a_figure_that_pyplot_knows_nothing_of(spikes):
    figure = plots.raster(spikes, 1000.0, 2000.0)
    before = figure.get_dpi()
    assert figure._repr_png_().startswith(b"\x89PNG") and figure.get_dpi() == before


def test_a_long_title_is_broken_and_not_cut(spikes):
    figure = plots.spectra(spikes, 0.0, 1000.0, title="A title that goes on. " * 12)
    figure.canvas.draw()
    box = figure.get_suptitle(), figure._suptitle.get_window_extent()
    assert box[1].x1 <= figure.bbox.x1 and box[0].count("\n") >= 2


def test_a_trace_is_of_a_cell_that_fired_and_says_which():
    times = np.arange(0.0, 100.0)
    values = np.stack([np.full(100, -70.0), np.linspace(-60.0, -50.0, 100)], axis=1).astype(np.float32)
    report = Report("STN", "V_m", "mV", times, np.array([3, 7], dtype=np.uint64), values)
    fired = {"STN": Spikes(np.array([50.0]), np.array([7], dtype=np.uint64), 10)}
    (axes,) = plots.traces([report], spikes=fired).axes
    assert axes.get_title(loc="left") == "STN, cell 7"
    assert np.array_equal(axes.lines[0].get_ydata(), values[:, 1])
    (axes,) = plots.traces([report], spikes=fired, n_cells=2).axes
    assert len(axes.lines) == 1, "those before it are not shown"
