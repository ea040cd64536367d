"""An isolated cell as equations, and its integration by SciPy to a tight tolerance, independent of NESTML and NEST."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

RESOLUTION = 0.1  # ms
DELAY = 1.0  # ms
RTOL = 1e-9  # far below what is asked of the models: 0.01 mV and a step

State = list[float]


def alpha(x: float, tau: float) -> float:
    """Alpha function with peak 1."""
    return x / tau * math.exp(1.0 - x / tau)


def decay(x: float, tau: float) -> float:
    """Exponential that starts at 1."""
    return math.exp(-x / tau)


def rise_and_decay(x: float, rise: float, tau: float) -> float:
    """Difference of two exponentials with peak 1."""
    at = rise * tau / (tau - rise) * math.log(tau / rise)
    return (math.exp(-x / tau) - math.exp(-x / rise)) / (math.exp(-at / tau) - math.exp(-at / rise))


@dataclass(frozen=True, eq=False)
class Case:
    """An isolated cell: parameters that differ from the file of the model, first values, and what arrives when.

    ``inputs`` has by port the times (ms), the weight, and the kernel of a spike; ``reversal`` in mV, where it opens a
    conductance.
    """

    model: str
    slope: Callable[[State, float, float], State]
    """Derivatives from the state, the current of synapses and the constant one in pA."""
    start: State
    states: tuple[str, ...]
    current: float
    peak: Callable[[State], float]
    """Potential of a spike."""
    reset: Callable[[State], State] | None = None
    duration: float = 200.0
    t_ref: float = 0.0
    params: dict[str, float] = field(default_factory=dict)
    inputs: dict[str, tuple[list[float], float, Callable[[float], float], float | None]] = field(default_factory=dict)
    block: dict[str, Callable[[float], float]] = field(default_factory=dict)

    def synapses(self, t: float, V: float) -> float:
        """Current of all synapses in pA."""
        total = 0.0
        for port, (times, weight, kernel, reversal) in self.inputs.items():
            g = weight * sum(kernel(t - arrival) for arrival in times if arrival <= t)
            if g:
                total += g * self.block.get(port, lambda V: 1.0)(V) * (1.0 if reversal is None else reversal - V)
        return total


EXC = [20.0, 21.0, 22.0, 60.0, 61.5, 90.0]
INH = [40.0, 41.0, 110.0]


def block(mg: float) -> Callable[[float], float]:
    return lambda V: 1.0 / (1.0 + mg * math.exp(-0.062 * V))


@dataclass(frozen=True)
class Solution:
    """Potential (mV) at the ends of all steps, and the moments of the spikes (ms)."""

    times: np.ndarray
    V_m: np.ndarray
    spikes: np.ndarray


@cache
def solve(name: str, case: Case) -> Solution:
    """Solution of a case, integrated once per machine."""
    texts = [path.read_text() for path in sorted(Path(__file__).parent.glob("field_*.py"))]
    key = hashlib.sha256("".join(texts).encode()).hexdigest()[:24]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bgnest-tests" / f"field-{key}"
    file = folder / f"{name}.npz"
    if not file.is_file():
        found = _integrate(case)
        folder.mkdir(parents=True, exist_ok=True)
        half = file.with_suffix(f".{os.getpid()}.npz")
        np.savez(half, times=found.times, V_m=found.V_m, spikes=found.spikes)
        half.rename(file)
    with np.load(file) as content:
        return Solution(content["times"], content["V_m"], content["spikes"])


def _integrate(case: Case) -> Solution:
    from scipy.integrate import solve_ivp

    arrivals = sorted({time for times, *_ in case.inputs.values() for time in times if time < case.duration})
    grid = np.arange(1, round(case.duration / RESOLUTION) + 1) * RESOLUTION
    V, spikes = np.full(len(grid), np.nan), []
    t, y, free = 0.0, list(case.start), 0.0

    def slope(t: float, y: Any) -> State:
        return case.slope(list(y), case.synapses(t, y[0]), case.current)

    def reached(t: float, y: Any) -> float:
        return float(y[0] - case.peak(list(y)))

    reached.direction, reached.terminal = 1.0, case.reset is not None  # type: ignore[attr-defined]
    stops = [*arrivals, case.duration]
    while t < case.duration:
        if t < free:  # the refractory period: everything but conductances stays
            V[(grid > t - 1e-9) & (grid <= free + 1e-9)] = y[0]
            t = min(free, case.duration)
            continue
        stop = next(s for s in stops if s > t + 1e-9)
        found = solve_ivp(
            slope, (t, stop), y, method="LSODA", rtol=RTOL, atol=1e-10, events=reached, dense_output=True, max_step=1.0
        )
        inside = (grid > t + 1e-9) & (grid <= found.t[-1] + 1e-9)
        if inside.any():
            V[inside] = found.sol(np.minimum(grid[inside], found.t[-1]))[0]
        t, y = float(found.t[-1]), [float(value) for value in found.y[:, -1]]
        spikes += [float(time) for time in found.t_events[0]]
        if case.reset is not None and found.status == 1:
            y = case.reset(y)
            free = t + case.t_ref
        else:
            t = stop
    return Solution(grid, V, np.array(spikes))
