"""Slices by one expansion: exact whatever a slice is, and the same for neighbours, recorders and frozen cells."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from expansion_job import CASES, N

from network import codegen
from network.refusals import scheme_before

Result = dict[str, Any]


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    module = codegen.build(["qif_msn"], target="vectorised")
    path = tmp_path_factory.mktemp("expansion") / "cells.npz"
    job = Path(__file__).with_name("expansion_job.py")
    subprocess.run(
        [sys.executable, str(job), str(module.path), str(path)], check=True, capture_output=True, timeout=300
    )
    found = np.load(path)
    return {
        case: {key.split("/")[1]: found[key] for key in found.files if key.startswith(f"{case}/")} for case in CASES
    }


def fired(result: Result) -> np.ndarray:
    return np.bincount(result["senders"].astype(int), minlength=N + 1)[1 : N + 1]


@pytest.mark.parametrize(("case", "tolerance"), [("slices", 0.01), ("long", 0.01), ("single", 0.01), ("fine", 0.002)])
def test_cells_are_where_tiny_steps_bring_them(cells: dict[str, Result], case: str, tolerance: float) -> None:
    exact, result = cells["exact"], cells[case]
    assert fired(exact).sum() > 5
    np.testing.assert_array_equal(fired(result), fired(exact))
    silent = fired(exact) == 0
    assert silent.sum() > 5
    np.testing.assert_allclose(result["V_m"][silent], exact["V_m"][silent], rtol=0.0, atol=tolerance)
    # u forgets over 100 ms: an error per slice that always had one sign would show
    np.testing.assert_allclose(result["u"][silent], exact["u"][silent], rtol=0.0, atol=0.02)
    np.testing.assert_allclose(result["g_nmda"], exact["g_nmda"], rtol=1e-9)


def test_a_run_in_pieces_is_as_exact(cells: dict[str, Result]) -> None:
    silent = fired(cells["exact"]) == 0
    np.testing.assert_allclose(cells["cut"]["V_m"][silent], cells["slices"]["V_m"][silent], rtol=0.0, atol=0.01)


def test_a_cell_is_the_same_whatever_its_neighbours_get(cells: dict[str, Result]) -> None:
    for key in ("V_m", "u", "g_nmda"):
        assert cells["alone"][key][0] == cells["slices"][key][0]


def test_recording_changes_nothing_and_shows_every_step(cells: dict[str, Result]) -> None:
    result, plain = cells["recorded"], cells["slices"]
    for key in ("V_m", "u", "g_nmda"):
        np.testing.assert_array_equal(result[key], plain[key])
    np.testing.assert_array_equal(np.sort(result["times"]), np.sort(plain["times"]))
    last = result["trace_times"] == result["trace_times"].max()
    assert np.unique(result["trace_times"]).size > 1950
    first = result["trace_senders"] == 1
    steps = np.diff(result["trace_V_m"][first])
    assert np.abs(steps[: np.flatnonzero(np.abs(steps) > 5.0)[0] if (np.abs(steps) > 5.0).any() else None]).max() < 5.0
    assert np.isin(result["trace_senders"][last], np.arange(1, N + 1)).all()


def test_a_frozen_cell_stays_and_disturbs_nobody(cells: dict[str, Result]) -> None:
    others = np.arange(N) != 3
    np.testing.assert_array_equal(cells["frozen"]["V_m"][others], cells["slices"]["V_m"][others])
    assert cells["frozen"]["V_m"][3] == -80.0


def test_cells_of_which_nest_updates_one_are_frozen_and_thawed_alone(cells: dict[str, Result]) -> None:
    """NEST updates the first cell of a block that is not frozen, and for it the others are; users do not see this."""
    assert not cells["slices"]["is_frozen"].any()
    first, later = cells["frozen_first"], cells["frozen_later"]
    np.testing.assert_array_equal(first["is_frozen"], np.arange(N) == 0)
    np.testing.assert_array_equal(later["is_frozen"], np.arange(N) == 1)
    np.testing.assert_array_equal(first["V_m"][1:], cells["slices"]["V_m"][1:])
    np.testing.assert_array_equal(later["V_m"][2:], cells["slices"]["V_m"][2:])
    assert first["V_m"][0] == -80.0
    assert -100.0 < later["V_m"][0] != -80.0


def test_the_scheme_is_known_after_compiling(cells: dict[str, Result]) -> None:
    from network.experiment.nestml import model_interfaces

    known = scheme_before(model_interfaces()["qif_msn"].digest)
    assert known is not None
    assert known[0] == "one expansion of the equations per slice"
