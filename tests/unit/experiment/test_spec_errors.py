"""Every kind of mistake has its own readable message: file, key path, what is wrong, what is valid."""

import pytest

from network.errors import SpecError
from network.experiment import load_experiment


def problems(load, text="", overrides=()):
    with pytest.raises(SpecError) as caught:
        load(text, overrides)
    return caught.value.problems


CASES = {
    "unknown key": (
        "network: {dopamin: {value: 0.3, unit: 1, source: book}}",
        "tiny/overlays/change.yaml:2: network.dopamin: unknown key; did you mean 'dopamine'?",
    ),
    "weight that would be negative": (
        "network: {dopamine: {value: 0.0, unit: 1, source: book}}\n"
        "projections: {P_to_Q: {weight_beta: {value: 2.5, unit: 1, source: book}}}",
        "projections.P_to_Q.weight_beta: makes the weight negative: 1 + beta * phi with phi = -0.5",
    ),
    "weight that cannot follow dopamine": (
        "network: {dopamine_schedule: {kind: steps, times: {value: [5], unit: ms, source: book}, "
        "levels: {value: [0.1], unit: 1, source: book}}}\n"
        "inputs: {X_to_P: {weight_beta: {value: 0.5, unit: 1, source: book}}}",
        "inputs.X_to_P.weight_beta: weights cannot follow a dopamine_schedule",
    ),
    "way of rounding": (
        "projections: {P_to_Q: {in_degree_rounding: up}}",
        "projections.P_to_Q.in_degree_rounding:",
    ),
    "fraction and stimuli": (
        "inputs: {X_to_P: {fraction: {value: 0.5, unit: 1, source: book}, stimuli: {s: {modulation: {kind: pulse, "
        "start: {value: 5, unit: ms, source: book}, duration: {value: 5, unit: ms, source: book}, "
        "factor: {value: 2, unit: 1, source: book}}}}}}",
        "inputs.X_to_P: give 'fraction' or 'stimuli', not both",
    ),
    "unknown section": (
        "projektions: {}",
        "projektions: unknown key; did you mean 'projections'? keys: meta, network, modulators, populations",
    ),
    "wrong unit": (
        "projections: {P_to_Q: {weight: {value: 1, unit: mV, source: book}}}",
        "projections.P_to_Q.weight: wrong unit 'mV'; accepted: nS",
    ),
    "unit that does not exist": (
        "projections: {P_to_Q: {weight: {value: 1, unit: nanosiemens, source: book}}}",
        "projections.P_to_Q.weight: wrong unit 'nanosiemens'; accepted: nS",
    ),
    "wrong unit of a neuron parameter": (
        "populations: {P: {neuron: {C_m: {value: 1, unit: nS, source: book}}}}",
        "populations.P.neuron.C_m: wrong unit 'nS'; accepted: pF",
    ),
    "hertz for spikes": (
        "inputs: {X_to_P: {rate: {value: 1, unit: Hz, source: book}}}",
        "inputs.X_to_P.rate: wrong unit 'Hz'; accepted: spikes/s",
    ),
    "missing unit": (
        "simulation: {t_sim: {value: 5, source: book}}",
        "simulation.t_sim.unit: the unit is missing; accepted: ms, us, s",
    ),
    "missing source": (
        "simulation: {t_sim: {value: 5, unit: ms}}",
        "simulation.t_sim: no source: add 'source: KEY' (params/sources.yaml) or 'assumed: REASON'",
    ),
    "set_by is no source of published values": (
        "simulation: {t_sim: {value: 5, unit: ms, set_by: me}}",
        "simulation.t_sim: no source",
    ),
    "unknown source": (
        "simulation: {t_sim: {value: 5, unit: ms, source: bok}}",
        "simulation.t_sim: unknown source 'bok'; did you mean 'book'? sources: book, paper",
    ),
    "bare number in published parameters": (
        "simulation: {t_sim: 5.0}",
        "t_sim: 5.0 has no unit and no source: write {value: 5.0, unit: ms, source: KEY}",
    ),
    "number that YAML takes for text": (
        "projections: {P_to_Q: {weight: {value: 1e-3, unit: nS, source: book}}}",
        "P_to_Q.weight.value: must be a number, not '1e-3' (YAML reads 1e-3 as text; write 0.001)",
    ),
    "factor that YAML takes for text": (
        "projections: {P_to_Q: {weight: {scale: 1e-7, source: book}}}",
        "P_to_Q.weight: scale must be a number, not '1e-7' (YAML reads 1e-7 as text; write 1.0e-07)",
    ),
    "number in quotes": (
        "projections: {P_to_Q: {weight: {value: '2', unit: nS, source: book}}}",
        "P_to_Q.weight.value: must be a number, not '2' (in quotes it is text; write 2.0)",
    ),
    "minus of a publication": (
        "projections: {P_to_Q: {weight: {value: \u22121.5, unit: nS, source: book}}}",
        "must be a number, not '\u22121.5' (its minus is not that of the keyboard; write -1.5)",
    ),
    "comma of a decimal number": (
        "projections:\n  P_to_Q:\n    weight: {scale: '1,5', source: book}\n",
        "scale must be a number, not '1,5' (with a point in place of the comma; write 1.5)",
    ),
    "text for a quantity": (
        "projections: {P_to_Q: {delay: 1e3}}",
        "P_to_Q.delay: must be a number with its unit, not '1e3' (YAML reads 1e3 as text; write 1000.0)",
    ),
    "half a seed": ("simulation: {seed: 1.5}", "simulation.seed: must be a whole number, not 1.5"),
    "population twice in a group": (
        "groups: {both: [P, Q, P]}",
        "groups.both: 'P' is named twice; its cells would count twice",
    ),
    "list that is none": ("groups: {more: 5}", "groups.more: must be a list, not 5"),
    "word that YAML takes for a truth value": (
        "simulation: {drive: off}",
        "simulation.drive: False is not a choice; choices: internal, device",
    ),
    "unknown choice": (
        "simulation: {target: vectorized}",
        "simulation.target: 'vectorized' is not a choice; did you mean 'vectorised'? choices: auto, vectorised",
    ),
    "negative weight": (
        "projections: {P_to_Q: {weight: {value: -1.0, unit: nS, source: book}}}",
        "projections.P_to_Q.weight: -1 nS must be at least 0",
    ),
    "in-degree that is not whole": (
        "projections: {P_to_Q: {in_degree: {value: 2.5, unit: 1, source: book}}}",
        "projections.P_to_Q.in_degree: 2.5 must be a whole number",
    ),
    "dopamine beyond 1": (
        "network: {dopamine: {value: 1.5, unit: 1, source: book}}",
        "network.dopamine: 1.5 must be at most 1",
    ),
    "unknown population": (
        "projections: {P_to_Q: {source: PP}}",
        "projections.P_to_Q.source: no population 'PP'; did you mean 'P'? populations: P, Q",
    ),
    "group as population": (
        "projections: {P_to_Q: {target: all_of_them}}",
        "projections.P_to_Q.target: 'all_of_them' is a group; name one of its populations: P, Q",
    ),
    "unknown member of a group": (
        "groups: {more: [P, R]}",
        "groups.more: no population 'R'; populations: P, Q",
    ),
    "group named like a population": ("groups: {P: [Q]}", "groups.P: a population has the same name"),
    "receptor that is not a port": (
        "projections: {P_to_Q: {receptor: ecx}}",
        "projections.P_to_Q.receptor: 'ecx' is not a port of tiny; did you mean 'exc'? ports: exc, inh",
    ),
    "input on a receptor that is not a port": (
        "inputs: {X_to_P: {weights: {nmda: {value: 1, unit: nS, source: book}}}}",
        "inputs.X_to_P.weights.nmda: 'nmda' is not a port of tiny; ports: exc, inh",
    ),
    "values for a port that does not exist": (
        "populations: {P: {receptors: {gaba: {tau_syn: {value: 1, unit: ms, source: book}, "
        "E_rev: {value: 1, unit: mV, source: book}}}}}",
        "populations.P.receptors.gaba: not a port of tiny; ports: exc, inh",
    ),
    "port without values": (
        "populations: {P: {receptors: {inh: null}}}",
        "populations.P.receptors: no values for the port 'inh' of tiny",
    ),
    "receptor parameter that the model lacks": (
        "populations: {P: {receptors: {inh: {V_act: {value: 1, unit: mV, source: book}}}}}",
        "populations.P.receptors.inh.V_act: tiny has no parameter 'V_act_inh'; here: E_rev, tau_syn",
    ),
    "receptor parameter without value": (
        "populations: {P: {receptors: {exc: {V_act: null}}}}",
        "populations.P.receptors.exc: no value for 'V_act' (parameter 'V_act_exc' of tiny)",
    ),
    "unknown neuron parameter": (
        "populations: {P: {neuron: {C_mm: {value: 1, unit: pF, source: book}}}}",
        "populations.P.neuron.C_mm: not a parameter of tiny; did you mean 'C_m'? parameters: C_m, g_L",
    ),
    "neuron parameter without value": (
        "populations: {P: {neuron: {g_L: null}}}",
        "populations.P.neuron: no value for parameters of tiny: g_L",
    ),
    "dopamine on a parameter that is not there": (
        "populations: {P: {dopamine: {E_l: {value: 1, unit: 1, source: book}}}}",
        "populations.P.dopamine.E_l: no such neuron parameter here; did you mean 'E_L'?",
    ),
    "unknown state": (
        "populations: {P: {initial: {u: {value: 1, unit: pA, source: book}}}}",
        "populations.P.initial.u: not a state of tiny; states: V_m, w",
    ),
    "initial value in a wrong unit": (
        "populations: {P: {initial: {V_m: {low: {value: 1, unit: ms, source: book}}}}}",
        "populations.P.initial.V_m.low: wrong unit 'ms'; accepted: mV",
    ),
    "unknown model": (
        "populations: {P: {model: tony}}",
        "populations.P.model: no NESTML model 'tony'; did you mean 'tiny'? models: tiny",
    ),
    "two sizes": (
        "populations: {P: {n_neurons: {value: 5, unit: 1, source: book}}}",
        "populations.P: give exactly one of 'n_anatomical' and 'n_neurons'",
    ),
    "delay below the resolution": (
        "projections: {P_to_Q: {delay: {value: 0.05, unit: ms, source: book}}}",
        "projections.P_to_Q.delay: 0.05 ms is shorter than the resolution of 0.1 ms",
    ),
    "shortest random delay below the resolution": (
        "projections: {P_to_Q: {delay: {value: 0.15, unit: ms, source: book}, "
        "delay_spread: {value: 0.5, unit: 1, source: book}}}",
        "P_to_Q.delay: 0.075 ms (mean 0.15 ms, spread 0.5) is shorter than the resolution of 0.1 ms",
    ),
    "input delay below the resolution": (
        "inputs: {X_to_P: {delay: {value: 0.01, unit: ms, source: book}}}",
        "inputs.X_to_P.delay: 0.01 ms is shorter than the resolution",
    ),
    "unknown modulation": (
        "inputs: {X_to_P: {modulation: {kind: sawtooth}}}",
        "inputs.X_to_P.modulation: kind must be one of: square, sine, pulse, pulse_train, piecewise",
    ),
    "modulation without a frequency": (
        "inputs: {X_to_P: {modulation: {kind: sine, amplitude: {value: 1, unit: 1, source: book}}}}",
        "inputs.X_to_P.modulation.frequency: is missing",
    ),
    "unknown key of a modulation": (
        "inputs: {X_to_P: {modulation: {kind: sine, amplitude: {value: 1, unit: 1, source: book}, "
        "frequency: {value: 1, unit: Hz, source: book}, fase: 1}}}",
        "modulation.fase: unknown key; did you mean 'phase'? keys: kind, frequency, amplitude, phase",
    ),
    "pulse longer than its period": (
        "inputs: {X_to_P: {modulation: {kind: pulse, start: {value: 5, unit: ms, source: book}, "
        "duration: {value: 9, unit: ms, source: book}, factor: {value: 2, unit: 1, source: book}, "
        "period: {value: 10, unit: ms, source: book}}}}",
        "inputs.X_to_P.modulation: the pulse ends at 14 ms, after its period of 10 ms",
    ),
    "unknown variable to record": (
        "recording: {traces: {P: {variables: [V, w]}}}",
        "recording.traces.P.variables: tiny cannot record 'V'; variables: V_m, w, g_exc",
    ),
    "interval off the grid": (
        "recording: {traces: {P: {interval: {value: 0.25, unit: ms, source: book}}}}",
        "recording.traces.P.interval: 0.25 ms is not a multiple of the resolution of 0.1 ms",
    ),
    "traces of unknown cells": (
        "recording: {traces: {P: {cells: [0, 50]}}}",
        "recording.traces.P.cells: node ids go from 0 to 49 in P",
    ),
    "traces of more cells than there are": (
        "recording: {traces: {P: {cells: 701}}}",
        "recording.traces.P.cells: 701 cells of P, of which there are 700",
    ),
    "fields of more cells than there are": (
        "recording: {fields: {sum: {population: P, cells: 701, interval: {value: 1, unit: ms, source: book}}}}",
        "recording.fields.sum.cells: 701 cells of P, of which there are 700",
    ),
    "window outside of the simulation": (
        "recording: {traces: {P: {stop: {value: 1, unit: s, source: book}}}}",
        "recording.traces.P: the window 100 to 1000 ms is not within 0 and 300 ms",
    ),
    "spikes of unknown populations": (
        "recording: {spikes: [P, everything]}",
        "recording.spikes: no population or group 'everything'; names: P, Q, all_of_them",
    ),
    "name that is too long for a file": (
        f"groups: {{{'g' * 81}: [P]}}",
        f"groups.{'g' * 81}: a name of 81 characters, at most 80 are possible",
    ),
    "time off the grid by little": (
        "projections: {P_to_Q: {delay: {value: 1.4999999, unit: ms, source: book}}}",
        "projections.P_to_Q.delay: 1.4999999 ms is not a multiple of the resolution of 0.1 ms",
    ),
    "duration off the grid": (
        "simulation: {t_sim: {value: 100.05, unit: ms, source: book}}",
        "simulation.t_sim: 100.05 ms is not a multiple of the resolution of 0.1 ms",
    ),
    "glob without a match": (
        "projections: {'R_*': {delay: {value: 1, unit: ms, source: book}}}",
        "projections.R_*: matches nothing; names here: P_to_Q, Q_to_Q",
    ),
    "scale of nothing": (
        "projections: {P_to_Q: {delay_spread: {scale: 2, source: book}}}",
        "projections.P_to_Q.delay_spread: nothing to scale: there is no value below this overlay",
    ),
    "add in a wrong unit": (
        "projections: {P_to_Q: {weight: {add: 2, unit: ms, source: book}}}",
        "projections.P_to_Q.weight: wrong unit 'ms'; the value is in nS",
    ),
    "key given twice": (
        "simulation: {seed: 1, seed: 2}",
        "change.yaml:2: simulation.seed: the key is given twice",
    ),
    "not YAML": ("simulation: {seed: 1", "change.yaml:3: not YAML"),
    "section that is no mapping": ("network: 5", "network: must be a mapping, not 5"),
}


@pytest.mark.parametrize("case", CASES)
def test_message(case, published):
    text, expected = CASES[case]
    found = problems(published, text)
    assert any(expected in line for line in found), "\n".join(found)
    assert all("change.yaml" in line or "tiny" in line for line in found), "\n".join(found)


@pytest.mark.parametrize("case", sorted(set(CASES) - {"section that is no mapping", "unknown population"}))
def test_one_mistake_gives_few_lines(case, published):
    assert len(problems(published, CASES[case][0])) <= 2


def test_all_problems_in_one_message(published):
    found = problems(
        published,
        "network: {dopamin: 1}\n"
        "projections: {P_to_Q: {source: X, receptor: y, weight: {value: -1, unit: nS, source: book}}}\n"
        "populations: {Q: {neuron: {g_L: {value: 1, unit: mV, source: book}}}}\n"
        "recording: {traces: {P: {interval: {value: 0.33, unit: ms, source: nobody}}}}\n",
        ["simulation.seeed=5", "projections.Q_to_Q.in_degree=51"],
    )
    for part in (
        "network.dopamin:",
        "P_to_Q.source:",
        "P_to_Q.receptor:",
        "P_to_Q.weight:",
        "Q.neuron.g_L:",
        "P.interval: unknown source",
        "P.interval: 0.33 ms",
        "command line (simulation.seeed=5): simulation.seeed: unknown key; did you mean 'seed'?",
        "Q_to_Q (51 of 50 Q)",
    ):
        assert any(part in line for line in found), part


def test_in_degree_larger_than_the_source(published):
    [line] = problems(published, overrides=["network.n_neurons=18"])
    assert "command line (network.n_neurons=18): network.n_neurons: too small" in line
    assert "P_to_Q (10 of 9 P)" in line and "Q_to_Q" not in line
    assert "Smallest n_neurons from which on it works: 20" in line
    assert "network.small_network to multapses" in line


def test_in_degree_counts_dopamine(published):
    # 10 (1 - 1 * phi) = 15 sources per neuron at phi = -0.5
    published("", ["network.n_neurons=30"])
    [line] = problems(published, overrides=["network.n_neurons=28", "network.dopamine=0"])
    assert "P_to_Q (15 of 14 P)" in line


def test_autapses_that_are_forbidden_count(published):
    published("", ["projections.Q_to_Q.in_degree=50"])
    [line] = problems(published, "", ["projections.Q_to_Q.in_degree=50", "projections.Q_to_Q.autapses=false"])
    assert "Q_to_Q (50 of 50 Q)" in line


def test_multapses_by_choice(published):
    published("", ["network.n_neurons=18", "network.small_network=multapses"])


def test_small_lindahl_network_names_projections_and_the_way_out():
    with pytest.raises(SpecError) as caught:
        load_experiment("lindahl2016", overrides=["network.n_neurons=5000"])
    [line] = caught.value.problems
    assert "STN_to_GPe_TA (30 of 24 STN)" in line
    assert "GPe_TI_S_to_FSN (10 of 6 GPe_TI_S)" in line
    smallest = int(line.split("from which on it works: ")[1].split(";")[0])
    assert 8_000 < smallest < 10_000
    load_experiment("lindahl2016", overrides=[f"network.n_neurons={smallest}"])


@pytest.mark.parametrize(
    ("name", "overlays", "message"),
    [
        ("tiny/bse", (), r"no experiment 'tiny/bse'; did you mean 'tiny/base'\? experiments: tiny/base"),
        ("tiny", ("chnge",), r"no overlay 'chnge'; did you mean 'change'\? overlays: change"),
        ("nowhere.yaml", (), r"no file 'nowhere.yaml'"),
    ],
)
def test_unknown_names(published, name, overlays, message):
    published("")
    with pytest.raises(SpecError, match=message):
        load_experiment(name, overlays)


def test_unknown_state_of_the_targets():
    from network.analysis.targets.windows import load_targets

    with pytest.raises(SpecError, match=r"no state 'activation'; .*states: activation_control, activation_depleted"):
        load_targets("lindahl2016", "activation")
    with pytest.raises(SpecError, match="no targets for the model 'x'"):
        load_targets("x", "y")


def test_a_population_that_is_taken_away_lists_what_names_it(tmp_path):
    path = tmp_path / "without.yaml"
    path.write_text("overlay_of: lindahl2016/activation_control\npopulations: {FSN: null}\n")
    with pytest.raises(SpecError) as error:
        load_experiment(path)
    (problem,) = error.value.problems
    assert "without.yaml:2: populations.FSN: taken away, but named by 8 entries" in problem
    # what it says to write is what is missing
    path.write_text(path.read_text() + problem.partition("as well: ")[2].replace("}, ", "}\n") + "\n")
    assert "FSN" not in load_experiment(path).populations
