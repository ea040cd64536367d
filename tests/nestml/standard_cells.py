"""Cells of the standard models (lif_cond_alpha, adex_cond_exp) and their counterparts that are built into NEST.

Numbers: Chakravarty et al. (2022, DOI 10.1523/ENEURO.0376-21.2022), written out here once more so that the tests do
not depend on ``params/``.

Started as a program, this file simulates all cases in one NEST process, which cannot unload a module:
``python standard_cells.py MODULE RESOLUTION OUTPUT.npz``, with ``builtin`` for NEST's own models.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np

DURATION = 200.0  # ms
INTERVAL = 0.1  # ms, of the recorded traces
DELAY = 1.0  # ms

LIF, ADEX = "lif_cond_alpha", "adex_cond_exp"
BUILTIN = {LIF: "iaf_cond_alpha", ADEX: "aeif_cond_exp"}

# potentials in mV, capacitances in pF, conductances in nS, currents in pA, times in ms
_LIF = {"t_ref": 2.0, "tau_syn_exc": 0.3, "tau_syn_inh": 2.0, "E_rev_exc": 0.0}
_ADEX = {"t_ref": 2.0, "E_L": -55.1, "V_th": -54.7, "V_peak": 0.0, "V_reset": -60.0, "E_rev_exc": 0.0}
SNR = {
    **{**_ADEX, "C_m": 80.0, "g_L": 3.0, "E_L": -55.8, "V_th": -55.2, "Delta_T": 1.6, "V_reset": -65.0},
    **{"a": 3.0, "b": 200.0, "tau_w": 20.0, "tau_syn_exc": 5.7, "tau_syn_inh": 2.04, "E_rev_inh": -80.0},
}
NEURONS: dict[str, tuple[str, dict[str, float]]] = {
    "D1": (
        LIF,
        {**_LIF, "C_m": 192.0, "g_L": 8.04, "E_L": -87.2, "V_th": -45.0, "V_reset": -87.2, "E_rev_inh": -64.0},
    ),
    "FSN": (
        LIF,
        {**_LIF, "C_m": 700.0, "g_L": 16.67, "E_L": -65.0, "V_th": -54.0, "V_reset": -65.0, "E_rev_inh": -76.0},
    ),
    "STN": (
        LIF,
        {
            **{**_LIF, "C_m": 60.0, "g_L": 10.0, "E_L": -80.2, "V_th": -64.0, "V_reset": -70.0, "E_rev_inh": -84.0},
            **{"tau_syn_exc": 0.33, "tau_syn_inh": 1.5, "E_rev_exc": -10.0},
        },
    ),
    "GPeTI": (
        ADEX,
        {
            **{**_ADEX, "C_m": 40.0, "g_L": 1.0, "Delta_T": 1.7, "a": 2.5, "b": 70.0, "tau_w": 20.0},
            **{"tau_syn_exc": 4.8, "tau_syn_inh": 1.0, "E_rev_inh": -65.0},
        },
    ),
    "SNr": (ADEX, SNR),
    # reset above the threshold of the exponential term: bursts, ended by the adaptation
    "SNr_bursting": (ADEX, {**SNR, "V_reset": -49.2, "tau_w": 80.0, "b": 300.0}),
}
CURRENTS = {"D1": [300.0, 400.0], "FSN": [150.0, 250.0], "STN": [150.0, 168.0]}
CURRENTS |= {"GPeTI": [-10.0, 30.0], "SNr": [-10.0, 60.0], "SNr_bursting": [-150.0, 300.0]}

# random input: current (pA), then rate (spikes/s) and weight (nS) of excitation and inhibition
DRIVE = {
    "D1": (200.0, 1700.0, 3.0, 100.0, 2.6),
    "FSN": (0.0, 1810.0, 3.0, 400.0, 1.0),
    "STN": (1.0, 2490.0, 1.3, 900.0, 0.3),
    "GPeTI": (12.0, 400.0, 1.25, 800.0, 1.3),
    "SNr": (0.0, 600.0, 3.1, 150.0, 30.0),
    "SNr_bursting": (-155.0, 600.0, 3.1, 50.0, 30.0),
}


@dataclass(frozen=True)
class Case:
    """One isolated cell, its current (pA) and, per receptor, when its conductance is hit (ms) and by what (nS)."""

    cell: str
    current: float
    inputs: dict[str, tuple[list[float], float]]

    @property
    def model(self) -> str:
        return NEURONS[self.cell][0]

    @property
    def params(self) -> dict[str, float]:
        return {**NEURONS[self.cell][1], "I_e": self.current}


def _poisson(rate: float, rng: np.random.Generator) -> list[float]:
    steps = np.flatnonzero(rng.random(round(DURATION / 0.1)) < rate * 1e-4)
    return [round(step * 0.1, 1) for step in steps[steps > 10 * DELAY]]


def _cases() -> dict[str, Case]:
    cases = {}
    for cell, currents in CURRENTS.items():
        for current in currents:
            cases[f"{cell}_{current:g}pA"] = Case(cell, current, {})
        current, exc, w_exc, inh, w_inh = DRIVE[cell]
        rng = np.random.default_rng(list(NEURONS).index(cell))
        inputs = {"exc": (_poisson(exc, rng), w_exc), "inh": (_poisson(inh, rng), w_inh)}
        cases[f"{cell}_random"] = Case(cell, current, inputs)
    return cases


CASES = _cases()
RENAMED = {"E_rev_exc": "E_ex", "E_rev_inh": "E_in", "tau_syn_exc": "tau_syn_ex", "tau_syn_inh": "tau_syn_in"}


def _create(nest: Any, case: Case, builtin: bool) -> Any:
    params = {**case.params, "V_m": min(case.params["V_reset"], case.params["E_L"])}
    if not builtin:
        return nest.Create(case.model, params=params)
    return nest.Create(BUILTIN[case.model], params={RENAMED.get(key, key): value for key, value in params.items()})


def main() -> None:
    module, resolution, output = sys.argv[1:4]
    sys.argv[1:] = []  # NEST reads options from there
    os.environ["PYNEST_QUIET"] = "1"
    import nest

    builtin = module == "builtin"
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution = float(resolution)
    if not builtin:
        nest.Install(module)
    recorded = {}
    for name, case in CASES.items():
        cell = _create(nest, case, builtin)
        ports = {} if builtin else {port.lower(): number for port, number in cell.receptor_types.items()}
        for receptor, (times, weight) in case.inputs.items():
            sent = [round(time - DELAY, 1) for time in times]
            generator = nest.Create("spike_generator", params={"spike_times": sent})
            synapse = {"delay": DELAY, "weight": weight}
            if builtin:
                synapse["weight"] *= 1.0 if receptor == "exc" else -1.0
            else:
                synapse["receptor_type"] = ports[receptor]
            nest.Connect(generator, cell, syn_spec=synapse)
        spikes = nest.Create("spike_recorder")
        nest.Connect(cell, spikes)
        variables = ["V_m", "g_ex", "g_in"] if builtin else ["V_m", "g_exc", "g_inh"]
        variables += ["w"] if case.model == ADEX else []
        meter = nest.Create("multimeter", params={"record_from": variables, "interval": INTERVAL})
        nest.Connect(meter, cell)
        recorded[name] = spikes, meter, variables
    nest.Simulate(DURATION + 10.0)  # a multimeter gets the samples of a slice in the next one

    results = {}
    for name, (spikes, meter, variables) in recorded.items():
        times = np.asarray(spikes.get("events", "times"))
        events = meter.get("events")
        kept = events["times"] < DURATION + 0.5 * INTERVAL
        results[f"{name}/spikes"] = np.sort(times[times <= DURATION])
        results[f"{name}/times"] = events["times"][kept]
        for variable in variables:
            renamed = {"g_ex": "g_exc", "g_in": "g_inh"}.get(variable, variable)
            results[f"{name}/{renamed}"] = events[variable][kept]
    np.savez(output, **results)


if __name__ == "__main__":
    main()
