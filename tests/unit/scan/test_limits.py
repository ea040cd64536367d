"""Scans and searches that would fill memory, or that say what no number can be, are refused before points are made."""

import pytest

from network.errors import SpecError
from network.scans.goal import load_optimisation
from network.scans.points import make_points
from network.scans.schema import load_scan

SCAN = "scan_of: lindahl2016/activation_control\n"
THOUSAND = "{path: network.dopamine, range: {start: 0, stop: 1, n: 1000}}"
SEARCH = "optimise: lindahl2016/activation_control\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "axes: {dopamine: {range: {start: 0, stop: 1, n: 1000000000}}}",
            "axes.dopamine.range.n: 1000000000 must be at most 1000000",
        ),
        ("axes: {dopamine: {range: {start: 0, stop: 1, n: 900000}}}", "axes.dopamine: 900,000 points, more than"),
        (
            f"axes: {{a: {THOUSAND}, b: {THOUSAND}, c: {THOUSAND}}}",
            "axes: 1,000,000,000 points, more than execution.max_",
        ),
        (
            "axes: {dopamine: {distribution: {low: 0, high: 1}}}\ncombine: sobol\nn: 900000",
            "axes: 900,000 points, more than execution.max_points: 5,000 allows",
        ),
        ("axes: {seed: [1]}\nexecution: {max_points: 1.0e+12}", "odd.yaml:3: execution.max_points"),
        (
            "axes: {dopamine: {range: {start: -1.0e+308, stop: 1.0e+308, n: 3}}}",
            "axes.dopamine.range.start: -1e+308 is too",
        ),
        ("axes: {seed: [1" + "0" * 30 + "]}", "odd.yaml:2: axes.seed.0: a number of 31 digits is too large"),
        ("axes: {dopamine: ['1e300']}", "odd.yaml:2: axes.dopamine.values.0: 1e+300 is too large"),
        ("axes: {seed: [2024-13-01]}", "odd.yaml:2: axes.seed.0: 2024-13-01 is a date for YAML"),
        ("axes: {[a]: [1]}", "odd.yaml:2: axes: a key must be a name"),
        ("axes: {seed: [1]}\nname: ..", "odd.yaml:3: name:"),
        ("axes: {seed: [1]}\nexecution: {memory: " + "9" * 400 + "G}", "odd.yaml:3: execution.memory:"),
        ("axes: {seed: [1]}\nset: {network.dopamine: &a [*a]}", "set.network.dopamine.0: *a stands for a value that"),
    ],
)
def test_a_scan_is_refused_with_its_place(tmp_path, text, message):
    (tmp_path / "odd.yaml").write_text(SCAN + text + "\n")
    with pytest.raises(SpecError) as caught:
        make_points(load_scan(tmp_path / "odd.yaml")[0], "odd.yaml")
    assert any(message in problem for problem in caught.value.problems), caught.value.problems


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trials: 1000000000", "odd.yaml:3: trials: 1000000000 must be at most 1000000"),
        (
            "targets: {windows: {rest: {rate: {P: [0, 1.0e+300]}}}}",
            "targets.windows.rest.rate.P.1: 1e+300 is too large",
        ),
        ("start: {x: !!int ''}", "odd.yaml:3: start.x: '' is not a whole number"),
    ],
)
def test_a_search_is_refused_with_its_place(tmp_path, text, message):
    search = "search: {x: {path: network.dopamine, distribution: {low: 0, high: 1}}}\n"
    (tmp_path / "odd.yaml").write_text(SEARCH + search + text + "\n")
    with pytest.raises(SpecError) as caught:
        load_optimisation(tmp_path / "odd.yaml")
    assert any(message in problem for problem in caught.value.problems), caught.value.problems
