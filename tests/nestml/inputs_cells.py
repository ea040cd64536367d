"""Small models that show what a model may do with its input, and a program that simulates them.

Started as a program with the path of a module, of a file for the results, a number of threads and names of models:
recordings of several cells of each, with spikes of random times and weights at all receptors and steps of current at
all ports.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

# Terms that add up: ports for weights of either sign, blocks and kernels for one state, two currents, functions where
# parameters get their values, whole numbers and flags.
TERMS = """
model in_terms:
    state:
        V_m mV = E_L
        I_syn pA = 0 pA
        n_spikes integer = 0
        fired boolean = false

    equations:
        kernel K_exp = exp(-t / tau_syn)
        kernel K_jump = delta(t)
        recordable inline I_all pA = I_syn + 2 pA * convolve(K_exp, other) + gain * I_stim + I_noise
        I_syn' = -I_syn / tau_syn
        V_m' = -(V_m - E_L) / tau_m + I_all / C_m + 0.1 mV/ms * convolve(K_jump, third)

    parameters:
        tau_m ms = 10 ms
        C_m pF = rounded(250.4) * 1 pF
        tau_syn ms = larger(5 ms, 2 ms)
        E_L mV = -70 mV
        V_th mV = -55 mV
        gain real = 0.5
        n integer = 7 [[n > 0]]
        halved boolean = true

    internals:
        third_part integer = 3
        third_of_n integer = n / third_part
        V_reset mV = halved ? E_L + third_of_n * 1 mV : E_L
        steps_of_ref integer = steps(1.96 ms)
        unit_psc pA = 1 pA

    input:
        exc <- excitatory spike
        inh <- inhibitory spike
        other <- spike
        third <- spike
        I_stim pA <- continuous
        I_noise pA <- continuous

    output:
        spike

    update:
        integrate_odes()

    onReceive(exc):
        I_syn += unit_psc * exc * 1 s

    onReceive(inh):
        I_syn -= 2 * unit_psc * inh * 1 s

    onCondition(V_m >= V_th):
        V_m = V_reset
        n_spikes += steps_of_ref
        fired = not fired
        emit_spike()

    function larger(a ms, b ms) ms:
        if a > b:
            return a
        else:
            return b

    function rounded(x real) real:
        half real = 0.5
        whole real = floor(x + half)
        return whole
"""

# Functions in equations that are solved numerically, a kernel of two equations, a vector of ports, time.
FUNCTIONS = """
model in_functions:
    state:
        V_m mV = -65 mV
        w mV = 0 mV
        gate real = opening(-65 mV)
        last ms = -1 ms
        count integer = 0
        K real = 0
        K$ real = 1

    equations:
        kernel K' = K$ - K / tau_rise,
               K$' = -K$ / tau_decay
        kernel L = exp(-t / tau_decay)
        inline g_syn nS = 1 nS * (convolve(K, spikes[0]) + 3 * convolve(L, spikes[1]))
        recordable inline driving mV = abs(V_m - E_rev) + (count > 3 ? 1 mV : 0 mV)
        V_m' = (-g_L * (V_m - E_L) - g_syn * (V_m - E_rev) - 20 pA * gate * speed(V_m)) / C_m
        gate' = (opening(V_m) - gate) / time_of(V_m, tau_gate)
        w' = -w / tau_w

    parameters:
        C_m pF = 200 pF
        g_L nS = 10 nS
        E_L mV = -65 mV
        E_rev mV = 0 mV
        V_th mV = -50 mV
        tau_rise ms = 1 ms
        tau_decay ms = 4 ms
        tau_gate ms = 20 ms
        tau_w ms = 50 ms

    input:
        spikes[2] <- spike

    output:
        spike

    update:
        integrate_odes()

    onCondition(V_m >= V_th + w):
        V_m = E_L
        w += 1 mV
        last = t
        count += 1
        emit_spike()

    function opening(V mV) real:
        return 1 / (1 + exp(-(V + 60 mV) / 5 mV))

    function time_of(V mV, tau ms) ms:
        s real = exp(-abs(V + 60 mV) / 20 mV)
        return tau * (0.2 + 0.8 * s)

    function speed(V mV) real:
        if V < -70 mV:
            return 0.5
        elif V < -60 mV:
            return 0.5 + (V + 70 mV) / 20 mV
        return 1.0
"""

# Statements for spikes: what they do depends on the state, on one another and on their priorities; they may fire. The
# update block reads ports and convolutions, and there is a refractory period.
STATEMENTS = """
model in_statements:
    state:
        V_m mV = E_L
        refr_t ms = 0 ms
        x real = 0
        n integer = 0
        odd integer = 0
        last ms = 0 ms
        seen real = 0
        down real = 0
        arrived real = 0
        peak real = 0

    equations:
        kernel K = exp(-t / tau_syn)
        kernel D = delta(t)
        inline I pA = 1 pA * convolve(K, first)
        V_m' = -(V_m - E_L) / tau_m + I / C_m + 0.02 mV/ms * convolve(D, third)
        x' = -x / tau_x
        refr_t' = -1

    parameters:
        tau_m ms = 10 ms
        tau_x ms = 30 ms
        tau_syn ms = 2 ms
        C_m pF = 100 pF
        E_L mV = -65 mV
        V_th mV = -50 mV
        step_up mV = 1 mV
        every integer = 3
        t_ref ms = 2 ms

    input:
        first <- spike
        second <- spike
        third <- spike

    output:
        spike

    update:
        arrived += third * 1 s
        if I / 1 pA > peak:
            peak = I / 1 pA
        if refr_t > 0 ms:
            integrate_odes(refr_t, x)
        else:
            integrate_odes(V_m, x)

    onReceive(first, priority = 1):
        V_m += 0.02 * step_up * (1 - x) * first * 1 s
        seen += x

    onReceive(second, priority = 2):
        n += 1
        odd = n % every
        part real = n / 2
        half integer = n / every
        if odd == 0:
            x += 0.3 * (1 - x)
        elif odd == 1:
            V_m += effect(V_m, second * 1 s)
        else:
            x = 0.5 * x + 0.01 * part + 0.001 * half
        seen += I / 1 pA

    onReceive(third):
        last = t
        if third * 1 s > 50:
            V_m = E_L
            emit_spike()
        elif third * 1 s < 0:
            down += 1

    onCondition(V_m >= V_th and refr_t <= 0 ms):
        V_m = E_L
        refr_t = t_ref
        emit_spike()

    function effect(V mV, weight real) mV:
        V_top mV = -50 mV
        if V > -55 mV:
            return weight * 0.01 mV
        return weight * 0.01 * (V_top - V)
"""

# A cell that draws numbers whenever a spike arrives, and whose potential decays the faster the more current it gets.
NOISE = """
model in_noise:
    state:
        V_m mV = 10 mV
        x real = 1
        normal real = 0
        uniform real = 0
        counted real = 0
        other real = 0
        sum real = 0

    equations:
        V_m' = -V_m / tau * (1 + I_stim / 100 pA)
        x' = -x / tau

    parameters:
        tau ms = 200 ms
        mean real = 2

    input:
        spikes <- spike
        I_stim pA <- continuous

    output:
        spike

    update:
        integrate_odes()

    onReceive(spikes):
        normal = random_normal(mean, 0.5)
        uniform = random_uniform(-1, 3)
        counted = random_poisson(mean)
        other = random_normal(0, 1)
        sum += spikes * 1 s
"""

# The time in equations, linear in their states or not, and in a condition; NESTML's own code of it does not compile.
TIME = """
model NAME:
    state:
        V_m mV = 0 mV
        x real = 1
        y real = 0
        seen real = 0

    equations:
        V_m' = -V_m / tau + amplitude / tau * sin(2 * pi * t / cycle)
        x' = x * (1 - x / 2) * cos(t / period) / tau
        y' = (x - y) / tau

    parameters:
        tau ms = 10 ms
        period ms = 7 ms
        cycle ms = 20 ms
        amplitude mV = 20 mV

    input:
        spikes <- spike

    output:
        spike

    update:
        UPDATE

    onCondition(t > 100 ms and seen < 0.5):
        seen = t
        emit_spike()
"""

# a line of delay, whose place is only known in the run, a chain that a loop moves, and kernels beside them
VECTORS = """
model in_vectors:
    state:
        V_m mV = 0 mV
        line[n] mV = 0 mV
        chain[4] real = 0
        place integer = 0
        late mV = 0 mV
        decay real = 1

    equations:
        kernel K = exp(-t / tau)
        V_m' = -V_m / tau + convolve(K, spikes) * rate[1]

    parameters:
        tau ms = 10 ms
        rate[2] mV/ms = 2 mV/ms

    internals:
        n integer = 5
        h ms = resolution()
        part real = exp(-h / tau)

    input:
        spikes <- spike

    output:
        spike

    update:
        decay = decay * part
        late = line[place]
        line[place] = V_m
        place = place + 1
        if place == n:
            place = 0
        i integer = 0
        for i in 3 ... 0 step -1:
            chain[i] = 0.5 * chain[i] + 0.5 * chain[i - 1]
        chain[0] = V_m / 1 mV
        integrate_odes()

    onCondition(t > 1000 ms):
        emit_spike()
"""

MODELS = {"in_terms": TERMS, "in_functions": FUNCTIONS, "in_statements": STATEMENTS}
UPDATES = {"in_time": "integrate_odes()", "in_time_program": "if t > 0 ms:\n            integrate_odes()"}
TIMES = {name: TIME.replace("NAME", name).replace("UPDATE", update) for name, update in UPDATES.items()}
RANDOM = {"in_noise": NOISE}
OTHERS = {**RANDOM, **TIMES, "in_vectors": VECTORS}
RECORDED = {
    "in_terms": ["V_m", "I_syn", "I_all", "n_spikes"],
    "in_functions": ["V_m", "w", "gate", "last", "count", "driving"],
    "in_statements": ["V_m", "x", "n", "odd", "last", "seen", "down", "arrived", "peak"],
    "in_time": ["V_m", "x", "y", "seen"],
    "in_time_program": ["V_m", "x", "y", "seen"],
    "in_vectors": ["V_m", "late", "decay", *(f"chain_{i}" for i in range(4))],
    "in_noise": ["normal", "uniform", "counted", "other", "V_m", "sum", "drive_count"],
}
CHANGED: dict[str, dict[str, float]] = {"in_terms": {"gain": 0.8, "n": 10}, "in_statements": {"every": 2}}
# receptor types, and the range of weights at each
WEIGHTS = {
    "in_terms": {1: (-150.0, 200.0), 2: (0.0, 80.0), 3: (-3.0, 3.0)},
    "in_functions": {1: (0.0, 12.0), 2: (0.0, 3.0)},
    "in_statements": {1: (0.0, 120.0), 2: (0.0, 20.0), 3: (-20.0, 60.0)},
    "in_noise": {0: (1.0, 1.0)},
    "in_vectors": {0: (1.0, 3.0)},
}
CURRENTS = {"in_terms": 2, "in_noise": 1}
N_CELLS = 20  # more than a block, so that lanes are empty
DURATION = 300.0  # ms


def _create(nest: Any, model: str) -> tuple[Any, Any]:
    cells = nest.Create(model, N_CELLS)
    rng = np.random.default_rng(len(model))
    for cell in cells:
        for receptor, (low, high) in WEIGHTS.get(model, {}).items():
            times = np.unique(np.round(rng.uniform(1.0, DURATION - 5.0, 150), 1))
            times = times if model in MODELS else np.arange(10, 10 * DURATION) / 10
            weights = list(rng.uniform(low, high, len(times)))
            generator = nest.Create("spike_generator", params={"spike_times": list(times), "spike_weights": weights})
            nest.Connect(generator, cell, syn_spec={"delay": 1.0, "receptor_type": receptor})
    for port in range(CURRENTS.get(model, 0)):
        levels = {"amplitude_times": [20.0 + port, 120.0], "amplitude_values": [300.0 - 200.0 * port, 120.0]}
        generator = nest.Create("step_current_generator", params=levels)
        nest.Connect(generator, cells, syn_spec={"delay": 1.0, "receptor_type": port})
    meter = nest.Create("multimeter", params={"interval": 0.1, "record_from": RECORDED[model]})
    nest.Connect(meter, cells)
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells, recorder)
    cells[1].set(CHANGED.get(model, {}))
    if model in RANDOM:
        cells[::2].set(drive_rate=500.0, drive_weight_spikes=2.0)
    return meter, recorder


def _complaint(nest: Any) -> str:
    """What NEST says of a value that the model excludes."""
    try:
        nest.Create("in_terms", params={"n": 0})
    except nest.NESTError as error:
        return str(error)
    return ""


def main() -> None:
    module, output, threads, *models = sys.argv[1:]
    sys.argv[1:] = []  # NEST reads options from there
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.local_num_threads = int(threads)
    nest.rng_seed = 5
    nest.Install(module)
    recorded = {model: _create(nest, model) for model in models}
    nest.Simulate(DURATION)
    results: dict[str, Any] = {"in_terms/complaint": _complaint(nest)}
    for model, (meter, recorder) in recorded.items():
        spikes, traces = recorder.get("events"), meter.get("events")
        order = np.lexsort((spikes["times"], spikes["senders"]))
        results[f"{model}/spikes"] = np.round(spikes["times"][order] * 10).astype(int)
        results[f"{model}/senders"] = spikes["senders"][order]
        order = np.lexsort((traces["times"], traces["senders"]))
        for name in RECORDED[model]:
            results[f"{model}/{name}"] = traces[name][order]
    np.savez(output, **results)


if __name__ == "__main__":
    main()
