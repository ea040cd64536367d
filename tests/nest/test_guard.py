"""A run whose activity explodes is stopped, keeps what it had recorded, and changes nothing for sound runs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from network.engine import session as engine
from network.engine.run import run
from network.engine.session import simulate
from network.errors import RunawayError, RunIncompleteError
from network.experiment import load_experiment
from network.plans import make_plan
from network.runs.folder import RunFolder
from network.runs.layout import run_status
from network.runs.reader import Run

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

SMALL = (
    "network.n_neurons=1000",
    "network.small_network=multapses",
    "simulation.t_presim=50",
    "simulation.t_sim=1000",
    "recording.traces=null",
)
EXPLOSIVE = "projections.STN_to_GPe_TI_N.weight={scale: 1000}"


def small(*changes):
    return load_experiment("lindahl2016/activation_control", overrides=[*SMALL, *changes])


@pytest.mark.parametrize("warm_up", [50, 400])
def test_runaway_excitation_stops_the_run_and_leaves_its_spikes(tmp_path, warm_up):
    with pytest.raises(RunawayError, match=r"GPe_TI_N fires .* spikes/s .* at \d00 ms"):
        run(small(EXPLOSIVE, f"simulation.t_presim={warm_up}"), out=tmp_path / "run")
    assert run_status(tmp_path / "run") == "exploded"
    with pytest.raises(RunIncompleteError, match="GPe_TI_N"):
        Run.open(tmp_path / "run")
    partial = Run.open(tmp_path / "run", allow_incomplete=True)
    partial.verify()
    stopped = partial.record["stopped"]
    assert stopped["population"] == "GPe_TI_N" and stopped["limit"] == 500.0 and stopped["time"] <= 300.0
    start, stop = partial.window
    assert stop == stopped["time"] and start == (50.0 if warm_up == 50 else 0.0)
    spikes = partial.spikes("GPe_TI_N")
    last = spikes.between(stop - 100.0, stop) if start <= stop - 100.0 else spikes
    assert len(last) / spikes.n_neurons / (min(100.0, stop - start) / 1000.0) > 500.0
    assert spikes.times.min() >= start and spikes.times.max() <= stop


def test_the_guard_changes_nothing_and_can_be_switched_off(tmp_path):
    watched = run(small("simulation.t_sim=200"), out=tmp_path / "watched")
    free = run(small("simulation.t_sim=200", "simulation.guard.enabled=false"), out=tmp_path / "free")
    assert watched.record["simulation_hash"] == free.record["simulation_hash"]
    assert (watched.path / "spikes.h5").read_bytes() == (free.path / "spikes.h5").read_bytes()
    assert min(watched.spikes(name).times.min() for name in ("FSN", "SNr")) >= 50.0
    exploded = run(
        small(EXPLOSIVE, "simulation.t_sim=200", "simulation.guard.enabled=false"), out=tmp_path / "exploded"
    )
    assert exploded.record["status"] == "complete"


def test_a_lower_limit_and_only_recorded_populations(tmp_path):
    """STN fires about 12 spikes/s; what is not recorded is not seen."""
    limits = ("simulation.guard.rate=20", "simulation.t_sim=100")
    with pytest.raises(RunawayError, match=r"more than simulation\.guard\.rate"):
        run(small(*limits, "recording.spikes=[SNr]"), out=tmp_path / "SNr")
    assert run(small(*limits, "recording.spikes=[MSN_D1]"), out=tmp_path / "MSN").record["status"] == "complete"


def test_spikes_before_the_last_readout_count_once(tmp_path, module, monkeypatch):
    """Rates are those of the window, however often the recorders are read out in between."""
    monkeypatch.setattr(engine, "DRAIN_MS", 30.0)
    plan = make_plan(small("simulation.t_sim=300", "simulation.guard.rate=150"))
    with RunFolder.create(tmp_path / "run") as folder:
        folder.write_plan(plan.to_dict())
        outcome = simulate(plan, module, folder)
        done = folder.finish()
    assert outcome.runaway is None
    assert np.sum([len(done.spikes(name)) for name in plan.spike_populations]) > 100
    assert dataclasses.replace(plan, guard=None).simulation_hash == plan.simulation_hash


def test_the_command_tells_it_in_one_line_and_does_not_try_again(bgnest, tmp_path):
    out = tmp_path / "run"
    changes = [part for change in (*SMALL, EXPLOSIVE) for part in ("--set", change)]
    records = []
    for _ in range(2):
        done = bgnest("run", "--no-figures", "--quiet", "--out", out, "--resume", *changes)
        assert done.returncode == 3, done.stderr
        assert done.stderr.count("GPe_TI_N fires") == 1 and "Traceback" not in done.stderr
        records.append((out / "record.json").read_text())
    assert records[0] == records[1]
    shown = bgnest("rates", out, "--partial")
    assert shown.returncode == 0 and "GPe_TI" in shown.stdout
