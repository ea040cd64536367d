"""Running a plan: drives, recorders, windows, reproducibility, the run folder."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from network.engine.nest import kernel
from network.engine.nest.build import build
from network.engine.nest.devices import connect_inputs, connect_recorders, sample_waveform
from network.engine.run import run
from network.engine.session import simulate
from network.errors import RunExistsError, RunMissingError
from network.experiment import load_experiment
from network.experiment.courses import Waveform
from network.plans import Cells, InputPlan, RecorderPlan, make_plan
from network.plans.cells import weight_factors
from network.runs.folder import RunFolder

pytestmark = [pytest.mark.nest, pytest.mark.nestml]


def isolated(plan, population, weights, rate, *, drive, n=400, waveform=None, **more):
    """Plan of one population without projections that receives one Poisson train per cell."""
    cells = dataclasses.replace(plan.population(population), n_neurons=n, first_id=0)
    source = InputPlan("in", population, rate, weights, 2.0, waveform, **more)
    return dataclasses.replace(
        plan,
        populations=(cells,),
        projections=(),
        inputs=(source,),
        recorders=(),
        spike_populations=(population,),
        groups={},
        drive=drive,
    )


def record(plan, module, variables, n_cells, t_stop):
    """Conductances (n_times, n_cells) of the first cells at every step, after one uninterrupted simulation."""
    population = plan.populations[0].name
    recorder = RecorderPlan(population, tuple(range(n_cells)), variables, plan.resolution, 0.0, t_stop)
    plan = dataclasses.replace(plan, recorders=(recorder,))
    kernel.reset(plan, module.path)
    network = build(plan, module)
    connect_inputs(network)
    _, states = connect_recorders(network)
    kernel.import_nest().Simulate(t_stop + plan.min_delay)
    return states[0].collect()


def jumps(conductance, tau, resolution=0.1):
    """Increments of an exponentially decaying conductance at every step."""
    return conductance[1:] - conductance[:-1] * np.exp(-resolution / tau)


@pytest.mark.parametrize("drive", ["internal", "device"])
def test_ampa_and_nmda_get_the_same_cortical_spikes(module, small_plan, drive):
    """Separate trains would halve the variance of the drive: the increments must coincide, spike for spike."""
    plan = isolated(small_plan, "MSN_D1", {"ampa": 0.5, "nmda": 0.11}, 400.0, drive=drive)
    params = plan.populations[0].params
    _, values = record(plan, module, ("g_ampa", "g_nmda"), 20, 100.0)
    ampa = np.rint(jumps(values["g_ampa"], params["tau_syn_ampa"]) / 0.5)
    nmda = np.rint(jumps(values["g_nmda"], params["tau_syn_nmda"]) / 0.11)
    np.testing.assert_array_equal(ampa, nmda)
    assert ampa.sum() > 500  # 20 cells, 0.1 s, 400 spikes/s: 800 expected


@pytest.mark.parametrize("drive", ["internal", "device"])
def test_cells_have_weights_of_their_own(module, small_plan, drive):
    """Each cell has its factor on all of its weights, the same with both drives, also where an input reaches a few."""
    weights, few = {"ampa": 0.5, "nmda": 0.1}, Cells(10, 20, 2)
    plan = isolated(small_plan, "MSN_D1", weights, 100.0, drive=drive, n=40, weight_spread=0.3, cells=few)
    params = plan.populations[0].params
    _, values = record(plan, module, ("g_ampa", "g_nmda"), 40, 100.0)
    factors = weight_factors(plan.inputs[0], 40, plan.seed)
    assert 0.7 < factors.min() < 0.8 and 1.2 < factors.max() < 1.3
    for receptor, weight in weights.items():
        hit = jumps(values[f"g_{receptor}"], params[f"tau_syn_{receptor}"])
        assert set(np.flatnonzero(hit.max(axis=0) > 1e-9)) == set(few.ids)
        least = [column[column > 1e-9].min() for column in hit.T[list(few.ids)]]
        np.testing.assert_allclose(least, weight * factors[list(few.ids)], rtol=1e-6)


@pytest.mark.parametrize("drive", ["internal", "device"])
def test_the_drive_is_poisson_and_independent(module, small_plan, drive):
    """Mean and variance of the counts in 20 ms, and correlation between cells; limits at four standard errors."""
    rate, n_cells, t_stop = 500.0, 100, 400.0
    plan = isolated(small_plan, "FSN", {"ampa": 1.0}, rate, drive=drive)
    _, values = record(plan, module, ("g_ampa",), n_cells, t_stop)
    spikes = np.rint(jumps(values["g_ampa"], plan.populations[0].params["tau_syn_ampa"]))
    spikes = spikes[: 200 * (len(spikes) // 200)]
    counts = spikes.reshape(-1, 200, n_cells).sum(axis=1)
    expected = rate * 0.02
    if drive == "device":
        counts, expected = counts[1:], rate * 0.02  # the first spikes need the delay to arrive
    n = counts.size
    assert abs(counts.mean() - expected) < 4 * np.sqrt(expected / n)
    assert abs(counts.var() / expected - 1.0) < 4 * np.sqrt(2.0 / n)
    correlation = np.corrcoef(spikes.T)
    off_diagonal = correlation[np.triu_indices(n_cells, 1)]
    assert abs(off_diagonal.mean()) < 4 / np.sqrt(off_diagonal.size * len(spikes))


@pytest.mark.parametrize("drive", ["internal", "device"])
def test_a_modulated_drive_follows_its_waveform(module, small_plan, drive):
    """20 Hz square, low half first: the rates of both halves, shifted by the delay of the input."""
    square = Waveform((0.0, 25.0, 25.0, 50.0), (0.5, 0.5, 1.5, 1.5), 50.0)
    plan = isolated(small_plan, "FSN", {"ampa": 1.0}, 1000.0, drive=drive, waveform=square)
    times, values = record(plan, module, ("g_ampa",), 200, 502.0)
    spikes = np.rint(jumps(values["g_ampa"], plan.populations[0].params["tau_syn_ampa"])).sum(axis=1)
    at = times[1:] - 2.0  # delay of the input
    phase = (at - 0.05) % 50.0
    known = at > 0.0
    low, high = spikes[known & (phase < 25.0)], spikes[known & (phase >= 25.0)]
    for observed, rate in ((low, 500.0), (high, 1500.0)):
        expected = rate * 1e-4 * 200
        assert abs(observed.mean() - expected) < 4 * np.sqrt(expected / observed.size)


@pytest.mark.parametrize("drive", ["internal", "device"])
def test_a_delay_below_twice_the_shortest_of_the_network_is_kept(module, drive):
    """Generator, parrot neuron, cell: two delays, which are not longer together than the one that was asked for."""
    changes = ["n_neurons=1000", "small_network=multapses"]
    overrides = [
        *(f"network.{change}" for change in changes),
        "projections.*.enabled=false",
        f"simulation.drive={drive}",
    ]
    planned = make_plan(load_experiment("lindahl2016/activation_control", overrides=overrides))
    onset = Waveform((0.0, 5.0, 5.0), (0.0, 0.0, 1.0), None)
    plan = isolated(planned, "MSN_D1", {"ampa": 0.5, "nmda": 0.11}, 2e5, drive=drive, n=20, waveform=onset)
    plan = dataclasses.replace(plan, inputs=(dataclasses.replace(plan.inputs[0], delay=2.5),))
    times, values = record(plan, module, ("g_ampa", "g_nmda"), 20, 10.0)
    for conductance in values.values():
        assert times[np.flatnonzero(conductance.sum(axis=1))[0]] == pytest.approx(5.0 + 2.5 + plan.resolution)


def test_sampled_waveforms_lose_no_spikes():
    """A jump inside a step: the step gets the mean of both sides."""
    source = InputPlan("x", "y", 100.0, {"ampa": 1.0}, 1.0, Waveform((0.0, 1.05, 1.05, 2.0), (0.0, 0.0, 2.0, 2.0)))
    times, rates = sample_waveform(source, 0.1, 2.0)
    assert times == pytest.approx([0.1, 1.1, 1.2])  # ends of the first steps that have the rates
    assert rates == pytest.approx([0.0, 100.0, 200.0])


def quick(tmp_path, name, plan, module):
    """Spikes of a short run."""
    with RunFolder.create(tmp_path / name) as folder:
        folder.write_plan(plan.to_dict())
        simulate(plan, module, folder)
        result = folder.finish()
    return {population: result.spikes(population) for population in plan.spike_populations}, result


def shortened(plan, **changes):
    window = {"t_presim": 50.0, "t_sim": 100.0, "spike_start": 50.0, "spike_stop": 150.0, "recorders": ()}
    return dataclasses.replace(plan, **{**window, **changes})


def test_same_seed_same_spikes(tmp_path, module, small_plan):
    plan = shortened(small_plan)
    first, _ = quick(tmp_path, "first", plan, module)
    again, _ = quick(tmp_path, "again", plan, module)
    other, _ = quick(tmp_path, "other", dataclasses.replace(plan, seed=plan.seed + 1), module)
    for name, spikes in first.items():
        np.testing.assert_array_equal(spikes.times, again[name].times)
        np.testing.assert_array_equal(spikes.node_ids, again[name].node_ids)
    assert sum(map(len, first.values())) > 60
    assert any(not np.array_equal(first[name].times, other[name].times) for name in first)


def test_readouts_do_not_change_the_simulation(tmp_path, module, small_plan, monkeypatch):
    """Draining every 20 ms (cleaning NEST up and preparing it again) gives what an undisturbed run gives."""
    trace = RecorderPlan("SNr", (0, 2, 5), ("V_m",), 0.1, 50.0, 150.0)
    plan = shortened(small_plan, recorders=(trace,))
    whole, one = quick(tmp_path, "whole", plan, module)
    monkeypatch.setattr("network.engine.session.DRAIN_MS", 20.0)
    pieces, many = quick(tmp_path, "pieces", plan, module)
    np.testing.assert_array_equal(one.report("SNr", "V_m").values, many.report("SNr", "V_m").values)
    assert len(one.report("SNr", "V_m").times) == 1000
    for name, spikes in whole.items():
        np.testing.assert_array_equal(spikes.times, pieces[name].times)
        np.testing.assert_array_equal(spikes.node_ids, pieces[name].node_ids)


def test_traces_do_not_depend_on_who_writes_them_down(tmp_path, module, small_plan, monkeypatch):
    """States, inlines and counts of the drive; cells in any order; every step or fewer, from any time on; threads."""
    monkeypatch.setattr("network.engine.session.DRAIN_MS", 35.0)
    traces = (
        RecorderPlan("SNr", (5, 0, 2), ("V_m", "g_gaba_gpe"), 0.1, 0.0, 150.0, "every_step"),
        RecorderPlan("SNr", (2, 4), ("w", "V_m"), 0.7, 50.0, 120.3, "some"),
        RecorderPlan("MSN_D1", tuple(range(0, 400, 7)), ("drive_count", "u", "V_m"), 5.0, 33.0, 150.0, "many"),
        RecorderPlan("STN", (1,), ("V_m",), 200.0, 0.0, 150.0, "never"),
    )
    plan = shortened(small_plan, recorders=traces)
    _, cells = quick(tmp_path, "cells", dataclasses.replace(plan, recording="internal", threads=2), module)
    _, device = quick(tmp_path, "device", dataclasses.replace(plan, recording="device"), module)
    written = sorted(path.relative_to(device.path) for path in device.path.rglob("*.h5"))
    assert written == sorted(path.relative_to(cells.path) for path in cells.path.rglob("*.h5")) and len(written) > 1
    shapes = {}
    for trace in traces:
        for variable in trace.variables:
            found, expected = (run.report(trace.population, variable, trace.name) for run in (cells, device))
            np.testing.assert_array_equal(found.values, expected.values)
            np.testing.assert_array_equal(found.times, expected.times)
            np.testing.assert_array_equal(found.node_ids, expected.node_ids)
            assert found.values.dtype == expected.values.dtype
            shapes[trace.name] = found.values.shape
            assert not found.values.size or found.values.std() > 0.0
    # the first sample belongs to the end of the first step
    assert shapes == {"every_step": (1499, 3), "some": (100, 2), "many": (23, 58), "never": (0, 1)}


def test_only_the_window_is_recorded(tmp_path, module, small_plan):
    """Windows are right-open: no spike at the end of the run, none before the start."""
    trace = RecorderPlan("STN", (3, 1), ("V_m", "w"), 0.5, 50.0, 150.0, "fine")
    other = RecorderPlan("STN", (1, 0, 2), ("V_m",), 2.0, 100.0, 120.0, "coarse")
    plan = shortened(small_plan, recorders=(trace, other))
    spikes, result = quick(tmp_path, "run", plan, module)
    times = np.concatenate([train.times for train in spikes.values()])
    assert 50.0 <= times.min() < 55.0 and 140.0 < times.max() < 150.0
    report = result.report("STN", "V_m", "fine")
    assert report.times[0] == pytest.approx(50.0) and np.allclose(np.diff(report.times), 0.5)
    assert list(report.node_ids) == [1, 3]
    assert report.values.shape == (200, 2)
    assert -120.0 < report.values.min() < report.values.max() <= 15.0
    assert len(set(report.values[:, 0])) > 100
    # another trace of the same variable has a file of its own, and agrees where both have recorded
    coarse = result.report("STN", "V_m", "coarse")
    assert coarse.times.tolist() == pytest.approx([100.0 + 2.0 * k for k in range(10)])
    assert list(coarse.node_ids) == [0, 1, 2]
    np.testing.assert_array_equal(coarse.values[:, 1], report.values[100:140:4, 0])
    assert result.report("STN", "w").trace == "fine"
    assert result.reports == (("STN", "V_m"), ("STN", "w"))
    with pytest.raises(RunMissingError, match="by several traces; name one of them: coarse, fine"):
        result.report("STN", "V_m")
    with pytest.raises(RunMissingError, match="by a trace 'other'; traces: coarse, fine"):
        result.report("STN", "V_m", "other")


def test_node_ids_are_those_of_the_population(tmp_path, module, small_plan):
    spikes, _ = quick(tmp_path, "run", shortened(small_plan), module)
    for name, train in spikes.items():
        assert train.n_neurons == small_plan.population(name).n_neurons
        assert len(train) == 0 or train.node_ids.max() < train.n_neurons
    fired = np.unique(spikes["STN"].node_ids).size / spikes["STN"].n_neurons
    assert fired > 0.5  # 12 spikes/s for 0.1 s: about 70 % of the cells


def test_a_run_seals_its_folder_and_keeps_it(tmp_path):
    """With the example under "Change a parameter" in the README: two traces of STN record the same variables."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```yaml\n(# my_experiment\.yaml\n.*?)```", readme, re.DOTALL)
    (tmp_path / "my_experiment.yaml").write_text(text, encoding="utf-8")
    changes = ["network.n_neurons=1000", "network.small_network=multapses"]
    changes += ["simulation.t_presim=10", "simulation.t_sim=20"]
    experiment = load_experiment(tmp_path / "my_experiment.yaml", overrides=changes)
    done = run(experiment, out=tmp_path / "run")
    done.verify()
    assert done.report("STN", "V_m", "stn").node_ids.tolist() == [0, 1, 2, 3, 4]
    assert (len(done.report("STN", "V_m", "STN").times), len(done.report("STN", "g_ampa").times)) == (200, 40)
    assert done.record["status"] == "complete"
    assert done.record["n_synapses"] == sum(p["n_synapses"] for p in done.plan["projections"])
    assert {"compile", "create", "connect", "prepare", "presimulate", "simulate"} <= set(done.timers["seconds"])
    assert done.record["versions"]["nest"].startswith("3.")
    with pytest.raises(RunExistsError):
        run(experiment, out=tmp_path / "run")


@pytest.mark.parametrize("limit", ["OMP_THREAD_LIMIT=1", "OMP_MAX_ACTIVE_LEVELS=0", "OMP_DYNAMIC=true"])
def test_as_many_threads_begin_as_were_asked_for(limit):
    """NEST believes that it has the threads it asked OpenMP for; cells of those that never began could not be read."""
    name, _, value = limit.partition("=")
    code = (
        "import os; from network.engine.nest.kernel import import_nest\n"
        f"nest = import_nest(); nest.ResetKernel(); nest.local_num_threads = 4; print(os.environ['{name}'])\n"
        "print(len(nest.Create('iaf_psc_alpha', 9).get('V_m')))"
    )
    options = {"cwd": Path(__file__).parents[2], "env": {**os.environ, name: value}}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0 and done.stdout == f"{value}\n9\n", done.stderr
