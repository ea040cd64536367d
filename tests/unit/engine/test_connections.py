"""What has no synapses says so; the synapses themselves are tested with NEST (tests/nest/test_connections.py)."""

from __future__ import annotations

import pytest

from network.engine.connections import connections, unsigned
from network.errors import EngineError
from network.experiment import load_experiment
from network.plans import make_plan


def plan_of(*overrides):
    return make_plan(load_experiment("lindahl2016/activation_control", overrides=overrides))


def test_the_mock_engine_wires_nothing():
    with pytest.raises(EngineError, match=r"the mock engine plays spikes and wires nothing; remove simulation\.mock"):
        next(connections(plan_of("simulation.mock.rate=10"), ["STN_to_SNr"]))


def test_conductances_are_never_negative():
    plan = plan_of()
    assert all(unsigned(plan, projection) for projection in plan.projections)
