"""Cells with all kinds of ports in one network, by their own names: any code and wiring does the same with the input.

Ports for weights of either sign, vectors of ports, currents, kernels, steps of the potential (the models of
``tests/nestml/inputs_cells.py``).
"""

from __future__ import annotations

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml

import network
from network.experiment.nestml import model_interfaces

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "nestml"))
from inputs_cells import MODELS

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

N, T_SIM = 4, 200.0
WEIGHTS = {
    "in_terms": {"exc": (90.0, "pA"), "inh": (-25.0, "pA"), "other": (30.0, "pA"), "third": (0.8, "mV")},
    "in_functions": {"spikes_0": (6.0, "nS"), "spikes_1": (1.0, "nS")},
    "in_statements": {"first": (60.0, "pA"), "second": (15.0, "pA"), "third": (0.8, "mV")},
}
SHORT_TERM = {"U": (0.5, "1"), "tau_rec": (100.0, "ms"), "tau_fac": (0.0, "ms"), "tau_psc": (3.0, "ms")}
UNDECIDED = {"in_statements": ("second",)}
"""Ports of which the text does not say what a spike is."""


def given(value, unit):
    return {"value": value, "unit": unit, "assumed": "test"}


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("BGNEST_MODELS", str(tmp_path))
    for name, text in MODELS.items():
        (tmp_path / f"{name}.nestml").write_text(text)
    return model_interfaces()


def content():
    """Network without input: the three populations."""
    return {
        "meta": {"model": "own", "title": "ports"},
        "network": {},
        "populations": {
            name: {
                "label": name,
                "model": name,
                "n_neurons": given(N, "1"),
                "defaults": "model",
                "receptors": {port: {"kind": "current"} for port in UNDECIDED.get(name, ())},
            }
            for name in MODELS
        },
        "simulation": {
            "resolution": given(0.1, "ms"),
            "t_presim": given(0.0, "ms"),
            "t_sim": given(T_SIM, "ms"),
        },
        "recording": {
            "traces": {
                name: {"population": name, "cells": N, "variables": ["V_m"], "interval": given(0.1, "ms")}
                for name in MODELS
            }
        },
    }


@pytest.fixture
def chain(models, tmp_path):
    """Spikes from a file and currents come to all ports, and the spikes of one population to all ports of the next.

    The last has equations that are solved numerically: nobody hears that its spikes may be a step later.
    """
    rng = np.random.default_rng(3)
    times, ids = np.round(rng.uniform(1.0, T_SIM - 10.0, 800), 1), rng.integers(0, 30, 800)
    order = np.argsort(times, kind="stable")
    with h5py.File(tmp_path / "spikes.h5", "w") as file:
        group = file.create_group("spikes/outside")
        group["timestamps"], group["node_ids"] = times[order], ids[order].astype(np.uint64)
        group["timestamps"].attrs["units"] = "ms"
    net = content() | {"projections": {}, "spike_inputs": {}, "currents": {}}
    for source, target in ((None, "in_terms"), ("in_terms", "in_statements"), ("in_statements", "in_functions")):
        for port, weight in WEIGHTS[target].items():
            ends = {"source": source, "target": target, "receptor": port, "weight": given(*weight)}
            every = {"connect": {"rule": "all_to_all"}, "delay": given(1.5, "ms")}
            net["projections"] |= {f"{source}_to_{port}": {**ends, **every}} if source else {}
            net["spike_inputs"][f"outside_to_{target}_{port}"] = {
                "target": target,
                "file": str(tmp_path / "spikes.h5"),
                "weights": {port: given(*weight)},
                "delay": given(1.5, "ms"),
                "in_degree": given(20, "1"),
            }
        short_term = {
            **ends,
            "connect": {"rule": "one_to_one"},
            "delay": given(2.0, "ms"),
            "synapse": {"kind": "tsodyks", **{key: given(*value) for key, value in SHORT_TERM.items()}},
        }
        net["projections"] |= {f"{source}_short_term": short_term} if source else {}
        for port in models[target].currents:
            steps = {"times": given([40.0, 120.0], "ms"), "amplitudes": given([300.0, 0.0], "pA")}
            net["currents"][f"{target}_{port}"] = {"target": target, "port": port, **steps}
    (tmp_path / "chain.yaml").write_text(yaml.safe_dump(net, sort_keys=False))
    return tmp_path / "chain.yaml"


def of(run, name):
    """Spikes of a population, sorted, and its traces, a column per cell."""
    spikes = run.spikes(name).sort_values(["cell", "time_ms"])
    return spikes, run.traces(name).pivot_table(index="time_ms", columns="cell", values="V_m").to_numpy()


def test_any_code_and_wiring_does_the_same_with_the_same_input(chain, tmp_path):
    changes = {
        "plain": {"simulation.target": "plain"},
        "nest": {"simulation.target": "vectorised", "simulation.wiring": "nest"},
        "compact": {"simulation.target": "vectorised", "simulation.wiring": "compact"},
    }
    runs = {
        name: network.load(chain).with_changes(change).run(out=tmp_path / name, progress=False)
        for name, change in changes.items()
    }
    for name in MODELS:
        spikes, traces = of(runs["plain"], name)
        assert len(spikes) > 2 * N and np.ptp(traces) > 5.0
        for other in ("nest", "compact"):
            theirs, seen = of(runs[other], name)
            assert theirs["cell"].tolist() == spikes["cell"].tolist(), (name, other)
            late = np.abs(theirs["time_ms"].to_numpy() - spikes["time_ms"].to_numpy())
            exact = name != "in_functions"
            assert late.max() < (0.01 if exact else 0.11), (name, other)
            # where a spike is a step later the potential is for a while the one of a step before
            assert np.quantile(np.abs(seen - traces), 1.0 if exact else 0.5) < (1e-4 if exact else 0.05), (name, other)


PORTS = [("exc", "spikes_0"), ("inh", "spikes_1"), ("other", None), ("third", None)]
"""Ports of two populations that are driven at a time."""


@pytest.mark.parametrize("ports", PORTS)
def test_input_drawn_by_the_cells_has_the_sign_and_size_of_that_of_generators(ports, models, tmp_path):
    """A strong mean at one port of a population."""
    driven = {name: port for name, port in zip(("in_terms", "in_functions"), ports, strict=True) if port}
    net = content()
    net["inputs"] = {
        name: {
            "target": name,
            "rate": given(10_000.0, "spikes/s"),
            "weights": {port: given(WEIGHTS[name][port][0] / 40.0, WEIGHTS[name][port][1])},
            "delay": given(1.0, "ms"),
        }
        for name, port in driven.items()
    }
    (tmp_path / "net.yaml").write_text(yaml.safe_dump(net, sort_keys=False))
    shifts = {}
    for drive in ("internal", "device"):
        loaded = network.load(tmp_path / "net.yaml").with_changes(
            {"simulation.drive": drive, "simulation.target": "vectorised"}
        )
        run = loaded.run(out=tmp_path / drive, progress=False)
        shifts[drive] = {name: of(run, name)[1][500:].mean() - of(run, name)[1][0].mean() for name in driven}
    for name in driven:
        assert abs(shifts["internal"][name]) > 0.1, name
        assert shifts["internal"][name] == pytest.approx(shifts["device"][name], rel=0.15), name
