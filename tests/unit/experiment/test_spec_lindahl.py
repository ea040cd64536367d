"""The published network, against numbers of the publication and its code that are known by hand."""

import pytest

from network.analysis.targets.windows import load_targets
from network.experiment import list_experiments, list_overlays, load_experiment
from network.experiment.sources import load_sources
from network.plans import make_plan

STATES = ("activation_control", "activation_depleted", "slow_wave_control", "slow_wave_depleted")


@pytest.fixture(scope="module")
def plans():
    return {state: make_plan(load_experiment(f"lindahl2016/{state}")) for state in STATES}


@pytest.fixture(scope="module")
def control(plans):
    return plans["activation_control"]


@pytest.fixture(scope="module")
def depleted(plans):
    return plans["activation_depleted"]


def projection(plan, name):
    return next(p for p in plan.projections if p.name == name)


def inputs(plan):
    return {i.name: i for i in plan.inputs}


def test_populations_of_the_full_network(control):
    assert [(p.name, p.n_neurons, p.first_id) for p in control.populations] == [
        ("MSN_D1", 37971, 0),
        ("MSN_D2", 37971, 37971),
        ("FSN", 1599, 75942),
        ("GPe_TI_N", 889, 77541),
        ("GPe_TI_S", 99, 78430),
        ("GPe_TA", 329, 78529),
        ("STN", 388, 78858),
        ("SNr", 754, 79246),
    ]
    assert control.members("GPe") == ("GPe_TI_N", "GPe_TI_S", "GPe_TA")


@pytest.mark.parametrize(
    ("state", "synapses"),
    [
        ("activation_control", 53_872_440),
        ("activation_depleted", 18_141_729),
        ("slow_wave_control", 53_872_440),
        ("slow_wave_depleted", 18_141_729),
    ],
)
def test_recurrent_synapses(plans, state, synapses):
    assert plans[state].n_synapses == synapses
    assert len(plans[state].projections) == 31


def test_synapses_by_pathway(control, depleted):
    def count(plan, sources, targets):
        return sum(p.n_synapses for p in plan.projections if p.source in sources and p.target in targets)

    msn = ("MSN_D1", "MSN_D2")
    assert count(control, msn, msn) == 51_033_024
    assert count(depleted, msn, msn) == 14_998_545
    assert count(control, ("FSN",), msn) == 1_025_217
    assert count(depleted, ("FSN",), msn) == 1_328_985
    assert count(control, ("GPe_TA",), msn) == count(depleted, ("GPe_TA",), msn) == 759_420
    assert count(control, msn, ("SNr", "GPe_TI_N", "GPe_TI_S")) == 871_000


def test_external_synapses(control):
    sizes = {p.name: p.n_neurons for p in control.populations}
    assert sum(sizes[i.target] * len(i.weights) for i in control.inputs) == 156_330


def test_in_degrees_that_dopamine_changes(control, depleted):
    changed = {
        p.name: (p.in_degree, q.in_degree)
        for p, q in zip(control.projections, depleted.projections, strict=True)
        if p.in_degree != q.in_degree
    }
    assert changed == {
        "MSN_D1_to_MSN_D1": (364, 107),
        "MSN_D1_to_MSN_D2": (84, 25),
        "MSN_D2_to_MSN_D1": (392, 115),
        "MSN_D2_to_MSN_D2": (504, 148),
        "FSN_to_MSN_D2": (11, 19),
    }


def test_control_is_unmodulated(control):
    for population in control.populations:
        assert all(value == 1.0 for key, value in population.params.items() if key.startswith("gain_"))
    assert control.population("MSN_D1").params["E_L"] == -81.85


GPE = {"E_L": -63.07848, "V_a": -63.07848, "gain_ampa_stn": 1.36, "gain_gaba_gpe": 1.664}
GPE_TI = {**GPE, "gain_gaba_msn": 1.666667}
DEPLETED = {
    "MSN_D1": {
        "E_L": -80.003464,
        "V_b": -80.003464,
        "d": 90.984,
        "gain_nmda": 0.168,
        "gain_gaba_msn": 0.2941176,
        "gain_gaba_ta": 1.969697,
    },
    "MSN_D2": {"gain_ampa": 1.208, "gain_gaba_msn": 0.2941176, "gain_gaba_ta": 1.923077},
    "FSN": {"E_L": -74.368, "gain_gaba_fsn": 1.664, "gain_gaba_ta": 1.428571},
    "GPe_TI_N": GPE_TI,
    "GPe_TI_S": GPE_TI,
    "GPe_TA": GPE,
    "STN": {"gain_ampa": 1.923077, "gain_nmda": 1.923077, "gain_gaba_gpe": 1.192},
    "SNr": {"E_L": -59.799744, "V_a": -59.799744, "gain_gaba_msn": 0.552},
}


def test_depleted_values_are_the_published_ones_and_nothing_else_changes(control, depleted):
    for before, after in zip(control.populations, depleted.populations, strict=True):
        changed = {key: value for key, value in after.params.items() if value != before.params[key]}
        assert changed == pytest.approx(DEPLETED[after.name], rel=1e-6), after.name


def test_parameters_of_chosen_cells(control):
    stn = control.population("STN").params
    assert (stn["C_m"], stn["g_L"], stn["tau_w"], stn["I_e"]) == (60.0, 10.0, 333.0, 6.0)
    assert (stn["reset_slope_neg"], stn["reset_max_neg"]) == (-10.0, -60.0)
    assert (stn["reset_slope_pos"], stn["reset_max_pos"]) == (0.0, -70.0)
    fsn = control.population("FSN").params
    assert (fsn["b1"], fsn["b2"], fsn["p1"], fsn["p2"]) == (0.0, 0.025, 1, 3)
    # exponents are integers in the NESTML models, and the simulator insists
    assert isinstance(fsn["p2"], int)
    ta, ti = control.population("GPe_TA").params, control.population("GPe_TI_N").params
    assert [ta[k] / ti[k] for k in ("C_m", "Delta_T", "b")] == pytest.approx([1.5] * 3)
    assert control.population("GPe_TI_S").params == ti
    assert (ti["I_e"], ta["I_e"], control.population("SNr").params["I_e"]) == (4.5, -3.6, 19.2)


def test_heterogeneity_and_start(control):
    for population in control.populations:
        c_m, v_th = population.heterogeneity["C_m"], population.heterogeneity["V_th"]
        assert c_m.sd == pytest.approx(0.2 * population.params["C_m"])
        assert (c_m.low, c_m.high) == pytest.approx((0.4 * c_m.mean, 1.6 * c_m.mean))
        assert (v_th.sd, v_th.low, v_th.high) == (1.0, v_th.mean - 3.0, v_th.mean + 3.0)
        start = population.initial["V_m"]
        assert (start.low, start.high) == (population.params["V_th"] - 20.0, population.params["V_th"])


# receptor, in-degree in control and depleted, mean weight (nS; absolute efficacy where plastic), mean delay (ms), set
PROJECTIONS = {
    "FSN_to_FSN": ("gaba_fsn", 9, 9, 3.4483, 1.7, "F"),
    "FSN_to_MSN_D1": ("gaba_fsn", 16, 16, 20.7, 1.7, "F"),
    "FSN_to_MSN_D2": ("gaba_fsn", 11, 19, 20.7, 1.7, "F"),
    "MSN_D1_to_MSN_D1": ("gaba_msn", 364, 107, 0.15, 1.7, ""),
    "MSN_D1_to_MSN_D2": ("gaba_msn", 84, 25, 0.375, 1.7, ""),
    "MSN_D2_to_MSN_D1": ("gaba_msn", 392, 115, 0.45, 1.7, ""),
    "MSN_D2_to_MSN_D2": ("gaba_msn", 504, 148, 0.35, 1.7, ""),
    "GPe_TA_to_FSN": ("gaba_ta", 10, 10, 1.7764, 7, "F"),
    "GPe_TI_S_to_FSN": ("gaba_ti", 10, 10, 6.8966, 7, "F"),
    "GPe_TA_to_MSN_D1": ("gaba_ta", 10, 10, 0.04, 1.7, ""),
    "GPe_TA_to_MSN_D2": ("gaba_ta", 10, 10, 0.08, 1.7, ""),
    "MSN_D1_to_SNr": ("gaba_msn", 500, 500, 104.17, 7.3, "M1"),
    "MSN_D2_to_GPe_TI_N": ("gaba_msn", 500, 500, 8.3333, 7, "M2"),
    "MSN_D2_to_GPe_TI_S": ("gaba_msn", 500, 500, 8.3333, 7, "M2"),
    "GPe_TI_N_to_GPe_TI_N": ("gaba_gpe", 22, 22, 1.3, 1, ""),
    "GPe_TI_N_to_GPe_TI_S": ("gaba_gpe", 22, 22, 1.3, 1, ""),
    "GPe_TI_N_to_GPe_TA": ("gaba_gpe", 22, 22, 0.325, 1, ""),
    "GPe_TI_S_to_GPe_TI_N": ("gaba_gpe", 3, 3, 1.3, 1, ""),
    "GPe_TI_S_to_GPe_TI_S": ("gaba_gpe", 3, 3, 1.3, 1, ""),
    "GPe_TI_S_to_GPe_TA": ("gaba_gpe", 3, 3, 0.325, 1, ""),
    "GPe_TA_to_GPe_TI_N": ("gaba_gpe", 5, 5, 1.3, 1, ""),
    "GPe_TA_to_GPe_TI_S": ("gaba_gpe", 5, 5, 1.3, 1, ""),
    "GPe_TA_to_GPe_TA": ("gaba_gpe", 5, 5, 0.325, 1, ""),
    "GPe_TI_N_to_STN": ("gaba_gpe", 27, 27, 0.08, 1, ""),
    "GPe_TI_S_to_STN": ("gaba_gpe", 3, 3, 0.08, 1, ""),
    "GPe_TI_N_to_SNr": ("gaba_gpe", 29, 29, 387.76, 3, "G"),
    "GPe_TI_S_to_SNr": ("gaba_gpe", 3, 3, 387.76, 3, "G"),
    "STN_to_GPe_TI_N": ("ampa_stn", 30, 30, 0.35, 2, ""),
    "STN_to_GPe_TI_S": ("ampa_stn", 30, 30, 0.35, 2, ""),
    "STN_to_GPe_TA": ("ampa_stn", 30, 30, 0.105, 2, ""),
    "STN_to_SNr": ("ampa_stn", 30, 30, 9.88, 4.6, "T"),
}
PLASTICITY = {  # U, tau_rec, tau_fac (ms)
    "F": (0.29, 902.0, 53.0),
    "M1": (0.0192, 559.0, 623.0),
    "M2": (0.24, 77.0, 13.0),
    "G": (0.196, 969.0, 0.0),
    "T": (0.35, 800.0, 0.0),
}


def test_every_projection_is_the_published_one(control, depleted):
    assert {p.name for p in control.projections} == set(PROJECTIONS)
    for p in control.projections:
        receptor, in_degree, when_depleted, weight, delay, kind = PROJECTIONS[p.name]
        assert (p.receptor, p.in_degree) == (receptor, in_degree), p.name
        assert projection(depleted, p.name).in_degree == when_depleted, p.name
        assert p.weight.mean == pytest.approx(weight, rel=1e-4), p.name
        assert (p.delay.low + p.delay.high) / 2 == pytest.approx(delay, abs=0.051), p.name
        found = (p.synapse.U, p.synapse.tau_rec, p.synapse.tau_fac) if p.synapse.name == "tsodyks" else None
        assert found == PLASTICITY.get(kind), p.name


def test_synapses_of_chosen_projections(control):
    d1_snr = projection(control, "MSN_D1_to_SNr")
    assert d1_snr.in_degree == 500
    assert d1_snr.weight.mean * d1_snr.synapse.U == pytest.approx(2.0)
    assert (d1_snr.delay.low, d1_snr.delay.high) == pytest.approx((3.65, 10.95))
    assert (d1_snr.synapse.tau_rec, d1_snr.synapse.tau_fac, d1_snr.synapse.tau_psc) == (
        559.0,
        623.0,
        5.2,
    )
    stn_ta = projection(control, "STN_to_GPe_TA")
    assert stn_ta.synapse.name == "static"
    assert (stn_ta.weight.low, stn_ta.weight.high) == pytest.approx((0.0525, 0.1575))
    assert not stn_ta.allow_multapses and stn_ta.allow_autapses


def test_plastic_projections(control):
    """The decay of a plastic synapse is that of its receptor."""
    for p in control.projections:
        if p.synapse.name == "tsodyks":
            assert p.synapse.tau_psc == control.population(p.target).params[f"tau_syn_{p.receptor}"], p.name


def test_delays_of_the_network(control):
    assert control.min_delay == 0.5
    assert control.max_delay == 11.0


def test_mean_rates_are_the_same_with_and_without_dopamine(plans):
    for kind in ("activation", "slow_wave"):
        before, after = (inputs(plans[f"{kind}_{dopamine}"]) for dopamine in ("control", "depleted"))
        assert {n: i.rate for n, i in before.items()} == {n: i.rate for n, i in after.items()}
    rates = [i.rate for i in plans["activation_control"].inputs]
    assert rates == pytest.approx([546.0, 721.5, 787.3125, 250.0, 1430.0, 1430.0, 300.0, 2000.0])
    rates = [i.rate for i in plans["slow_wave_control"].inputs]
    assert rates == pytest.approx([448.0, 592.0, 646.0, 170.0, 620.0, 620.0, 200.0, 2000.0])


def test_ampa_and_nmda_share_one_input(control):
    assert inputs(control)["CTX_to_MSN_D1"].weights == {"ampa": 0.5, "nmda": 0.11}
    assert inputs(control)["CTX_to_STN"].weights == {"ampa": 0.25, "nmda": 0.00625}


@pytest.mark.parametrize(
    ("state", "period", "low_high"),
    [
        (
            "activation_depleted",
            50.0,
            {
                "CTX_to_MSN_D1": (495.6, 596.4),
                "CTX_to_MSN_D2": (654.9, 788.1),
                "CTX_to_FSN": (714.6375, 859.9875),
                "CTX_to_STN": (182.5, 317.5),
            },
        ),
        (
            "slow_wave_depleted",
            1000.0,
            {
                "CTX_to_MSN_D1": (403.2, 492.8),
                "CTX_to_MSN_D2": (532.8, 651.2),
                "CTX_to_FSN": (581.4, 710.6),
                "CTX_to_STN": (156.4, 183.6),
            },
        ),
    ],
)
def test_modulated_rates_low_half_first(plans, state, period, low_high):
    given = inputs(plans[state])
    for name, (low, high) in low_high.items():
        wave = given[name].waveform
        assert wave.period == period
        assert given[name].rate * wave.value(0.25 * period) == pytest.approx(low)
        assert given[name].rate * wave.value(3.75 * period) == pytest.approx(high)
    assert all(given[name].waveform is None for name in given if name.startswith("EXT"))


def test_control_activation_is_not_modulated(control):
    assert all(i.waveform is None for i in control.inputs)


@pytest.mark.parametrize(
    ("state", "ti", "ta"), [("activation_depleted", 1530.0, 200.0), ("slow_wave_control", 720.0, 100.0)]
)
def test_rates_of_the_papers_table(state, ti, ta):
    plan = make_plan(load_experiment(f"lindahl2016/{state}", ["paper_table_rates"]))
    rates = {name: i.rate for name, i in inputs(plan).items()}
    assert rates["EXT_to_GPe_TI_N"] == rates["EXT_to_GPe_TI_S"] == ti
    assert rates["EXT_to_GPe_TA"] == ta
    assert rates["EXT_to_SNr"] == 1800.0


@pytest.mark.parametrize("state", STATES)
def test_final_code_rates_are_the_default(plans, state):
    plan = make_plan(load_experiment(f"lindahl2016/{state}", ["final_code_rates"]))
    assert plan.simulation_hash == plans[state].simulation_hash


def test_a_state_is_an_overlay_of_the_base(plans):
    plan = make_plan(load_experiment("lindahl2016", ["slow_wave_depleted"]))
    assert plan.simulation_hash == plans["slow_wave_depleted"].simulation_hash
    assert plan.name == "lindahl2016-base+slow_wave_depleted"


def test_any_dopamine_level_between():
    plan = make_plan(load_experiment("lindahl2016", overrides=["network.dopamine=0.4"]))
    assert projection(plan, "MSN_D1_to_MSN_D1").in_degree == 236  # 364 (1 - 0.353)
    assert plan.population("SNr").params["gain_gaba_msn"] == pytest.approx(1 - 0.56 * 0.4)


def test_switched_off_projections_are_there():
    experiment = load_experiment("lindahl2016")
    off = {name for name, p in experiment.projections.items() if not p.enabled}
    assert off == {
        "MSN_D2_to_GPe_TA",
        "GPe_TI_N_to_FSN",
        "GPe_TI_N_to_MSN_D1",
        "GPe_TI_N_to_MSN_D2",
        "GPe_TI_S_to_MSN_D1",
        "GPe_TI_S_to_MSN_D2",
    }
    plan = make_plan(load_experiment("lindahl2016", overrides=["projections.MSN_D2_to_GPe_TA.enabled=true"]))
    assert projection(plan, "MSN_D2_to_GPe_TA").n_synapses == 500 * 329
    assert plan.population("GPe_TA").params["tau_syn_gaba_msn"] == 6.0


def test_every_state_has_targets_from_known_sources():
    for state in STATES:
        targets = load_targets("lindahl2016", state)
        assert targets.rate("mallet2008", "STN") is not None
        assert targets.report_order[0] == "MSN_D1"
    targets = load_targets("lindahl2016", "activation_control")
    assert targets.bands["GPe_TI"] == (33.0, 41.0)
    assert set(targets.bands) == set(targets.report_order)
    assert targets.rate("mallet2008", "GPe") == 33.6
    assert targets.cv("mallet2008", "STN") == 0.84
    assert targets.rate("published_model", "STN") == 12.0
    assert targets.cv("resimulation_80000", "GPe_TA") == 0.23
    assert targets.rate("mallet2008", "FSN") is None


def test_reference_values_lie_in_the_bands():
    """Rates and CVs of the re-simulation; where there is none, rates of the published model."""
    for state in STATES:
        targets = load_targets("lindahl2016", state)
        key = "resimulation_80000" if "resimulation_80000" in targets.references else "published_model"
        for population, (low, high) in targets.bands.items():
            assert low < targets.rate(key, population) < high
        for population, (low, high) in targets.windows.get("cv", {}).items():
            assert low < targets.cv(key, population) < high


# unit pairs of the depleted, activated network in the re-simulation: R and magnitude of the phase (degrees)
RESIMULATED_PAIRS = {
    "GPe_TI/GPe_TI": (0.41, 0.3),
    "GPe_TA/GPe_TA": (0.31, 0.6),
    "GPe_TI/GPe_TA": (0.37, 156.9),
    "GPe_TI/STN": (0.15, 177.4),
    "GPe_TA/STN": (0.13, 17.9),
    "STN/STN": (0.06, 2.2),
}


def test_pair_bands_hold_the_resimulation_and_exclude_its_control():
    bands = load_targets("lindahl2016", "activation_depleted").windows
    for pair, (resultant, phase) in RESIMULATED_PAIRS.items():
        low, high = bands["resultant"][pair]
        assert low < resultant < high
        if pair in bands["phase"]:
            assert bands["phase"][pair][0] <= phase <= bands["phase"][pair][1]
    assert all(low > 0.05 for pair, (low, _) in bands["resultant"].items() if pair != "STN/STN")


def test_listings():
    assert set(list_experiments()) >= {f"lindahl2016/{name}" for name in ("base", *STATES, "dopamine_knockouts")}
    assert set(list_overlays()) >= {"final_code_rates", "paper_table_rates", "activation_depleted"}
    assert all(list_experiments().values()) and all(list_overlays().values())


def test_bibliography_is_used_and_complete():
    sources = load_sources()
    assert sources["lindahl2016"].doi == "10.1523/ENEURO.0156-16.2016"
    # programs written for the purpose, and a file of which no address is known
    ours = ("resimulation", "btr_check", "isolated_check", "stn_gp_adex")
    assert all(source.doi or source.url or key in ours for key, source in sources.items())
