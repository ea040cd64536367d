"""A cell that diverges stops the run: the error names it, what was recorded before is kept."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from network import codegen
from network.engine.nest import kernel
from network.engine.nest.build import build
from network.engine.nest.engine import NestSimulation
from network.engine.nest.unstable import not_finite
from network.engine.run import run
from network.engine.stops import NotFiniteStopError
from network.errors import NotFiniteError
from network.experiment import load_experiment
from network.plans import make_plan
from network.runs.layout import run_status
from network.runs.reader import Run

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

WILD = Path(__file__).parent / "data" / "wild.yaml"
TAMED = "populations.wild.neuron.V_peak={value: 25, unit: mV, assumed: t}"
WATCHED = """
import sys
from network.engine import standstill
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

    def made(target):
        device = ["simulation.drive=device"] if target != "vectorised" else []
        experiment = load_experiment(WILD, overrides=[TAMED, f"simulation.target={target}", *device])
        plan, module = make_plan(experiment), codegen.build(("qif_fsn",), target=target)
        kernel.reset(plan, module.path)
        simulation = NestSimulation(build(plan, module))
        return simulation, simulation._network

    return made


@pytest.mark.parametrize("target", ["vectorised", "plain"])
def test_the_cell_is_named_by_its_number_in_its_population(diverging, target):
    simulation, network = diverging(target)
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


def test_where_nest_names_the_model_alone_cells_are_looked_through(diverging):
    _, network = diverging("vectorised")
    gsl = "In model bgnest.population.calm the GSL solver returned with exit status -1."
    assert not_finite(network, gsl).cell is None
    network.populations["calm"][7].set(V_m=float("inf"))
    found = not_finite(network, gsl)
    assert (found.population, found.cell, found.exact) == ("calm", 7, False) and found.states["V_m"] == float("inf")
    assert not_finite(network, "a spike came late to bgnest.population.calm") is None
    assert not_finite(network, "NEST detected a numerical instability while updating iaf_psc_exp.") is None


def test_with_several_threads_the_run_does_not_hang(tmp_path):
    """NEST waits for ever for the thread of the cell; only from outside anything can be done about it."""
    words = ["run", str(WILD), "--threads", "2", "--no-figures", "--quiet", "--out", str(tmp_path / "run")]
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *words], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == -9 and "--threads 1 names the cell" in done.stderr and "Traceback" not in done.stderr
    record = json.loads((tmp_path / "run" / "record.json").read_text())
    assert record["status"] == "failed" and "NEST stands still" in record["error"]
    assert run_status(tmp_path / "run") == "failed"


def test_the_command_tells_it_in_one_line_with_a_code_of_its_own(bgnest, tmp_path):
    done = bgnest("run", WILD, "--no-figures", "--quiet", "--out", tmp_path / "run")
    assert done.returncode == 3 and done.stderr.count("cell 0 of wild") == 1 and "Traceback" not in done.stderr
    shown = bgnest("rates", tmp_path / "run", "--partial")
    assert shown.returncode == 0 and "calm" in shown.stdout
