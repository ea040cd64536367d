"""Models whose update block is a program, and a program that simulates them.

Some are NESTML's own, from the folder that it installs; the others show what those leave out. Started as a program
with the path of a module, of a file for the results and of a table of ports (JSON): recordings of several cells of
each, with spikes of random times and weights at all ports and steps of current at all ports for currents.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

DURATION = 200.0  # ms
N_CELLS = 9  # one more than a block

# Counters and steps(), branches of which some call integrate_odes(), some with arguments, and some do not; several
# calls in a row; local variables of all types and a loop; the time; input at once, which is lost while V_m does not
# move; spikes from the update block; conditions that meet one another's changes. All of it is solved exactly.
COUNTERS = """
model upd_counters:
    state:
        V_m mV = E_L
        x mV = 0 mV
        y real = 1
        r integer = 0
        n_left integer = 0
        half integer = 0
        last ms = 0 ms
        rising boolean = false

    equations:
        kernel K_exp = exp(-t / tau_syn)
        kernel K_jump = delta(t)
        recordable inline distance mV = V_th - V_m
        V_m' = -(V_m - E_L) / tau_m + (convolve(K_exp, slow) * 1 pA + I_stim) / C_m + convolve(K_jump, fast) * 1 mV / ms
        x' = -x / tau_x
        y' = -y / (5 ms)

    parameters:
        tau_m ms = 10 ms
        tau_syn ms = 3 ms
        tau_x ms = 20 ms
        C_m pF = 250 pF
        E_L mV = -70 mV
        V_th mV = -55 mV
        V_reset mV = -65 mV
        t_ref ms = 1.5 ms

    internals:
        refr integer = steps(t_ref)

    input:
        slow <- spike
        fast <- spike
        I_stim pA <- continuous

    output:
        spike

    update:
        before mV = V_m
        n integer = r
        if r > refr / 2:
            r -= 1
            integrate_odes(x)
        elif r > 0:
            r -= 1
            more real = 0.001 * n
            y += more
            integrate_odes(x, y)
        elif V_m > V_th - 1 mV and not rising:
            extra mV = 0.02 * (V_m - E_L)
            x += extra
            if y < 1e-3:
                y = 1
                integrate_odes()
            else:
                integrate_odes(V_m, x)
        else:
            integrate_odes(V_m, x)
            integrate_odes(y)
        rising = V_m > before
        if rising:
            x += 0.05 mV
        while n > 4:
            n -= 4
        n_left = n
        half = n / refr
        if x > 6 mV:
            x = 1 mV
            emit_spike()

    onCondition(V_m >= V_th + x):
        V_m = V_reset
        r = refr
        last = t
        emit_spike()

    onCondition(r == refr and y > 0.5):
        y -= 0.3
        V_m -= 1 mV
"""

# Equations without a closed solution: two calls in a row, a variable that is clamped after them, a moving threshold.
CLAMPED = """
model upd_clamped:
    state:
        V_m mV = E_L
        w pA = 0 pA
        theta mV = -50 mV
        refr_t ms = 0 ms
        V_old mV = E_L

    equations:
        kernel K_exp = exp(-t / tau_syn)
        V_m' = (0.05 nS/mV * (V_m - E_L) * (V_m - V_c) - w + convolve(K_exp, spikes) * 1 pA + I_stim) / C_m
        w' = (a * (V_m - E_L) - w) / tau_w
        theta' = (-50 mV - theta) / tau_theta
        refr_t' = -1

    parameters:
        C_m pF = 50 pF
        a nS = 0.5 nS
        tau_w ms = 40 ms
        tau_theta ms = 15 ms
        tau_syn ms = 2 ms
        E_L mV = -70 mV
        V_c mV = -58 mV
        V_min mV = -72 mV
        t_ref ms = 2 ms

    input:
        spikes <- spike
        I_stim pA <- continuous

    output:
        spike

    update:
        V_old = V_m
        if refr_t > resolution() / 2:
            integrate_odes(refr_t, theta)
        else:
            integrate_odes(V_m, theta)
        integrate_odes(w)
        V_m = max(V_min, V_m)

    onCondition(refr_t <= resolution() / 2 and V_m >= theta and not (V_old > V_m + 40 mV)):
        theta += 5 mV
        V_m = -65 mV
        w += 20 pA
        refr_t = t_ref
        emit_spike()
"""

OWN = {"upd_counters": COUNTERS, "upd_clamped": CLAMPED}

# NESTML's: weights of positive and negative spikes, and amplitudes of the steps of current
INSTALLED: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "iaf_cond_alpha_neuron": ((4.0, -6.0), (300.0, 450.0)),  # refractory idiom
    "izhikevich_neuron": ((3.0, 3.0), (5.0, 10.0)),  # input at once, a bound
}
DRIVE = {**INSTALLED, "upd_counters": ((150.0, 1.5), (250.0, 400.0)), "upd_clamped": ((80.0, 80.0), (50.0, 80.0))}


def stimulate(nest: Any, model: str, ports: dict[str, int], currents: dict[str, int]) -> Any:
    """Cells of a model, each with input of its own."""
    weights, amplitudes = DRIVE[model]
    cells = nest.Create(model, N_CELLS)
    defaults = cells[0].get()
    if "gsl_abs_error_tol" in defaults:
        cells.set(gsl_abs_error_tol=1e-10, gsl_rel_error_tol=1e-10)
    for i, cell in enumerate(cells):
        rng = np.random.default_rng(i)
        for port, receptor in sorted(ports.items()):
            sign = 1 if "inh" in port or port == "fast" else 0
            steps = np.flatnonzero(rng.random(round(10 * DURATION)) < (0.04 if i % 3 else 0.0))
            times = np.round(0.1 * steps[steps > 10], 1)
            generator = nest.Create("spike_generator", params={"spike_times": times})
            synapse = {"weight": weights[sign], "delay": 1.0, "receptor_type": receptor}
            nest.Connect(generator, cell, syn_spec=synapse)
        for receptor in currents.values():
            scale = (i % 4) / 3
            generator = nest.Create("step_current_generator")
            generator.set(amplitude_times=[10.0, 100.0], amplitude_values=[scale * a for a in amplitudes])
            nest.Connect(generator, cell, syn_spec={"delay": 1.0, "receptor_type": receptor})
    return cells


def main() -> None:
    module, output, table = sys.argv[1:4]
    sys.argv[1:] = []  # NEST reads options from there
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution = 0.1
    nest.Install(module)
    devices = {}
    for model, interface in json.loads(Path(table).read_text()).items():
        cells = stimulate(nest, model, interface["ports"], interface["currents"])
        names = sorted({str(name) for name in nest.GetDefaults(model, "recordables")} - {"drive_count"})
        meter = nest.Create("multimeter", params={"interval": 0.1, "record_from": names})
        spikes = nest.Create("spike_recorder")
        nest.Connect(meter, cells)
        nest.Connect(cells, spikes)
        devices[model] = cells, meter, spikes, names
    nest.Simulate(DURATION)
    results = {}
    for model, (cells, meter, spikes, names) in devices.items():
        events, sent = meter.get("events"), spikes.get("events")
        order = np.lexsort((events["times"], events["senders"]))
        for name in names:
            results[f"{model}/{name}"] = events[name][order].reshape(N_CELLS, -1)
        for i, cell in enumerate(cells):
            results[f"{model}/spikes{i}"] = np.sort(sent["times"][sent["senders"] == cell.global_id])
    np.savez(output, **results)


if __name__ == "__main__":
    main()
