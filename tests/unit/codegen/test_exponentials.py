"""Exponentials of equations that are powers of one another are computed once."""

import math
from fractions import Fraction

from network.codegen.vectorised.exponentials import Exponentials, Linear, families


def form(slope: Fraction | str, number: Fraction | str = "0", **constants: str) -> Linear:
    return Linear(Fraction(number), {name: Fraction(f) for name, f in constants.items()}, {"V_m": Fraction(slope)})


class Owner:
    """A printer that notes what is computed once per cell."""

    def __init__(self) -> None:
        self.constants: list[str] = []

    def constant_value(self, text: str) -> str:
        self.constants.append(text)
        return f"c.constant_{len(self.constants) - 1}"


def printed(*forms: Linear | None) -> tuple[list[str], list[str], list[str], list[str]]:
    """Arguments that are computed, lines before the derivatives, the text of each, and constants of the cell."""
    exponentials, owner = Exponentials(), Owner()
    for number, one in enumerate(forms):
        exponentials.mark("", f"argument_{number}", one)
    computed, lines, texts = exponentials.resolve(owner)
    return computed, lines, list(texts.values()), owner.constants


def test_those_of_hodgkin_and_huxley_are_two():
    slopes = ("-1/18", "-1/10", "-1/10", "-1/20", "-1/80", "-1/10")
    computed, lines, texts, _ = printed(*(form(slope, "-1") for slope in slopes))
    assert len(computed) == 2 and len(lines) == 1
    assert lines == ["const double exponential_0 = e.template exp< 0 >( s.V_m * (-1.0 / 80.0) );"]
    assert texts[0] == "e.template exp< 1 >( argument_0 )"
    assert texts[1] == texts[2] == texts[5] == f"(lane::power< 8 >( exponential_0 ) * {math.exp(-1)!r})"
    assert texts[3] == f"(lane::power< 4 >( exponential_0 ) * {math.exp(-1)!r})"
    assert texts[4] == f"(exponential_0 * {math.exp(-1)!r})"


def test_parameters_become_constants_of_the_cell():
    _, _, texts, constants = printed(form("-1/5", "3", **{"c.V_T": "1/5"}), form("-1/40", "0"))
    assert constants == ["lane::exp( 0.2 * (c.V_T) + 3.0 )"]
    assert texts == ["(lane::power< 8 >( exponential_0 ) * c.constant_0)", "exponential_0"]


def test_what_has_no_relative_is_left_as_it_is():
    alone = [form("-1/18"), form("1/18"), form("-1/7"), None]
    computed, lines, texts, _ = printed(*alone)
    assert not lines and len(computed) == 4
    assert texts == [f"e.template exp< {i} >( argument_{i} )" for i in range(4)]


def test_too_steep_or_too_many_times_steeper():
    assert not list(families([form("-1/100"), form("-1/5")]))  # a power of 20
    assert not list(families([form("-3"), form("-6")]))
    assert list(families([form("-1/80"), form("-1/5")])) == [(0, [(0, 1), (1, 16)])]


def test_one_argument_is_one_exponential_and_calls_of_functions_are_kept_apart():
    exponentials = Exponentials()
    first = exponentials.mark("", "x", None)
    assert exponentials.mark("", "x", None) == first
    assert exponentials.mark("f(s.V_m): ", "x", None) != first


def test_a_steep_one_is_computed_in_each_stage():
    exponentials = Exponentials()
    exponentials.mark("", "flat", None)
    exponentials.mark("", "steep", None, is_steep=True)
    exponentials.mark("", "flat too", None)
    computed, lines, texts = exponentials.resolve(Owner())
    assert (computed, lines) == (["flat", "flat too"], [])
    flat, steep, other = texts.values()
    assert (flat, other) == ("e.template exp< 0 >( flat )", "e.template exp< 1 >( flat too )")
    assert steep == "lane::exp( steep )"
