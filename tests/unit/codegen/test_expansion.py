"""Which models are integrated by one expansion per slice, and whether it is the Taylor series of their equations."""

from __future__ import annotations

import math
import re
import types
from typing import Any

import pytest

pytest.importorskip("sympy")

from network.codegen.vectorised.expansion import expand
from network.codegen.vectorised.model import LaneModel, Member
from network.codegen.vectorised.symbolic import NotSymbolicError, Reader

SIGMOID = "(e.template exp< 0 >( (c.V_half - lane::min(s.V, c.V_peak)) * c.reciprocal_0 ) + 1)"
QUADRATIC = "c.k * (lane::min(s.V, c.V_peak) - c.E_L) * (lane::min(s.V, c.V_peak) - c.V_th)"
RATES = {
    "V": f"({QUADRATIC} - s.u + s.g * c.gain * (c.E_rev - lane::min(s.V, c.V_peak)) / {SIGMOID}) * c.reciprocal_1",
    "u": "c.a * (((lane::min(s.V, c.V_peak) < c.V_b) ? (c.b1 * lane::pow( (s.V - c.V_b), c.p ))"
    " : (c.b2 * (s.V - c.V_b))) - s.u)",
}
CONSTANTS = {
    "k": 1.0,
    "E_L": -80.0,
    "V_th": -30.0,
    "V_half": -20.0,
    "reciprocal_0": 1 / 16.0,
    "gain": 1.2,
    "E_rev": 0.0,
    "reciprocal_1": 1 / 15.0,
    "a": 0.01,
    "b1": -20.0,
    "b2": 5.0,
    "V_b": -75.0,
    "p": 1.0,
    "V_peak": 40.0,
}


def model(rates: dict[str, str] = RATES, **other: Any) -> LaneModel:
    found = LaneModel(
        name="cell",
        numeric=[name for name in rates if name != "g"],
        analytic=["g"],
        rates=rates,
        propagation={"g": "s.g * c.__P__g__g"},
        ports=["in"],
        receive={"in": [("g", "weight")]},
        runner="V",
        threshold="c.V_peak",
        constants=[Member(n, f"c.{n}", "exponent" if n == "p" else "real") for n in (*CONSTANTS, "__P__g__g")],
    )
    for name, value in other.items():
        setattr(found, name, value)
    return found


def rate(v: float, u: float, g: float) -> tuple[float, float]:
    """The equations themselves."""
    c = types.SimpleNamespace(**CONSTANTS)
    opening = 1.0 / (math.exp((c.V_half - v) * c.reciprocal_0) + 1.0)
    first = (c.k * (v - c.E_L) * (v - c.V_th) - u + g * c.gain * (c.E_rev - v) * opening) * c.reciprocal_1
    return first, c.a * ((c.b1 if v < c.V_b else c.b2) * (v - c.V_b) - u)


def evaluated(v: float, w: float, g: float) -> Any:
    """What the printed statements compute, read as Python."""
    expansion, why = expand(model())
    assert expansion is not None, why
    x = types.SimpleNamespace(rate=[0.0] * 3, slope=[[0.0] * 3], target=[0.0] * 2, differs=False)
    names = {short: CONSTANTS[long] for short, long in expansion.constants.items()}
    scope: dict[str, Any] = {"x": x, "V": v, "w": w, "g": lambda _: g, "exp": math.exp, "false": False, **names}
    for line in expansion.lines:
        text = re.sub(r"const (float|bool) ", "", line).rstrip(";").replace("lane::exp_single", "exp")
        text = re.sub(r"std::integral_constant< int, \d+ >\(\)", "0", text)
        text = re.sub(r"(?<=[\d.])F\b", "", text)
        text = re.sub(r"= first \? (.*) : (.*)$", r"= (\1) if first else (\2)", text)
        exec(text, scope)  # our own lines
    return x


@pytest.mark.parametrize("v", [-85.0, -60.0, -35.0])
def test_the_expansion_is_the_taylor_series_of_the_equations(v: float) -> None:
    u, g = 30.0, 0.7
    x = evaluated(v, u, g)
    for d in (-0.5, 0.25, 0.5):
        powers = [1.0, d, d * d]
        constant = sum(p * q for p, q in zip(powers, x.rate, strict=True))
        by_g = sum(p * q for p, q in zip(powers, x.slope[0], strict=True))
        assert constant + g * by_g + x.cubic * d**3 == pytest.approx(rate(v + d, u, g)[0], abs=2e-6)
        assert x.speed * (x.target[0] + x.target[1] * d - u) == pytest.approx(rate(v + d, u, g)[1], abs=1e-9)
    assert x.coupling == pytest.approx(rate(v, u + 1.0, g)[0] - rate(v, u, g)[0])
    assert x.differs  # the branches have slopes of their own


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"rates": {**RATES, "V": RATES["V"].replace("- s.u", "- s.u + lane::exp(s.V)")}}, "not quadratic"),
        ({"rates": {**RATES, "V": "(c.E_L - s.V - s.u) * c.reciprocal_1"}}, "without an upstroke"),
        ({"rates": {**RATES, "u": "c.a * (s.V * s.V - s.u)"}}, "by a curve"),
        ({"rates": {**RATES, "V": RATES["V"].replace("s.g *", "s.g * s.g *")}}, "no product"),
        ({"rates": {**RATES, "V": RATES["V"].replace("lane::min", "lane::max")}}, "max()"),
        ({"threshold": "c.V_th"}, "min()"),
        ({"is_program": True}, "integrate_odes()"),
        ({"late_events": [("a", "b", "c")]}, "after a step"),
        ({"currents": ["I_stim"]}, "continuous"),
        ({"propagation": {"g": "s.g * c.__P__g__g + s.V"}}, "does not decay by itself"),
        ({"receive": {"in": [("V", "weight")]}}, "at once"),
    ],
)
def test_a_model_without_an_expansion_says_why(change: dict[str, Any], why: str) -> None:
    changed = model(**change) if "rates" not in change else model(change["rates"])
    expansion, reason = expand(changed)
    assert expansion is None
    assert why in reason


def test_printed_expressions_are_read_with_their_precedence() -> None:
    import sympy

    reader = Reader(lambda name, a, b: a, {"c.p": 2})
    a, b = sympy.symbols("c.a s.b", real=True)
    assert reader.read("-c.a * s.b / (c.a + 2) - 1e-3") == -a * b / (a + 2) - sympy.Float("1e-3", 17)
    assert reader.read("lane::power< 3 >( s.b ) + lane::pow( s.b, c.p )") == b**3 + b**2
    assert reader.read("((c.a < s.b) ? (1) : (s.b))") == 1
    assert reader.conditions == [("<", a, b)]
    with pytest.raises(NotSymbolicError, match="lane::tanh"):
        reader.read("lane::tanh( s.b )")
