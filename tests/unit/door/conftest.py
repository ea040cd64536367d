"""A run on disk whose spikes are drawn, not simulated: what the front door reads does not depend on who made it."""

from __future__ import annotations

from pathlib import Path

import bgnest
import numpy as np
import pytest
from bgnest.experiment import dump_experiment
from bgnest.runs import RunFolder

TRACE = {"population": "STN", "cells": 2, "variables": ["V_m", "w"], "interval": 1.0}


@pytest.fixture(scope="session")
def experiment() -> bgnest.door.Experiment:
    changes = {"network.small_network": "multapses", "recording.traces.stn": TRACE}
    return bgnest.load("lindahl2016/activation_control", changes=changes, n_neurons=1000, t_sim=300, t_presim=100)


def write_run(experiment: bgnest.door.Experiment, path: Path, rate: float = 20.0) -> Path:
    """Every cell fires at random with a rate; the recorded cells of STN have ramps."""
    rng, plan = np.random.default_rng(3), experiment.plan()
    start, stop = plan.t_presim, plan.t_presim + plan.t_sim
    with RunFolder.create(path) as folder:
        folder.write_params(dump_experiment(experiment.spec))
        folder.write_plan(plan.to_dict())
        with folder.spike_writer(plan.spike_populations) as writer:
            for population in plan.populations:
                n = rng.poisson(population.n_neurons * rate * plan.t_sim / 1000.0)
                times = np.round(rng.uniform(start, stop - 0.1, n), 1)
                writer.append(population.name, times, rng.integers(0, population.n_neurons, n))
        for variable, units in (("V_m", "mV"), ("w", "pA")):
            options = {"units": units, "start": start, "interval": 1.0, "trace": "stn"}
            with folder.report_writer("STN", variable, [0, 1], **options) as report:
                ramp = np.arange(plan.t_sim)
                report.append(np.stack([ramp, -ramp], axis=1))
        folder.finish(network_hash=plan.network_hash, simulation_hash=plan.simulation_hash)
    return path


@pytest.fixture(scope="session")
def run(experiment, tmp_path_factory) -> bgnest.door.Run:
    return bgnest.open_run(write_run(experiment, tmp_path_factory.mktemp("runs") / "drawn"))
