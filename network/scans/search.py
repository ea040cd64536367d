"""What every search for parameters has: experiments, parameters with their limits, aims, a loss to make small.

`network.scans.goal` searches for the target windows of states, `network.scans.fit` for recorded traces and given
values; `network.scans.optimise` leads both.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from ..analysis.targets.measures import known
from ..errors import choices
from ..experiment import Experiment, files
from ..runs.reader import Run
from .points import Point, changes_at
from .schema import Axis, AxisName, Execution, FolderName, Names, Number, PointCount, Scalar, Value
from .schema import _Part as Part

if TYPE_CHECKING:
    import pandas as pd


def _measure(name: str) -> str:
    """Refuse what no measure is called."""
    if name not in known():
        raise PydanticCustomError("measure", "{text}", {"text": f"no measure; {choices(name, known(), 'measures')}"})
    return name


Quantity = Annotated[str, AfterValidator(_measure)]
Window = tuple[Number, Number]


@dataclasses.dataclass(frozen=True)
class Aim(ABC):
    """What the runs of one experiment are held against.

    Attributes
    ----------
    name : str
        Of its runs and of its rows in tables.
    model : str
        Network whose presentation figures take.
    """

    name: str
    model: str

    @property
    def changes(self) -> Mapping[str, Any]:
        """What the experiment needs in addition, by key path: recordings."""
        return {}

    @property
    @abstractmethod
    def content(self) -> Any:
        """JSON form of what decides the loss."""

    @abstractmethod
    def judged(self, run: Run) -> pd.DataFrame:
        """Quantities of a complete run beside what they should be.

        Returns
        -------
        DataFrame
            Index ``population``; columns ``quantity``, ``value``, ``low``, ``high``, ``verdict``, and others.
        """


class Search(Part):
    """A search as it is written in a file, whatever it is for."""

    LOSS: ClassVar[str] = "distance"
    """What the number to be made small is called."""

    title: str | None = None
    """One line for lists and figures."""
    name: FolderName | None = None
    """Name of the folder and of the study; by default that of the file."""
    overlays: Names = ()
    """Of all experiments."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Changes of all experiments, ``key.path: value``."""
    search: Annotated[dict[AxisName, Axis], Field(min_length=1)]
    """What is searched, as the axes of a scan with a ``distribution``."""
    start: dict[str, Value] = Field(default_factory=dict)
    """Values of all parameters for the first trial."""
    trials: PointCount = 30
    """In all; more can follow later."""
    method: Literal["tpe", "cma_es", "random"] = "tpe"
    """How Optuna chooses: a tree of Parzen estimators, the evolution of a covariance matrix, or by chance."""
    sample_seed: Annotated[int, Field(ge=0)] = 1
    """Seed of the search (not of the simulations)."""
    execution: Execution = Execution()
    """What a run gets and what the whole search may use."""

    @property
    def experiments(self) -> Names:
        """What is run in every trial."""
        raise NotImplementedError

    @property
    def weighted(self) -> dict[str, float]:
        """Weights that decide the loss, by name."""
        return {}

    def aims(self, experiments: Sequence[Experiment], label: str) -> list[Aim]:
        """What the run of each experiment is held against; SpecError with all problems."""
        raise NotImplementedError

    def loss(self, judged: pd.DataFrame) -> tuple[float, dict[str, float]]:
        """Number to be made small, and the terms that it is the sum of, if they have names.

        Parameters
        ----------
        judged : DataFrame
            `Aim.judged` of the runs of a trial, with the name of the aim as first level of the index.
        """
        raise NotImplementedError

    def points(self, values: Mapping[str, Scalar]) -> list[Point]:
        """One point per experiment for given values of the parameters."""
        overrides = dict(self.set)
        for name, value in values.items():
            overrides |= changes_at(name, self.search[name], value)
        return [Point(dict(values), experiment, self.overlays, overrides) for experiment in self.experiments]

    def corners(self) -> list[dict[str, Scalar]]:
        """Lowest and highest values of all parameters."""
        limits = {name: axis.distribution for name, axis in self.search.items()}
        return [{name: getattr(d, end) for name, d in limits.items()} for end in ("low", "high")]

    def files_beside(self, beside: Path, *keys: str) -> dict[str, Any]:
        """Lists of names with those that are files in a folder replaced by their paths."""
        return {key: tuple(files.beside(name, beside) for name in getattr(self, key)) for key in keys}


def search_problems(spec: Search) -> list[str]:
    """What is wrong with the parameters of a search and their limits."""
    problems = []
    for name, axis in spec.search.items():
        if axis.distribution is None:
            problems.append(f"search.{name}: give its limits as distribution: {{low, high}}")
        if not axis.path:
            problems.append(f"search.{name}: path is missing")
    if spec.start and spec.start.keys() != spec.search.keys():
        problems.append(f"start: give a value for each of {', '.join(spec.search)}")
    for name, value in spec.start.items():
        limits = spec.search[name].distribution if name in spec.search else None
        if limits is not None and not (isinstance(value, int | float) and limits.low <= value <= limits.high):
            problems.append(f"start.{name}: {value!r} is not within {limits.low:g} and {limits.high:g}")
    whole = [name for name, axis in spec.search.items() if axis.distribution is not None and axis.distribution.integer]
    if spec.method == "cma_es" and (whole or len(spec.search) < 2):
        why = f"{whole[0]} takes whole numbers" if whole else f"{next(iter(spec.search))} is the only one"
        problems.append(f"method: cma_es needs two or more parameters that are no whole numbers; {why}")
    return problems
