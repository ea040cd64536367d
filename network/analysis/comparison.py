"""Two runs side by side: parameters that differ, statistics of all populations."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ..experiment.yamlfile import read_yaml
from ..runs import Run
from .targets.measures import PopulationMeasure, RunData, family, known
from .targets.verdict import aligned, number

ABSENT = "-"
_WORDING = ("source", "assumed", "note", "set_by")


def parameter_differences(first: Run, second: Run) -> list[tuple[str, str, str]]:
    """Key path and both values of every parameter that differs; sources and notes do not count."""
    a, b = (read_yaml(run.path / "params.yaml", "params.yaml")[0] for run in (first, second))
    return differences(a, b)


def differences(first: dict[str, Any], second: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Key path and both values of everything that differs in the content of two files of parameters."""
    a, b = _flat(first), _flat(second)
    paths = [*a, *(path for path in b if path not in a)]
    return [
        (path, a.get(path, ABSENT), b.get(path, ABSENT))
        for path in paths
        if a.get(path) != b.get(path) and path not in ("meta.name", "meta.title")
    ]


def _flat(node: Any, path: str = "") -> dict[str, str]:
    """Values by dotted key path; a quantity is one value with its unit."""
    if isinstance(node, dict) and "value" not in node:
        found: dict[str, str] = {}
        for key, child in node.items():
            found |= _flat(child, f"{path}.{key}" if path else str(key))
        return found
    if isinstance(node, dict):
        rest = {key: value for key, value in node.items() if key not in ("value", "unit", *_WORDING)}
        unit = "" if str(node.get("unit", "1")) == "1" else f" {node['unit']}"
        return {path: f"{_text(node['value'])}{unit}" + (f" {rest}" if rest else "")}
    return {path: _text(node)}


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def statistics(first: Run, second: Run) -> pd.DataFrame:
    """Rate (spikes/s), CV and synchrony (spikes/s) of both runs: columns ``rate_A``, ``rate_B`` and so on."""
    tables = {"A": population_values(first), "B": population_values(second)}
    names = [*tables["A"].index, *(name for name in tables["B"].index if name not in tables["A"].index)]
    columns = {
        f"{quantity}_{label}": table[quantity].reindex(names)
        for quantity in compared()
        for label, table in tables.items()
    }
    return pd.DataFrame(columns, index=pd.Index(names, name="population"))


def population_values(run: Run) -> pd.DataFrame:
    """`compared` measures of all populations and groups of a run."""
    data = RunData(run)
    measures = family(PopulationMeasure)
    columns = {name: pd.Series(measures[name].values(data, data.table.index), dtype=float) for name in compared()}
    return pd.DataFrame(columns, index=data.table.index)


def compared() -> list[str]:
    """Measures that are compared."""
    return [name for name, measure in family(PopulationMeasure).items() if measure.compared]


def render_statistics(first: Run, second: Run) -> str:
    """Aligned text table of `statistics`, with the ratio of the rates."""
    table = statistics(first, second)
    table.insert(2, "ratio", table["rate_B"] / table["rate_A"].where(table["rate_A"] > 0))
    header = ["population"]
    for name in compared():
        word, _, unit = known()[name].short.partition(" (")
        header += [f"{word} A ({unit}" if unit else f"{word} A", f"{word} B", *(["B / A"] if name == "rate" else [])]
    rows = [[str(name), *(number(float(value)) for value in row)] for name, row in table.iterrows()]
    return "\n".join([*aligned(header, rows, left={"population"}), _by_chance(first, second)])


def _by_chance(first: Run, second: Run) -> str:
    """Populations whose rates differ by more than their intervals over time, and what that does not say."""
    a, b = (RunData(run).table[["rate_low", "rate_high"]] for run in (first, second))
    names = [name for name in a.index if name in b.index]
    if a.loc[names].isna().all(axis=None):
        told = "the recordings are too short for intervals of the rates"
    else:
        apart = [
            str(name)
            for name in names
            if a["rate_high"][name] < b["rate_low"][name] or b["rate_high"][name] < a["rate_low"][name]
        ]
        told = f"rates whose 95 % intervals over time do not meet: {', '.join(apart) or 'none'}"
    return (
        f"\n{told}. One run on each side: whether a difference is larger than the scatter between seeds is not known; "
        "run several seeds, then bgnest compare A1 A2 A3 --with B1 --with B2 --with B3"
    )
