"""The table of all networks: what is missing is asked for once, and what was measured is said as it is."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "table_of_networks.py"


@pytest.fixture(scope="module")
def script():
    spec = spec_from_file_location("table_of_networks", SCRIPT)
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


def entry(name: str, seed: int, value: float, verdict: str) -> dict:
    return {
        "name": name,
        "seed": seed,
        "n_neurons": 6539,
        "n_synapses": 10,
        "t_presim": 300.0,
        "t_sim": 1500.0,
        "cpu": "chip",
        "memory_bytes": 2e8,
        "processor_seconds": 10.0 + seed,
        "rows": [{"quantity": "rate", "of": "STN", "value": value, "verdict": verdict}],
        "notes": [],
    }


def test_experiments_that_are_the_same_simulation_come_once(script):
    names = list(script.experiments(["chakravarty2022", "two_cells"]))
    assert "chakravarty2022/normal" in names and "chakravarty2022/base" not in names
    assert {"two_cells/half_centre", "two_cells/reciprocal", "chakravarty2022/pd_biphasic"} <= set(names)


def test_runs_that_are_there_are_not_asked_for_again(script):
    chosen = script.experiments(["two_cells", "chakravarty2022/normal"])
    tasks = list(script.missing(chosen, range(1, 4), {}))
    assert [task.seed for task in tasks if task.name == "chakravarty2022/normal"] == [1, 2, 3]
    assert [task.seed for task in tasks if task.name.startswith("two_cells")] == [1, 1]  # nothing is drawn there
    assert list(script.missing(chosen, range(1, 4), dict.fromkeys(task.hash for task in tasks))) == []


def test_large_networks_are_rows_with_one_seed(script):
    chosen = script.experiments(["snudda2020"])
    (words,) = (name for name in chosen if name in script.FURTHER)
    assert chosen[words].plan().n_neurons > 79_000
    assert [task.seed for task in script.missing(chosen, range(1, 4), {}) if task.name == words] == [1]
    (identity,) = script.hashes(chosen[words], [1]).values()
    page = script.page(chosen, {identity: entry(words, 1, 12.0, "pass")}, 3)
    assert f"[{words}](#snudda2020rest---n-neurons-80000-" in page
    assert "Larger or longer" in page


def test_the_page_counts_seeds_inside_and_outside(script):
    chosen = script.experiments(["chakravarty2022/normal", "two_cells/half_centre"])
    hashes = script.hashes(chosen["chakravarty2022/normal"], range(1, 4))
    values = {1: (11.0, "pass"), 2: (12.0, "pass"), 3: (16.0, "high")}
    found = {hashes[seed]: entry("chakravarty2022/normal", seed, *value) for seed, value in values.items()}
    page = script.page(chosen, found, 3)
    (row,) = (line for line in page.splitlines() if line.startswith("| rate (1/s) | STN |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[2] == "13.0 (11.0 – 16.0)" and cells[3] == "10.3 – 12.6" and cells[4] == "**2 of 3**"
    assert cells[5] == "11.4"  # what the authors have
    assert "| 2 of 3 | 11 s | 200.0 MB |" in page
    assert "Not run yet: two_cells/half_centre." in page


def test_numbers_of_a_network_that_has_changed_are_left_out_and_all_other_seeds_stay(script):
    chosen = script.experiments(["chakravarty2022/normal"])
    (identity,) = script.hashes(chosen["chakravarty2022/normal"], [7]).values()
    measured = entry("chakravarty2022/normal", 7, 11.0, "pass")
    assert script.is_current(identity, measured, chosen)
    assert not script.is_current("another", measured, chosen)
    assert not script.is_current(identity, {**measured, "name": "gone/away"}, chosen)
