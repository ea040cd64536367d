"""The schema of a scan: which experiment, which axes, how they are combined, what the machine may be used for.

```yaml
scan_of: NETWORK/STATE
overlays: [laptop]
set: {simulation.t_sim: 2000}
axes:
  dopamine: {path: network.dopamine, range: {start: 0, stop: 1, n: 10}}
  seed: [1, 2, 3]
```

An axis that itself has ``axes`` is a block with a combination of its own, so that seeds, say, are crossed with
sampled parameters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from .. import resources
from ..errors import SpecError, choices
from ..experiment.files import first_lines, given_file
from ..experiment.limits import MAX_NAME, MAX_POINTS, beyond, is_number, read_number
from ..experiment.messages import in_words
from ..experiment.nest_limits import MAX_RANKS, MAX_THREADS
from ..experiment.yamlfile import KeyPath, read_yaml
from .features import KINDS, Feature
from .metrics import metrics

SHORT = {
    "seed": "simulation.seed",
    "dopamine": "network.dopamine",
    "n_neurons": "network.n_neurons",
    "t_sim": "simulation.t_sim",
    "t_presim": "simulation.t_presim",
}
"""Names of axes that need no path."""

Combine = Literal["grid", "zip", "list", "random", "latin_hypercube", "sobol"]
SAMPLED = ("random", "latin_hypercube", "sobol")
Scalar = bool | int | float | str
AxisName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*$")]
RESERVED = ("point", "population", "status", "reason", *metrics(), "verdict", "rtf", "seconds")
"""Columns of the table of results, which no axis may be called."""


def _read_number(value: Any) -> Any:
    """Take numbers in spellings that YAML reads as text, such as 1e-3, for numbers."""
    number = read_number(value) if isinstance(value, str) else None
    value = value if number is None else number
    if is_number(value) and (wrong := beyond(value)):
        raise PydanticCustomError("magnitude", "{wrong}", {"wrong": wrong})
    return value


Number = Annotated[StrictInt | StrictFloat, BeforeValidator(_read_number)]
FolderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_+-][A-Za-z0-9._+-]*$", max_length=MAX_NAME)]
PointCount = Annotated[int, Field(ge=1, le=MAX_POINTS)]
Value = Annotated[StrictBool | StrictInt | StrictFloat | StrictStr, BeforeValidator(_read_number)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


AnyPart = TypeVar("AnyPart", bound=_Part)


class Range(_Part):
    """``n`` values from ``start`` to ``stop``, both included, evenly spaced (in the logarithm with ``log``)."""

    start: Number
    """First value."""
    stop: Number
    """Last value."""
    n: PointCount
    """Number of values."""
    log: bool = False
    """Evenly spaced in the logarithm."""

    @model_validator(mode="after")
    def _positive(self) -> Range:
        if self.log and not min(self.start, self.stop) > 0:
            raise PydanticCustomError("log", "a logarithmic range needs limits above 0")
        return self


class Distribution(_Part):
    """Uniform between ``low`` and ``high`` (in the logarithm with ``log``); whole numbers with ``integer``."""

    low: Number
    """Smallest value."""
    high: Number
    """Largest value."""
    log: bool = False
    """Uniform in the logarithm."""
    integer: bool = False
    """Whole numbers only."""

    @model_validator(mode="after")
    def _ordered(self) -> Distribution:
        if not self.low < self.high:
            raise PydanticCustomError("order", f"low must be below high, not {self.low:g} and {self.high:g}")
        if self.log and self.low <= 0:
            raise PydanticCustomError("log", "a logarithmic distribution needs limits above 0")
        return self


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_one_or_more)]


class Axis(_Part):
    """One thing that varies. Exactly one of the keys from ``values`` to ``changes`` says over what."""

    path: Names = ()
    """Key path of the parameter, globs included; several take the same value."""
    label: str | None = None
    """Name in figures, with unit."""
    operation: Literal["set", "scale", "add"] = "set"
    """``scale``: the value is a factor on what the experiment says; ``add``: it is added, in the same unit."""
    unit: str | None = None
    """Of the values, by default that in which the experiment writes the parameter."""
    values: Annotated[tuple[Value, ...], Field(min_length=1)] | None = None
    """The values, one after the other."""
    range: Range | None = None
    """Evenly spaced values."""
    distribution: Distribution | None = None
    """For random, latin_hypercube and sobol."""
    overlays: Annotated[tuple[Names, ...], Field(min_length=1)] | None = None
    """Overlays of each point; an empty list for none."""
    variants: Literal["all"] | Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Variants of the experiment, see `bgnest list`."""
    experiments: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Experiments in place of ``scan_of``, for instance the four states."""
    changes: Annotated[dict[str, dict[str, Value | None]], Field(min_length=1)] | None = None
    """Named sets of changes, ``name: {key.path: value}``."""

    def text(self, name: str) -> str:
        """What it is called along an axis of a figure: its label, else its name with what the values mean.

        >>> Axis(path=("projections.A_to_B.weight",), operation="scale", values=(0.5, 2)).text("a_to_b")
        'a to b (factor)'
        """
        what = {"scale": "factor", "add": f"added, {self.unit}" if self.unit else "added", "set": self.unit}
        meaning = what[self.operation]
        return self.label or name.replace("_", " ") + (f" ({meaning})" if meaning else "")

    @model_validator(mode="after")
    def _one_kind(self) -> Axis:
        kinds = ("values", "range", "distribution", "overlays", "variants", "experiments", "changes")
        given = [kind for kind in kinds if getattr(self, kind) is not None]
        if len(given) > 1:
            raise PydanticCustomError("kinds", f"give only one of {', '.join(given)}")
        if self.path and given and given[0] in kinds[3:]:
            raise PydanticCustomError("path", f"{given[0]} needs no path")
        if self.unit is not None and (self.operation == "scale" or (given and given[0] in kinds[3:])):
            what = "a factor" if self.operation == "scale" else given[0]
            raise PydanticCustomError("unit", f"{what} has no unit")
        return self


class Block(_Part):
    """Axes and how they are combined to points."""

    axes: Annotated[dict[AxisName, AnyAxis], Field(min_length=1)]
    """What varies, by name; the name becomes a column of the table. A list is short for ``values``."""
    combine: Combine = "grid"
    """``grid``: all with all. ``zip``: first with first, second with second. ``list``: the rows of ``points``.
    ``random``, ``latin_hypercube``, ``sobol``: ``n`` samples of the distributions."""
    n: PointCount | None = None
    """Samples; for sobol best a power of 2."""
    sample_seed: Annotated[int, Field(ge=0)] = 1
    """Seed of the samples (not of the simulations)."""
    points: tuple[dict[str, Value], ...] | None = None
    """For ``list``: the values of all axes of each point."""

    @model_validator(mode="after")
    def _fits(self) -> Block:
        if (self.n is not None) != (self.combine in SAMPLED):
            verb = "needs" if self.n is None else "has no"
            raise PydanticCustomError("n", f"combine: {self.combine} {verb} n, the number of samples")
        if (self.points is not None) != (self.combine == "list"):
            verb = "needs" if self.points is None else "has no"
            raise PydanticCustomError("points", f"combine: {self.combine} {verb} points")
        return self


def _axis_tag(value: Any) -> str:
    return "block" if isinstance(value, Block) or (isinstance(value, dict) and "axes" in value) else "axis"


def _short_form(value: Any) -> Any:
    return {"values": value} if isinstance(value, list | tuple) else value


AnyAxis = Annotated[
    Annotated[Axis, Tag("axis")] | Annotated[Block, Tag("block")],
    Discriminator(_axis_tag),
    BeforeValidator(_short_form),
]


class Execution(_Part):
    """What a point gets and what the whole scan may use."""

    threads: Annotated[int, Field(ge=1, le=MAX_THREADS)] = 1
    """Per process."""
    ranks: Annotated[int, Field(ge=1, le=MAX_RANKS)] = 1
    """MPI processes per point."""
    cores: Annotated[int, Field(ge=1)] | None = None
    """Cores of this machine for all jobs together; all of them if not given."""
    memory: Annotated[str, Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,12})?[KMGTkmgt]$")] | None = None
    """Memory for all jobs together, such as ``16G``; by default 80 % of the machine's."""
    hours: Annotated[float, Field(gt=0)] | None = None
    """Longest time the scan may be expected to take."""
    max_points: PointCount = 5000
    """A scan with more points is refused."""
    retries: Annotated[int, Field(ge=0)] = 0
    """How often a failed point is tried again in one go."""
    share_builds: bool = False
    """Build the network of points that have cells, wiring and seed in common only once; one rank and thread each."""

    @model_validator(mode="after")
    def _shares_alone(self) -> Execution:
        if self.share_builds and self.threads * self.ranks > 1:
            raise PydanticCustomError("share", "share_builds is for points with one rank and one thread")
        return self


class Curves(_Part):
    """Values of populations over an axis, by somebody else."""

    label: str
    """Name in figures."""
    source: str
    """Key of the bibliography."""
    axis: str
    """Along which the values are given."""
    at: Annotated[tuple[Number, ...], Field(min_length=1)]
    """Values of the axis."""
    quantity: str = "rate"
    """Column of the table of the scan."""
    populations: dict[str, tuple[Number, ...]]
    """Values at these places, by population."""
    where: dict[str, Value] = Field(default_factory=dict)
    """Values of other axes that they belong to."""

    @model_validator(mode="after")
    def _alike(self) -> Curves:
        for name, values in self.populations.items():
            if len(values) != len(self.at):
                raise PydanticCustomError("length", f"{len(values)} values of {name} at {len(self.at)} places")
        return self


class ScanSpec(Block):
    """A scan as it is written in a file."""

    scan_of: str
    """Name or YAML file of the experiment, with ``@variant`` if one is meant."""
    title: str | None = None
    """One line for lists and figures."""
    name: FolderName | None = None
    """Folder below ``scans/``; by default the name of the file."""
    overlays: Names = ()
    """Overlays of all points."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Changes of all points, ``key.path: value``."""
    features: dict[str, Feature] = Field(default_factory=dict)
    """What the scan shows as a whole, and expected values, see `network.scans.features`."""
    references: dict[str, Curves] = Field(default_factory=dict)
    """Values from elsewhere, drawn beside those of the scan."""
    execution: Execution = Execution()
    """What a point gets and what the whole scan may use."""

    @property
    def leaves(self) -> dict[str, Axis]:
        """All axes by name, those of nested blocks included."""
        return dict(_leaves(self))


def _leaves(block: Block) -> list[tuple[str, Axis]]:
    found = []
    for name, axis in block.axes.items():
        found += _leaves(axis) if isinstance(axis, Block) else [(name, axis)]
    return found


def parse_scan(data: Mapping[str, Any], label: str, lines: Mapping[KeyPath, int] | None = None) -> ScanSpec:
    """Validate the content of a scan file; ``label`` and ``lines`` place the problems.

    Raises
    ------
    SpecError
        With all problems.
    """
    spec = validated(ScanSpec, data, label, lines)
    names = [name for name, _ in _leaves(spec)]
    problems = [f"axis {name!r} is there twice" for name in sorted({n for n in names if names.count(n) > 1})]
    problems += [
        f"axis {name!r}: the table has a column of that name; choose another" for name in names if name in RESERVED
    ]
    problems += _unknown(spec, names)
    for name, axis in _leaves(spec):
        needs_path = all(getattr(axis, kind) is None for kind in ("overlays", "variants", "experiments", "changes"))
        if needs_path and not axis.path and "." not in name and name not in SHORT:
            problems.append(f"axes.{name}: path is missing; only these axes need none: {', '.join(SHORT)}")
    if problems:
        raise SpecError([f"{label}: {problem}" for problem in problems])
    return spec


def _unknown(spec: ScanSpec, axes: list[str]) -> list[str]:
    """Axes and quantities that features and references name and nobody has."""
    entries = [(f"features.{name}", f.axis, f.quantity, f.where) for name, f in spec.features.items()]
    entries += [(f"references.{name}", c.axis, c.quantity, c.where) for name, c in spec.references.items()]
    problems = []
    for where, axis, quantity, chosen in entries:
        wrong = [a for a in (axis, *chosen) if a is not None and a not in axes]
        problems += [f"{where}: no axis {a!r}; {choices(a, axes, 'axes')}" for a in wrong]
        if quantity not in metrics():
            problems.append(f"{where}.quantity: {choices(quantity, metrics(), 'quantities')}")
    return problems


def validated(
    model: type[AnyPart], data: Mapping[str, Any], label: str, lines: Mapping[KeyPath, int] | None = None
) -> AnyPart:
    """Validate the content of a file against its model; SpecError with all problems and their places."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems = [_problem(item, label, lines or {}, model) for item in error.errors()]
        raise SpecError(list(dict.fromkeys(problems))) from error


_SCALARS = ("bool", "int", "float", "str")
_TAGS = ("axis", "block", "[key]")
"""What pydantic adds to the path of a value that may be of several kinds."""


def _is_feature(parts: list[str], k: int) -> bool:
    return k == 2 and parts[0] == "features" and parts[2] in KINDS


def _problem(item: Any, label: str, lines: Mapping[KeyPath, int], root: type[_Part]) -> str:
    parts = [str(part) for part in item["loc"]]
    last = len(parts) - 1 if item["type"] == "missing" else -1  # a key, even where it is called as a kind is
    path = tuple(p for k, p in enumerate(parts) if k == last or (p not in _TAGS and not _is_feature(parts, k)))
    known = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)
    where = label if known is None else f"{label}:{known}"
    message = in_words(item)
    if path and path[-1] in _SCALARS:  # pydantic complains once for each of them
        path = path[:-1]
        given = item.get("input")
        infinite = isinstance(given, float) and not math.isfinite(given)
        message = f"must be {'a finite number' if infinite else 'a number, text, true or false'}, not {given!r}"
    elif item["type"] == "extra_forbidden":
        models: dict[Any, type[_Part]] = {"axis": Axis, "block": Block, "execution": Execution}
        models["range"], models["distribution"] = Range, Distribution
        models |= getattr(root, "PARTS", {})
        model = root
        for part in item["loc"][:-1]:
            model = models.get(part, model)
        message = f"unknown key; {choices(path[-1], model.model_fields, 'keys')}"
    return f"{where}: {'.'.join(path)}: {message}" if path else f"{where}: {message}"


def load_scan(name_or_path: str | Path) -> tuple[ScanSpec, str, Path]:
    """Read a scan file.

    Parameters
    ----------
    name_or_path : str or Path
        ``NETWORK/SCAN`` (see :func:`list_scans`) or the path of a YAML file.

    Returns
    -------
    spec : ScanSpec
    label : str
        Name of the file in messages.
    path : Path

    Raises
    ------
    SpecError
        With all problems, or the names there are.
    """
    path = find_scan(name_or_path)
    data, lines = read_yaml(path, path.name)
    return parse_scan(data, path.name, lines), path.name, path


def find_scan(name_or_path: str | Path) -> Path:
    """File of a scan; raises SpecError with the names there are."""
    if given := given_file(name_or_path):
        return given
    known = _scan_files()
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    raise SpecError([f"no scan {str(name_or_path)!r}; {choices(name_or_path, known, 'scans')}"])


def list_scans() -> dict[str, str]:
    """Name and first comment line of every scan below the params folders."""
    return {name: first_lines(path)[1] for name, path in _scan_files().items()}


def _scan_files() -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in resources.params_dirs():
        for path in sorted(folder.glob("*/scans/*.yaml")):
            found.setdefault(f"{path.parent.parent.name}/{path.stem}", path)
    return found
