"""The catalogue of cells: types of cells as files below ``cells``, and how a population becomes one by ``cell: NAME``.

A file of a cell has what a population says of its cells (model, parameters, receptors, first values), and ``about``:
which type it is, where it is from, how certain it is, and at which currents its rate is known. ``cell: OTHER`` in
such a file starts from another one. In a population the line ``cell: NAME`` stands for all of that; what is written
beside it changes single values. Values keep the file and the line of the catalogue as their origin.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from .. import resources
from ..errors import SpecError, choices
from .files import first_lines, is_file, is_user_file, label_of
from .limits import shown
from .messages import placed_problems
from .origins import Layer, Tree, is_glob
from .quantities import Picoamperes, PositiveMilliseconds, Rate, Spec
from .yamlfile import KeyPath, read_yaml

FOLDER = "cells"
"""Folder of the catalogue below every folder of parameters."""
SOURCES = "sources.yaml"
BODY = ("model", "neuron", "defaults", "receptors", "heterogeneity", "initial", "dopamine", "effects")
"""What a cell says of a population; all of it is replaced where a population becomes another cell."""
NAMES = ("label", "transmitter")
"""What a cell says of a population that says nothing of the kind itself."""
CERTAINTIES = {
    "published": "numbers of the authors' code or tables",
    "reimplementation": "numbers of an independent implementation that names the publication",
    "unreviewed": "numbers of a public file that nobody has reviewed, or that do not do what their text says",
    "assumed": "a stand-in: nobody has published numbers for this type",
}
Certainty = Literal["published", "reimplementation", "unreviewed", "assumed"]


class KnownRate(Spec):
    """Rate at a constant current that is known from elsewhere: what the cell is checked by."""

    current: Picoamperes
    """In all, that of the cell (``I_e``) included."""
    rate: Rate
    """That it fires at then."""
    within: Annotated[float, Field(gt=0.0, le=1.0)] = 0.1
    """Relative deviation that is in order."""


class About(Spec):
    """What a cell of the catalogue is."""

    type: str
    """Of the cell, in the words of the field."""
    region: str
    """Nucleus or area."""
    certainty: Certainty
    """What the numbers stand on."""
    reason: str | None = None
    """Why it is no better than that; needed where it is assumed."""
    source: str | None = None
    """Key of the bibliography."""
    resolution: PositiveMilliseconds | None = None
    """Step in which the cell is characterised; 0.1 ms if not given."""
    rates: Annotated[tuple[KnownRate, ...], Field(strict=False)] = ()
    """Rates that are known from elsewhere."""
    notes: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Free text for readers."""

    @model_validator(mode="after")
    def _reasoned(self) -> About:
        if self.certainty == "assumed" and not self.reason:
            raise PydanticCustomError("reason", "certainty is 'assumed': say why in 'reason'")
        if self.certainty != "assumed" and not self.source:
            raise PydanticCustomError("source", "'source' is missing; without one the certainty is 'assumed'")
        return self


@dataclass(frozen=True, eq=False)
class CellFile:
    """A file of the catalogue: ``body`` is what it says of a population, ``lines`` where."""

    name: str
    path: Path
    title: str
    about: About
    body: dict[str, Any] = field(repr=False)
    lines: dict[KeyPath, int] = field(repr=False)
    base: str | None = None
    """Cell that it starts from."""

    @property
    def model(self) -> str:
        """Its NESTML model."""
        return str(self.body.get("model") or self.parent().model)

    def parent(self) -> CellFile:
        """Cell that it starts from; SpecError if there is no such cell."""
        line = self.lines.get(("cell",))
        return find_cell(str(self.base), self.path.parent, f"{label_of(self.path)}:{line}: cell")

    def chain(self) -> list[CellFile]:
        """The cell and those below it, the first of all first.

        Raises
        ------
        SpecError
            If they stand on each other in a circle.
        """
        found = [self]
        while found[-1].base is not None:
            below = found[-1].parent()
            if below.path in [cell.path for cell in found]:
                names = " -> ".join(cell.name for cell in [*found, below])
                raise SpecError([f"{label_of(self.path)}: cells start from each other in a circle: {names}"])
            found.append(below)
        return found[::-1]

    def layer(self, population: str, left_out: tuple[str, ...] = ()) -> Layer:
        """What it says, as a layer of an experiment."""
        at = ("populations", population)
        body = {key: value for key, value in self.body.items() if key not in left_out}
        lines = {(*at, *keys): line for keys, line in self.lines.items() if keys[0] in body}
        return Layer({"populations": {population: body}}, label_of(self.path), lines, user=is_user_file(self.path))


def cell_files() -> dict[str, Path]:
    """File of every cell of the catalogue by name; the first folder that has a name wins."""
    found: dict[str, Path] = {}
    for folder in resources.params_dirs():
        for path in sorted((folder / FOLDER).glob("*.yaml")):
            if path.name != SOURCES:
                found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def list_cells() -> dict[str, CellFile]:
    """All cells of the catalogue; SpecError with the problems of files that are wrong."""
    problems: list[str] = []
    found = {}
    for name, path in cell_files().items():
        try:
            found[name] = read_cell(path)
            found[name].chain()
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    return found


def find_cell(name: str, folder: Path | None = None, where: str = "cell") -> CellFile:
    """Cell by its name in the catalogue, or by a YAML file (relative to ``folder``, else to the current one).

    Raises
    ------
    SpecError
        If there is none, or its file is wrong; ``where`` begins the message.
    """
    given = resources.user_path(name)
    if given.suffix in (".yaml", ".yml"):
        for path in ([folder / given] if folder is not None else []) + [given]:
            if is_file(path):
                return read_cell(path)
        raise SpecError([f"{where}: no file {name!r}"])
    known = cell_files()
    if name not in known:
        raise SpecError([f"{where}: no cell {name!r}; {choices(name, known, 'cells')}"])
    return read_cell(known[name])


def read_cell(path: Path) -> CellFile:
    """Cell of a file; SpecError with all that is wrong about its form."""
    return _read(path.resolve(), resources.stamp(path))


@lru_cache(maxsize=256)
def _read(path: Path, stamp: tuple[int, int]) -> CellFile:
    label = label_of(path)
    data, lines = read_yaml(path, label)
    valid = ("about", "cell", *NAMES, *BODY)
    problems = [
        f"{label}:{lines.get((key,))}: {key}: unknown key of a cell; {choices(key, valid, 'keys')}"
        for key in data
        if key not in valid
    ]
    base = data.get("cell")
    if base is not None and not isinstance(base, str):
        problems.append(f"{label}:{lines[('cell',)]}: cell: must be the name of a cell, not {shown(base)}")
    if base is None and not isinstance(data.get("model"), str):
        problems.append(f"{label}: a cell needs 'model: NAME' (a NESTML model), or 'cell: OTHER' to start from")
    about = None
    try:
        about = About.model_validate(data.get("about", {}))
    except ValidationError as error:
        problems += placed_problems(error, About, label, lines, ("about",))
    if problems or about is None:
        raise SpecError(problems)
    body = {key: value for key, value in data.items() if key not in ("about", "cell")}
    return CellFile(path.stem, path, first_lines(path)[1], about, body, lines, base)


def apply_with_cells(tree: Tree, layer: Layer, folder: Path | None) -> None:
    """Merge a layer; where it says ``cell: NAME`` of a population, first what that cell is.

    A cell that there is not, or whose file is wrong, becomes one of the problems of the tree.
    """
    populations = layer.data.get("populations")
    for key, population in populations.items() if isinstance(populations, dict) else ():
        name = population.get("cell") if isinstance(population, dict) else None
        if name is None:
            continue
        at = ("populations", key, "cell")
        where = f"{layer.origin(at)}: {'.'.join(at)}"
        there = tree.data.get("populations")
        present = list(there) if isinstance(there, dict) else []
        targets = fnmatch.filter(present, key) if is_glob(key) else [key]
        try:
            if not isinstance(name, str):
                raise SpecError([f"{where}: must be the name of a cell, not {shown(name)}"])
            chain = find_cell(name, folder, where).chain()
        except SpecError as error:
            tree.problems += error.problems
            tree.unresolved.update(targets)
            continue
        for target in targets:
            _become(tree, target, chain)
        tree.unresolved.difference_update(targets)
    tree.apply(layer)


def _become(tree: Tree, population: str, chain: list[CellFile]) -> None:
    """Make a population a cell; its size, place and name stay."""
    before = tree.data.get("populations", {}).get(population)
    kept: tuple[str, ...] = ()
    if isinstance(before, dict):
        kept = tuple(key for key in NAMES if key in before)
        for key in BODY:
            tree.remove(("populations", population, key))
    for cell in chain:
        tree.apply(cell.layer(population, kept))
