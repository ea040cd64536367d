"""How a network is shown and what is expected of it: ``presentation.yaml`` in the folder of its parameters.

Order, labels and colours of populations, pairs and frequency bands to look at, and rates for predictions of cost belong
to a network, not to the program. A network without the file has its populations in the order of its own files, colours
safe for colour-blind readers (cool ones for cells that inhibit, warm ones for those that excite), and its names as
labels.

```yaml
order: [B, A]
populations: {A: {label: area A, colour: "#0072B2"}}
pairs: [[A, B]]
bands: {gamma: {low: 30, high: 80, n_window: 128, drive: 40}}
expected_rates: {A: {value: 5.0, unit: spikes/s, source: KEY}}
```
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from .. import resources
from ..errors import SpecError, choices
from .messages import placed_problems
from .quantities import Rate, Spec
from .sources import load_sources
from .yamlfile import read_yaml

FILE = "presentation.yaml"

INHIBITORY = ("#0072B2", "#009E73", "#56B4E9", "#332288", "#44AA99", "#117733", "#88CCEE", "#6699CC")
EXCITATORY = ("#D55E00", "#E69F00", "#CC79A7", "#882255", "#CC6677", "#AA4499", "#999933", "#DDCC77")
ANY = tuple(colour for pair in zip(INHIBITORY, EXCITATORY, strict=True) for colour in pair)
"""Colours for cells of which nothing is known; neighbours differ in hue and brightness (Okabe and Ito, Tol)."""
ALIKE = 60.0
"""Distance of two colours up to which they are taken for the same; assumed, by eye."""

Pair = tuple[str, str]
Names = Annotated[tuple[str, ...], Field(strict=False)]


class Band(Spec):
    """What to look at in an oscillation."""

    low: Annotated[float, Field(ge=0.0)]
    """Lowest frequency in Hz."""
    high: float
    """Highest frequency in Hz."""
    n_window: Annotated[int, Field(ge=2)]
    """Bins per window of the coherence."""
    drive: Annotated[float, Field(gt=0.0)]
    """Frequency of what drives the network, in Hz."""
    states: Names = ()
    """States that are judged in this band; all others in the first one."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"low must be below high, not {self.low:g} and {self.high:g}")
        return self

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest frequency in Hz."""
        return self.low, self.high


BETA = Band(low=15.0, high=25.0, n_window=128, drive=20.0)
"""Beta band, where a network says nothing else."""


class Look(Spec):
    """Label and colour of a population or group."""

    label: str | None = None
    """Name in figures; by default its own, with spaces."""
    colour: Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")] | None = None
    """Such as ``#0072B2``."""


class Mark(Spec):
    """How the values of a reference of ``targets.yaml`` are drawn."""

    label: str
    """Name in figures."""
    mark: Annotated[str, Field(pattern=r"^[osD^vPX*_|]$")] = "o"
    """Symbol of Matplotlib."""


class _File(Spec):
    order: Names = ()
    """Of populations and groups in tables and figures; those that are missing follow."""
    populations: dict[str, Look] = Field(default_factory=dict)
    """Label and colour by population or group."""
    panels: Annotated[tuple[Names, ...], Field(strict=False)] = ()
    """Populations that share a panel where courses are drawn."""
    pairs: Annotated[tuple[Annotated[Pair, Field(strict=False)], ...], Field(strict=False)] = ()
    """Populations whose units are compared."""
    bands: dict[str, Band] = Field(default_factory=dict)
    """Frequency bands by name; the first is that of all states that no other names."""
    references: dict[str, Mark] = Field(default_factory=dict)
    """How references of ``targets.yaml`` are drawn, by their keys."""
    expected_rates: dict[str, Rate] = Field(default_factory=dict)
    """From which `bgnest plan` predicts time and memory, by population."""
    size_note: str | None = None
    """What to know about networks that are smaller than the bands hold for."""


@dataclass(frozen=True)
class Presentation:
    """What `presentation.yaml` says, completed for the populations of a network.

    Attributes
    ----------
    order : tuple of str
        Populations and groups from first to last.
    looks : dict of str to Look
    panels : tuple of tuple of str
        Populations that share a panel, where courses are drawn.
    pairs : tuple of (str, str)
        Populations whose units are compared.
    bands : dict of str to Band
        Frequency bands; the first is that of states that no other names.
    references : dict of str to Mark
    rates : dict of str to float
        Expected rates in spikes/s, where something is known.
    size_note : str
        What to know about networks that are smaller than the bands hold for.
    """

    order: tuple[str, ...] = ()
    looks: Mapping[str, Look] = field(default_factory=dict)
    panels: tuple[tuple[str, ...], ...] = ()
    pairs: tuple[Pair, ...] = ()
    bands: Mapping[str, Band] = field(default_factory=lambda: {"beta": BETA})
    references: Mapping[str, Mark] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    size_note: str = ""

    def label(self, name: str) -> str:
        """Name of a population (or of anything else) for people: underscores become spaces.

        >>> Presentation().label("layer_4")
        'layer 4'
        """
        look = self.looks.get(name)
        return look.label if look is not None and look.label else name.replace("_", " ")

    def colours(self, names: Iterable[str]) -> dict[str, str]:
        """Colour of each population; those without one get one each, in the order given, unlike all of the network."""
        names = list(names)
        given = {name: look.colour for name, look in self.looks.items() if look.colour}
        taken = {given[name] for name in names if name in given}
        free = _unlike(ANY, given.values()) or [colour for colour in ANY if colour not in taken] or list(ANY)
        unknown = [name for name in names if name not in given]
        return {name: given.get(name) or free[unknown.index(name) % len(free)] for name in names}

    def band_of(self, state: str | None) -> Band:
        """Band in which a state is judged."""
        chosen = next((band for band in self.bands.values() if state in band.states), None)
        return chosen or next(iter(self.bands.values()))

    @property
    def beta(self) -> Band:
        """Band that the network calls beta, else the usual one."""
        return self.bands.get("beta", BETA)

    def sorted(self, names: Iterable[str]) -> list[str]:
        """Names in the order of the network; those that it does not mention after the others, as they come."""
        names = list(names)
        return [*(name for name in self.order if name in names), *(name for name in names if name not in self.order)]


def _unlike(palette: Iterable[str], given: Collection[str]) -> list[str]:
    """Colours ``#RRGGBB`` of a palette that nobody takes for one of some others.

    >>> _unlike(["#56B4E9", "#E69F00"], ["#4AA3DB"])
    ['#E69F00']
    """
    values = [bytes.fromhex(other[1:]) for other in given]
    return [c for c in palette if all(math.dist(bytes.fromhex(c[1:]), value) > ALIKE for value in values)]


def load_presentation(model: str | None) -> Presentation:
    """What ``params/<model>/presentation.yaml`` says; defaults for a network without one.

    Raises
    ------
    SpecError
        If the file is malformed, with file, line and key.
    """
    if not model:
        return Presentation()
    for folder in resources.params_dirs():
        path = folder / model / FILE
        if path.is_file():
            return _load(path, f"{model}/{FILE}", path.stat().st_mtime_ns)
    return Presentation()


def completed(found: Presentation, names: Sequence[str], signs: Mapping[str, int] | None = None) -> Presentation:
    """Give every one of these populations a place in the order and a colour; ``signs`` are +1, -1 or 0."""
    looks = dict(found.looks)
    given = {look.colour for look in looks.values() if look.colour}
    taken = set(given)
    for name in names:
        look = looks.get(name, Look())
        if look.colour is None:
            sign = (signs or {}).get(name, 0)
            palette = ANY if not sign else EXCITATORY if sign > 0 else INHIBITORY
            free = (c for c in (*_unlike(palette, given), *_unlike(ANY, given), *palette, *ANY) if c not in taken)
            colour = next(free, palette[len(taken) % len(palette)])
            looks[name] = look.model_copy(update={"colour": colour})
            taken.add(colour)
    order = found.sorted(names)
    panels = found.panels or tuple((name,) for name in order)
    return Presentation(
        tuple(order), looks, panels, found.pairs, found.bands, found.references, found.rates, found.size_note
    )


def unknown_names(found: Presentation, names: Collection[str]) -> list[str]:
    """Populations that a presentation mentions and a network does not have, each once."""
    mentioned = [*found.order, *found.looks, *(name for pair in (*found.panels, *found.pairs) for name in pair)]
    return [name for name in dict.fromkeys([*mentioned, *found.rates]) if name not in names]


@lru_cache(maxsize=32)
def _load(path: Path, label: str, _changed: int) -> Presentation:
    data, lines = read_yaml(path, label)
    try:
        content = _File.model_validate(data)
    except ValidationError as error:
        raise SpecError(placed_problems(error, _File, label, lines)) from error
    known = load_sources(path.parent)
    problems = [
        f"{label}:{lines.get(('expected_rates', name), 0)}: expected_rates.{name}: unknown source {rate.source!r}; "
        + choices(rate.source, known, "sources")
        for name, rate in content.expected_rates.items()
        if rate.source is not None and rate.source not in known
    ]
    if problems:
        raise SpecError(problems)
    return Presentation(
        content.order,
        content.populations,
        content.panels,
        content.pairs,
        content.bands or {"beta": BETA},
        content.references,
        {name: rate.value for name, rate in content.expected_rates.items()},
        content.size_note or "",
    )
