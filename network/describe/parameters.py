"""Every number of an experiment as it was written: value, unit, source, place; and what the sources are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..experiment import Experiment
from ..experiment.bibliography import Source
from ..experiment.model_defaults import AS_DECLARED
from ..experiment.quantities import Quantity, QuantityList, Spec
from .document import Table

Path = tuple[str, ...]


@dataclass(frozen=True)
class Written:
    """A number (or several), where it stands in the experiment, and why it is what it is."""

    path: Path
    value: str
    unit: str
    reason: str
    """Key of the bibliography, or why it was assumed, or who set it."""
    source: str
    """Key of the bibliography; empty if there is none."""
    place: str
    note: str


def number(value: float) -> str:
    """Number in as few digits as give it back.

    >>> number(80000.0), number(1e-05), number(0.1)
    ('80,000', '1e-05', '0.1')
    """
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:.10g}"


def written(experiment: Experiment) -> list[Written]:
    """All quantities of an experiment, in the order of its sections."""
    return [_written(experiment, path, quantity) for path, quantity in _quantities(experiment, ())]


def _quantities(node: object, path: Path) -> Iterator[tuple[Path, Quantity | QuantityList]]:
    if isinstance(node, Quantity | QuantityList):
        yield path, node
    elif isinstance(node, Spec):
        for name in type(node).model_fields:
            yield from _quantities(getattr(node, name), (*path, name))
    elif isinstance(node, Mapping):
        for key, item in node.items():
            yield from _quantities(item, (*path, str(key)))
    elif isinstance(node, tuple | list):
        for index, item in enumerate(node):
            yield from _quantities(item, (*path, str(index + 1)))


def _written(experiment: Experiment, path: Path, quantity: Quantity | QuantityList) -> Written:
    values = quantity.value if isinstance(quantity, QuantityList) else (quantity.value,)
    assumed = quantity.assumed or ""
    if quantity.source is None and assumed:
        assumed = assumed if assumed == AS_DECLARED else f"assumed: {assumed}"
    return Written(
        path,
        ", ".join(map(number, values)),
        quantity.unit,
        quantity.source or assumed or f"set by {quantity.set_by}",
        quantity.source or "",
        _place(experiment, path),
        quantity.note or "",
    )


def _place(experiment: Experiment, path: Path) -> str:
    try:
        origin = experiment.origin(".".join(path))
    except KeyError:
        return ""
    name = origin.where.rpartition("/")[2] if origin.where.endswith(".nestml") else origin.where
    return name if origin.line is None else f"{name}:{origin.line}"


HEADER = ("parameter", "value", "unit", "source", "written in", "note")


def rows(given: Iterable[Written], depth: int) -> tuple[tuple[str, ...], ...]:
    """Rows of a table; of the key paths the first ``depth`` names are left out."""
    return tuple((".".join(w.path[depth:]), w.value, w.unit, w.reason, w.place, w.note) for w in given)


def tables(given: Iterable[Written], section: str) -> list[Table]:
    """A table of numbers for every entry of a section of the experiment, such as a population."""
    found: dict[str, list[Written]] = {}
    for one in given:
        if one.path[0] == section:
            found.setdefault(one.path[1], []).append(one)
    return [_trimmed(Table(HEADER, rows(those, 2), f"{section}.{name}")) for name, those in found.items()]


def rest(given: Iterable[Written], known: Iterable[str]) -> list[Table]:
    """A table of numbers for every section that is none of those."""
    left: dict[str, list[Written]] = {}
    for one in given:
        if one.path[0] not in known:
            left.setdefault(one.path[0], []).append(one)
    return [_trimmed(Table(HEADER, rows(those, 1), name)) for name, those in left.items()]


def _trimmed(table: Table) -> Table:
    """Table without a last column that is empty everywhere."""
    if any(row[-1] for row in table.rows):
        return table
    return Table(table.header[:-1], tuple(row[:-1] for row in table.rows), table.title)


def references(given: Iterable[Written], sources: Mapping[str, Source]) -> Table:
    """What the keys of the numbers stand for, in the order in which they first come."""
    keys = dict.fromkeys(one.source for one in given if one.source)
    found = [(key, sources[key]) for key in keys if key in sources]
    return Table(
        ("key", "source", "DOI or address", "where in it"),
        tuple((key, one.what, one.doi or one.url or "", one.where or "") for key, one in found),
    )
