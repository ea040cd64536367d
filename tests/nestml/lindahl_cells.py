"""The seven cell types of Lindahl & Hellgren Kotaleski (2016) at control dopamine, and what the tests do to them.

Numbers: the final values in the code of the publication (DOI 10.1523/ENEURO.0156-16.2016), written out here once more
so that the tests do not depend on ``params/``. Two quadratic cells of Ortone et al. (2023, DOI
10.1371/journal.pcbi.1010645), an MSN with a linear recovery and an FSN whose recovery is cubic below V_b, are the
eighth and the ninth: two receptors instead of four or five.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

DURATION = 500.0  # ms
FI_DURATION = 1000.0  # ms; of the lowest current, at which cells fire six spikes or more
FI_SHORTER = 600.0  # ms; of the others: eleven spikes or more give the mean interval to 1e-4, 1 % is asked for
RESOLUTION = 0.1  # ms
DELAY = 1.0  # ms, of the connections from the spike generators

# potentials in mV, capacitances in pF, conductances in nS, currents in pA, times in ms
QIF_MSN: dict[str, Any] = {
    **{"C_m": 15.2, "k": 1.0, "V_th": -29.7, "V_peak": 40.0, "V_reset": -55.0},
    **{"a": 0.01, "b1": -20.0, "b2": -20.0, "p1": 1, "p2": 1},
}
AEIF_GPE: dict[str, Any] = {
    **{"C_m": 40.0, "g_L": 1.0, "E_L": -55.1, "V_th": -54.7, "Delta_T": 1.7, "V_peak": 15.0, "V_reset": -60.0},
    **{"tau_w": 20.0, "a1": 2.5, "a2": 2.5, "V_a": -55.1, "b": 70.0},
}
NEURONS: dict[str, dict[str, Any]] = {
    "MSN_D1": {**QIF_MSN, "E_L": -81.85, "V_b": -81.85, "d": 66.9},
    "MSN_D2": {**QIF_MSN, "E_L": -80.0, "V_b": -80.0, "d": 91.0},
    "FSN": {
        **{"C_m": 80.0, "k": 1.0, "E_L": -70.0, "V_th": -50.0, "V_peak": 25.0, "V_reset": -60.0},
        **{"a": 0.2, "b1": 0.0, "b2": 0.025, "p1": 1, "p2": 3, "V_b": -55.0, "d": 0.0},
    },
    "GPe_TI": AEIF_GPE,
    "GPe_TA": {**AEIF_GPE, "C_m": 60.0, "Delta_T": 2.55, "b": 105.0},
    "STN": {
        **{"C_m": 60.0, "g_L": 10.0, "E_L": -80.2, "V_th": -64.0, "Delta_T": 16.2, "V_peak": 15.0, "V_reset": -70.0},
        **{"tau_w": 333.0, "a1": 0.3, "a2": 0.0, "V_a": -70.0, "b": 0.05},
        **{"reset_slope_neg": -10.0, "reset_max_neg": -60.0, "reset_slope_pos": 0.0, "reset_max_pos": -70.0},
    },
    "SNr": {
        **{"C_m": 80.0, "g_L": 3.0, "E_L": -55.8, "V_th": -55.2, "Delta_T": 1.8, "V_peak": 20.0, "V_reset": -65.0},
        **{"tau_w": 20.0, "a1": 3.0, "a2": 3.0, "V_a": -55.8, "b": 200.0},
    },
    "MSN_two": {**QIF_MSN, "V_reset": -60.0, "E_L": -80.0, "V_b": -80.0, "d": 91.0},
    "FSN_two": {
        **{"C_m": 80.0, "k": 1.0, "E_L": -80.0, "V_th": -50.0, "V_peak": 25.0, "V_reset": -60.0},
        **{"a": 0.2, "b1": 0.025, "b2": 0.0, "p1": 3, "p2": 1, "V_b": -55.0, "d": 0.0},
    },
}
MODELS = {
    "MSN_D1": "qif_msn",
    "MSN_D2": "qif_msn",
    "FSN": "qif_fsn",
    "GPe_TI": "aeif_gpe",
    "GPe_TA": "aeif_gpe",
    "STN": "aeif_stn",
    "SNr": "aeif_gpe",
    "MSN_two": "qif_cond_exp",
    "FSN_two": "qif_cond_exp",
}
NMDA_BLOCK = {"V_act_nmda": -20.0, "S_act_nmda": 16.0}

# receptor: (decay time in ms, reversal potential in mV)
RECEPTORS: dict[str, dict[str, tuple[float, float]]] = {
    "MSN_D1": {
        "ampa": (12, 0),
        "nmda": (160, 0),
        "gaba_fsn": (8, -74),
        "gaba_msn": (12, -74),
        "gaba_ta": (87, -74),
    },
    "MSN_D2": {
        "ampa": (12, 0),
        "nmda": (160, 0),
        "gaba_fsn": (8, -74),
        "gaba_msn": (12, -74),
        "gaba_ta": (76, -74),
    },
    "FSN": {"ampa": (12, 0), "gaba_fsn": (6, -74), "gaba_ta": (66, -74), "gaba_ti": (17, -74)},
    "STN": {"ampa": (4, 0), "nmda": (160, 0), "gaba_gpe": (8, -84)},
    "GPe_TI": {"ampa_stn": (12, 0), "ampa_ext": (5, 0), "gaba_msn": (6, -65), "gaba_gpe": (5, -65)},
    "GPe_TA": {"ampa_stn": (12, 0), "ampa_ext": (5, 0), "gaba_msn": (6, -65), "gaba_gpe": (5, -65)},
    "SNr": {"ampa_stn": (12, 0), "ampa_ext": (5, 0), "gaba_msn": (5.2, -80), "gaba_gpe": (2.1, -72)},
    "MSN_two": {"exc": (12, 0), "inh": (10, -74)},
    "FSN_two": {"exc": (12, 0), "inh": (10, -74)},
}

# Input of the random tests: (receptors that get the same spikes, rate in spikes/s, mean weights in nS). Rates and
# weights are near those of a cell in the active network.
DRIVE: dict[str, list[tuple[tuple[str, ...], float, tuple[float, ...]]]] = {
    "MSN_D1": [
        (("ampa", "nmda"), 546, (0.5, 0.11)),
        (("gaba_fsn",), 150, (6.0,)),
        (("gaba_msn",), 100, (0.3,)),
        (("gaba_ta",), 125, (0.04,)),
    ],
    "MSN_D2": [
        (("ampa", "nmda"), 722, (0.41, 0.019)),
        (("gaba_fsn",), 100, (6.0,)),
        (("gaba_msn",), 100, (0.36,)),
        (("gaba_ta",), 125, (0.08,)),
    ],
    "FSN": [
        (("ampa",), 787, (0.25,)),
        (("gaba_fsn",), 90, (1.0,)),
        (("gaba_ta",), 125, (0.5,)),
        (("gaba_ti",), 100, (2.0,)),
    ],
    "STN": [
        (("ampa", "nmda"), 250, (0.25, 0.00625)),
        (("gaba_gpe",), 600, (0.08,)),
    ],
    "GPe_TI": [
        (("ampa_ext",), 700, (0.334,)),
        (("ampa_stn",), 360, (0.35,)),
        (("gaba_msn",), 130, (2.0,)),
        (("gaba_gpe",), 450, (1.3,)),
    ],
    "GPe_TA": [
        (("ampa_ext",), 300, (0.167,)),
        (("ampa_stn",), 360, (0.105,)),
        (("gaba_gpe",), 450, (0.325,)),
    ],
    "SNr": [
        (("ampa_ext",), 1000, (1.0,)),
        (("ampa_stn",), 360, (3.0,)),
        (("gaba_msn",), 70, (2.0,)),
        (("gaba_gpe",), 400, (30.0,)),
    ],
    "MSN_two": [(("exc",), 1120, (0.45,)), (("inh",), 400, (0.3,))],
    "FSN_two": [(("exc",), 944, (0.5,)), (("inh",), 200, (1.6,))],
}

# Constant currents in pA. Below the rheobase (no spike in the steady state) and above it.
QUIET_CURRENTS = {"MSN_D1": [100.0, 240.0], "MSN_D2": [100.0, 215.0], "FSN": [50.0, 90.0]}
QUIET_CURRENTS |= {"GPe_TI": [-10.0, -5.0], "GPe_TA": [-3.6, 1.0], "STN": [-20.0], "SNr": [-10.0]}
QUIET_CURRENTS |= {"MSN_two": [100.0, 215.0], "FSN_two": [50.0, 150.0]}
FIRING_CURRENTS = {"MSN_D1": [350.0, 500.0], "MSN_D2": [320.0, 450.0], "FSN": [150.0, 400.0]}
FIRING_CURRENTS |= {"GPe_TI": [4.5, 12.0], "GPe_TA": [20.0, 100.0], "STN": [6.0, 40.0], "SNr": [19.2, 80.0]}
FIRING_CURRENTS |= {"MSN_two": [320.0, 450.0], "FSN_two": [250.0, 300.0]}
FI_CURRENTS = {
    "MSN_D1": [325.0, 400.0, 600.0],
    "MSN_D2": [300.0, 400.0, 600.0],
    "FSN": [110.0, 200.0, 500.0],
    "GPe_TI": [8.0, 30.0, 90.0],
    "GPe_TA": [10.0, 40.0, 120.0],
    "STN": [5.0, 20.0, 80.0],
    "SNr": [10.0, 40.0, 150.0],
    "MSN_two": [300.0, 400.0, 600.0],
    "FSN_two": [260.0, 400.0, 700.0],
}
# current in the random tests, such that every cell type fires a few times but MSN also stay quiet in one case
DRIVE_CURRENT = {
    "MSN_D1": 170.0,
    "MSN_D2": 150.0,
    "FSN": 60.0,
    "GPe_TI": 4.5,
    "GPe_TA": -3.6,
    "STN": 6.0,
    "SNr": 19.2,
    "MSN_two": 20.0,
    "FSN_two": 0.0,
}


@dataclass(frozen=True)
class Case:
    """One isolated cell and what is done to it.

    ``inputs`` holds for every receptor the times (ms) at which its conductance jumps and by how much (nS).
    """

    name: str
    cell: str
    current: float
    duration: float = DURATION
    inputs: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict, hash=False)
    changes: dict[str, float] = field(default_factory=dict, hash=False)
    """Parameters that differ from those of the cell type."""

    @property
    def neuron(self) -> dict[str, Any]:
        """Parameters of the neuron."""
        return {**NEURONS[self.cell], **self.changes}

    @property
    def V_start(self) -> float:
        """Membrane potential at the start, mV."""
        others = -82.0 if self.cell.startswith("MSN") else -58.0
        return {"FSN": -70.0, "FSN_two": -73.0, "STN": -72.0}.get(self.cell, others)


def random_inputs(cell: str, seed: int) -> dict[str, tuple[list[float], list[float]]]:
    """Poisson arrivals on the grid; weights uniform within half and one and a half times the mean."""
    rng = np.random.default_rng([seed, list(NEURONS).index(cell)])
    n_steps = round(DURATION / RESOLUTION)
    inputs: dict[str, tuple[list[float], list[float]]] = {}
    for receptors, rate, weights in DRIVE[cell]:
        steps = np.flatnonzero(rng.random(n_steps) < rate * RESOLUTION * 1e-3)
        steps = steps[steps >= 20]  # leave room for the delay of the connection
        scale = rng.uniform(0.5, 1.5, len(steps))
        for receptor, weight in zip(receptors, weights, strict=True):
            inputs[receptor] = ([round(step * RESOLUTION, 1) for step in steps], list(weight * scale))
    return inputs


def _cases() -> dict[str, Case]:
    cases = []
    for cell in NEURONS:
        cases += [Case(f"{cell}_quiet_{current:g}pA", cell, current) for current in QUIET_CURRENTS[cell]]
        cases += [Case(f"{cell}_firing_{current:g}pA", cell, current) for current in FIRING_CURRENTS[cell]]
        for current in FI_CURRENTS[cell]:
            duration = FI_DURATION if current == min(FI_CURRENTS[cell]) else FI_SHORTER
            cases.append(Case(f"{cell}_fi_{current:g}pA", cell, current, duration))
        cases.append(Case(f"{cell}_random", cell, DRIVE_CURRENT[cell], inputs=random_inputs(cell, 1)))
    # inhibition makes w negative, so that the reset goes up to its limit: a rebound burst
    volley = [20.0 + 5.0 * number for number in range(46)]
    cases.append(Case("STN_rebound", "STN", 20.0, inputs={"gaba_gpe": (volley, [5.0] * len(volley))}))
    cases += [Case(f"{cell}_random_quiet", cell, 0.0, inputs=random_inputs(cell, 2)) for cell in ("MSN_D1", "MSN_D2")]
    return {case.name: case for case in cases}


CASES = _cases()


def unusual(cell: str, seed: int, strength: float = 1.0, duration: float = DURATION) -> Case:
    """A cell whose parameters are up to 30 % off (potentials up to 5 mV), with input that is off as well."""
    rng = np.random.default_rng([seed, list(NEURONS).index(cell), 7])
    given = NEURONS[cell]
    varied = [key for key in given if not key.startswith(("V_", "E_L", "Delta", "p1", "p2", "reset"))]
    changes = {key: given[key] * rng.uniform(0.7, 1.3) for key in varied}
    if "k" in given:
        changes["V_th"] = given["V_th"] + rng.uniform(-0.3, 0.3) * (given["V_th"] - given["E_L"])
        changes["V_reset"] = min(given["V_reset"] + rng.uniform(-5.0, 5.0), changes["V_th"] - 1.0)
    else:
        changes["Delta_T"] = given["Delta_T"] * rng.uniform(0.7, 1.3)
        changes["V_th"] = given["V_th"] + rng.uniform(-3.0, 3.0)
        changes["E_L"] = given["E_L"] + rng.uniform(-3.0, 3.0)
        changes["V_reset"] = given["V_reset"] + rng.uniform(-5.0, 5.0)
    scale = strength * rng.uniform(0.7, 1.3)
    inputs = {
        receptor: (
            [t for t in times if t < duration],
            [scale * w for t, w in zip(times, weights, strict=True) if t < duration],
        )
        for receptor, (times, weights) in random_inputs(cell, 1000 + seed).items()
    }
    current = DRIVE_CURRENT[cell] * rng.uniform(0.7, 1.3)
    return Case(f"{cell}_unusual_{seed}_{strength:g}", cell, current, duration, inputs, changes)


LINDAHL = [cell for cell in NEURONS if not cell.endswith("_two")]
# more seeds were tried by hand: 15 of each at 0.1, 0.05 and 0.025 ms
UNUSUAL = {case.name: case for cell in LINDAHL for case in (unusual(cell, 1), unusual(cell, 3))}
STRONG = 50.0
UNUSUAL |= {case.name: case for cell in LINDAHL if cell != "FSN" for case in [unusual(cell, 2, STRONG, 60.0)]}
SETS = {"usual": CASES, "unusual": UNUSUAL}
