"""Figures and tables of runs that recorded hardly anything: every one is drawn, or left out with a note."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from network.analysis import plots
from network.analysis.plots import plot_run, save
from network.analysis.targets.judge import judge_run
from network.analysis.targets.windows import load_targets
from network.cli.plot import draw
from network.door import open_run
from network.errors import RunMissingError
from network.report.interactive import activity
from network.runs import RunFolder
from network.runs.layout import report_filenames
from network.scans.metrics import population_rows

STEP = 0.1


@pytest.fixture(autouse=True)
def _unpainted(monkeypatch):
    """Figures are made and not painted, which takes most of the time; one test paints all of them."""
    monkeypatch.setattr(plots, "save", lambda figure, path, **_: [path.with_suffix(".png")])


def make_run(path, *, t_presim=100.0, t_sim=0.1, sizes=(("E", 40), ("I", 1)), spikes=True, recorded=None, **plan):
    """Run in which every cell fires once within the recording, if ``spikes``; by default one step of 0.1 ms."""
    content = {
        "name": "short",
        "seed": 1,
        "resolution": STEP,
        "t_presim": t_presim,
        "t_sim": t_sim,
        "populations": [{"name": name, "model": "lif", "n_neurons": n, "first_id": 0} for name, n in sizes],
        "projections": [],
        "groups": {},
        **plan,
    }
    stop = plan.get("spike_stop", t_presim + t_sim)
    with RunFolder.create(path) as folder:
        folder.write_plan(content)
        folder.write_timers({"simulate": 1.0})
        names = [name for name, _ in sizes] if recorded is None else recorded
        if names:
            with folder.spike_writer(names) as writer:
                for name, n in sizes:
                    if spikes and name in names:
                        writer.append(name, np.full(n, round(stop - STEP, 1)), np.arange(n))
        return folder.finish()


def drawn(run):
    notes = []
    return {path.stem for path in plot_run(run, tell=notes.append)}, notes


@pytest.mark.parametrize(
    ("t_sim", "spikes"), [(0.1, True), (0.1, False), (3.9, True), (4.9, False), (7.3, True), (79.9, True), (80.0, True)]
)
def test_every_length_of_a_recording_has_its_figures(tmp_path, t_sim, spikes):
    run = make_run(tmp_path / "run", t_sim=t_sim, spikes=spikes)
    assert judge_run(run, None).rates["rate"].notna().all()
    figures, notes = drawn(run)
    assert {"raster", "rates", "rate_courses", "intervals"} <= figures
    assert ("spectra" in figures) == (t_sim >= 80.0) == (not notes)


def test_one_step_is_painted_and_a_note_says_what_is_left_out(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(plots, "save", save)
    make_run(tmp_path / "run", sizes=(("I", 1),))
    made = draw(open_run(tmp_path / "run"))
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in made)
    assert "no spectra: 0.1 ms of spikes are too few" in capsys.readouterr().out


@pytest.mark.parametrize(("t_sim", "spikes"), [(0.1, True), (0.1, False), (3.9, True), (7.8, True), (79.9, True)])
def test_every_measure_of_a_short_recording_is_a_number_or_none(tmp_path, t_sim, spikes):
    run = make_run(tmp_path / "run", t_sim=t_sim, spikes=spikes)
    rows = population_rows(run)
    assert [row["rate"] for row in rows] == [pytest.approx(spikes * 1000.0 / t_sim)] * 2
    assert {rows[0][key] for key in ("beta_power", "unit_beta_power", "peak_frequency", "common_rhythm")} == {None}
    with pytest.raises(
        RunMissingError, match=rf"spectra are not judged: that needs 80 ms of spikes; recorded: {t_sim} ms"
    ):
        open_run(tmp_path / "run").rhythms()
    pytest.importorskip("bokeh")
    _, scripts = activity({"E": run.spikes("E")}, *run.window, {"E": ("E", "#000000")})
    assert scripts


def test_a_window_of_a_spectrum_is_not_judged_in_a_short_recording(tmp_path):
    run = make_run(tmp_path / "run", t_sim=50.0)
    targets = replace(load_targets("lindahl2016", "activation_control"), windows={"beta_share": {"E": (0.0, 1.0)}})
    judgement = judge_run(run, targets)
    assert judgement.notes[-1] == "spectra are not judged: that needs 80 ms of spikes; recorded: 50 ms"
    assert judgement.outcome() == "nothing to judge"


def test_the_last_step_alone(tmp_path):
    run = make_run(tmp_path / "run", t_presim=100.0, t_sim=200.0, spike_start=299.9)
    assert judge_run(run, None).rates.loc["I", "rate"] == pytest.approx(10_000.0)
    assert "rate_courses" in drawn(run)[0]


def test_spikes_of_the_warm_up_alone(tmp_path):
    run = make_run(tmp_path / "run", t_sim=200.0, spike_start=20.0, spike_stop=50.0)
    assert run.window == (20.0, 50.0)
    assert judge_run(run, None).rates.loc["I", "rate"] == pytest.approx(1000.0 / 30.0)
    assert "raster" in drawn(run)[0]


def test_one_population_of_one_cell_and_nothing_recorded(tmp_path):
    assert "raster" in drawn(make_run(tmp_path / "one", sizes=(("E", 1),), t_sim=1.0))[0]
    run = make_run(tmp_path / "none", recorded=())
    assert drawn(run) == (set(), [])
    assert judge_run(run, None).rates.empty


def test_traces_of_one_population_that_differ_in_cells_and_times(tmp_path):
    traces = [("warm_up", "E", ["V_m"]), ("fine", "E", ["V_m", "w"]), ("once", "E", ["V_m"]), ("never", "E", ["V_m"])]
    times = {"warm_up": (10.0, 1.0, 20), "fine": (100.0, 0.1, 50), "once": (104.0, 5.0, 1), "never": (104.0, 5.0, 0)}
    with RunFolder.create(tmp_path / "run") as folder:
        folder.write_plan(make_run(tmp_path / "other").plan)
        folder.write_timers({"simulate": 1.0})
        with folder.spike_writer(["E", "I"]) as writer:
            writer.append("E", [12.0, 101.0], [3, 3])
        for (trace, population, _), files in zip(traces, report_filenames(traces), strict=True):
            start, interval, frames = times[trace]
            for variable, file in files.items():
                options = {"units": "mV", "start": start, "interval": interval, "trace": trace, "file": file}
                with folder.report_writer(population, variable, [3, 7], **options) as report:
                    report.append(np.full((frames, 2), -60.0))
        run = folder.finish()
    assert [run.report("E", "V_m", trace).times[:1].tolist() for trace in times] == [[10.0], [100.0], [104.0], []]
    assert {"traces_V_m", "traces_w"} <= drawn(run)[0]
