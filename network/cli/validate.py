"""``bgnest validate``: check an experiment and show where its values come from; needs no NEST."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..errors import SpecError, choices
from ..experiment import Experiment
from ..experiment.presentation import FILE as PRESENTATION
from ..experiment.presentation import load_presentation, unknown_names
from ..experiment.quantities import Quantity, QuantityList, Spec
from ..plans.cost import beyond_machine
from .options import DEFAULT_EXPERIMENT, Changes, ExperimentArgument, tell_code, with_changes


@with_changes
def validate(
    changes: Changes,
    experiment: ExperimentArgument = DEFAULT_EXPERIMENT,
    show: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Print the values below a key path with where they come from."),
    ] = None,
) -> None:
    """Check an experiment completely; all problems are listed at once, with file, key and valid choices."""
    chosen = changes.load(experiment)
    planned, spec = chosen.plan(), chosen.spec
    beside_network(spec)
    print(f"{spec.name}: valid")
    tell_code(planned, spec)
    if problem := beyond_machine(planned):
        print(f"bgnest: {problem}", file=sys.stderr)
    if show is not None:
        found = [(path, origin) for path, origin in spec.origins.items() if path == show or path.startswith(f"{show}.")]
        if not found:
            raise typer.BadParameter(f"nothing below {show!r}; sections: {', '.join(type(spec).model_fields)}")
        for path, origin in sorted(found):
            if (text := _value(spec, path)) is not None:
                print(f"  {path} = {text}    [{origin}]")


def beside_network(spec: Experiment) -> None:
    """Check what lies beside the parameters of a network: its targets and how it is shown; SpecError with problems."""
    from ..analysis.targets.windows import states_with_targets

    model, names = spec.meta.model, [*spec.populations, *spec.groups]
    if unknown := unknown_names(load_presentation(model), names):
        file = f"{model}/{PRESENTATION}"
        raise SpecError([f"{file}: {name!r} is no population; {choices(name, names, 'names')}" for name in unknown])
    states_with_targets(model)


def _value(spec: object, path: str) -> str | None:
    """Value at a key path as text; None for a section, whose values have paths of their own."""
    node = spec
    for key in path.split("."):
        node = node[key] if isinstance(node, dict) else getattr(node, key)
    if isinstance(node, Quantity | QuantityList):
        return str(node.value) if node.unit == "1" else f"{node.value} {node.unit}"
    return None if isinstance(node, Spec | dict) else str(node)
