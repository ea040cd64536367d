"""What a fit is to reach: recorded traces, given values of measures, windows; each a term of the loss.

```yaml
fit: my_pair.yaml
search:
  g: {path: projections.A_to_B.weight, distribution: {low: 1, high: 100, log: true}}
targets:
  recorded: {traces: recorded.csv, columns: {soma: "B.V_m[0]"}, clip: [-90, -40]}
  firing: {values: {rate: {A: 12.5}}, weight: 10}
trials: 60
```

The loss is the sum of weight times term over all targets. Traces count with the root mean square of the difference over
cells and time, in the unit of the variable; values with the root mean square of their relative errors; windows with
the mean of `network.analysis.targets.distance.window_distance`.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from ..analysis.targets.distance import window_distance
from ..analysis.targets.measures import NotMeasuredError, PopulationMeasure, RunData, known
from ..analysis.targets.measures.pairs import PairMeasure
from ..analysis.targets.verdict import HIGH, LOW, MISSING, NONE, PASS
from ..errors import ScanError, SpecError, choices
from ..experiment import Experiment, files
from ..experiment.graded_cells import cells_of
from ..experiment.nestml import model_interfaces
from ..experiment.yamlfile import read_yaml
from ..plans import make_plan
from ..plans.plan import Plan
from ..runs.reader import Run
from .schema import Names, Number, validated
from .schema import _Part as Part
from .search import Aim, Quantity, Search, Window, search_problems
from .traces import Recorded, TraceFile, read_traces

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("traces", "values", "windows")
TargetName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=40)]
WITHOUT_VALUE = 1.0
"""Relative error of a value that a run does not have, such as the CV of a silent population: that of a zero."""


class Target(Part):
    """A term of the loss. Exactly one of ``traces``, ``values`` and ``windows`` says what it is made of."""

    traces: str | None = None
    """CSV or Parquet file with a column of times and one per trace."""
    values: dict[Quantity, Annotated[dict[str, Number], Field(min_length=1)]] | None = None
    """Measure -> population (or pair ``A/B``) -> value; zero has no relative distance."""
    windows: dict[Quantity, Annotated[dict[str, Window], Field(min_length=1)]] | None = None
    """Measure -> population -> ``[low, high]``."""
    weight: Annotated[float, Field(gt=0)] = 1.0
    """Of the term in the loss; for traces in 1 / unit of the variable, such as 1/mV."""
    experiment: str | None = None
    """Whose run is meant, as written under ``fit``; needed if there are several."""
    columns: dict[str, str] = Field(default_factory=dict)
    """Column of the file -> ``POPULATION.VARIABLE[CELL]``; by default columns have such names."""
    time: str | None = None
    """Column of the times; by default the first."""
    time_unit: Literal["ms", "s"] = "ms"
    """Of the column of times."""
    offset: Number = 0.0
    """Time in ms of the run, warm-up included, at which the time of the file is 0."""
    start: Number | None = None
    """Samples of the run before this time do not count, in ms."""
    stop: Number | None = None
    """Only samples between these times of the run count, in ms."""
    clip: Window | None = None
    """Traces are cut off below and above these values before they are compared."""
    interval: Annotated[float, Field(gt=0)] | None = None
    """Of the recording in the run in ms; by default that of the file."""

    @model_validator(mode="after")
    def _one_kind(self) -> Target:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            what = f"not {' and '.join(given)}" if given else "none is given"
            raise PydanticCustomError("kinds", f"give one of traces, values and windows; {what}")
        alone = ("columns", "time", "time_unit", "offset", "start", "stop", "clip", "interval")
        if self.traces is None and (extra := [key for key in alone if key in self.model_fields_set]):
            raise PydanticCustomError("kinds", f"{extra[0]} belongs to traces, not to {given[0]}")
        if self.clip is not None and not self.clip[0] < self.clip[1]:
            raise PydanticCustomError("kinds", "clip: the first value must be below the second")
        return self

    @property
    def entries(self) -> Iterator[tuple[str, str, Any]]:
        """Measure, population, and value or window."""
        for measure, wanted in ((self.values or {}) | (self.windows or {})).items():
            for name, value in wanted.items():
                yield str(measure), name, value


@dataclasses.dataclass(frozen=True)
class FitAim(Aim):
    """The targets of one experiment.

    Attributes
    ----------
    targets : dict of str to Target
        Those that are values and windows.
    recorded : tuple of Recorded
    """

    targets: Mapping[str, Target]
    recorded: tuple[Recorded, ...]

    @property
    def changes(self) -> Mapping[str, Any]:
        """Recordings of the cells that there are traces of."""
        return {key: value for traces in self.recorded for key, value in traces.recordings().items()}

    @property
    def content(self) -> Any:
        """Targets, with the numbers in their files."""
        traces = [
            [r.name, [str(s) for s in r.signals], r.clip, r.times.tolist(), np.nan_to_num(r.values, nan=1e300).tolist()]
            for r in self.recorded
        ]
        return [{name: target.model_dump(mode="json") for name, target in self.targets.items()}, traces]

    def judged(self, run: Run) -> pd.DataFrame:
        """A row per trace, value and window; ``term`` names the target, ``error`` is what counts."""
        import pandas as pd

        rows = [
            {
                "population": str(signal),
                "quantity": f"rms {signal.variable}",
                "value": float(error),
                "low": 0.0,
                "high": 0.0,
                "verdict": NONE,
                "term": traces.name,
                "error": float(error),
            }
            for traces in self.recorded
            for signal, error in zip(traces.signals, traces.rms(run), strict=True)
        ]
        data = RunData(run)
        for term, target in self.targets.items():
            for measure, name, wanted in target.entries:
                try:
                    value = float(known()[measure].value(data, name))
                except NotMeasuredError as reason:
                    raise ScanError(f"targets.{term}: {reason}") from reason
                rows.append(_row(term, measure, name, value, wanted))
        return pd.DataFrame(rows).set_index("population")


def _row(term: str, measure: str, name: str, value: float, wanted: Any) -> dict[str, Any]:
    if isinstance(wanted, tuple):
        low, high = map(float, wanted)
        inside = PASS if low <= value <= high else LOW if value < low else HIGH
        verdict, error = MISSING if np.isnan(value) else inside, window_distance(value, low, high)
    else:
        low = high = float(wanted)
        verdict, error = NONE, WITHOUT_VALUE if np.isnan(value) else (value - low) / low
    row = {"population": name, "quantity": measure, "value": value, "low": low, "high": high}
    return {**row, "verdict": verdict, "term": term, "error": error}


class Fit(Search):
    """A fit as it is written in a file."""

    LOSS: ClassVar[str] = "loss"
    PARTS: ClassVar[dict[str, type[Part]]] = {"targets": Target}

    fit: Names
    """Names or YAML files of the experiments; one run of each per trial."""
    targets: Annotated[dict[TargetName, Target], Field(min_length=1)]
    """What the runs shall come close to, by names of yours."""

    @property
    def experiments(self) -> Names:
        """What is run in every trial."""
        return self.fit

    @property
    def weighted(self) -> dict[str, float]:
        """Weight by target."""
        return {name: target.weight for name, target in self.targets.items()}

    def aims(self, experiments: Sequence[Experiment], label: str) -> list[Aim]:
        """Read the files of traces, and hold all targets against the networks."""
        problems: list[str] = []
        found: list[Aim] = []
        for name, run_name, experiment in zip(self.fit, _run_names(self.fit), experiments, strict=True):
            plan = make_plan(experiment)
            recorded, others = [], {}
            for term, target in self.targets.items():
                if (target.experiment or self.fit[0]) != name:
                    continue
                where = f"{label}: targets.{term}"
                try:
                    if target.traces is not None:
                        recorded.append(read_traces(term, _file(target), plan, where))
                        _check_variables(recorded[-1], experiment, where)
                    else:
                        problems += _unknown(target, plan, where)
                        others[term] = target
                except SpecError as error:
                    problems += error.problems
            found.append(FitAim(run_name, experiment.meta.model, others, tuple(recorded)))
        if problems:
            raise SpecError(problems)
        return found

    def loss(self, judged: pd.DataFrame) -> tuple[float, dict[str, float]]:
        """Sum of weight times term, and the terms."""
        terms = {}
        for term, target in self.targets.items():
            errors = judged.loc[judged["term"] == term, "error"].to_numpy(dtype=float)
            terms[term] = float(errors.mean() if target.windows else np.sqrt(np.mean(errors**2)))
        return sum(self.targets[term].weight * value for term, value in terms.items()), terms

    def placed(self, beside: Path) -> Fit:
        """Names of files beside a folder as their paths."""
        targets = {
            name: target.model_copy(
                update={
                    "traces": None if target.traces is None else str(beside / Path(target.traces).expanduser()),
                    "experiment": None if target.experiment is None else files.beside(target.experiment, beside),
                }
            )
            for name, target in self.targets.items()
        }
        return self.model_copy(update={**self.files_beside(beside, "fit", "overlays"), "targets": targets})


def _file(target: Target) -> TraceFile:
    assert target.traces is not None
    return TraceFile(
        Path(target.traces),
        target.columns,
        target.time,
        target.time_unit,
        target.offset,
        target.start,
        target.stop,
        target.clip,
        target.interval,
    )


def _check_variables(recorded: Recorded, experiment: Experiment, where: str) -> None:
    """Refuse variables that a model does not have; the plan knows no models."""
    models = model_interfaces()
    problems = []
    for population, variable in recorded.groups:
        graded = cells_of(experiment, population).recordables
        known_here = [*models[experiment.populations[population].model].recordables, *graded]
        if variable not in known_here:
            name = f"{population}.{variable}"
            problems.append(f"{where}.columns: {name}: {choices(variable, known_here, 'variables')}")
    if problems:
        raise SpecError(problems)


def _unknown(target: Target, plan: Plan, where: str) -> list[str]:
    """Populations that values and windows name and the network does not have; values and windows of no width."""
    names = [*(population.name for population in plan.populations), *plan.groups]
    problems = []
    for measure, name, wanted in target.entries:
        key = f"{where}.{'windows' if target.windows else 'values'}.{measure}.{name}"
        kind = known()[measure]
        parts = name.split("/") if isinstance(kind, PairMeasure) else [name]
        if isinstance(kind, PopulationMeasure | PairMeasure):
            problems += [
                f"{key}: no population {part!r}; {choices(part, names, 'populations and groups')}"
                for part in parts
                if part not in names
            ]
        if isinstance(wanted, tuple) and not wanted[0] < wanted[1]:
            problems.append(f"{key}: the first value must be below the second")
        if wanted == 0:
            problems.append(f"{key}: no relative distance from 0; give windows: {{{measure}: {{{name}: [low, high]}}}}")
    return problems


def _run_names(experiments: Names) -> list[str]:
    """Short names of runs, each of them once."""
    names = [Path(name).stem if name.endswith((".yaml", ".yml")) else name.rpartition("/")[2] for name in experiments]
    counts = Counter(names)
    return [name if counts[name] == 1 else f"{name}-{k + 1}" for k, name in enumerate(names)]


def load_fit(path: str | Path) -> tuple[Fit, str]:
    """Read a fit file; returns it and its name. SpecError with all problems."""
    file = files.given_file(path)
    if file is None:
        raise SpecError([f"no fit file {str(path)!r}; give the path of a YAML file (bgnest fit --help shows one)"])
    data, lines = read_yaml(file, file.name)
    return parse_fit(data, file.name, lines, beside=file.parent), file.stem


def parse_fit(data: Mapping[str, Any], label: str = "fit", lines: Any = None, *, beside: Path | None = None) -> Fit:
    """Validate the content of a fit file; SpecError with all problems."""
    spec = validated(Fit, data, label, lines)
    problems = search_problems(spec)
    for name, target in spec.targets.items():
        if target.experiment is not None and target.experiment not in spec.fit:
            there = choices(target.experiment, spec.fit, "experiments")
            problems.append(f"targets.{name}.experiment: {target.experiment!r} is not in fit; {there}")
        elif target.experiment is None and len(spec.fit) > 1:
            problems.append(
                f"targets.{name}: there are several experiments; say experiment: {spec.fit[0]}, for instance"
            )
    if len(set(spec.fit)) < len(spec.fit):
        problems.append("fit: an experiment is there twice")
    if not spec.fit:
        problems.append("fit: no experiment")
    if problems:
        raise SpecError([f"{label}: {problem}" for problem in problems])
    return spec.placed(beside or Path.cwd())
