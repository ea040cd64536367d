"""Cells that NEST does not update are hidden from its loop while it runs, and from nobody else."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from network.engine.nest import kernel
from network.engine.nest.build import build
from network.engine.nest.engine import NestSimulation
from network.engine.nest.network import Network

pytestmark = [pytest.mark.nest, pytest.mark.nestml]


def simulated(plan, module) -> tuple[NestSimulation, dict[str, np.ndarray]]:
    """A network after two runs of 30 ms, with a frozen cell that is awake in the second; its spikes."""
    kernel.reset(plan, module.path)
    simulation = NestSimulation(build(plan, module))
    first = simulation._network.populations["FSN"][0]
    first.frozen = True
    simulation.prepare()
    simulation.run(30.0)
    first.frozen = False
    simulation.run(30.0)
    found = {}
    for source in simulation.spikes:
        times, ids = source.collect(whole=True)
        found[f"{source.population} times"], found[f"{source.population} ids"] = times, ids
    return simulation, found


@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_spikes_with_and_without_hiding(module, make_small, monkeypatch, threads):
    plan = make_small(threads=threads, t_presim=0.0, t_sim=60.0, spike_start=0.0, spike_stop=60.0)
    _, hidden = simulated(plan, module)
    monkeypatch.setattr(Network, "shortened_loop", lambda network: contextlib.nullcontext())
    _, shown = simulated(plan, module)
    assert sum(map(len, hidden.values())) > 100
    for name, values in hidden.items():
        np.testing.assert_array_equal(shown[name], values, err_msg=name)


def test_nest_finds_every_cell_between_runs_and_none_of_them_meanwhile(module, make_small):
    plan = make_small(threads=2, t_presim=0.0, t_sim=60.0, spike_start=0.0, spike_stop=60.0)
    simulation, _ = simulated(plan, module)
    cells = simulation._network.populations["MSN_D1"]
    capacities = np.array(cells.get("C_m"))
    assert len(set(capacities)) > 0.9 * len(capacities)  # each its own
    with simulation._network.shortened_loop():
        assert len(set(cells.get("C_m"))) < 0.1 * len(capacities)
    assert np.array_equal(cells.get("C_m"), capacities)


def test_nothing_is_hidden_where_synapses_know_cells_by_their_place(module, make_small):
    network = Network(make_small(), module)
    assert not isinstance(network.shortened_loop(), contextlib.nullcontext)
    network.small_synapses.add("any")
    assert isinstance(network.shortened_loop(), contextlib.nullcontext)
