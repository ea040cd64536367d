"""One compiled module and a few small plans for all tests that build networks in this process.

NEST cannot unload a module, so every test of this folder uses the same one.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from network import codegen
from network.experiment import load_experiment
from network.plans import Plan, make_plan

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts" / "synapses"))

MODELS = ("aeif_gpe", "aeif_stn", "qif_fsn", "qif_msn")


@pytest.fixture(scope="session")
def module() -> codegen.BuiltModule:
    """All models of the Lindahl network, vectorised."""
    return codegen.build(MODELS, target="vectorised")


@pytest.fixture(scope="session")
def small_plan() -> Plan:
    """Activation, control, 1,000 neurons: in-degrees exceed the smallest populations, so sources repeat there."""
    return small_network()


@pytest.fixture(scope="session")
def make_small():
    """Make other small plans: state, size, threads, any field of the plan."""
    return small_network


def small_network(
    state: str = "activation_control", n_neurons: int = 1000, threads: int = 1, **changes: object
) -> Plan:
    """Plan of a small network; ``changes`` replace fields of the plan."""
    overrides = [f"network.n_neurons={n_neurons}", "network.small_network=multapses"]
    plan = make_plan(load_experiment(f"lindahl2016/{state}", overrides=overrides), threads=threads)
    return dataclasses.replace(plan, **changes)  # type: ignore[arg-type]
