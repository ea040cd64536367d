"""Features of scans: what the curves of a whole scan show, and the verdict on it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from network.errors import SpecError
from network.scans.features.crossing import cross
from network.scans.schema import parse_scan
from network.scans.verdict import judge_features, verdict_text

SCAN = {"scan_of": "bahuguna2015/base", "axes": {"drive": {"path": "x.y", "values": [0, 1, 2]}, "seed": [1, 2]}}


def spec(**features):
    return parse_scan({**SCAN, "features": features}, "my.yaml")


def table(shift=0.0, *, status="done", gain=1.0):
    """Rates of B are 1, those of A grow with the drive; the second seed has more by ``shift``."""
    rows = [
        {"drive": drive, "seed": seed, "population": name, "status": status, "rate": rate}
        for drive in (0.0, 1.0, 2.0)
        for seed in (1, 2)
        for name, rate in (("A", gain * drive + shift * (seed - 1)), ("B", 1.5))
    ]
    return pd.DataFrame(rows)


def judged(features, rows):
    made = spec(**features)
    return judge_features(made.features, rows, list(made.leaves), "my.yaml").set_index(["feature", "what"])


CROSSING = {"kind": "crossing", "of": ["A", "B"], "x": {"low": 1.2, "high": 1.4}, "y": {"low": 1.4, "high": 1.6}}


def test_crossing_of_every_seed_and_its_mean():
    found = judged({"here": {**CROSSING, "assumed": "by hand"}}, table(shift=0.5))
    at = found.loc[("here", "drive")]
    assert (at["value"], at["n"], at["verdict"]) == (pytest.approx(1.25), 2, "pass")  # 1.5 and 1.0
    assert at["sd"] == pytest.approx(0.5 / np.sqrt(2))
    assert found.loc[("here", "rate")]["value"] == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ([0, 1, 2], [1, 1, 1], (1.0, 1.0)),  # they meet on the grid
        ([1, 1, 1], [0, 1, 0], None),  # they touch
        ([0, 3, 0], [1, 1, 1], (1 / 3, 1.0)),  # the first of two
        ([1, 1, 1], [1, 1, 1], None),
    ],
)
def test_where_curves_cross(first, second, expected):
    at, value = cross(np.arange(3.0), np.array(first, dtype=float), np.array(second, dtype=float))
    assert np.isnan(at) if expected is None else (at, value) == pytest.approx(expected)


def test_what_is_below_the_start_is_not_looked_at():
    early = {"kind": "crossing", "of": ["A", "B"], "start": 2}
    assert judged({"none": early}, table()).loc[("none", "drive")]["n"] == 0


def test_level_value_and_difference():
    found = judged(
        {
            "level": {"kind": "crossing", "of": "A", "level": 0.5},
            "value": {"kind": "value", "of": ["A"], "at": 0.5},
            "difference": {"kind": "difference", "of": ["A", "B"], "at": 2},
            "outside": {"kind": "value", "of": ["A"], "at": 5, "y": {"low": 0, "high": 9}, "assumed": "no"},
        },
        table(),
    )
    assert found.loc[("level", "drive")]["value"] == pytest.approx(0.5)
    assert found.loc[("value", "rate at 0.5")]["value"] == pytest.approx(0.5)
    assert found.loc[("difference", "rate at 2")]["value"] == pytest.approx(0.5)
    assert found.loc[("outside", "rate at 5")]["verdict"] == "missing"


def test_a_crossing_that_must_not_be_there():
    absent = {"gone": {"kind": "crossing", "of": ["A", "B"], "absent": True, "assumed": "by hand"}}
    assert judged(absent, table(gain=0.1)).loc[("gone", "absent")]["verdict"] == "pass"
    assert judged(absent, table()).loc[("gone", "absent")]["verdict"] == "high"
    assert judged(absent, table(status="missing")).loc[("gone", "absent")]["verdict"] == "missing"


def test_points_without_a_result_are_missing():
    rows = table()
    rows.loc[rows["seed"] == 2, "status"] = "failed"
    found = judged({"here": {**CROSSING, "assumed": "by hand"}}, rows)
    assert set(found["verdict"]) == {"missing"} and "0 of 2 inside" in verdict_text(found.reset_index())


def test_other_axes_have_a_row_for_each_value_or_are_chosen():
    rows = pd.concat([table(gain=1.0).assign(weight=1.0), table(gain=3.0).assign(weight=3.0)])
    axes = {**SCAN["axes"], "weight": {"path": "x.z", "values": [1.0, 3.0]}}
    feature = {"kind": "crossing", "of": ["A", "B"]}
    made = parse_scan({**SCAN, "axes": axes, "features": {"a": feature, "b": {**feature, "where": {"weight": 3}}}}, "f")
    found = judge_features(made.features, rows, list(made.leaves)).query("what == 'drive'")
    assert found.set_index("where")["value"].to_dict() == pytest.approx({"weight 1.0": 1.5, "weight 3.0": 0.5, "": 0.5})


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        ({"kind": "crosing", "of": ["A", "B"]}, "crosing"),
        ({"kind": "crossing", "of": ["A"]}, "level"),
        ({"kind": "difference", "of": ["A"], "at": 1}, "'of' must name 2 populations, not 1"),
        ({"kind": "value", "of": "A", "at": 1, "y": {"low": 0, "high": 1}}, "source: KEY"),
        ({"kind": "value", "of": "A", "at": 1, "axis": "weight"}, "no axis 'weight'"),
        ({"kind": "value", "of": "A", "at": 1, "quantity": "rat"}, "rate"),
        (
            {"kind": "value", "of": "A", "at": 1, "y": {"low": 2, "high": 1}, "assumed": "x"},
            "low must not be above high",
        ),
    ],
)
def test_mistakes_are_named(feature, message):
    with pytest.raises(SpecError) as error:
        spec(here=feature)
    assert "my.yaml" in str(error.value) and "features.here" in str(error.value) and message in str(error.value)


def test_a_population_that_is_not_there_is_named():
    with pytest.raises(SpecError, match="no population 'C'"):
        judged({"here": {"kind": "value", "of": "C", "at": 1}}, table())
