"""The network of Chakravarty et al. (2022), against numbers of its code that are known by hand."""

import pytest

from network.analysis.targets.windows import load_targets
from network.experiment import load_experiment
from network.plans import Cells, Uniform, make_plan

STATES = ("normal", "pd_biphasic", "pd_triphasic")

# rates of one generator from the onset on, spikes/s, steps of 1 ms
TRANSIENT = (
    *(83.1, 43.66193, 21.771249, 8.841317, 2.790898, 0.519879, 0.024115, 0.01, 0.01, 0.01, 0.01, 0.01, 0.253403),
    *(0.715238, 1.199472, 1.62779, 1.979538, 2.257282, 2.471542, 2.634351, 2.756763, 2.84808, 2.91578, 2.965717),
    *(3.002394, 3.029233, 3.048809, 3.1, 3.1),
)


@pytest.fixture(scope="module")
def plans():
    return {state: make_plan(load_experiment(f"chakravarty2022/{state}")) for state in STATES}


def projection(plan, name):
    return next(p for p in plan.projections if p.name == name)


def test_populations(plans):
    assert {p.name: p.n_neurons for p in plans["normal"].populations} == {
        **{"D1": 2000, "D2": 2000, "FSN": 80, "GPeTI": 988, "GPeTA": 329, "STN": 388, "SNr": 754}
    }
    models = {p.name: p.model for p in plans["normal"].populations}
    assert {name for name, model in models.items() if model == "adex_cond_exp"} == {"GPeTI", "GPeTA", "SNr"}
    assert plans["normal"].population("D2").initial["V_m"] == Uniform(-87.2, -45.0)


@pytest.mark.parametrize(
    ("name", "normal", "depleted"),
    [
        ("D1_to_D1", 364, 107),  # 107.7: rounded down
        ("D2_to_D1", 392, 116),
        ("D1_to_D2", 84, 24),
        ("D2_to_D2", 504, 149),
        ("FSN_to_D2", 11, 18),
        ("FSN_to_D1", 16, 16),
        ("GPeTI_to_SNr", 32, 32),
    ],
)
def test_in_degrees(plans, name, normal, depleted):
    assert projection(plans["normal"], name).in_degree == normal
    for state in STATES[1:]:
        assert projection(plans[state], name).in_degree == depleted


@pytest.mark.parametrize(
    ("name", "normal", "biphasic", "triphasic"),
    [
        ("D1_to_D1", 0.15, 0.0444, 0.0444),
        ("FSN_to_D1", 2.6, 2.6, 2.6),
        ("GPeTA_to_D2", 0.04, 0.0768, 0.0768),
        ("GPeTI_to_GPeTI", 1.3, 2.1632, 2.1632),
        ("D2_to_GPeTI", 1.08, 1.946592, 1.4976),
        ("GPeTI_to_STN", 0.3, 0.42912, 0.3576),
        ("D1_to_SNr", 15.0, 8.28, 9.9996),
        ("GPeTI_to_SNr", 52.5, 34.999986, 34.999986),
    ],
)
def test_weights(plans, name, normal, biphasic, triphasic):
    for state, weight in zip(STATES, (normal, biphasic, triphasic), strict=True):
        assert projection(plans[state], name).weight == pytest.approx(weight, rel=1e-6)


def test_projections_have_distinct_sources_and_no_autapses(plans):
    for plan in plans.values():
        assert len(plan.projections) == 22  # collaterals of STN are off
        assert not any(p.allow_autapses or p.allow_multapses or p.synapse.name != "static" for p in plan.projections)
        assert (plan.min_delay, plan.max_delay) == (1.0, 7.0)


def test_parameters_of_depleted_cells(plans):
    """Dopamine first, then what a state replaces."""
    bi, tri = (plans[state] for state in STATES[1:])
    for plan in (bi, tri):
        d1, fsn = plan.population("D1").params, plan.population("FSN").params
        assert (d1["V_th"], d1["E_L"], d1["V_reset"]) == pytest.approx((-37.62, -83.712, -83.712))
        assert (fsn["E_L"], fsn["V_reset"], fsn["V_th"]) == pytest.approx((-69.056, -69.056, -54.0))
        assert plan.population("GPeTI").params["E_L"] == pytest.approx(-63.07848)
        assert plan.population("SNr").params["E_L"] == pytest.approx(-59.799744)
    snr = bi.population("SNr").params
    assert (snr["I_e"], snr["V_reset"], snr["tau_w"], snr["b"]) == (-155.0, -49.2, 80.0, 300.0)
    assert (snr["tau_syn_exc"], snr["tau_syn_inh"]) == (2.9999, 0.34)
    snr = tri.population("SNr").params
    assert (snr["I_e"], snr["V_reset"], snr["tau_syn_exc"], snr["tau_syn_inh"]) == (195.0, -65.0, 1.6, 2.04)
    assert tri.population("STN").params["tau_syn_inh"] == 6.6


def test_inputs(plans):
    """Background and cortex: weights follow dopamine, cortex reaches the first half of the cells."""
    expected = {
        "normal": ((3.0, 3.0, 1.05), (6.75, 6.75, 14.4, 3.22)),
        "pd_biphasic": ((0.504, 3.624, 2.016), (0.35532, 10.872, 12.15, 2.1504)),
        "pd_triphasic": ((0.504, 3.624, 2.016), (1.134, 11.08944, 14.4, 6.72)),
    }
    for state, (background, cortex) in expected.items():
        weights = {i.name: i.weights["exc"] for i in plans[state].inputs}
        assert [weights[f"EXT_to_{name}"] for name in ("D1", "D2", "STN")] == pytest.approx(background)
        assert [weights[f"CTX_to_{name}"] for name in ("D1", "D2", "FSN", "STN")] == pytest.approx(cortex, rel=1e-5)
        for made in plans[state].inputs:
            # a cell draws its background; a generator makes the train from cortex
            assert made.device == made.name.startswith("CTX")
            if made.device:
                assert (made.rate, made.cells) == (31.0, Cells(0, plans[state].population(made.target).n_neurons // 2))


def test_transient():
    """Ten generators, 1 ms steps from the onset on, the baseline before and afterwards."""
    plan = make_plan(load_experiment("chakravarty2022/pd_triphasic", ["transient"]))
    assert (plan.t_presim, plan.t_sim) == (0.0, 1801.0)
    for made in plan.inputs:
        if not made.name.startswith("CTX"):
            assert made.waveform is None
            continue
        rates = [made.rate * made.waveform.mean(800.0 + k, 801.0 + k) for k in range(len(TRANSIENT))]
        assert rates == pytest.approx([10 * rate for rate in TRANSIENT], rel=1e-5)
        assert made.rate * made.waveform.value(799.9) == made.rate * made.waveform.value(829.1) == pytest.approx(31.0)


def test_trials_repeat_the_transient():
    plan = make_plan(load_experiment("chakravarty2022/normal", ["trials"]))
    cortex = next(i for i in plan.inputs if i.name == "CTX_to_STN")
    for onset in (200.0, 700.0, 50_200.0):
        assert cortex.rate * cortex.waveform.mean(onset, onset + 1.0) == pytest.approx(831.0)
        assert cortex.waveform.mean(onset - 100.0, onset) == pytest.approx(1.0)


@pytest.mark.parametrize("state", STATES)
def test_bands_hold_what_the_authors_logged(state):
    targets = load_targets("chakravarty2022", state)
    assert set(targets.bands) == {"D1", "D2", "FSN", "GPeTI", "GPeTA", "STN", "SNr"}
    for name, (low, high) in targets.bands.items():
        assert low < targets.rate("authors_log", name) < high


@pytest.mark.parametrize(
    ("state", "rates", "weights", "taus"),
    [
        (
            "restored_d2_gpeti",
            {"D2": (1855.0, 3.0), "GPeTI": (177.0, 1.25), "SNr": (3075.0, 3.1)},
            {"D2_to_GPeTI": 1.08},
            {("GPeTI", "exc"): 4.8, ("STN", "inh"): 6.6, ("SNr", "exc"): 1.6},
        ),
        (
            "restored_gpe",
            {"GPeTA": (905.0, 0.95), "GPeTI": (190.0, 1.25), "SNr": (2785.0, 3.1)},
            {"GPeTA_to_GPeTA": 0.11, "GPeTI_to_GPeTA": 0.35, "GPeTA_to_GPeTI": 1.3, "GPeTI_to_GPeTI": 1.3},
            {("GPeTI", "exc"): 4.8, ("STN", "inh"): 6.6, ("SNr", "exc"): 1.6},
        ),
        (
            "restored_stn_gpeti",
            {"STN": (2480.0, 1.05), "GPeTI": (225.0, 1.25), "SNr": (3030.0, 3.1)},
            {"STN_to_GPeTI": 0.175, "GPeTI_to_STN": 0.3},
            {("GPeTI", "exc"): 4.8, ("STN", "inh"): 1.5, ("SNr", "exc"): 1.6},
        ),
        (
            "restored_d1_snr",
            {"D1": (2365.0, 3.0), "SNr": (680.0, 3.1)},
            {"D1_to_SNr": 15.0},
            {("GPeTI", "exc"): 0.6, ("STN", "inh"): 6.6, ("SNr", "exc"): 5.7},
        ),
    ],
)
def test_what_is_restored_is_that_of_normal_dopamine_and_nothing_else(plans, state, rates, weights, taus):
    """Weights, time constants of the target, and the weights of the background of source and target (figure 6)."""
    plan, depleted = make_plan(load_experiment(f"chakravarty2022/{state}")), plans["pd_triphasic"]
    for made, before in zip(plan.projections, depleted.projections, strict=True):
        assert made.weight == pytest.approx(weights.get(made.name, before.weight)), made.name
    for made, before in zip(plan.inputs, depleted.inputs, strict=True):
        kind, _, target = made.name.partition("_to_")
        background = next(i.weights["exc"] for i in depleted.inputs if i.name == f"EXT_to_{target}")
        rate, weight = rates.get(target, (before.rate, background))
        # that of cortex goes with the weight of the background
        assert made.weights["exc"] == pytest.approx(before.weights["exc"] * weight / background), made.name
        assert made.rate == (rate if kind == "EXT" else before.rate)
    for (name, receptor), tau in taus.items():
        assert plan.population(name).params[f"tau_syn_{receptor}"] == tau
    assert plan.population("SNr").params["I_e"] == (-1200.0 if state == "restored_d1_snr" else 195.0)
    low, high = load_targets("chakravarty2022", state).bands["SNr"]
    assert low < load_targets("chakravarty2022", state).rate("authors_log", "SNr") < high
