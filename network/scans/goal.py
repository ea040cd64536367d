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
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from .. import resources
from ..analysis.targets.measures import PopulationMeasure, family, known
from ..analysis.targets.windows import Targets, load_targets
from ..errors import SpecError, choices
from ..experiment.files import first_lines, given_file, is_file
from ..experiment.yamlfile import read_yaml
from .points import Point, changes_at
from .schema import Axis, AxisName, Execution, FolderName, Names, Number, PointCount, Scalar, Value, validated
from .schema import _Part as Part


def _measure(name: str) -> str:
    """Refuse what no measure is called."""
    if name not in known():
        raise PydanticCustomError("measure", "{text}", {"text": f"no measure; {choices(name, known(), 'measures')}"})
    return name


Quantity = Annotated[str, AfterValidator(_measure)]
Window = tuple[Number, Number]
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


class Optimisation(Part):
    """An optimisation as it is written in a file."""

    optimise: Names
    """Names or YAML files of the experiments, each with the state whose targets it is held against."""
    title: str | None = None
    name: FolderName | None = None
    """Folder below ``scans/``, and name of the study; by default the name of the file."""
    overlays: Names = ()
    set: dict[str, Any] = Field(default_factory=dict)
    """Changes of all experiments, ``key.path: value``."""
    search: Annotated[dict[AxisName, Axis], Field(min_length=1)]
    """What is searched, as the axes of a scan with a ``distribution``."""
    start: dict[str, Value] = Field(default_factory=dict)
    """Values of all parameters for the first trial."""
    targets: Goals = Goals()
    weights: dict[Quantity, Annotated[float, Field(ge=0)]] = _RATES
    """Weight of each kind of quantity; what is not named does not count."""
    trials: PointCount = 30
    sample_seed: Annotated[int, Field(ge=0)] = 1
    """Seed of the search (not of the simulations)."""
    execution: Execution = Execution()

    def points(self, values: Mapping[str, Scalar]) -> list[Point]:
        """One point per experiment for given values of the parameters."""
        overrides = dict(self.set)
        for name, value in values.items():
            overrides |= changes_at(name, self.search[name], value)
        return [Point(dict(values), experiment, self.overlays, overrides) for experiment in self.optimise]

    def corners(self) -> list[dict[str, Scalar]]:
        """Lowest and highest values of all parameters."""
        limits = {name: axis.distribution for name, axis in self.search.items()}
        return [{name: getattr(d, end) for name, d in limits.items()} for end in ("low", "high")]


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
    if not any(spec.weights.values()):
        problems.append("weights: all are 0")
    if problems:
        raise SpecError([f"{label}: {problem}" for problem in problems])
    if beside is None:
        return spec
    files = {name: beside / name for name in (*spec.optimise, *spec.overlays)}

    def absolute(names: Names) -> Names:
        return tuple(str(files[name].resolve()) if is_file(files[name]) else name for name in names)

    return spec.model_copy(update={"optimise": absolute(spec.optimise), "overlays": absolute(spec.overlays)})


def goals_of(spec: Optimisation, model: str, state: str, label: str) -> Targets:
    """Windows that count for a state.

    Raises
    ------
    SpecError
        If the state, the reference or a population has no targets, or nothing that has a weight has a window.
    """
    targets = load_targets(model, state)
    goals = spec.targets
    weights = {str(quantity): weight for quantity, weight in spec.weights.items()}
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
