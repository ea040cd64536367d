"""Pure mathematics of the specification: scaling, dopamine, in-degrees.  No files, no simulator.

Dopamine enters through phi = alpha - alpha_0 (Lindahl and Hellgren Kotaleski 2016,
doi 10.1523/ENEURO.0156-16.2016): 0 in control, -0.8 when dopamine is depleted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

MAX_TRIED = 10_000
"""Sizes of a network that are tried one by one."""


def round_half_away(x: float) -> int:
    """Nearest integer, halves away from zero (Python's ``round`` goes to the even one).

    >>> round_half_away(2.5), round_half_away(-2.5)
    (3, -3)
    """
    return int(math.copysign(math.floor(abs(x) + 0.5), x))


def population_sizes(counts: Mapping[str, float], n_total: int) -> dict[str, int]:
    """Distribute neurons over populations: the size of each in a network of ``n_total`` neurons.

    Every count is scaled and rounded; if the sum is not ``n_total``, one neuron is added to (or removed from)
    the smallest populations in ascending order of size until it is.

    Parameters
    ----------
    counts : mapping of str to float
        Neurons in the animal.
    n_total : int

    Returns
    -------
    dict of str to int
        In the order of ``counts``.

    Raises
    ------
    ValueError
        If ``n_total`` is smaller than 1 or there is no population to scale.

    Examples
    --------
    >>> population_sizes({"a": 60.0, "b": 30.0, "c": 10.0}, 10)
    {'a': 6, 'b': 3, 'c': 1}
    """
    if n_total < 1 or not counts:
        raise ValueError(f"cannot distribute {n_total} neurons over {len(counts)} populations")
    whole = math.fsum(counts.values())
    sizes = {name: round_half_away(count / whole * n_total) for name, count in counts.items()}
    order = sorted(sizes, key=lambda name: (sizes[name], counts[name]))
    while (difference := n_total - sum(sizes.values())) != 0:
        step = 1 if difference > 0 else -1
        candidates = [name for name in order if sizes[name] + step >= 0]
        # more than one at a time only in networks so large that the shares have lost their last digits
        several = max(1, abs(difference) // len(candidates))
        for name in candidates[: abs(difference)]:
            sizes[name] += step * several if step > 0 else -min(several, sizes[name])
    return sizes


def dopamine_phi(alpha: float, alpha_0: float) -> float:
    """Dopamine variable phi of the level ``alpha``; 0 at the reference level."""
    return alpha - alpha_0


def modulated_parameter(x: float, beta: float, phi: float) -> float:
    """Potential or recovery increment under dopamine: x (1 - beta phi), in the unit of ``x``."""
    return x * (1.0 - beta * phi)


def receptor_gain(beta: float, phi: float) -> float:
    """Factor on a synaptic current: 1 + beta phi."""
    return 1.0 + beta * phi


def modulated_weight(w: float, beta: float, phi: float) -> float:
    """Weight of a synapse under dopamine: w (1 + beta phi), in the unit of ``w``."""
    return w * (1.0 + beta * phi)


def modulated_in_degree(k: float, beta: float, phi: float, rounding: str = "nearest") -> int:
    """Whole number of connections per target under dopamine: round(k) (1 + beta phi), at least 0.

    ``rounding`` says how: ``nearest`` (halves away from zero) or ``down``.

    >>> modulated_in_degree(364, 0.88, -0.8), modulated_in_degree(364, 0.88, -0.8, "down")
    (108, 107)
    """
    return scaled_in_degree(k, 1.0 + beta * phi, rounding)


def scaled_in_degree(k: float, factor: float, rounding: str = "nearest") -> int:
    """Whole number of connections per target, at least 0, where modulators multiply it by a factor."""
    modulated = round_half_away(k) * factor
    return max(0, math.floor(modulated + 1e-9) if rounding == "down" else round_half_away(modulated))


def fits(in_degree: int, n_source: int, *, same: bool = False, autapses: bool = True, multapses: bool = False) -> bool:
    """Whether a target neuron can have ``in_degree`` sources: distinct ones unless multapses are allowed.

    ``same`` says that source and target are one population, where forbidden autapses cost one candidate.
    """
    candidates = n_source - (1 if same and not autapses else 0)
    return in_degree == 0 or (candidates > 0 if multapses else in_degree <= candidates)


def smallest_network(counts: Mapping[str, float], needed: Mapping[str, int]) -> int:
    """Smallest network from which on every population has at least the needed number of neurons.

    The rule of :func:`population_sizes` is not monotonic: a somewhat smaller network may happen to work, too.

    Parameters
    ----------
    counts : mapping of str to float
        Neurons in the animal.
    needed : mapping of str to int
        Neurons that a population must have, for some of the populations.
    """
    whole = math.fsum(counts.values())
    # the correction changes a size by one at most, so that from here on it cannot matter any more
    n = max(math.ceil((need + 1.5) / counts[name] * whole) for name, need in needed.items())

    def works(total: int) -> bool:
        sizes = population_sizes(counts, total)
        return all(sizes[name] >= need for name, need in needed.items())

    below = 0  # counts of very different size leave many networks to try: halve until few are left
    while n - below > MAX_TRIED:
        middle = (below + n) // 2
        below, n = (below, middle) if works(middle) else (middle, n)
    while n > 1 and works(n - 1):
        n -= 1
    return n


def expected_synapses(in_degrees: Iterable[int], n_targets: Iterable[int]) -> int:
    """Count synapses: the sum over projections of in-degree times number of target neurons."""
    return sum(k * n for k, n in zip(in_degrees, n_targets, strict=True))


def is_multiple(time: float, resolution: float) -> bool:
    """Whether a time is a whole number of steps, up to rounding of the last digits; a part of a step is none."""
    steps = time / resolution
    whole = round(steps)
    return math.isclose(steps, whole, rel_tol=1e-9, abs_tol=1e-6) and (whole != 0 or time == 0.0)


def delay_range(mean: float, spread: float, resolution: float) -> tuple[float, float]:
    """Bounds of the delays of a projection on the grid, ms.

    Delays are drawn continuously from (1 - spread, 1 + spread) times the mean, and the simulator then rounds
    each to the nearest step (halves up).  Where a limit lies halfway between two steps the wider bound is
    returned, so that no delay is outside: 3.65 to 10.95 ms gives (3.6, 11.0) at 0.1 ms.
    """
    return on_grid(mean * (1.0 - spread), mean * (1.0 + spread), resolution)


def on_grid(low: float, high: float, resolution: float) -> tuple[float, float]:
    """Bounds on the grid, ms, of delays between ``low`` and ``high``; see :func:`delay_range`."""
    tiny = 1e-9
    first = max(1, math.floor(low / resolution + 0.5 - tiny))
    last = max(1, math.floor(high / resolution + 0.5 + tiny))
    return round(first * resolution, 10), round(last * resolution, 10)
