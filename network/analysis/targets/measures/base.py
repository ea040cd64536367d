"""What a measure is, the registry of all of them, and a run as measures see it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakKeyDictionary

import numpy as np

from ....errors import SpecError, choices
from ....experiment.presentation import Band, Presentation
from ....runs import Run, Spikes
from ...common_rhythm import coherences
from ...look import presentation_of
from ...oscillations import analyse_pairs, pair_table
from ...response import Response, response_of
from ...spectra import SPECTRUM, rate_spectrum
from ...statistics import Floats, population_rate, population_table, run_spikes

if TYPE_CHECKING:
    import pandas as pd

_REGISTRY: dict[str, Measure] = {}
_TABLES: WeakKeyDictionary[Run, pd.DataFrame] = WeakKeyDictionary()
"""`RunData.table` by run: the verdict, the figure of the rates and their table look at the same one."""


class NotMeasuredError(ValueError):
    """A run does not have what a measure needs; the text says what."""


@dataclass(frozen=True)
class Coherences:
    """Coherence of the rates of all populations and groups that fire, each with each."""

    names: list[str]
    frequencies: Floats
    coherence: Floats
    chance: float
    """Mean coherence of independent rates: one over the number of windows, which overlap by half."""


class RunData:
    """A run with what several measures share, computed when it is asked for first.

    Parameters
    ----------
    run : Run
    state : str, optional
        Whose frequency band counts; by default the run's own.
    """

    def __init__(self, run: Run, state: str | None = None) -> None:
        self.run = run
        self.state: str | None = state or run.plan.get("meta", {}).get("state")
        self._pairs: dict[str, pd.Series | None] = {}
        self._responses: dict[str, Response | ValueError] = {}
        self._spectra: dict[str, tuple[Floats, Floats]] = {}

    @cached_property
    def presentation(self) -> Presentation:
        """Order, labels and bands of the network."""
        return presentation_of(self.run.plan)

    @cached_property
    def window(self) -> tuple[float, float]:
        """Beginning and end of the recording in ms."""
        return self.run.window

    @cached_property
    def spikes(self) -> dict[str, Spikes]:
        """Spikes of all recorded populations and groups."""
        return run_spikes(self.run)

    @cached_property
    def table(self) -> pd.DataFrame:
        """`run_table`, in the order of the network."""
        if self.run not in _TABLES:
            table = population_table(self.spikes, *self.window)
            _TABLES[self.run] = table.loc[self.presentation.sorted(map(str, table.index))]
        return _TABLES[self.run].copy()

    @property
    def band(self) -> Band:
        """Frequency band in which pairs of this state are judged."""
        return self.presentation.band_of(self.state)

    def has_spectra(self) -> None:
        """Do nothing, or raise NotMeasuredError where the recording is too short for spectra."""
        start, stop = self.window
        if stop - start < SPECTRUM:
            raise NotMeasuredError(
                f"spectra are not judged: that needs {SPECTRUM:g} ms of spikes; recorded: {stop - start:.6g} ms"
            )

    def spectrum(self, population: str) -> tuple[Floats, Floats]:
        """Frequencies (Hz) and power of a population rate; NotMeasuredError in a recording that is too short."""
        self.has_spectra()
        if population not in self._spectra:
            train = self.spikes[population]
            self._spectra[population] = rate_spectrum(train.times, train.n_neurons, *self.window)
        return self._spectra[population]

    @cached_property
    def coherences(self) -> Coherences | None:
        """Coherence of rates in windows as long as those of pairs of units; None where there are not two of them."""
        names = [name for name, train in self.spikes.items() if len(train.times)]
        try:
            if not names:
                return None
            trains = [self.spikes[name] for name in names]
            rates = [population_rate(train.times, train.n_neurons, *self.window)[1] for train in trains]
            n_window = self.presentation.beta.n_window
            n_windows = 1 + (len(rates[0]) - n_window) // (n_window // 2)
            return Coherences(names, *coherences(np.array(rates), n_window), 1.0 / max(1, n_windows))
        except ValueError:
            return None

    def pair(self, name: str) -> pd.Series | None:
        """Row of `pair_table` of a pair ``A/B``; None without cells that are active enough."""
        if name not in self._pairs:
            first, _, second = name.partition("/")
            found = pair_table(analyse_pairs(self.spikes, *self.window, self.band, [(first, second)]), self.band)
            self._pairs[name] = found.iloc[0] if len(found) else None
        return self._pairs[name]

    def response(self, population: str) -> Response:
        """Response of a population to a transient; ValueError if the run has none."""
        if population not in self._responses:
            try:
                self._responses[population] = response_of(self.run, population)
            except ValueError as error:
                self._responses[population] = error
        found = self._responses[population]
        if isinstance(found, ValueError):
            raise found
        return found


class Measure(ABC):
    """One number of a run, by name of what has it: a population, a pair, a zone of a response.

    A class that has a ``name`` is registered by being defined.

    Attributes
    ----------
    name : str
        In targets, weights and columns of tables.
    text : str
        With unit, along axes.
    short : str
        With unit, in tables.
    section : str
        Key below ``acceptance`` in ``targets.yaml`` where windows of the family stand; none: below ``key``.
    """

    name: ClassVar[str] = ""
    text: ClassVar[str] = ""
    short: ClassVar[str] = ""
    section: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "name" in cls.__dict__:
            _REGISTRY[cls.name] = cls()

    @property
    def key(self) -> str:
        """Key of its windows in ``targets.yaml``."""
        return self.name

    @abstractmethod
    def value(self, data: RunData, name: str) -> float:
        """Value of a population, pair or zone, NaN if it has none.

        Raises
        ------
        NotMeasuredError
            If the run does not have what it takes.
        """

    def chance(self, data: RunData, name: str) -> float:
        """Value that cells firing at random at their rates would have; NaN where that is not known."""
        return float("nan")

    def values(self, data: RunData, names: Iterable[str]) -> dict[str, float]:
        """`value` of several."""
        return {name: self.value(data, name) for name in names}


class PopulationMeasure(Measure):
    """A measure of populations and groups; each is a column of the table of a scan.

    ```python
    class Fano(PopulationMeasure):
        name, text, short = "fano", "Fano factor of counts in 100 ms (dimensionless)", "Fano factor"

        def of(self, data, name):
            train = data.spikes[name]
            return float(np.nanmean(fano_factor(train.times, train.node_ids, train.n_neurons, *data.window)))
    ```
    """

    compared: ClassVar[bool] = False
    """Whether ``bgnest compare`` shows it."""

    def value(self, data: RunData, name: str) -> float:
        """NaN for populations that were not recorded."""
        return self.of(data, name) if name in data.spikes else float("nan")

    @abstractmethod
    def of(self, data: RunData, name: str) -> float:
        """Value of a recorded population or group."""


def known() -> dict[str, Measure]:
    """All measures by name."""
    return dict(_REGISTRY)


def family(kind: type[Any]) -> dict[str, Any]:
    """Measures of a family, by name."""
    return {name: measure for name, measure in _REGISTRY.items() if isinstance(measure, kind)}


def find(name: str) -> Measure:
    """Measure of that name; SpecError with the names there are."""
    if name not in _REGISTRY:
        raise SpecError([f"no measure {name!r}; {choices(name, _REGISTRY, 'measures')}"])
    return _REGISTRY[name]
