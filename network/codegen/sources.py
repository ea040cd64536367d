"""The NESTML files of a build: read, named, and refused where their text already says that they cannot be built.

A model is known by the name of its file. NEST gets the same name, or the file's with ``_nestml`` at the end (as the
documentation of NESTML does it) where the name belongs to NEST itself or the text calls its model something else: two
files may then have models of one name, and a file may be called like one of NEST's models.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from .. import resources
from ..errors import BuildError, RefusedError, SpecError
from ..experiment.cell_code import FAST
from ..experiment.nestml import parse_nestml, read_nestml
from ..experiment.nestml_support import Unsupported, time_in_equations, unsupported
from ..memo import remembered
from .targets import Target
from .toolchain import Nest, headers_of


@dataclass(frozen=True)
class Partner:
    """A NESTML synapse that is made together with a cell: its file, and what its ports hear.

    Attributes
    ----------
    name : str
    path : Path
    text : str
    post_ports, modulator_ports : tuple of str
        Ports for the spikes of the target, and for those of a population that modulates.
    weight : str
        Variable that is the weight.
    reads : tuple of (str, str)
        Continuous ports, and the variable of the cell that each sees.
    """

    name: str
    path: Path
    text: str
    post_ports: tuple[str, ...]
    modulator_ports: tuple[str, ...]
    weight: str
    reads: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Source:
    """One NESTML file.

    Attributes
    ----------
    path : Path
    text : str
    name : str
        By which experiments know the model: the file's, if that is a name.
    declared : str
        What the text calls it.
    nest_name : str
        What NEST and the C++ call it.
    """

    path: Path
    text: str
    name: str
    declared: str
    nest_name: str
    partners: tuple[Partner, ...] = ()
    pairing: tuple[str, ...] = ()
    """Texts of what makes a pair, beside the target."""
    graded: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    """States that are gates of graded synapses, and those that are conductances which such gates open."""

    def with_partners(self, name: str, partners: tuple[Partner, ...], pairing: tuple[str, ...]) -> Source:
        """The same cells with synapses onto them."""
        return replace(self, name=name, partners=partners, pairing=pairing)

    @property
    def renamed(self) -> bool:
        """Whether NEST knows the model by another name than its text says."""
        return self.nest_name != self.declared

    @property
    def digest(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def unsupported(self) -> list[Unsupported]:
        """What the vectorised target refuses, as far as the text tells."""
        return unsupported(self.text)

    @property
    def identity(self) -> tuple[str, ...]:
        """What decides the C++ of this file."""
        own = (self.path.name, self.text, *([self.nest_name] if self.renamed else []))
        return (
            *own,
            *self.pairing,
            *([] if self.graded is None else [repr(self.graded)]),
            *(repr((p.name, p.text, p.post_ports, p.modulator_ports, p.weight, p.reads)) for p in self.partners),
        )

    def text_for_nest(self) -> str:
        """Text with the name that NEST shall know, line by line the same otherwise."""
        pattern = rf"^((?:model|neuron)\s+){self.declared}(\s*:)"
        return re.sub(pattern, rf"\g<1>{self.nest_name}\2", self.text, count=1, flags=re.MULTILINE)


def find_sources(models: Sequence[Path | str], target: Target, nest: Nest) -> list[Source]:
    """Files of the models, by name or path, in an order that does not depend on that of the models.

    Raises
    ------
    BuildError
        If a file cannot be used, all of them named: not found or not readable, not exactly one model, two of one name,
        something that the target refuses.
    """
    paths = sorted({_find(model) for model in models}, key=lambda path: (path.name, path))
    if not paths:
        raise BuildError("no models to build")
    sources: dict[str, Source] = {}
    problems: list[str] = []
    refused: list[str] = []
    for path in paths:
        try:
            source = _source(path, nest)
        except SpecError as error:
            problems.append(str(error))
            continue
        if source.name in sources:
            problems.append(
                f"{path}: {sources[source.name].path} has the name {source.name!r}, too; rename one of them"
            )
        sources[source.name] = source
        if target.name == FAST:
            refused += [found.message(str(path), "build it with `--target auto`") for found in source.unsupported]
    if problems:
        raise BuildError("\n".join(problems + refused))
    if refused:
        raise RefusedError("\n".join(refused))
    return list(sources.values())


def refuse_what_nestml_cannot(sources: Sequence[Source], target: Target) -> None:
    """Refuse what the C++ that NESTML generates of a model is known not to compile for.

    Raises
    ------
    BuildError
        With file and line of all of it.
    """
    if target.name == FAST:
        return
    what = "the C++ that NESTML generates of the time t in an equation does not compile"
    found = [(source.path, line) for source in sources if (line := time_in_equations(source.text))]
    if found:
        raise BuildError("\n".join(f"{path}:{line}: {what}; build it with `--target auto`" for path, line in found))


def _find(model: Path | str) -> Path:
    path = Path(model)
    if isinstance(model, Path) or path.suffix:
        if not path.exists():
            raise BuildError(f"there is no NESTML file {path}")
        return path.resolve()
    try:
        return resources.find_model(model).resolve()
    except FileNotFoundError as error:
        raise BuildError(str(error)) from error


def _source(path: Path, nest: Nest) -> Source:
    text = read_nestml(path)
    declared = parse_nestml(text, str(path)).name
    name = path.stem if re.fullmatch(r"[A-Za-z_]\w*", path.stem, re.ASCII) else declared
    taken = name != declared or name in _names_of_nest(nest.include)
    return Source(path, text, name, declared, f"{name}_nestml" if taken else name)


@cache
def _names_of_nest(include: Path) -> frozenset[str]:
    """Names of NEST's models, and of its headers, whose classes may be called like them."""
    headers = headers_of(include)

    def names() -> list[str]:
        found = {header.stem for header in headers}
        for header in headers:
            text = header.read_text(encoding="utf-8", errors="replace")
            found.update(re.findall(r"\bvoid register_(\w+)\(", text))
        return sorted(found)

    return frozenset(remembered("names of models", headers, names))
