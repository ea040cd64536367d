"""The equations of the cells once more, integrated by SciPy to a tight tolerance, independent of NESTML and NEST."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import scipy
from lindahl_cells import NMDA_BLOCK, RECEPTORS, RESOLUTION, SETS, Case
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

RTOL = 1e-9  # far below what is asked of the models: 0.01 mV and a step
ATOL = 1e-9

State = list[float]


@dataclass(frozen=True)
class Solution:
    """Membrane potential (mV) at the ends of all steps, and the moments of the spikes (ms)."""

    times: NDArray[np.float64]
    V_m: NDArray[np.float64]
    spikes: NDArray[np.float64]


class Cell:
    """Right-hand side and reset of one cell; conductances decay exactly from their values at time ``t0``."""

    def __init__(self, case: Case) -> None:
        self.p = case.neuron
        self.current = case.current
        self.names = list(RECEPTORS[case.cell])
        self.tau = [RECEPTORS[case.cell][name][0] for name in self.names]
        self.E_rev = [RECEPTORS[case.cell][name][1] for name in self.names]
        self.nmda = self.names.index("nmda") if "nmda" in self.names else None
        self.g = [0.0] * len(self.names)
        self.t0 = 0.0
        self.slopes: Callable[[float, float, float], tuple[float, float]] = (
            self._quadratic if "k" in self.p else self._exponential
        )

    def advance(self, t: float, jumps: dict[str, float]) -> None:
        """Let the conductances decay to time ``t``, then jump."""
        self.g = [g * math.exp(-(t - self.t0) / tau) for g, tau in zip(self.g, self.tau, strict=True)]
        self.g = [g + jumps.get(name, 0.0) for g, name in zip(self.g, self.names, strict=True)]
        self.t0 = t

    def synaptic_current(self, t: float, V: float) -> float:
        """Sum over the receptors in pA."""
        total = 0.0
        for index, g in enumerate(self.g):
            if g:
                open_fraction = 1.0
                if index == self.nmda:
                    block = (NMDA_BLOCK["V_act_nmda"] - V) / NMDA_BLOCK["S_act_nmda"]
                    open_fraction = 1.0 / (1.0 + math.exp(block))
                decayed = g * math.exp(-(t - self.t0) / self.tau[index])
                total += decayed * (self.E_rev[index] - V) * open_fraction
        return total

    def _quadratic(self, t: float, V: float, u: float) -> tuple[float, float]:
        p = self.p
        below = p["V_b"] > V
        drive = (p["b1"] if below else p["b2"]) * (V - p["V_b"]) ** (p["p1"] if below else p["p2"])
        current = self.synaptic_current(t, V) + self.current
        return (p["k"] * (V - p["E_L"]) * (V - p["V_th"]) - u + current) / p["C_m"], p["a"] * (drive - u)

    def _exponential(self, t: float, V: float, w: float) -> tuple[float, float]:
        p = self.p
        # a trial step of the solver may look far beyond the peak
        spike = p["g_L"] * p["Delta_T"] * math.exp(min((V - p["V_th"]) / p["Delta_T"], 200.0))
        current = self.synaptic_current(t, V) + self.current
        slope = p["a1"] if p["V_a"] > V else p["a2"]
        return (-p["g_L"] * (V - p["E_L"]) + spike - w + current) / p["C_m"], (slope * (V - p["V_a"]) - w) / p["tau_w"]

    def reset(self, w: float) -> State:
        """State after a spike that found the recovery or adaptation current ``w``."""
        p = self.p
        if "k" in p:
            return [p["V_reset"], w + p["d"]]
        V = p["V_reset"]
        if "reset_max_neg" in p:
            side = "neg" if w < 0 else "pos"
            V = min(V + p[f"reset_slope_{side}"] * w, p[f"reset_max_{side}"])
        return [V, w + p["b"]]

    @property
    def V_upstroke(self) -> float:
        """Potential from which a spike is certain and time is better computed as a function of V."""
        p = self.p
        late = p["V_peak"] - 25.0
        return late if "k" in p else min(late, p["V_th"] + 12.0 * p["Delta_T"])


def _between(cell: Cell, t: float, state: State, t_end: float) -> tuple[float, State, bool, list[tuple[float, float]]]:
    """Integrate to ``t_end`` or to the next spike; also returns whether there was one, and V on the grid."""
    samples: list[tuple[float, float]] = []
    V_up = cell.V_upstroke
    if state[0] < V_up:

        def reached(_: float, y: NDArray[np.float64]) -> float:
            return float(y[0]) - V_up

        reached.terminal, reached.direction = True, 1.0  # type: ignore[attr-defined]
        grid = np.arange(math.floor(t / RESOLUTION + 1e-6) + 1, round(t_end / RESOLUTION) + 1) * RESOLUTION
        result = solve_ivp(
            lambda time, y: cell.slopes(time, y[0], y[1]),
            (t, t_end),
            state,
            method="DOP853",
            rtol=RTOL,
            atol=ATOL,
            events=reached,
            dense_output=True,
        )
        t_stop = float(result.t[-1])
        inside = grid[grid <= t_stop + 1e-9]
        if len(inside):
            samples = list(zip(inside, result.sol(np.minimum(inside, t_stop))[0], strict=True))
        state = [float(value) for value in result.y[:, -1]]
        if result.status == 0:
            return t_end, state, False, samples
        t = t_stop
    # The upstroke, with V as the independent variable: dt/dV = 1 / V', dw/dV = w' / V'.

    def by_voltage(V: float, y: NDArray[np.float64]) -> tuple[float, float]:
        dV, dw = cell.slopes(float(y[0]), V, float(y[1]))
        return 1.0 / dV, dw / dV

    result = solve_ivp(
        by_voltage,
        (state[0], cell.p["V_peak"]),
        [t, state[1]],
        method="DOP853",
        rtol=RTOL,
        atol=1e-12,
        dense_output=True,
    )
    t_spike, w = float(result.y[0, -1]), float(result.y[1, -1])
    if t_spike <= t_end:
        return t_spike, cell.reset(w), True, samples
    # The segment ends within the upstroke: V at its end, by bisection on t(V).
    low, high = state[0], cell.p["V_peak"]
    for _ in range(100):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if result.sol(middle)[0] < t_end else (low, middle)
    samples.append((t_end, low))
    return t_end, [low, float(result.sol(low)[1])], False, samples


def _folder() -> Path:
    """Where solutions are kept for this text, that of the cases, and these versions of the libraries."""
    here = Path(__file__).resolve().parent
    texts = [(here / file).read_text() for file in ("scipy_reference.py", "lindahl_cells.py")]
    key = hashlib.sha256("\0".join([*texts, scipy.__version__, np.__version__]).encode()).hexdigest()[:24]
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bgnest-tests" / f"scipy-{key}"


@cache
def solve(name: str) -> Solution:
    """Solution of a case, integrated once per machine."""
    file = _folder() / f"{name}.npz"
    if not file.is_file():
        found = _integrate(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        half = file.with_suffix(f".{os.getpid()}.npz")
        np.savez(half, times=found.times, V_m=found.V_m, spikes=found.spikes)
        half.rename(file)
    with np.load(file) as content:
        return Solution(content["times"], content["V_m"], content["spikes"])


def _integrate(name: str) -> Solution:
    """Integrate a case."""
    case = next(cases[name] for cases in SETS.values() if name in cases)
    cell = Cell(case)
    jumps: dict[float, dict[str, float]] = {}
    for receptor, (times, weights) in case.inputs.items():
        for time, weight in zip(times, weights, strict=True):
            at = jumps.setdefault(time, {})
            at[receptor] = at.get(receptor, 0.0) + weight
    t, state = 0.0, [case.V_start, 0.0]
    spikes: list[float] = []
    samples: list[tuple[float, float]] = []
    for t_next in [*sorted(time for time in jumps if 0 < time < case.duration), case.duration]:
        while t < t_next:
            t, state, fired, seen = _between(cell, t, state, t_next)
            samples += seen
            if fired:
                spikes.append(t)
        cell.advance(t, jumps.get(t_next, {}))
    times, V = np.array(samples).T
    steps, first = np.unique(np.round(times / RESOLUTION).astype(int), return_index=True)
    return Solution(steps * RESOLUTION, V[first], np.array(spikes))
