"""Cells of the field (leaky, Izhikevich, Hodgkin and Huxley) and their equations once more, for SciPy.

The equations and numbers are written out here, so that neither NESTML nor ``params/`` is needed to know what is right.

Started as a program, this file simulates all cases in one NEST process, which cannot unload a module:
``python field_cells.py MODULE OUTPUT.npz``.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
from field_case import DELAY, EXC, INH, RESOLUTION, Case, State, alpha, block, decay
from field_hh_cells import HH_CASES

# --- leaky cells ---------------------------------------------------------------------------------------------


def leaky(y: State, synapses: float, current: float) -> State:
    return [(-16.6667 * (y[0] + 70.0) + synapses + current) / 250.0]


def leaky_psc(y: State, synapses: float, current: float) -> State:
    return [(-25.0 * (y[0] + 70.0) + synapses + current) / 250.0]


# --- Izhikevich ----------------------------------------------------------------------------------------------


def izhikevich(C: float, n2: float, n1: float, n0: float, a: float, b: float) -> Any:
    def slope(y: State, synapses: float, current: float) -> State:
        V, u = y
        return [n2 * V * V + n1 * V + n0 + (synapses + current - u) / C, a * (b * V - u)]

    return slope


def two_recovery(p: dict[str, float]) -> Any:
    def slope(y: State, synapses: float, current: float) -> State:
        V, u1, u2 = y
        drive = p["b2"] * (V - p["V_r2"]) if p["V_b2"] >= V else 0.0
        quadratic = p["k"] * (V - p["E_L"]) * (V - p["V_th"])
        return [
            (quadratic - u1 - p["w2"] * u2 + synapses + current) / p["C_m"],
            p["a1"] * (p["b1"] * (V - p["E_L"]) - u1),
            p["a2"] * (drive - u2),
        ]

    return slope


def moved(p: dict[str, float], u2: float) -> float:
    """What the second recovery variable adds to the peak."""
    return u2 / (p["w1"] * abs(u2) + 1.0 / p["w1"])


STN_A = {
    **{"C_m": 23.0, "k": 0.439, "E_L": -56.2, "V_th": -41.4, "V_peak": 15.4, "V_reset": -47.7, "a1": 0.021, "b1": 4.0},
    **{"d1": 17.1, "a2": 0.123, "b2": 0.015, "d2": -68.4, "V_r2": -60.0, "V_b2": -60.0, "w1": 0.1, "w2": 0.0},
}
STN_C = {
    **{"C_m": 30.0, "k": 0.105, "E_L": -58.5, "V_th": -43.75, "V_peak": 15.4, "V_reset": -52.34, "a1": 0.44},
    **{"b1": -1.35, "d1": 17.65, "a2": 0.32, "b2": 3.13, "d2": 92.0, "V_r2": -43.2, "V_b2": 1000.0, "w1": 0.001},
    "w2": 1.0,
}


SYNAPSES_IZHIKEVICH = {
    "exc": (EXC, 0.05, lambda x: decay(x, 5.0), 0.0),
    "inh": (INH, 0.05, lambda x: decay(x, 5.0), -70.0),
}


def of_two(p: dict[str, float], current: float, duration: float = 200.0) -> Case:
    return Case(
        "izhikevich_two_recovery",
        two_recovery(p),
        [p["E_L"], 0.0, 0.0],
        ("V_m", "u1", "u2"),
        current,
        lambda y: p["V_peak"] + moved(p, y[2]),
        lambda y: [p["V_reset"] - moved(p, y[2]), y[1] + p["d1"], y[2] + p["d2"]],
        duration,
        params=p,
        inputs={
            "ampa": (EXC, 1.0, lambda x: decay(x, 2.0), 0.0),
            "nmda": (EXC, 0.3, lambda x: decay(x, 100.0), 0.0),
            "gaba": (INH, 4.0, lambda x: decay(x, 8.0), -84.0),
        },
        block={"nmda": block(0.28)},
    )


def of_izhikevich(p: tuple[float, ...], c: float, d: float, current: float, start: State, **more: Any) -> Case:
    C, n2, n1, n0, a, b = p
    params = {"C_m": C, "n2": n2, "n1": n1, "n0": n0, "a": a, "b": b, "V_reset": c, "d": d}
    synapses = {**SYNAPSES_IZHIKEVICH, **more.pop("synapses", {})}
    weights = {port: (times, C * w, kernel, E) for port, (times, w, kernel, E) in synapses.items()}
    return Case(
        more.pop("model", "izhikevich_cond_exp"),
        izhikevich(*p),
        start,
        ("V_m", "u"),
        current,
        lambda y: 30.0,
        lambda y: [c, y[1] + d],
        params={**params, "t_ref": more.get("t_ref", 0.0)},
        inputs=weights,
        **more,
    )


CASES: dict[str, Case] = {
    "lif_cond_exp": Case(
        "lif_cond_exp",
        leaky,
        [-70.0],
        ("V_m",),
        260.0,
        lambda y: -55.0,
        lambda y: [-60.0],
        t_ref=2.0,
        inputs={
            "exc": (EXC, 20.0, lambda x: decay(x, 0.2), 0.0),
            "inh": (INH, 10.0, lambda x: decay(x, 2.0), -85.0),
        },
    ),
    "lif_psc_exp": Case(
        "lif_psc_exp",
        leaky_psc,
        [-70.0],
        ("V_m",),
        385.0,
        lambda y: -55.0,
        lambda y: [-70.0],
        t_ref=2.0,
        inputs={
            "exc": (EXC, 200.0, lambda x: decay(x, 2.0), None),
            "inh": (INH, -150.0, lambda x: decay(x, 2.0), None),
        },
    ),
    "regular": of_izhikevich((1.0, 0.04, 5.0, 140.0, 0.02, 0.2), -65.0, 8.0, 10.0, [-65.0, -13.0]),
    "bursting": of_izhikevich((50.0, 0.04, 5.0, 140.0, 0.02, 0.2), -50.0, 100.0, 500.0, [-65.0, -650.0]),
    "polynomial": of_izhikevich((1.0, 0.043, 4.86, 117.0, 0.0058, 0.56), -65.0, 3.8, -5.0, [-65.0, -36.4], t_ref=5.0),
    "alpha": of_izhikevich(
        (100.0, 0.04, 5.0, 140.0, 0.02, 20.0),
        *(-65.0, 8.0 * 100, 900.0, [-65.0, -1300.0]),
        model="izhikevich_cond_alpha",
        synapses={
            "exc": (EXC, 0.05, lambda x: alpha(x, 5.0), 0.0),
            "inh": (INH, 0.05, lambda x: alpha(x, 5.0), -70.0),
        },
    ),
    "two_recovery_A": of_two(STN_A, 56.1),
    "two_recovery_C": of_two(STN_C, -18.0, 400.0),
    **HH_CASES,
}
MODELS = sorted({case.model for case in CASES.values()})


def main() -> None:
    module, output = sys.argv[1:3]
    sys.argv[1:] = []  # NEST reads options from there
    os.environ["PYNEST_QUIET"] = "1"
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution = RESOLUTION
    nest.Install(module)
    recorded = {}
    for name, case in CASES.items():
        first = dict(zip(case.states, case.start, strict=True))
        cell = nest.Create(case.model, params={**case.params, **first, "I_e": case.current})
        ports = {port.lower(): number for port, number in cell.receptor_types.items()}
        for port, (times, weight, *_) in case.inputs.items():
            generator = nest.Create("spike_generator", params={"spike_times": [time - DELAY for time in times]})
            synapse = {"delay": DELAY, "weight": abs(weight), "receptor_type": ports[port]}
            nest.Connect(generator, cell, syn_spec=synapse)
        spikes = nest.Create("spike_recorder")
        nest.Connect(cell, spikes)
        meter = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": RESOLUTION})
        nest.Connect(meter, cell)
        recorded[name] = spikes, meter
    nest.Simulate(max(case.duration for case in CASES.values()))
    results = {}
    for name, (spikes, meter) in recorded.items():
        results[f"{name}/spikes"] = np.sort(spikes.get("events", "times"))
        results[f"{name}/times"] = np.asarray(meter.get("events", "times"))
        results[f"{name}/V_m"] = np.asarray(meter.get("events", "V_m"))
    np.savez(output, **results)


if __name__ == "__main__":
    main()
