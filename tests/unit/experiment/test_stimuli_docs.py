"""Every example of docs/howto/stimuli.md is an experiment that can be planned and does what its heading says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from network.experiment import load_experiment
from network.plans import make_plan
from network.runs.sonata import SpikeWriter

TEXT = (Path(__file__).parents[3] / "docs" / "howto" / "stimuli.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"^## ([^\n]+)\n(?:(?!^## ).)*?```yaml\n(.*?)```", TEXT, re.M | re.S))


@pytest.fixture
def example(tmp_path):
    """Plan of the example under a heading."""
    with SpikeWriter(tmp_path / "trains.h5", {"thalamus": 20}) as file:
        file.append("thalamus", [5.0, 12.3], [0, 19])
        file.close()

    def planned(heading):
        path = tmp_path / "example.yaml"
        path.write_text(EXAMPLES[heading], encoding="utf-8")
        return make_plan(load_experiment(path))

    return planned


def wave(plan, name):
    return next(i for i in plan.inputs if i.name == name).waveform


def test_every_heading_has_its_test():
    source = Path(__file__).read_text(encoding="utf-8")
    assert len(EXAMPLES) == 11
    assert all(f'example("{heading}")' in source for heading in EXAMPLES)


def test_constant(example):
    stn = next(i for i in example("Constant").inputs if i.name == "CTX_to_STN")
    assert stn.rate == pytest.approx(270.0) and stn.waveform is None


def test_oscillations(example):
    plan = example("Oscillations: square and sine")
    d1 = next(i for i in plan.inputs if i.name == "CTX_to_MSN_D1")
    rates = [d1.rate * d1.waveform.value(t) for t in (10.0, 35.0)]
    assert rates == pytest.approx([560.0 * (0.975 - 0.09), 560.0 * (0.975 + 0.09)])
    assert [wave(plan, "CTX_to_STN").value(t) for t in (0.0, 62.5, 125.0)] == pytest.approx([1.3, 0.7, 1.3])


def test_pulses(example):
    plan = example("Steps and pulses")
    assert [wave(plan, "CTX_to_STN").value(t) for t in (1199, 1250, 1350, 2750)] == pytest.approx([1, 5, 1, 5])
    assert [wave(plan, "CTX_to_FSN").value(t) for t in (1050, 1300, 1550, 1800)] == pytest.approx([1.2, 1.5, 2, 1])


def test_piecewise(example):
    course = wave(example("Piecewise linear"), "CTX_to_FSN")
    assert [course.value(t) for t in (0, 1300, 1399.9, 1400.1)] == pytest.approx([1, 1.5, 2, 1], abs=1e-3)


def test_bursts(example):
    parts = {i.name: i for i in example("Bursts to a fraction of the cells").inputs if i.target == "MSN_D1"}
    assert len(parts["CTX_to_MSN_D1_burst"].cells.ids) == 7594
    assert parts["CTX_to_MSN_D1_burst"].waveform.value(1250.0) == pytest.approx(3.0)


def test_actions(example):
    plan = example("Sets of actions")
    assert next(p for p in plan.projections if p.name == "MSN_D1_to_SNr").n_sets == 2
    assert set(next(i for i in plan.inputs if i.name == "CTX_to_MSN_D1_go").cells.ids) <= set(range(0, 37971, 2))


def test_spike_trains(example):
    (trains,) = example("Spike trains from a file").spike_inputs
    assert (trains.in_degree, trains.shift, set(trains.weights)) == (5, 1000.0, {"ampa", "nmda"})


def test_currents(example):
    assert [(s.time, s.params["STN"]["I_e"]) for s in example("Currents").segments] == [(1200.0, 16.0), (1700.0, 6.0)]


def test_stimulation(example):
    (pulses,) = example("Deep brain stimulation").pulses
    assert (pulses.target, pulses.axons, pulses.onsets[0]) == ("STN", 0.8, 1000.0)
    assert len(pulses.onsets) == pytest.approx(130, abs=15)


def test_dopamine(example):
    assert [(s.time, s.dopamine) for s in example("Dopamine").segments] == [(1500.0, 0.2), (1700.0, 0.8)]


def test_a_current_from_a_file_into_some_cells(example, tmp_path):
    (tmp_path / "noise.csv").write_text("time_ms,first_nA,second_nA\n0,1,0.02\n5,1,0.03\n")
    plan = example("Currents from files, and into some cells")
    base = plan.population("STN").params["I_e"]
    changes = [(s.time, {round(s.cells["STN"]["I_e"][k] - base, 9) for k in (0, 3, 7)}) for s in plan.segments]
    assert changes == [(1000.0, {20.0}), (1005.0, {30.0}), (1010.0, {0.0})]
    assert plan.segments[0].cells["STN"]["I_e"][1] == base
