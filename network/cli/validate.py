"""``bgnest validate``: check an experiment and show where its values come from; needs no NEST."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from ..errors import SpecError, choices
from ..experiment import Experiment
from ..experiment.origins import Origin
from ..experiment.presentation import FILE as PRESENTATION
from ..experiment.presentation import load_presentation, unknown_names
from ..experiment.quantities import Quantity, QuantityList, Spec
from ..plans.cost import beyond_machine
from .options import DEFAULT_EXPERIMENT, AsJson, Changes, ExperimentArgument, tell_code, with_changes
from .output import print_json

SHOWN = 6
"""Key paths of numbers without a source that are named."""
GONE = object()
"""In place of a value that an overlay or the command line has taken away."""


@with_changes
def validate(
    changes: Changes,
    experiment: ExperimentArgument = DEFAULT_EXPERIMENT,
    show: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Print the values below a key path with where they come from."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check an experiment completely; all problems are listed at once, with file, key and valid choices."""
    chosen = changes.load(experiment)
    planned, spec = chosen.plan(), chosen.spec
    beside_network(spec)
    bare = without_source(spec)
    if as_json:
        found = _below(spec, show) if show is not None else []
        values = [row for path, origin in found for row in _row(spec, path, origin)]
        sources = {row["source"] for row in values if row.get("source")}
        print_json(
            {
                "name": spec.name,
                "valid": True,
                "without_source": bare,
                "values": values,
                "sources": {key: spec.sources[key].what for key in sorted(sources & set(spec.sources))},
            }
        )
        return
    print(f"{spec.name}: valid")
    tell_code(planned, spec)
    if bare:
        names = ", ".join(bare[:SHOWN]) + (", …" if len(bare) > SHOWN else "")
        print(f"  without a source or a reason (source: KEY, assumed: WHY), {len(bare)} in your file: {names}")
    if problem := beyond_machine(planned):
        print(f"bgnest: {problem}", file=sys.stderr)
    if show is not None:
        found = _below(spec, show)
        for path, origin in found:
            for line in _shown(spec, path, origin):
                print(line)
        named = {getattr(_at(spec, path), "source", None) for path, _ in found}
        for key in sorted(key for key in named if isinstance(key, str) and key in spec.sources):
            print(f"  source {key}: {spec.sources[key].what}")


def _below(spec: Experiment, key: str) -> list[tuple[str, Origin]]:
    """Key paths that are a key path or begin with it, with their origins."""
    found = [(path, origin) for path, origin in spec.origins.items() if path == key or path.startswith(f"{key}.")]
    if not found:
        raise typer.BadParameter(f"nothing below {key!r}; sections: {', '.join(type(spec).model_fields)}")
    return sorted(found)


def _row(spec: Experiment, path: str, origin: Origin) -> Iterator[dict[str, Any]]:
    """What `_shown` says of a value, for programs."""
    value = _at(spec, path)
    if isinstance(value, Quantity | QuantityList):
        about = {name: getattr(value, name) for name in ("value", "unit", "source", "assumed", "note")}
        yield {"key": path, **about, "origin": str(origin)}
    elif value is GONE or not isinstance(value, Spec | dict):
        yield {"key": path, "value": None if value is GONE else value, "origin": str(origin)}


def without_source(spec: Experiment) -> list[str]:
    """Key paths of numbers that a file of the user's sets without saying where they are from."""
    found = []
    for path, origin in sorted(spec.origins.items()):
        value = _at(spec, path)
        if getattr(value, "set_by", None) and not str(origin).startswith("command line"):
            found.append(path)
    return found


def beside_network(spec: Experiment) -> None:
    """Check what lies beside the parameters of a network: its targets and how it is shown; SpecError with problems."""
    from ..analysis.targets.windows import load_targets, states_with_targets, unknown_populations

    model, names = spec.meta.model, [*spec.populations, *spec.groups]
    if unknown := unknown_names(load_presentation(model), names):
        file = f"{model}/{PRESENTATION}"
        raise SpecError([f"{file}: {name!r} is no population; {choices(name, names, 'names')}" for name in unknown])
    if (state := spec.meta.state) in states_with_targets(model):
        wrong = unknown_populations(load_targets(model, state), names)
        where = f"{model}/targets.yaml: states.{state}"
        problems = [f"{where}: {what}: no population {name!r}; {choices(name, names, 'names')}" for what, name in wrong]
        if problems:
            raise SpecError(problems)


def _shown(spec: Experiment, path: str, origin: Origin) -> Iterator[str]:
    """Lines about a value: what it is, where it was written, what it stands on; none for a section."""
    value = _at(spec, path)
    if isinstance(value, Quantity | QuantityList):
        text = _number(value.value) if value.unit == "1" else f"{_number(value.value)} {value.unit}"
        yield f"  {path} = {text}    [{origin}]" + (f"  source {value.source}" if value.source else "")
        for what in ("assumed", "note"):
            if (said := getattr(value, what)) is not None:
                yield f"    {what}: {said}"
    elif value is GONE:
        yield f"  {path} is taken away    [{origin}]"
    elif not isinstance(value, Spec | dict):
        yield f"  {path} = {value}    [{origin}]"


def _number(value: object) -> str:
    """A number or list of numbers as people write them: 100 cells, not 100.0.

    >>> _number([100.0, 0.5, True])
    '[100, 0.5, True]'
    """
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_number, value))}]"
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _at(spec: object, path: str) -> object:
    """What is at a key path; `GONE` if a layer has taken it away."""
    node = spec
    for key in path.split("."):
        if node is None or (isinstance(node, dict) and key not in node):
            return GONE
        node = node[key] if isinstance(node, dict) else getattr(node, key, GONE)
    return node
