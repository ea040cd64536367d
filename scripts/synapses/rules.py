"""The synapses that NESTML installs, written down a second time: plain Python, from event to event.

Events at a synapse are spikes of the source when they are sent, spikes of the target a delay later, spikes of the
modulator when they arrive. At one time they come in this order: modulator, target, source; what a spike of the target
adds to a trace is seen by later events only (as in NEST's own synapses).
"""
# ruff: noqa: D102

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Parameters = Mapping[str, float]
MODULATOR, TARGET, SOURCE = range(3)


@dataclass
class Rule:
    """Base: a weight that stays.

    Attributes
    ----------
    p : mapping of str to float
        Parameters.
    w : float
        Weight.
    seen : callable
        What the synapse reads of the cell at a time, for those that do.
    """

    p: Parameters
    w: float
    seen: Callable[[float], float] = lambda time: 0.0
    x: float = 0.0
    y: float = 0.0
    later: list[tuple[str, float]] = field(default_factory=list)

    def flow(self, h: float) -> None:
        """Let time pass."""
        for name, value in self.later:
            setattr(self, name, value)
        self.later.clear()
        self.x *= math.exp(-h / self.p.get("tau_tr_pre", math.inf))
        self.y *= math.exp(-h / self.p.get("tau_tr_post", math.inf))

    def source(self, time: float) -> float:
        """Spike of the source; returns what the target gets."""
        return self.w

    def target(self, time: float) -> None:
        """Spike of the target, here a delay later."""

    def modulator(self) -> None:
        """Spike of the modulator."""

    def _potentiate(self) -> None:
        p, high = self.p, self.p["Wmax"]
        self.w = min(high, self.w + high * p["lambda"] * (1.0 - self.w / high) ** p["mu_plus"] * self.x)

    def _depress(self) -> None:
        p, high = self.p, self.p["Wmax"]
        self.w = max(p["Wmin"], self.w - high * p["alpha"] * p["lambda"] * (self.w / high) ** p["mu_minus"] * self.y)


class Stdp(Rule):
    """All pairs of spikes."""

    def target(self, time: float) -> None:
        self._potentiate()
        self.later.append(("y", self.y + 1.0))

    def source(self, time: float) -> float:
        self.x += 1.0
        self._depress()
        return self.w


class NearestSymmetric(Stdp):
    """Each spike with the last one of the other side."""

    def target(self, time: float) -> None:
        self._potentiate()
        self.later.append(("y", 1.0))

    def source(self, time: float) -> float:
        self.x = 1.0
        self._depress()
        return self.w


class PreCentered(Stdp):
    """A spike of the target with all of the source since the one before."""

    def target(self, time: float) -> None:
        self._potentiate()
        self.x = 0.0
        self.later.append(("y", 1.0))


class RestrictedSymmetric(NearestSymmetric):
    """Only where the sides take turns."""

    handled = True

    def target(self, time: float) -> None:
        if not self.handled:
            self._potentiate()
            self.handled = True
        self.later.append(("y", 1.0))

    def source(self, time: float) -> float:
        self.x = 1.0
        if self.handled:
            self._depress()
        self.handled = False
        return self.w


@dataclass
class Triplet(Rule):
    """Triplets after Pfister and Gerstner (2006)."""

    x2: float = 0.0
    y2: float = 0.0

    def flow(self, h: float) -> None:
        for name, value in self.later:
            setattr(self, name, value)
        self.later.clear()
        for name, tau in (("x", "tau_plus"), ("x2", "tau_x"), ("y", "tau_minus"), ("y2", "tau_y")):
            setattr(self, name, getattr(self, name) * math.exp(-h / self.p[tau]))

    def target(self, time: float) -> None:
        self.w = min(self.p["Wmax"], self.w + self.x * (self.p["A2_plus"] + self.p["A3_plus"] * self.y2))
        self.later += [("y", self.y + 1.0), ("y2", self.y2 + 1.0)]

    def source(self, time: float) -> float:
        self.w = max(self.p["Wmin"], self.w - self.y * (self.p["A2_minus"] + self.p["A3_minus"] * self.x2))
        self.x, self.x2 = self.x + 1.0, self.x2 + 1.0
        return self.w


@dataclass
class Neuromodulated(Rule):
    """Eligibility c of pairings, which a concentration n above a baseline makes weights of."""

    c: float = 0.0
    n: float = math.nan

    def __post_init__(self) -> None:
        self.n = self.p["n"]

    def flow(self, h: float) -> None:
        p, rate = self.p, (self.p["tau_c"] + self.p["tau_n"]) / (self.p["tau_c"] * self.p["tau_n"])
        own = self.n / rate * math.expm1(-rate * h) - p["b"] * p["tau_c"] * math.expm1(-h / p["tau_c"])
        self.w -= self.c * own
        self.c, self.n = self.c * math.exp(-h / p["tau_c"]), self.n * math.exp(-h / p["tau_n"])
        super().flow(h)

    def modulator(self) -> None:
        self.n += 1.0 / self.p["tau_n"]

    def target(self, time: float) -> None:
        self.c += self.p["A_plus"] * self.x
        self.later.append(("y", self.y + 1.0))

    def source(self, time: float) -> float:
        self.x += 1.0
        self.c -= self.p["A_minus"] * self.y
        return self.w


@dataclass
class Tsodyks(Rule):
    """Short-term plasticity after Tsodyks, Uziel and Markram (2000)."""

    z: float = 0.0
    u: float = math.nan
    last: float = 0.0

    def __post_init__(self) -> None:
        self.x, self.u = 1.0, self.p["U"]

    def flow(self, h: float) -> None:
        pass

    def source(self, time: float) -> float:
        p, h = self.p, time - self.last
        self.last = time
        u, y, z = (math.exp(-h / p[tau]) if p[tau] else 0.0 for tau in ("tau_fac", "tau_psc", "tau_rec"))
        share = ((z - 1.0) * p["tau_rec"] - (y - 1.0) * p["tau_psc"]) / (p["tau_psc"] - p["tau_rec"])
        inactive = 1.0 - self.x - self.y
        self.u *= u
        self.x, self.y = self.x + share * self.y + (1.0 - z) * inactive, self.y * y
        self.u += p["U"] * (1.0 - self.u)
        released = self.u * self.x
        self.x, self.y = self.x - released, self.y + released
        return released * self.w


@dataclass
class Permanence(Rule):
    """Structural plasticity of sequence learning: a synapse is there while its permanence is above a threshold."""

    permanence: float = math.nan
    last: float = 0.0

    def __post_init__(self) -> None:
        self.permanence = self.p["permanence"]

    def flow(self, h: float) -> None:
        self.x *= math.exp(-h / self.p["tau_pre_trace"])

    def target(self, time: float) -> None:
        p = self.p
        if p["dt_min"] < time - self.last < p["dt_max"]:
            grown = self.permanence + p["lambda_plus"] * self.x * p["permanence_max"]
            grown = min(grown, p["permanence_max"])
            grown += p["lambda_h"] * (p["zt"] - self.seen(time)) * p["permanence_max"]
            self.permanence = max(min(grown, p["permanence_max"]), p["permanence_min"])

    def source(self, time: float) -> float:
        p = self.p
        self.last = time
        self.x += 1.0
        self.permanence = max(self.permanence - p["lambda_minus"] * p["permanence_max"], p["permanence_min"])
        self.w = p["Wmax"] if self.permanence > p["permanence_threshold"] else 0.0
        return self.w


RULES: dict[str, type[Rule]] = {
    "static_synapse": Rule,
    "noisy_synapse": Rule,
    "stdp_synapse": Stdp,
    "stdp_nn_symm_synapse": NearestSymmetric,
    "stdp_nn_pre_centered_synapse": PreCentered,
    "stdp_nn_restr_symm_synapse": RestrictedSymmetric,
    "stdp_triplet_synapse": Triplet,
    "neuromodulated_stdp_synapse": Neuromodulated,
    "tsodyks_synapse": Tsodyks,
    "stdsp_synapse": Permanence,
}


def follow(
    rule: Rule,
    source: Sequence[float],
    target: Sequence[float],
    *,
    delay: float,
    modulator: Sequence[float] = (),
    until: float = math.inf,
) -> list[float]:
    """What the target gets of every spike of the source; the rule is then at ``until``.

    Parameters
    ----------
    rule : Rule
    source, target : sequence of float
        When the cells fired.
    delay : float
    modulator : sequence of float
        When its spikes arrive.
    until : float
        Later events do not count.
    """
    events = [(time, SOURCE) for time in source] + [(time + delay, TARGET) for time in target]
    events += [(time, MODULATOR) for time in modulator]
    last, sent = 0.0, []
    for time, kind in sorted((round(time, 6), kind) for time, kind in events if round(time, 6) <= until):
        if time > last:
            rule.flow(time - last)
        last = time
        if kind == SOURCE:
            sent.append(rule.source(time))
        elif kind == TARGET:
            rule.target(time)
        else:
            rule.modulator()
    if math.isfinite(until) and until > last:
        rule.flow(until - last)
    return sent
