"""Any measure of a run as a table, whether or not there are windows for it: bursts, rhythms, fields, responses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import RunMissingError, SpecError, choices
from ..runs import Run
from .response import ZONES
from .targets.measures import Measure, NotMeasuredError, PopulationMeasure, RunData, find
from .targets.measures.fields import FieldMeasure
from .targets.measures.zones import ZoneMeasure
from .targets.verdict import aligned, number

if TYPE_CHECKING:
    import pandas as pd


def measured(run: Run, names: Sequence[str], of: Sequence[str] = ()) -> pd.DataFrame:
    """Values of measures.

    Parameters
    ----------
    names : sequence of str
        Of measures, as in ``targets.yaml``; see `bgnest.analysis.targets.measures.known`.
    of : sequence of str
        Populations or groups; pairs ``A/B`` of a measure of pairs; fields of one of fields. If none are given, all
        populations and groups, the pairs of the network's ``presentation.yaml``, and all fields.

    Returns
    -------
    DataFrame
        Index ``measure`` and ``of`` (of a response ``POPULATION ZONE``); ``value``, and ``chance``, what independent
        cells of the same rates would have, NaN where that is not known.

    Raises
    ------
    SpecError
        If there is no such measure, with those that there are.
    RunMissingError
        If the run does not have what it takes, or no such population, pair or field.
    """
    import pandas as pd

    data, rows = RunData(run), {}
    for measure in map(find, names):
        for what in _of(measure, data, of):
            try:
                rows[measure.name, what] = (measure.value(data, what), measure.chance(data, what))
            except NotMeasuredError as error:
                raise RunMissingError(f"{run.path}: {error}") from error
    index = pd.MultiIndex.from_tuples(rows, names=["measure", "of"])
    return pd.DataFrame(list(rows.values()), index=index, columns=["value", "chance"])


def _of(measure: Measure, data: RunData, given: Sequence[str]) -> list[str]:
    """What a measure is taken of, all of it there."""
    if isinstance(measure, FieldMeasure):
        there = list(data.run.fields)
        if not there:
            raise RunMissingError(
                f"{data.run.path}: no field was recorded, which {measure.name} needs; an experiment "
                "asks for one in recording.fields"
            )
        return _there(given or there, there, data, "fields")
    populations = [str(name) for name in data.table.index]
    if isinstance(measure, PopulationMeasure):
        return _there(given or populations, populations, data, "populations and groups")
    if isinstance(measure, ZoneMeasure):
        found = _there(given or populations, populations, data, "populations and groups")
        return [f"{name} {zone}" for name in found for zone in ZONES]
    pairs = list(given) or ["/".join(pair) for pair in data.presentation.pairs]
    if not pairs:
        raise SpecError(
            [f"{measure.name} is of pairs of populations, and this network names none; name them: --of A/B"]
        )
    for pair in pairs:
        if len(pair.split("/")) != 2:
            raise SpecError([f"{measure.name} is of a pair of populations A/B, not of {pair!r}"])
        _there(pair.split("/"), populations, data, "populations and groups")
    return pairs


def _there(wanted: Sequence[str], there: Sequence[str], data: RunData, what: str) -> list[str]:
    for name in wanted:
        if name not in there:
            raise RunMissingError(f"{data.run.path}: no {name!r} is recorded; {choices(name, there, what)}")
    return list(wanted)


def render_measured(table: pd.DataFrame) -> str:
    """`measured` as text: a row per population, pair, field or zone, a column per measure."""
    blocks = []
    wide = table["value"].unstack("measure", sort=False)
    chances = table["chance"].unstack("measure", sort=False)
    for columns in _alike(wide):
        header, shown = ["of"], []
        for name in columns:
            header.append(find(name).short)
            shown.append(wide[name])
            if chances[name].notna().any():
                header.append("by chance")
                shown.append(chances[name])
        kept = wide.index[wide[columns].notna().any(axis=1)] if len(columns) < wide.shape[1] else wide.index
        rows = [[str(what), *(number(float(column[what])) for column in shown)] for what in kept]
        blocks.append("\n".join(aligned(header, rows, left={"of"})))
    return "\n\n".join(blocks)


def _alike(wide: pd.DataFrame) -> list[list[str]]:
    """Measures that are of the same things, in their order."""
    groups: dict[str, list[str]] = {}
    for name in map(str, wide.columns):
        measure = find(name)
        groups.setdefault(measure.section or "populations", []).append(name)
    return list(groups.values())
