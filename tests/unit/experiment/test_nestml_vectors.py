"""Vectors of a NESTML model are written out as scalars when the file is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from network.experiment.nestml import parse_nestml, read_nestml
from network.experiment.nestml_vectors import written_out

MODEL = """
model cell:
    state:
        V_m mV = 0 mV
        x[3] real = 0.5  # three of them
        k integer = 0

    parameters:
        a[n], b[2] pA = 2 pA

    internals:
        n integer = 2

    input:
        exc[2] <- spike

    update:
        STATEMENT

    output:
        spike
"""


def statements(text: str) -> list[str]:
    """What becomes of the lines of an update block."""
    block = MODEL.replace("STATEMENT", text.strip().replace("\n", "\n        "))
    done = written_out(block)
    return [line[8:] for line in done.split("update:\n")[1].split("\n\n    output")[0].split("\n")]


def test_elements_are_variables_of_their_own(tmp_path: Path) -> None:
    file = tmp_path / "cell.nestml"
    file.write_text(MODEL.replace("STATEMENT", "x[0] = x[n] + a[n - 1] / b[0]"))
    model = parse_nestml(read_nestml(file), str(file))
    assert list(model.states) == ["V_m", "x_0", "x_1", "x_2", "k"]
    assert model.parameters == dict.fromkeys(("a_0", "a_1", "b_0", "b_1"), "pA")
    assert model.defaults["a_1"][:2] == (2.0, "pA")
    assert model.ports == ("exc_0", "exc_1") and not model.unsupported
    assert statements("x[0] = x[n] + a[n - 1] / b[0]") == ["x_0 = x_2 + a_1 / b_0"]


def test_loops_over_an_index_are_unrolled() -> None:
    looped = "i integer = 0\nfor i in 0 ... n step 1:\n    if x[i] > 0:\n        x[i + 1] = i * x[i]"
    assert statements(looped) == [
        "i integer = 0",
        *("if x_0 > 0:", "    x_1 = 0 * x_0"),
        *("if x_1 > 0:", "    x_2 = 1 * x_1"),
        "i = 2",
    ]
    nested = "for i in 1 ... -1 step -1:\n    for j in 0 ... 2 step 1:\n        x[i + j] += a[j]"
    assert [line for line in statements(nested) if "x_" in line] == [
        *("x_1 += a_0", "x_2 += a_1"),
        *("x_0 += a_0", "x_1 += a_1"),
    ]


def test_an_index_of_the_run_is_a_choice() -> None:
    assert statements("V_m = b[k] * 1 mV") == ["V_m = ((k) == 0 ? b_0 : b_1) * 1 mV"]
    assert statements("b[k] = 3 pA") == ["if (k) == 0:", "    b_0 = 3 pA", "elif (k) == 1:", "    b_1 = 3 pA"]


@pytest.mark.parametrize(
    "text",
    ["x = x", "x[3] = 1", "x[-1] = 1", "x[x[0]] = 1", "x[2 ** 9 ** 9] = 1", "for i in 0 ... 99 step 1:\n    x[i] = 1"],
)
def test_what_is_not_understood_stays_and_is_refused_with_its_line(text: str) -> None:
    block = MODEL.replace("STATEMENT", text.replace("\n", "\n        "))
    assert written_out(block) == block
    refused = parse_nestml(block).unsupported[0]
    assert refused.line == 5 and "vectors (x)" in refused.what


def test_a_name_that_is_there_already_stays(tmp_path: Path) -> None:
    block = MODEL.replace("STATEMENT", "x[0] = 1").replace("k integer", "x_1 integer")
    assert written_out(block) == block


def test_a_model_without_vectors_is_not_touched() -> None:
    text = (
        "model cell:\n    parameters:\n        n real = 1 [[n > 0]]  # a comment\n    input:\n        a[2] <- spike\n"
    )
    assert written_out(text) is text
