"""Branches of an update block become one call of integrate_odes() that tells which variable moves."""

from network.codegen.vectorised.branches import ALWAYS, Straight


def branch(*parts: str | dict[str, str]) -> Straight:
    code = Straight()
    for part in parts:
        code.add(part) if isinstance(part, str) else code.integrate(part)
    return code


def test_the_refractory_idiom_is_one_call():
    code = Straight()
    branches = [branch({"g": "when_0", "refr_t": "when_0"}), branch({"g": "else_0", "V_m": "else_0"})]
    code.join(branches, ["when_0", "else_0"], complete=True, outer=ALWAYS)
    assert code.calls == [{"g": "true", "refr_t": "when_0", "V_m": "else_0"}]


def test_what_moves_in_every_branch_of_a_branch_moves_where_that_is_taken():
    inner = Straight()
    inner.join([branch({"x": "when_1"}), branch({"x": "else_1"})], ["when_1", "else_1"], complete=True, outer="else_0")
    code = Straight()
    code.join([branch({"x": "when_0"}), inner], ["when_0", "else_0"], complete=True, outer=ALWAYS)
    assert code.calls == [{"x": "true"}]


def test_without_else_nothing_is_certain():
    code = Straight()
    code.join(
        [branch({"x": "when_0"}), branch({"x": "elif_0_1"})], ["when_0", "elif_0_1"], complete=False, outer=ALWAYS
    )
    assert code.calls == [{"x": "when_0 or elif_0_1"}]


def test_statements_keep_their_side_of_the_calls():
    code = branch("first;")
    branches = [branch("a;", {"x": "when_0"}, "b;", {"x": "when_0"}, "c;"), branch("d;")]
    code.join(branches, ["when_0", "else_0"], complete=True, outer=ALWAYS)
    code.add("last;")
    assert code.lines == [["first;", "a;", "d;"], ["b;"], ["c;", "last;"]]
    assert code.calls == [{"x": "when_0"}, {"x": "when_0"}]
