"""A cell that diverges stops the run: the error names it, what was recorded before is kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from network import codegen
from network.codegen import toolchain
from network.engine.nest import kernel
from network.engine.nest.build import build
from network.engine.nest.engine import NestSimulation
from network.engine.nest.guarded import Failure
from network.engine.nest.unstable import raise_failure
from network.engine.run import run
from network.engine.stops import NotFiniteStopError
from network.errors import EngineError, NotFiniteError
from network.experiment import load_experiment
from network.plans import make_plan
from network.runs.layout import run_status
from network.runs.reader import Run

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

WILD = Path(__file__).parent / "data" / "wild.yaml"
TAMED = "populations.wild.neuron.V_peak={value: 25, unit: mV, assumed: t}"
WATCHED = """
import contextlib, sys
from network.engine import standstill
from network.engine.nest.guarded import Guard
Guard.standing = lambda self: contextlib.nullcontext()  # the thread of the cell leaves NEST then
standstill.watched.__wrapped__.__kwdefaults__["looks"] = 2
from network.cli.main import main
main()
"""


def test_the_run_stops_with_cell_time_and_parameters_and_keeps_what_there_was(tmp_path):
    with pytest.raises(
        NotFiniteError, match=r"cell 0 of wild is no longer finite in the step after (\d+\.\d) ms"
    ) as told:
        run(load_experiment(WILD), out=tmp_path / "run")
    assert "V_peak=1e+17" in str(told.value) and "I_e=200" in str(told.value) and "V_m=" in str(told.value)
    assert run_status(tmp_path / "run") == "exploded"
    partial, tamed = (
        Run.open(tmp_path / "run", allow_incomplete=True),
        run(load_experiment(WILD, overrides=[TAMED]), out=tmp_path / "tamed"),
    )
    partial.verify()
    stopped, (start, stop) = partial.record["stopped"], partial.window
    assert stopped["parameters"]["V_peak"] == 1e17 and stopped["states"]["V_m"] > 25.0
    assert start == 0.0 and stop <= stopped["time"] < stop + kernel.import_nest().min_delay
    kept = tamed.spikes("calm").times <= stop + 1e-6  # the other population does not hear of it
    assert np.array_equal(partial.spikes("calm").times, tamed.spikes("calm").times[kept]) and kept.sum() >= 20
    for name in ("V_m", "u"):
        before, whole = partial.report("wild", name), tamed.report("wild", name)
        assert stop - 1.0 < before.times[-1] <= stop and len(before.times) < len(whole.times)
        early = before.times < tamed.spikes("wild").times[0]
        assert early.any() and np.array_equal(before.values[early], whole.values[: len(before.values)][early])


def test_a_number_beyond_four_bytes_is_infinity_in_a_report(tmp_path, recwarn):
    from network.runs.sonata import ReportWriter

    with ReportWriter(tmp_path / "r.h5", "a", "V_m", [0], units="mV", start=0.0, interval=1.0) as writer:
        writer.append([[1e300]])
    assert not [one for one in recwarn if "overflow" in str(one.message)]


@pytest.fixture(scope="module")
def diverging():
    """A network in NEST in which cell 5 of the twenty diverges, by code generation target."""

    def made(target, threads=1):
        device = ["simulation.drive=device"] if target != "vectorised" else []
        experiment = load_experiment(WILD, overrides=[TAMED, f"simulation.target={target}", *device])
        plan, module = make_plan(experiment, threads=threads), codegen.build(("qif_fsn",), target=target)
        kernel.reset(plan, module.path)
        simulation = NestSimulation(build(plan, module))
        return simulation, simulation._network

    return made


@pytest.mark.parametrize(("target", "threads"), [("vectorised", 1), ("vectorised", 3), ("plain", 1), ("plain", 3)])
def test_the_cell_is_named_by_its_number_in_its_population(diverging, target, threads):
    simulation, network = diverging(target, threads)
    simulation.prepare()
    simulation.run(5.0)
    simulation.cleanup()
    network.populations["calm"][5].set(V_m=float("nan"))
    simulation.prepare()
    with pytest.raises(NotFiniteStopError) as told:
        simulation.run(50.0)
    stop = told.value.stop
    assert (stop.population, stop.cell, stop.until) == ("calm", 5, 5.0)
    assert stop.time == 5.0 and stop.exact == (target == "vectorised")
    assert stop.parameters["I_e"] == 700.0 and stop.parameters["C_m"] == 80.0 and np.isnan(stop.states["V_m"])
    simulation.cleanup()


def test_of_several_cells_the_first_is_named(diverging):
    simulation, network = diverging("vectorised", 2)
    cells = network.populations["calm"]
    simulation.prepare()
    simulation.run(5.0)
    simulation.cleanup()
    for cell in (7, 2, 4):
        cells[cell].set(V_m=float("nan"))
    simulation.prepare()
    with pytest.raises(NotFiniteStopError, match="cell 2 of calm"):
        simulation.run(50.0)
    simulation.cleanup()


def test_what_a_cell_says_besides_is_an_error_of_the_run(diverging, monkeypatch):
    _, network = diverging("vectorised")
    node = int(network.populations["calm"][3].global_id)
    monkeypatch.setattr(network.guard, "failures", lambda: [Failure(2.0, node, "no such receptor")])
    with pytest.raises(EngineError, match=r"NEST stopped at 2 ms: cell 3 of calm: no such receptor"):
        raise_failure(network, network.guard)


@pytest.mark.parametrize(("target", "threads"), [("vectorised", 2), ("reference", 1), ("reference", 2)])
def test_with_threads_and_with_the_solver_of_gsl_it_is_the_same(bgnest, tmp_path, target, threads):
    """NEST would wait for the thread of the cell, and GSL make smaller and smaller steps, for ever."""
    if target == "reference" and not toolchain.has_header(toolchain.find_compiler(), "gsl/gsl_odeiv.h"):
        pytest.skip("no headers of the GNU Scientific Library")
    words = ("--threads", threads, "--set", f"simulation.target={target}", "--out", tmp_path / "run")
    done = bgnest("run", WILD, "--no-figures", "--quiet", *words, timeout=300)
    assert done.returncode == 3 and "cell 0 of wild is no longer finite" in done.stderr and "u=" in done.stderr
    assert run_status(tmp_path / "run") == "exploded"
    partial = Run.open(tmp_path / "run", allow_incomplete=True)
    partial.verify()
    assert partial.record["stopped"]["cell"] == 0 and partial.record["stopped"]["parameters"]["V_peak"] == 1e17
    assert partial.window[1] == pytest.approx(19.2, abs=kernel.import_nest().min_delay)


def test_where_the_solver_gets_through_the_spikes_are_too_many(bgnest, tmp_path):
    """The target `plain` goes on with huge numbers; a network without a guard of its own has that of all."""
    words = ("--set", "simulation.target=plain", "--out", tmp_path / "run")
    done = bgnest("run", WILD, "--no-figures", "--quiet", *words)
    assert done.returncode == 3 and "stopped: wild fires" in done.stderr and "simulation.guard" in done.stderr
    assert run_status(tmp_path / "run") == "exploded"


def test_a_run_that_stands_still_for_another_reason_is_ended(tmp_path):
    """What is no cell's fault is not caught; only from outside anything can be done about it."""
    words = ["run", str(WILD), "--threads", "2", "--no-figures", "--quiet", "--out", str(tmp_path / "run")]
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == -9 and "NEST stands still" in done.stderr and "Traceback" not in done.stderr
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    assert record["status"] == "failed" and "NEST stands still" in record["error"]
    assert run_status(tmp_path / "run") == "failed"


def test_the_command_tells_it_in_one_line_with_a_code_of_its_own(bgnest, tmp_path):
    done = bgnest("run", WILD, "--no-figures", "--quiet", "--out", tmp_path / "run")
    assert done.returncode == 3 and done.stderr.count("cell 0 of wild") == 1 and "Traceback" not in done.stderr
    shown = bgnest("rates", tmp_path / "run", "--partial")
    assert shown.returncode == 0 and "calm" in shown.stdout
