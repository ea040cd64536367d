"""What an optimisation is to reach: parameters with their limits, states, target windows, weights.

```yaml
optimise: NETWORK/STATE
overlays: [laptop]
search:
  drive: {path: inputs.EXT_to_*.rate, operation: scale, distribution: {low: 0.5, high: 2, log: true}}
targets: {reference: KEY, tolerance: 0.1}
weights: {rate: 1, cv: 0.2}
trials: 50
```
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from .. import resources
from ..analysis.targets.distance import distance
from ..analysis.targets.judge import judge_run
from ..analysis.targets.measures import PopulationMeasure, family
from ..analysis.targets.windows import Targets, load_targets
from ..errors import SpecError, choices
from ..experiment import Experiment
from ..experiment.files import first_lines, given_file
from ..experiment.yamlfile import read_yaml
from ..runs.reader import Run
from .schema import Names, validated
from .schema import _Part as Part
from .search import Aim, Quantity, Search, Window, search_problems

if TYPE_CHECKING:
    import pandas as pd

_RATES: dict[str, float] = {"rate": 1.0}


class Goals(Part):
    """Target windows. Without anything said these are the acceptance bands of each state."""

    reference: str | None = None
    """Values of this reference (`targets.yaml`) instead of the bands, as windows of ``tolerance`` around them."""
    tolerance: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Half width of such a window relative to the value."""
    populations: Names = ()
    """Only these populations and groups; all if not given."""
    windows: dict[str, dict[Quantity, dict[str, Window]]] = Field(default_factory=dict)
    """Windows in addition or instead, by state, quantity and population (or pair ``A/B``)."""


@dataclasses.dataclass(frozen=True)
class WindowsAim(Aim):
    """The windows of a state."""

    targets: Targets

    @property
    def content(self) -> Any:
        """Windows by measure and population."""
        return self.targets.windows

    def judged(self, run: Run) -> pd.DataFrame:
        """Everything that has a window."""
        return judge_run(run, self.targets).judged


class Optimisation(Search):
    """An optimisation as it is written in a file."""

    PARTS: ClassVar[dict[str, type[Part]]] = {"targets": Goals}

    optimise: Names
    """Names or YAML files of the experiments, each with the state whose targets it is held against."""
    targets: Goals = Goals()
    """Windows that the runs shall be inside of."""
    weights: dict[Quantity, Annotated[float, Field(ge=0)]] = _RATES
    """Weight of each kind of quantity; what is not named does not count."""

    @property
    def experiments(self) -> Names:
        """What is run in every trial."""
        return self.optimise

    @property
    def weighted(self) -> dict[str, float]:
        """Weight by quantity."""
        return {str(quantity): weight for quantity, weight in self.weights.items()}

    def aims(self, experiments: Sequence[Experiment], label: str) -> list[Aim]:
        """Windows of the state of each experiment."""
        found: list[Aim] = []
        for name, experiment in zip(self.optimise, experiments, strict=True):
            model, state = experiment.meta.model, experiment.meta.state
            if state is None:
                raise SpecError([f"{label}: {name} has no meta.state, whose targets could be reached"])
            found.append(WindowsAim(state, model, goals_of(self, model, state, label)))
        names = [aim.name for aim in found]
        if twice := [name for name in names if names.count(name) > 1]:
            raise SpecError([f"{label}: two experiments have the state {twice[0]}; their runs need different names"])
        return found

    def loss(self, judged: pd.DataFrame) -> tuple[float, dict[str, float]]:
        """Weighted mean of distances from windows."""
        return distance(judged, self.weighted), {}

    def placed(self, beside: Path) -> Optimisation:
        """Names of files beside a folder as their paths."""
        return self.model_copy(update=self.files_beside(beside, "optimise", "overlays"))


def load_optimisation(name_or_path: str | Path) -> tuple[Optimisation, str]:
    """Read an optimisation file, or one of ``params/*/optimisations`` by its name; returns it and its name.

    Raises
    ------
    SpecError
        With all problems, or the names there are.
    """
    path = _find(name_or_path)
    data, lines = read_yaml(path, path.name)
    return parse_optimisation(data, path.name, lines, beside=path.parent), path.stem


def parse_optimisation(
    data: Mapping[str, Any], label: str = "optimisation", lines: Any = None, *, beside: Path | None = None
) -> Optimisation:
    """Validate the content of an optimisation file; SpecError with all problems."""
    spec = validated(Optimisation, data, label, lines)
    problems = search_problems(spec)
    if not any(spec.weights.values()):
        problems.append("weights: all are 0")
    if problems:
        raise SpecError([f"{label}: {problem}" for problem in problems])
    return spec if beside is None else spec.placed(beside)


def goals_of(spec: Optimisation, model: str, state: str, label: str) -> Targets:
    """Windows that count for a state.

    Raises
    ------
    SpecError
        If the state, the reference or a population has no targets, or nothing that has a weight has a window.
    """
    targets = load_targets(model, state)
    goals = spec.targets
    weights = spec.weighted
    bands = dict(targets.windows)
    if goals.reference is not None:
        if goals.reference not in targets.references:
            known = choices(goals.reference, targets.references, "references")
            raise SpecError([f"{label}: targets.reference: {state} has no {goals.reference!r}; {known}"])
        entries = targets.references[goals.reference].populations
        bands = {
            quantity: {
                name: (value * (1 - goals.tolerance), value * (1 + goals.tolerance))
                for name, entry in entries.items()
                if (value := getattr(entry, quantity)) is not None
            }
            for quantity in family(PopulationMeasure)
        }
    if goals.populations:
        known_names = {name for chosen in bands.values() for name in chosen}
        if unknown := [name for name in goals.populations if name not in known_names]:
            known = choices(unknown[0], known_names, "populations with windows")
            raise SpecError([f"{label}: targets.populations: {state}: no window of {unknown[0]!r}; {known}"])
        bands = {q: {name: w for name, w in c.items() if name in goals.populations} for q, c in bands.items()}
    for quantity, windows in goals.windows.get(state, {}).items():
        bands[quantity] = {**bands.get(quantity, {}), **windows}
    bands = {quantity: chosen for quantity, chosen in bands.items() if weights.get(quantity) and chosen}
    empty = [f"{q} of {n}" for q, chosen in bands.items() for n, (low, high) in chosen.items() if not low < high]
    if empty:
        raise SpecError([f"{label}: targets: {state}: the window of the {empty[0]} is empty"])
    if not bands:
        raise SpecError([f"{label}: {state} has no target window of what has a weight ({', '.join(spec.weights)})"])
    return dataclasses.replace(targets, windows=bands)


def list_optimisations() -> dict[str, str]:
    """Name and first comment line of every optimisation below the params folders."""
    return {name: first_lines(path)[1] for name, path in _files().items()}


def _files() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in resources.params_dirs():
        for path in sorted(folder.glob("*/optimisations/*.yaml")):
            found.setdefault(f"{path.parent.parent.name}/{path.stem}", path)
    return found


def _find(name_or_path: str | Path) -> Path:
    if given := given_file(name_or_path):
        return given
    known = _files()
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    raise SpecError([f"no optimisation {str(name_or_path)!r}; {choices(name_or_path, known, 'optimisations')}"])
