"""Currents of synapses summed over the cells of a population."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import yaml

import network
from network.analysis import plots
from network.analysis.field import read_field
from network.analysis.targets.judge import judge_run
from network.analysis.targets.windows import Targets
from network.engine.sums import GRAIN, Sums
from network.errors import RunMissingError, SpecError
from network.experiment import load_experiment
from network.plans import make_plan
from network.plans.parts import Segment

MS = {"unit": "ms", "assumed": "t"}


def experiment(tmp_path, **fields):
    """A small network that nobody simulates, with fields."""
    content = {
        "overlay_of": "chakravarty2022/pd_triphasic",
        "simulation": {"t_presim": 0, "t_sim": 200, "mock": {"rate": {"value": 5, "unit": "spikes/s", "assumed": "t"}}},
        "recording": {"fields": fields},
    }
    (tmp_path / "e.yaml").write_text(yaml.safe_dump(content))
    return tmp_path / "e.yaml"


def field(**more):
    return {"population": "STN", "interval": {"value": 1.0, **MS}, **more}


class Alone:
    """An engine of one rank."""

    def can_sum(self):
        return True

    def summed(self, values):
        return values


@pytest.fixture
def plan(tmp_path):
    return make_plan(load_experiment(experiment(tmp_path, lfp=field())))


def samples(plan, n_times=7):
    rng = np.random.default_rng(2)
    (recorder,) = plan.recorders
    shape = (n_times, len(recorder.node_ids))
    values = {"V_m": rng.uniform(-70, -50, shape), "g_exc": rng.uniform(0, 5, shape), "g_inh": rng.uniform(0, 9, shape)}
    return 1.0 + np.arange(n_times), {**values, "active": np.ones(shape)}


def test_a_sum_is_that_of_all_cells(plan):
    (recorder,) = plan.recorders
    assert recorder.variables == ("active", "g_exc", "V_m", "g_inh") and len(recorder.node_ids) == 388
    times, values = samples(plan)
    params = plan.population("STN").params
    found = Sums(plan, recorder, np.arange(388), Alone()).frames(times, values)
    exc = (values["g_exc"] * (params["E_rev_exc"] - values["V_m"])).sum(axis=1)
    inh = (values["g_inh"] * (params["E_rev_inh"] - values["V_m"])).sum(axis=1)
    for name, expected in (("I_exc", exc), ("I_inh", inh), ("I_syn", exc + inh)):
        assert found[name].shape == (7, 1)
        np.testing.assert_allclose(found[name][:, 0], expected, rtol=0, atol=388 * GRAIN)
    assert (exc > 1e4).all() and (inh < -1e3).all()


def test_any_split_of_the_cells_gives_the_same_sum_to_the_last_bit(plan):
    (recorder,) = plan.recorders
    times, values = samples(plan)
    whole = Sums(plan, recorder, np.arange(388), Alone()).frames(times, values)
    parts = []
    for ids in (np.arange(0, 388, 3), np.arange(1, 388, 3), np.arange(2, 388, 3)):
        of_part = {name: of[:, ids] for name, of in values.items()}
        parts.append(Sums(plan, recorder, ids, Alone()).frames(times, of_part))
    for name, expected in whole.items():
        assert (sum(part[name] for part in parts) == expected).all(), name


def test_a_rank_without_cells_takes_part(plan):
    (recorder,) = plan.recorders
    others = [np.array([14.0, 2.0]), np.full((7, 3), 5.0)]

    class Second(Alone):
        def summed(self, values):
            return values + others.pop(0)

    found = Sums(plan, recorder, np.arange(0), Second()).frames(np.empty(0), {})
    assert not others and all((of == 5.0).all() and of.shape == (7, 1) for of in found.values())


def test_parameters_that_change_during_the_run_change_from_the_next_step_on(plan):
    (recorder,) = plan.recorders
    times, values = samples(plan)
    changed = replace(plan, segments=(Segment(3.0, None, {"STN": {"E_rev_inh": -64.0}}),))
    before, after = (
        Sums(one, recorder, np.arange(388), Alone()).frames(times, values)["I_inh"] for one in (plan, changed)
    )
    assert (before[:3] == after[:3]).all() and (before[3:] != after[3:]).all()
    expected = (values["g_inh"] * (-64.0 - values["V_m"])).sum(axis=1)
    np.testing.assert_allclose(after[3:, 0], expected[3:], atol=388 * GRAIN)


def test_a_run_keeps_the_sums_and_no_cell(tmp_path):
    """In a mock run all variables are the same wave of 10 Hz, which the proxies see."""
    fields = {"lfp": field(), "inhibition": field(receptors=["inh"], cells=3)}
    run = network.load(experiment(tmp_path, **fields)).run(out=tmp_path / "run", progress=False)
    assert list(run.field("inhibition").columns) == ["I_inh", "I_syn", "absolute", "weighted"]
    table = run.field("lfp")
    assert len(table) == 199 and table.attrs == {"population": "STN", "units": "pA"}
    cells = np.arange(388)[None, :]
    wave = -60.0 + 5.0 * np.sin(2.0 * np.pi * table.index.to_numpy()[:, None] / 100.0 + cells)
    params = run.plan.population("STN").params
    np.testing.assert_allclose(table["I_exc"], (wave * wave * (params["E_rev_exc"] - wave)).sum(axis=1), rtol=1e-5)
    with pytest.raises(RunMissingError, match="no trace"):
        run.traces("STN")
    with pytest.raises(RunMissingError, match="name one of them: inhibition, lfp"):
        run.field()
    assert {path.name for path in run.path.glob("report_*")} == {
        *("report_STN_I_exc.h5", "report_STN_I_inh-lfp.h5", "report_STN_I_inh-inhibition.h5"),
        *("report_STN_I_syn-lfp.h5", "report_STN_I_syn-inhibition.h5"),
    }
    found = read_field(run.reader, "inhibition")
    frequencies, power = found.spectrum("absolute")
    assert frequencies[1:][np.argmax(power[1:])] == pytest.approx(10.0, abs=5.1)
    windows = {"field_peak_frequency": {"lfp": (4.0, 16.0), "inhibition": (30.0, 40.0), "none": (0.0, 1.0)}}
    peaks = judge_run(run.reader, Targets("x", "y", windows, {}, (), "", None)).of("field_peak_frequency")
    assert not len(peaks)  # one of the three is not there: the note says it
    del windows["field_peak_frequency"]["none"]
    peaks = judge_run(run.reader, Targets("x", "y", windows, {}, (), "", None)).of("field_peak_frequency")
    assert dict(peaks["verdict"]) == {"lfp": "pass", "inhibition": "low"}
    left, right = plots.field(found).axes
    np.testing.assert_allclose(left.lines[1].get_ydata(), found.currents["I_inh"] / 1000.0)
    assert [line.get_label() for line in right.lines] == ["sum", "absolute", "weighted"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"population": "STM"}, "no population 'STM'; did you mean 'STN'"),
        ({"receptors": ["exx"]}, "no receptor 'exx'; did you mean 'exc'"),
        ({"interval": {"value": 0.25, **MS}}, "0.25 ms is not a multiple of the time step of 0.1 ms"),
        ({"start": {"value": 300.0, **MS}}, "200 ms is not after the start at 300 ms"),
    ],
)
def test_wrong_fields_are_refused_with_their_place(tmp_path, change, problem):
    with pytest.raises(SpecError) as refused:
        load_experiment(experiment(tmp_path, lfp=field(**change)))
    assert "recording.fields.lfp" in str(refused.value) and problem in str(refused.value)
