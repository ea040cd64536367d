"""Dopamine-modulated plasticity of NESTML in NEST: its weights are those of the rule, and it learns what it should."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from protocol import differences, simulate
from rules import Neuromodulated, follow

import network
from network.experiment import load_experiment
from network.plans import make_plan

pytestmark = pytest.mark.skipif(
    not (Path(sys.prefix) / "models" / "synapses").is_dir(), reason="NESTML's models are not installed"
)
T_SIM = 3500.0


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One cue A with reward, one cue B without."""
    experiment = network.load("corticostriatal/reward", t_sim=T_SIM)
    return experiment.run(out=tmp_path_factory.mktemp("learning") / "run", progress=False)


def test_what_comes_before_dopamine_is_strengthened_and_nothing_else(run):
    rewarded, other = (run.weights(name).mean(axis=1) for name in ("A", "B"))
    before, after = rewarded.loc[1000.0], rewarded.loc[1500.0]
    assert after > 1.02 * before  # within the half second of the burst
    assert abs(other.loc[1500.0] / other.loc[1000.0] - 1.0) < 0.5 * (after / before - 1.0)
    assert abs(other.iloc[-1] / other.loc[2000.0] - 1.0) < 0.5 * (after / before - 1.0)


def test_weights_are_those_of_the_rule(run):
    plan = make_plan(load_experiment("corticostriatal/reward"))
    (projection,) = (p for p in plan.projections if p.name == "A_to_MSN")
    synapse = projection.synapse
    weights, spikes = run.weights("A"), {name: run.spikes(name) for name in ("CTX_A", "MSN", "SNc")}

    def train(name, cell):
        return spikes[name].loc[spikes[name]["cell"] == cell, "time_ms"].to_numpy()

    dopamine = spikes["SNc"]["time_ms"].to_numpy() + synapse.modulator_delay
    assert np.unique(dopamine.round(4)).size < dopamine.size  # several in a step count as several
    changes = []
    for source, target in weights.columns[::97]:
        first, *_, last = weights[source, target]
        rule = Neuromodulated(synapse.parameters, first)
        # a slice of the simulation later spikes of the source are still on their way
        until = T_SIM - plan.min_delay
        follow(
            rule, train("CTX_A", source), train("MSN", target), delay=projection.delay, modulator=dopamine, until=until
        )
        assert last == pytest.approx(rule.w, rel=1e-9)
        changes.append(abs(last - first))
    assert np.mean(changes) > 0.01


def test_a_synapse_that_hears_its_source_only_ends_on_fast_cells(tmp_path):
    run, min_delay = simulate(["tsodyks_synapse"], tmp_path)
    assert run.plan.target == "vectorised" and not run.plan.targets
    found = differences(run, ["tsodyks_synapse"], min_delay)["tsodyks_synapse"]
    assert found["n"] > 100 and found["change"] > 0.5
    assert found["largest"] < 1e-6  # a trace has single precision
