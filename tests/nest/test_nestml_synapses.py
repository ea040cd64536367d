"""Dopamine-modulated plasticity of NESTML in NEST: its weights are those of the rule, and it learns what it should."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

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


def by_hand(pre, post, dopamine, weight, p, delay):
    """Weight after every spike of the source: eligibility c, dopamine n and two traces, solved from event to event."""
    events = [(time, 2) for time in pre] + [(time + delay, 1) for time in post] + [(time, 0) for time in dopamine]
    w, n, c, x, y, last, found = weight, p["n"], 0.0, 0.0, 0.0, 0.0, []
    tau_s = (p["tau_c"] + p["tau_n"]) / (p["tau_c"] * p["tau_n"])
    for time, kind in sorted((round(time, 6), kind) for time, kind in events):
        h, last = time - last, time
        w -= c * (n / tau_s * np.expm1(-tau_s * h) - p["b"] * p["tau_c"] * np.expm1(-h / p["tau_c"]))
        c, n = c * np.exp(-h / p["tau_c"]), n * np.exp(-h / p["tau_n"])
        x, y = x * np.exp(-h / p["tau_tr_pre"]), y * np.exp(-h / p["tau_tr_post"])
        if kind == 0:
            n += 1.0 / p["tau_n"]
        elif kind == 1:
            y, c = y + 1.0, c + p["A_plus"] * x
        else:
            x, c = x + 1.0, c - p["A_minus"] * y
            found.append(w)
    return found


def test_weights_are_those_of_the_rule(run):
    plan = make_plan(load_experiment("corticostriatal/reward"))
    (projection,) = (p for p in plan.projections if p.name == "A_to_MSN")
    weights, spikes = run.weights("A"), {name: run.spikes(name) for name in ("CTX_A", "MSN", "SNc")}

    def train(name, cell):
        return spikes[name].loc[spikes[name]["cell"] == cell, "time_ms"]

    # NESTML 9.0.0 takes several spikes of the modulator within a step for one
    dopamine, delay = np.unique(spikes["SNc"]["time_ms"].round(4)), projection.delay
    made, wanted = [], []
    for source, target in weights.columns[::97]:
        first, *_, last = weights[source, target]
        trains = train("CTX_A", source), train("MSN", target)
        made.append(last - first)
        wanted.append(by_hand(*trains, dopamine, first, projection.synapse.parameters, delay)[-1] - first)
    # and spikes of the source at the end of a slice of the simulation
    assert np.corrcoef(made, wanted)[0, 1] > 0.97 and np.abs(np.subtract(made, wanted)).max() < 0.3 * np.mean(wanted)
