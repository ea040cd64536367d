"""The experiments of the publication: every variant loads, and changes what its title says."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from network.cli.main import app
from network.errors import SpecError
from network.experiment import list_experiments, list_variants, load_experiment
from network.plans import make_plan

FIGURES = ("dopamine_knockouts", "striatal_inhibition", "action_selection", "lesions_recovery")


def plan(name, *overrides):
    return make_plan(load_experiment(f"lindahl2016/{name}", overrides=overrides))


def differences(first, second):
    """Parameters of populations and fields of projections that differ."""
    found = set()
    for a, b in zip(first.populations, second.populations, strict=True):
        found |= {(a.name, key) for key in a.params if a.params[key] != b.params[key]}
    for a, b in zip(first.projections, second.projections, strict=True):
        found |= {(a.name, key) for key in ("in_degree", "weight", "synapse") if getattr(a, key) != getattr(b, key)}
    return found


@pytest.fixture(scope="module")
def intact():
    return plan("dopamine_knockouts@intact")


def test_experiments_are_listed_and_have_variants():
    listed = list_experiments()
    for name in FIGURES:
        assert listed[f"lindahl2016/{name}"].startswith("Figure")
        assert len(list_variants(f"lindahl2016/{name}")) >= 4
    assert list_variants("lindahl2016/activation_control") == {}


def test_the_command_lists_variants_with_their_titles():
    shown = CliRunner().invoke(app, ["list", "lindahl2016/dopamine_knockouts"])
    lines = [line.split(maxsplit=1) for line in shown.output.splitlines()]
    assert len(lines) == 23
    assert ["E_L_GPe", "resting potential of GPe"] in lines


def test_nineteen_mechanisms_undo_depletion_together(intact):
    """Each mechanism moves something, no two the same, and all of them are everything that dopamine does."""
    control = plan("activation_control")
    whole = differences(intact, control)
    sets = ("intact", "striatum", "extrastriatal", "all")
    single = [name for name in list_variants("lindahl2016/dopamine_knockouts") if name not in sets]
    assert len(single) == 19
    moved = [differences(intact, plan(f"dopamine_knockouts@{name}")) for name in single]
    assert all(moved)
    assert sum(len(m) for m in moved) == len(set().union(*moved))
    assert set().union(*moved) == whole
    assert differences(control, plan("dopamine_knockouts@all")) == set()


def test_striatum_and_the_rest_are_all(intact):
    inner, outer = (differences(intact, plan(f"dopamine_knockouts@{name}")) for name in ("striatum", "extrastriatal"))
    assert not inner & outer
    assert inner | outer == differences(intact, plan("activation_control"))
    assert {name for name, _ in outer} == {"GPe_TI_N", "GPe_TI_S", "GPe_TA", "STN", "SNr"}


def test_striatal_inhibition_keeps_only_what_it_names():
    def striatal(name):
        made = plan(f"striatal_inhibition@{name}").projections
        return {p.name for p in made if p.target.startswith("MSN")}

    msn = {f"MSN_{a}_to_MSN_{b}" for a in ("D1", "D2") for b in ("D1", "D2")}
    fsn, ta = {f"FSN_to_MSN_{a}" for a in ("D1", "D2")}, {f"GPe_TA_to_MSN_{a}" for a in ("D1", "D2")}
    assert striatal("all") == msn | fsn | ta
    assert striatal("only_MSN") == msn
    assert striatal("only_FSN") == striatal("only_FSN_static") == fsn
    assert striatal("only_TA") == ta
    assert striatal("none") == set()
    static = [p for p in plan("striatal_inhibition@only_FSN_static").projections if p.name in fsn]
    assert all(p.synapse.name == "static" and p.weight.mean == pytest.approx(1.8) for p in static)


def test_lesions_and_recovery_scale_weights(intact):
    before = {p.name: p for p in intact.projections}
    for name in list_variants("lindahl2016/lesions_recovery"):
        kind = name.split("_")[0]
        made = plan(f"lesions_recovery@{name}")
        if kind in ("lesion", "strong"):
            changed = [p for p in made.projections if p.weight != before[p.name].weight]
            assert changed
            factor = {"lesion": 0.0, "strong": 5.0}[kind]
            for p in changed:
                mean = p.weight if isinstance(p.weight, float) else p.weight.mean
                assert mean == pytest.approx(factor * before[p.name].weight.mean)
        elif kind in ("excited", "inhibited"):
            sign = {"excited": 5.0, "inhibited": -5.0}[kind]
            target = name.split("_", 1)[1]
            for p in made.populations:
                step = sign if p.name.startswith(target) else 0.0
                assert p.params["I_e"] == pytest.approx(intact.population(p.name).params["I_e"] + step)


def test_the_burst_reaches_stn_with_every_pulse():
    inputs = {i.name: i for i in plan("action_selection@control_STN_pulse").inputs}
    d1, stn = inputs["CTX_to_MSN_D1_action_1"].waveform, inputs["CTX_to_STN"].waveform
    assert inputs["CTX_to_STN"].rate == pytest.approx(0.975 * 250.0)
    for pulse in range(9):
        start = 1907.0 + 1007.0 * pulse
        assert [stn.value(start + t) for t in (-1.0, 0.0, 99.0, 100.0)] == pytest.approx([1.0, 5.0, 5.0, 1.0])
        assert d1.value(start + 50.0) == pytest.approx(1 + pulse // 3)


def test_size_and_length_are_one_overlay_away():
    small = make_plan(load_experiment("lindahl2016/dopamine_knockouts@E_L_GPe", ["laptop"]))
    full = make_plan(load_experiment("lindahl2016/dopamine_knockouts@E_L_GPe", ["published"]))
    assert (small.n_neurons, full.n_neurons) == (10_000, 80_000)
    assert full.t_presim + full.t_sim == 100_000.0


def test_an_unknown_variant_lists_the_choices():
    with pytest.raises(SpecError, match=r"no variant 'E_L_GPi'.*E_L_GPe"):
        load_experiment("lindahl2016/dopamine_knockouts@E_L_GPi")
    with pytest.raises(SpecError, match="no variant 'x'"):
        load_experiment("lindahl2016/activation_control@x")


def test_dopamine_changes_as_its_variants_say():
    levels = {
        name: [(s.time, round(s.dopamine, 6)) for s in plan(f"dopamine_changes@{name}").segments]
        for name in list_variants("lindahl2016/dopamine_changes")
    }
    assert levels["burst"] == [(2000.0, 1.0), (2200.0, 0.8)]
    assert levels["dip"] == [(2000.0, 0.2), (2200.0, 0.8)]
    assert levels["step"] == [(2000.0, 0.0)]
    assert len(levels["ramp"]) == 16 and levels["ramp"][0] == (1250.0, pytest.approx(0.8 - 0.8 / 30))
    assert levels["ramp"][-1] == (2750.0, 0.0)
