"""The verdict passes what is inside its band, and nothing else."""

from __future__ import annotations

import doctest

import numpy as np
import pandas as pd
import pytest

from network.analysis import judge, passed, render, run_table
from network.analysis.targets import verdict

BANDS = {"STN": (10.5, 14.5), "FSN": (7.5, 12.0)}


def test_examples_in_the_documentation():
    outcome = doctest.testmod(verdict)
    assert outcome.attempted >= 2
    assert outcome.failed == 0


@pytest.mark.parametrize(
    ("rate", "expected"),
    [(10.5, "pass"), (14.5, "pass"), (12.0, "pass"), (10.49, "low"), (14.51, "high"), (np.nan, "missing")],
)
def test_limits_belong_to_the_band(rate, expected):
    table = judge({"STN": rate}, {"STN": (10.5, 14.5)})
    assert table.loc["STN", "verdict"] == expected
    assert passed(table) is (expected == "pass")


def test_a_target_that_was_not_measured_fails():
    table = judge({"STN": 12.0}, BANDS)
    assert table["verdict"].to_dict() == {"STN": "pass", "FSN": "missing"}
    assert not passed(table)


def test_populations_without_band_do_not_count_but_something_must():
    table = judge({"STN": 12.0, "FSN": 9.0, "other": 99.0}, BANDS)
    assert table.loc["other", "verdict"] == "-"
    assert passed(table)
    with pytest.raises(ValueError, match="nothing was judged"):
        passed(judge({"STN": 12.0}, {}))


def test_other_quantities_and_wrong_bands():
    measured = pd.DataFrame({"rate": [12.0], "cv": [0.3]}, index=["STN"])
    assert judge(measured, {"STN": (0.2, 0.4)}, quantity="cv").loc["STN", "verdict"] == "pass"
    with pytest.raises(ValueError, match="no column 'fano' to judge; columns: rate, cv"):
        judge(measured, BANDS, quantity="fano")
    with pytest.raises(ValueError, match="band of STN"):
        judge(measured, {"STN": (14.5, 10.5)})


def test_text_is_aligned_and_sums_up(run):
    bands = {"MSN_D1": (0.08, 0.25), "GPe_TI": (33.0, 41.0), "STN": (20.0, 30.0)}
    text = render(judge(run_table(run), bands))
    lines = text.splitlines()
    assert lines[0].split("  ")[0] == "population"
    assert lines[-1] == "2 of 3 inside their bands: FAIL"
    verdicts = {line.split()[0]: line.split()[-1] for line in lines[2:-1]}
    assert verdicts["STN"] == "low"
    assert verdicts["MSN_D1"] == verdicts["GPe_TI"] == "pass"
    assert verdicts["SNr"] == "-"
    ends = {line.index("verdict") if "verdict" in line else line.rindex("  ") + 2 for line in lines[:1] + lines[2:-1]}
    assert len(ends) == 1
    both = pd.concat([judge(run_table(run), bands), judge(run_table(run), {"STN": (0.2, 0.4)}, quantity="cv")])
    assert "quantity" in render(both).splitlines()[0]
    assert not passed(both)
