"""From axes to points: every point is an experiment with overlays and overrides."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import SpecError, choices
from ..experiment import list_variants
from ..experiment.files import split_variant
from .schema import SAMPLED, SHORT, Axis, Block, Scalar, ScanSpec


@dataclass(frozen=True)
class Point:
    """One simulation of a scan, before it is planned.

    Attributes
    ----------
    values : dict
        Value of every axis, as it stands in the table.
    experiment : str
        Name or file, with ``@variant`` if there is one.
    overlays : tuple of str
    overrides : dict
        By key path: those of all points, then those of the axes.
    """

    values: dict[str, Scalar]
    experiment: str
    overlays: tuple[str, ...]
    overrides: dict[str, Any]


@dataclass(frozen=True)
class _Choice:
    """One value of an axis and what it changes."""

    value: Scalar
    overrides: dict[str, Any] = field(default_factory=dict)
    overlays: tuple[str, ...] = ()
    experiment: str | None = None


_Row = dict[str, _Choice]


def make_points(spec: ScanSpec, label: str = "scan") -> list[Point]:
    """All points of a scan, in the order of its axes; the last axis changes fastest.

    Raises
    ------
    SpecError
        If axes do not fit each other. Paths and values are checked by planning.
    """
    points = []
    for row in _rows(spec, spec, f"{label}: axes"):
        experiments = [choice.experiment for choice in row.values() if choice.experiment is not None]
        if len(experiments) > 1:
            raise SpecError([f"{label}: axes: only one axis may choose the experiment or its variant"])
        overrides: dict[str, Any] = dict(spec.set)
        for name, choice in row.items():
            if both := overrides.keys() & choice.overrides.keys():
                raise SpecError([f"{label}: axes.{name}: {min(both)} is set twice, by another axis or by 'set'"])
            overrides |= choice.overrides
        points.append(
            Point(
                values={name: choice.value for name, choice in row.items()},
                experiment=experiments[0] if experiments else spec.scan_of,
                overlays=(*spec.overlays, *(o for choice in row.values() for o in choice.overlays)),
                overrides=overrides,
            )
        )
    return points


def _few_enough(n: int, spec: ScanSpec, where: str) -> None:
    """Refuse points before they are made: an axis more, and there are a million."""
    if n > spec.execution.max_points:
        limit = spec.execution.max_points
        raise SpecError([f"{where}: {n:,} points, more than execution.max_points: {limit:,} allows"])


def _rows(block: Block, spec: ScanSpec, where: str) -> list[_Row]:
    _few_enough(block.n or 1, spec, where)
    if block.combine in SAMPLED:
        return _sampled(block, where)
    if block.combine == "list":
        return _listed(block, spec, where)
    columns: list[list[_Row]] = []
    for name, axis in block.axes.items():
        if isinstance(axis, Block):
            columns.append(_rows(axis, spec, f"{where}.{name}.axes"))
        else:
            columns.append([{name: choice} for choice in _choices(name, axis, spec, f"{where}.{name}")])
    if block.combine == "zip":
        lengths = dict(zip(block.axes, map(len, columns), strict=True))
        if len(set(lengths.values())) > 1:
            counts = ", ".join(f"{name} {count}" for name, count in lengths.items())
            raise SpecError([f"{where}: combine: zip needs axes of one length, not {counts}"])
        combined: Iterable[tuple[_Row, ...]] = zip(*columns, strict=True)
    else:
        _few_enough(math.prod(map(len, columns)), spec, where)
        combined = itertools.product(*columns)
    return [{name: choice for part in parts for name, choice in part.items()} for parts in combined]


def _paths(name: str, axis: Axis) -> tuple[str, ...]:
    return axis.path or (SHORT.get(name, name),)


def changes_at(name: str, axis: Axis, value: Scalar) -> dict[str, Any]:
    """Overrides, by key path, that a value of an axis stands for."""
    written: Any = value if axis.operation == "set" else {axis.operation: value}
    if axis.unit is not None:
        written = {**(written if isinstance(written, dict) else {"value": value}), "unit": axis.unit}
    return dict.fromkeys(_paths(name, axis), written)


def _at(name: str, axis: Axis, value: Scalar) -> _Choice:
    return _Choice(value, changes_at(name, axis, value))


def _choices(name: str, axis: Axis, spec: ScanSpec, where: str) -> list[_Choice]:
    """All values of an axis that is not sampled."""
    if axis.values is not None:
        return [_at(name, axis, value) for value in axis.values]
    if axis.range is not None:
        _few_enough(axis.range.n, spec, where)
        return [_at(name, axis, value) for value in _spaced(axis)]
    if axis.overlays is not None:
        return [_Choice("+".join(o) or "none", overlays=o) for o in axis.overlays]
    if axis.experiments is not None:
        return [_Choice(experiment, experiment=experiment) for experiment in axis.experiments]
    if axis.changes is not None:
        return [_Choice(value, dict(changes)) for value, changes in axis.changes.items()]
    if axis.variants is not None:
        base, _ = split_variant(spec.scan_of)
        known = list_variants(base)
        names = tuple(known) if axis.variants == "all" else axis.variants
        unknown = [variant for variant in names if variant not in known]
        if not names:
            raise SpecError([f"{where}: {base} has no variants"])
        if unknown:
            raise SpecError([f"{where}: {base}: no variant {unknown[0]!r}; {choices(unknown[0], known, 'variants')}"])
        return [_Choice(variant, experiment=f"{base}@{variant}") for variant in names]
    kinds = "values, range, overlays, variants, experiments or changes"
    wrong = "a distribution is for combine: random, latin_hypercube or sobol" if axis.distribution else "nothing varies"
    raise SpecError([f"{where}: {wrong}; give {kinds}"])


def _spaced(axis: Axis) -> list[Scalar]:
    assert axis.range is not None
    space = np.geomspace if axis.range.log else np.linspace
    values = space(axis.range.start, axis.range.stop, axis.range.n)
    whole = all(isinstance(limit, int) for limit in (axis.range.start, axis.range.stop))
    if whole and not axis.range.log and np.all(values == np.round(values)):
        return [int(value) for value in values]
    return [_rounded(value) for value in values]


def _rounded(value: float) -> float:
    """Twelve significant digits: 0.3, not 0.30000000000000004."""
    return float(f"{value:.12g}")


def _listed(block: Block, spec: ScanSpec, where: str) -> list[_Row]:
    """Rows of ``points``; an axis with values of its own, such as variants, is looked up by them."""
    rows: list[_Row] = []
    tables: dict[str, dict[Scalar, _Choice]] = {}
    for name, axis in block.axes.items():
        if isinstance(axis, Block):
            raise SpecError([f"{where}.{name}: combine: list has no blocks inside; put the list into the block"])
        if any(getattr(axis, kind) is not None for kind in ("overlays", "variants", "experiments", "changes")):
            tables[name] = {choice.value: choice for choice in _choices(name, axis, spec, f"{where}.{name}")}
    for number, given in enumerate(block.points or (), 1):
        if given.keys() != block.axes.keys():
            raise SpecError(
                [f"{where}: point {number} has the axes {', '.join(given)}; all points have {', '.join(block.axes)}"]
            )
        row: _Row = {}
        for name, axis in block.axes.items():
            value = given[name]
            if name in tables and value not in tables[name]:
                known = choices(value, map(str, tables[name]), "values")
                raise SpecError([f"{where}.{name}: point {number}: no {value!r}; {known}"])
            assert isinstance(axis, Axis)
            row[name] = tables[name][value] if name in tables else _at(name, axis, value)
        rows.append(row)
    return rows


def _sampled(block: Block, where: str) -> list[_Row]:
    assert block.n is not None
    axes: dict[str, Axis] = {}
    for name, axis in block.axes.items():
        if isinstance(axis, Block) or axis.distribution is None:
            raise SpecError(
                [
                    f"{where}.{name}: combine: {block.combine} needs a distribution {{low, high}} for every axis; "
                    "what is to be crossed with the samples goes outside of the block"
                ]
            )
        axes[name] = axis
    unit = _unit_samples(block.combine, block.n, len(axes), block.sample_seed)
    columns = [
        [_at(name, axis, v) for v in _stretch(axis, u)] for (name, axis), u in zip(axes.items(), unit.T, strict=True)
    ]
    return [dict(zip(axes, choices_, strict=True)) for choices_ in zip(*columns, strict=True)]


def _unit_samples(method: str, n: int, dimension: int, seed: int) -> np.ndarray:
    """Samples in the unit cube, shape (n, dimension).

    Sobol: scrambled, and the first n of a sequence whose balance is complete at powers of 2.
    """
    from scipy.stats import qmc

    if method == "random":
        return np.random.default_rng(seed).random((n, dimension))
    if method == "latin_hypercube":
        return np.asarray(qmc.LatinHypercube(dimension, rng=seed).random(n))
    sobol = qmc.Sobol(dimension, rng=seed)
    return np.asarray(sobol.random_base2(math.ceil(math.log2(n)))[:n])


def _stretch(axis: Axis, unit: np.ndarray) -> Sequence[Scalar]:
    distribution = axis.distribution
    assert distribution is not None
    low, high = float(distribution.low), float(distribution.high)
    if distribution.integer:
        return [int(min(math.floor(low + u * (high + 1 - low)), high)) for u in unit]
    to: Callable[[float], float] = math.log if distribution.log else float
    back: Callable[[float], float] = math.exp if distribution.log else float
    return [_rounded(min(max(back(to(low) + u * (to(high) - to(low))), low), high)) for u in unit]
