"""A network of bgnest in Brian2's C++ standalone mode, made from its plan; runs in Brian2's own environment.

    python scripts/brian2_network.py PLAN.json FOLDER --threads N     writes and compiles a program into FOLDER

Called by `scripts/bench_brian2.py`, which has the plan written and starts the program. Cells, receptors, spread of
parameters, projections (fixed in-degree, uniform weights and delays), plasticity and Poisson drive are those of the
plan, in its units (ms, mV, pF, nS, pA) without dimensions. What is done as suits Brian2 best:

* forward Euler, as in `scripts/bench_neuron.py` (NEST's side solves to an error of the third order);
* one Poisson number per cell and step for AMPA and NMDA alike, which are the same spikes (a `PoissonInput` for each
  would draw twice as many);
* plasticity with common parameters as one state per source and projection, updated when the source fires; a synapse
  reads it when its spike arrives.

When its loop over time begins and ends the program prints a line ``MARK name seconds resident peak``
(`CLOCK_MONOTONIC`, as Python's `time.monotonic`; memory in kB), and at the end ``COUNT population spikes``, those after
the warm-up.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from brian2 import (
    Network,
    NeuronGroup,
    SpikeMonitor,
    Synapses,
    defaultclock,
    device,
    ms,
    prefs,
    set_device,
)

QIF = """
dV/dt = (k*(V - E_L)*(V - V_th) - u + I_syn + I_e)/C_m/ms : 1
du/dt = a*({drive} - u)/ms : 1
"""
ADEX = """
dV/dt = (g_L*(E_L - V) + g_L*Delta_T*exp((V - V_th)/Delta_T) - w + I_syn + I_e)/C_m/ms : 1
dw/dt = ({slope}*(V - V_a) - w)/tau_w/ms : 1
"""
RESET = {"qif": "V = V_reset\nu += d", "adex": "V = V_reset\nw += b"}
RESET_BY_W = """
V = int(w < 0)*clip(V_reset + reset_slope_neg*w, -1000, reset_max_neg) + int(w >= 0)*clip(V_reset + reset_slope_pos*w, -1000, reset_max_pos)
w += b
"""  # noqa: E501


def membrane(population: dict) -> tuple[str, str]:
    """Equations of the membrane and reset of a population."""
    values = population["params"]
    if population["model"].startswith("qif"):
        low, high = ("{b}*(V - V_b)**{p}".format(b=values[f"b{n}"], p=int(values[f"p{n}"])) for n in (1, 2))
        sides = [f"int(V < V_b)*{low}"] * (values["b1"] != 0) + [f"int(V >= V_b)*{high}"] * (values["b2"] != 0)
        drive = low if low == high else " + ".join(sides)
        return QIF.format(drive=drive.replace("**1", "")), RESET["qif"]
    slope = "a1" if values["a1"] == values["a2"] else "(a1*int(V < V_a) + a2*int(V >= V_a))"
    return ADEX.format(slope=slope), RESET_BY_W if "reset_max_neg" in values else RESET["adex"]


def currents(population: dict) -> str:
    """Conductances of the receptors and their current."""
    values, lines, terms = population["params"], [], []
    for port in sorted({receptor["port"] for receptor in population["receptors"].values()}):
        block = "/(1 + exp((V_act_nmda - V)/S_act_nmda))" if port == "nmda" else ""
        gain = f"{values[f'gain_{port}']}*" if values[f"gain_{port}"] != 1.0 else ""
        lines.append(f"dg_{port}/dt = -g_{port}/(tau_syn_{port}*ms) : 1")
        terms.append(f"{gain}g_{port}*(E_rev_{port} - V){block}")
    return "\n".join([*lines, f"I_syn = {' + '.join(terms)} : 1"])


def plasticity(projections: list[dict]) -> tuple[str, str]:
    """State of the plastic projections of a source, and what a spike does to it (as NEST has it)."""
    equations, code = "last : 1\n", "h = t/ms - last\n"
    for p in projections:
        n, s = p["name"], p["synapse"]
        equations += f"x_{n} : 1\ny_{n} : 1\nu_{n} : 1\nr_{n} : 1\n"
        facilitation = f"u_{n}*exp(-h/{s['tau_fac']})" if s["tau_fac"] else "0"
        code += f"""
decay_y_{n} = exp(-h/{s["tau_psc"]})
decay_z_{n} = exp(-h/{s["tau_rec"]}) - 1
mixed_{n} = (decay_z_{n}*{s["tau_rec"]} - (decay_y_{n} - 1)*{s["tau_psc"]})/({s["tau_psc"]} - {s["tau_rec"]})
u_{n} = {facilitation}
x_{n} += mixed_{n}*y_{n} - decay_z_{n}*(1 - x_{n} - y_{n})
y_{n} *= decay_y_{n}
u_{n} += {s["U"]}*(1 - u_{n})
r_{n} = u_{n}*x_{n}
x_{n} -= r_{n}
y_{n} += r_{n}
"""
    return equations, code + "last = t/ms\n"


def drawn(value: dict | float) -> str:
    """A value of the plan as an expression that draws it."""
    if not isinstance(value, dict):
        return repr(float(value))
    if value["distribution"] == "uniform":
        return f"{value['low']} + {value['high'] - value['low']}*rand()"
    assert value["distribution"] == "normal" and value["beyond"] == "clamp", value
    return f"clip({value['mean']} + {value['sd']}*randn(), {value['low']}, {value['high']})"


def cells(population: dict, plan: dict) -> NeuronGroup:
    """Cells of a population with what drives them."""
    spread, name = population["heterogeneity"], population["name"]
    equations, reset = membrane(population)
    equations += currents(population) + "\n" + "".join(f"{parameter} : 1\n" for parameter in spread)
    plastic = [p for p in plan["projections"] if p["source"] == name and p["synapse"]["kind"] == "tsodyks"]
    if plastic:
        state, code = plasticity(plastic)
        equations, reset = f"{equations}\n{state}", f"{reset}\n{code}"
    group = NeuronGroup(
        population["n_neurons"],
        equations,
        threshold="V >= V_peak",
        reset=reset,
        method="euler",
        namespace={key: value for key, value in population["params"].items() if key not in spread},
        name=f"cells_{name}",
    )
    for parameter, value in spread.items():
        setattr(group, parameter, drawn(value))
    group.V = drawn(population["initial"]["V_m"])
    for p in plastic:
        setattr(group, f"x_{p['name']}", 1.0)
    for source in plan["inputs"]:
        if source["target"] == name:
            assert source["waveform"] is None and source["cells"] is None, source
            code = f"spikes = poisson({source['rate'] * plan['resolution'] * 1e-3})\n"
            for receptor, weight in source["weights"].items():
                code += f"g_{population['receptors'][receptor]['port']} += {weight}*spikes\n"
            group.run_regularly(code, dt=plan["resolution"] * ms)
    return group


def synapses(projection: dict, groups: dict[str, NeuronGroup], plan: dict) -> Synapses:
    """Synapses of a projection with a fixed in-degree."""
    name, target = projection["name"], projection["target"]
    rule = projection["rule"]
    assert rule["rule"] == "fixed_in_degree" and projection["n_sets"] == 1, projection
    assert not projection["allow_multapses"] and projection["allow_autapses"], projection
    receptors = next(p["receptors"] for p in plan["populations"] if p["name"] == target)
    factor = f"*r_{name}_pre" if projection["synapse"]["kind"] == "tsodyks" else ""
    made = Synapses(
        groups[projection["source"]],
        groups[target],
        "weight : 1",
        on_pre=f"g_{receptors[projection['receptor']]['port']}_post += weight{factor}",
        name=f"synapses_{name}",
    )
    made.connect(i=f"source for source in sample(N_pre, size={rule['in_degree']})")
    made.weight = drawn(projection["weight"])
    made.delay = f"({drawn(projection['delay'])})*ms"
    return made


MARKS = r"""
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    std::ifstream status("/proc/self/status");
    std::string line, peak, resident;
    while (std::getline(status, line))
    {
        if (line.compare(0, 6, "VmHWM:") == 0) peak = line.substr(6, line.size() - 9);
        if (line.compare(0, 6, "VmRSS:") == 0) resident = line.substr(6, line.size() - 9);
    }
    printf("MARK %NAME% %.6f %s %s\n", now.tv_sec + 1e-9*now.tv_nsec, resident.c_str(), peak.c_str());
}
"""


def mark(name: str) -> str:
    """Code that prints time and memory."""
    return MARKS.replace("%NAME%", name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plan", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--warm-up", type=float, default=500.0, help="ms whose spikes are not counted")
    parser.add_argument("--time", type=float, default=1000.0, help="ms after that")
    args = parser.parse_args()
    plan = json.loads(args.plan.read_text())

    set_device("cpp_standalone", directory=str(args.folder), build_on_run=False)
    prefs.devices.cpp_standalone.openmp_threads = 0 if args.threads == 1 else args.threads
    prefs.devices.cpp_standalone.extra_make_args_unix = ["-j2"]
    prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O3", "-ffast-math", "-march=native"]
    prefs.codegen.cpp.headers += ["<time.h>", "<fstream>", "<string>", "<stdio.h>"]
    defaultclock.dt = plan["resolution"] * ms

    groups = {population["name"]: cells(population, plan) for population in plan["populations"]}
    wiring = [synapses(projection, groups, plan) for projection in plan["projections"]]
    monitors = {name: SpikeMonitor(group, name=f"spikes_{name}") for name, group in groups.items()}
    network = Network(*groups.values(), *wiring, *monitors.values())
    device.insert_code("before_network_run", mark("begin"))
    late = "for (size_t i = 0; i < {0}.size(); i++) n += {0}[i] >= {1};"
    counts = [
        f"{{ long n = 0; {late.format(f'_dynamic_array_spikes_{name}_t', (args.warm_up - 1e-6) * 1e-3)} "
        f'printf("COUNT {name} %ld\\n", n); }}'
        for name in groups
    ]
    device.insert_code("after_network_run", "\n".join([mark("end"), *counts]))
    network.run((args.warm_up + args.time) * ms)
    device.build(directory=str(args.folder), compile=True, run=False, debug=False, clean=False)


if __name__ == "__main__":
    main()
