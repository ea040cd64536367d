"""The verdict on a scan: its features, seed by seed, held against their windows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..analysis.targets.verdict import HIGH, LOW, MISSING, NONE, PASS, aligned, number
from ..errors import SpecError, choices
from .features import FeatureKind
from .features.base import Floats, Window
from .status import DONE

SEED = "seed"
COLUMNS = ["feature", "populations", "where", "what", "value", "sd", "n", "low", "high", "verdict"]


def judge_features(
    features: Mapping[str, FeatureKind], table: pd.DataFrame, axes: Sequence[str], label: str = "scan"
) -> pd.DataFrame:
    """One row per feature, combination of the other axes, and coordinate.

    Parameters
    ----------
    features : mapping of str to FeatureKind
    table : DataFrame
        As `network.scans.collect.collect` makes it.
    axes : sequence of str
        Of the scan.
    label : str
        Of the scan, in messages.

    Returns
    -------
    DataFrame
        ``feature``, ``populations``, ``where`` (values of the other axes), ``what`` (the axis or the quantity), mean
        and standard deviation over the ``n`` seeds that have it, window and ``verdict``. Without a result for a seed,
        or where only some seeds have the feature, it is ``missing``.

    Raises
    ------
    SpecError
        If a feature names an axis or a population that the scan does not have.
    """
    rows = [row for name, feature in features.items() for row in _rows(name, feature, table, axes, label)]
    return pd.DataFrame(rows, columns=COLUMNS)


def _rows(
    name: str, feature: FeatureKind, table: pd.DataFrame, axes: Sequence[str], label: str
) -> Iterator[dict[str, Any]]:
    axis = feature.axis or next((a for a in axes if a != SEED), axes[0])
    _check(name, feature, table, axes, axis, label)
    chosen = table[table["population"].isin(feature.of)]
    for key, value in feature.where.items():
        chosen = chosen[chosen[key] == value]
    others = [a for a in axes if a not in (axis, SEED, *feature.where)]
    parts = list(chosen.groupby(others, sort=False)) if others else [((), chosen)]
    for values, part in parts:
        where = ", ".join(f"{key} {value}" for key, value in zip(others, values, strict=True))
        points = [_point(feature, rows, axis) for rows in _seeds(part)]
        yield from _judged(name, feature, where, axis, points)


def _seeds(part: pd.DataFrame) -> list[pd.DataFrame]:
    return [rows for _, rows in part.groupby(SEED)] if SEED in part.columns else [part]


def _point(feature: FeatureKind, rows: pd.DataFrame, axis: str) -> tuple[float, float] | None:
    """The feature of one seed; None as long as points are missing."""
    if not len(rows) or (rows["status"] != DONE).any():
        return None
    grid = rows.pivot_table(index=axis, columns="population", values=feature.quantity, aggfunc="mean").sort_index()
    grid = grid.reindex(columns=list(feature.of)).dropna()
    curves: list[Floats] = [grid[name].to_numpy(dtype=float) for name in feature.of]
    return feature.point(grid.index.to_numpy(dtype=float), curves)


def _judged(
    name: str, feature: FeatureKind, where: str, axis: str, points: list[tuple[float, float] | None]
) -> Iterator[dict[str, Any]]:
    found = np.array([point for point in points if point is not None]).reshape(-1, 2)
    there = ~np.isnan(found[:, 1])
    common = {"feature": name, "populations": "/".join(feature.of), "where": where}
    complete = 0 < len(points) == len(found)
    if feature.absent:
        verdict = MISSING if not complete else HIGH if there.any() else PASS
        yield {**common, "what": "absent", "value": np.nan, "sd": np.nan, "n": int(there.sum()), "verdict": verdict}
        return
    shown = [(axis, feature.x, found[there, 0])] if not hasattr(feature, "at") else []
    shown += [(feature.quantity, feature.y, found[there, 1])]
    for what, window, values in shown:
        mean = float(values.mean()) if len(values) else np.nan
        sd = float(values.std(ddof=1)) if len(values) > 1 else np.nan
        place = f" at {feature.at:g}" if hasattr(feature, "at") else ""
        limits = {} if window is None else {"low": window.low, "high": window.high}
        verdict = _verdict(window, mean, complete and len(values) == len(points))
        yield {
            **common,
            "what": f"{what}{place}",
            "value": mean,
            "sd": sd,
            "n": len(values),
            **limits,
            "verdict": verdict,
        }


def _verdict(window: Window | None, mean: float, complete: bool) -> str:
    if window is None:
        return NONE
    if not complete:
        return MISSING
    return LOW if mean < window.low else HIGH if mean > window.high else PASS


def _check(name: str, feature: FeatureKind, table: pd.DataFrame, axes: Sequence[str], axis: str, label: str) -> None:
    problems = [
        f"{label}: features.{name}: no axis {wrong!r}; {choices(wrong, axes, 'axes')}"
        for wrong in (axis, *feature.where)
        if wrong not in axes
    ]
    known = [str(population) for population in table["population"].dropna().unique()]
    problems += [
        f"{label}: features.{name}.of: no population {wrong!r}; {choices(wrong, known, 'populations')}"
        for wrong in feature.of
        if known and wrong not in known
    ]
    if axis in axes and not pd.api.types.is_numeric_dtype(table[axis]):
        problems.append(f"{label}: features.{name}.axis: {axis} has words, a curve needs numbers")
    if problems:
        raise SpecError(problems)


def verdict_text(judged: pd.DataFrame) -> str:
    """Table for the terminal, with a last line that sums up."""
    header = ["feature", "population(s)", "where", "what", "value", "sd", "seeds", "window", "verdict"]
    rows = [
        [
            *(str(row[key]) for key in ("feature", "populations", "where", "what")),
            number(row["value"]),
            number(row["sd"]),
            str(row["n"]),
            "-" if np.isnan(row["low"]) else f"{row['low']:g} - {row['high']:g}",
            row["verdict"],
        ]
        for _, row in judged.iterrows()
    ]
    if not judged["where"].any():
        header, rows = _without(2, header), [_without(2, row) for row in rows]
    lines = aligned(header, rows, left={"feature", "population(s)", "where", "what", "verdict"})
    held = judged[judged["verdict"] != NONE]
    if len(held):
        good = int((held["verdict"] == PASS).sum())
        lines.append(f"{good} of {len(held)} inside their windows: {'PASS' if good == len(held) else 'FAIL'}")
    return "\n".join(lines)


def _without(place: int, row: list[str]) -> list[str]:
    return [*row[:place], *row[place + 1 :]]
