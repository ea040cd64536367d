"""``bgnest plan``, ``validate``, ``list``: everything that needs no simulator."""

from __future__ import annotations

import json
import textwrap
from typing import Annotated

import typer

from network.cli.options import (
    DEFAULT_EXPERIMENT,
    AsJson,
    Changes,
    ExperimentArgument,
    Ranks,
    Threads,
    tell_drive,
    with_changes,
)
from network.spec import list_experiments, list_overlays, list_variants, make_plan, plan_summary
from network.spec.quantities import Quantity, QuantityList, Spec


@with_changes
def plan(
    changes: Changes,
    experiment: ExperimentArgument = DEFAULT_EXPERIMENT,
    threads: Threads = 1,
    ranks: Ranks = 1,
    as_json: AsJson = False,
) -> None:
    """Show what would be built: neurons, synapses per projection, memory, expected time. Needs no NEST."""
    spec = changes.load(experiment)
    made = make_plan(spec, threads=threads, ranks=ranks)
    tell_drive(spec)
    print(json.dumps(made.to_dict(), indent=1) if as_json else plan_summary(made))


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
    spec = changes.load(experiment)
    make_plan(spec)
    print(f"{spec.name}: valid")
    tell_drive(spec)
    if show is not None:
        found = [(path, origin) for path, origin in spec.origins.items() if path == show or path.startswith(f"{show}.")]
        if not found:
            raise typer.BadParameter(f"nothing below {show!r}; sections: {', '.join(type(spec).model_fields)}")
        for path, origin in sorted(found):
            if (text := _value(spec, path)) is not None:
                print(f"  {path} = {text}    [{origin}]")


def _value(spec: object, path: str) -> str | None:
    """Value at a key path as text; None for a section, whose values have paths of their own."""
    node = spec
    for key in path.split("."):
        node = node[key] if isinstance(node, dict) else getattr(node, key)
    if isinstance(node, Quantity | QuantityList):
        return str(node.value) if node.unit == "1" else f"{node.value} {node.unit}"
    return None if isinstance(node, Spec | dict) else str(node)


def list_all(
    experiment: Annotated[
        str | None, typer.Argument(help="Only the variants of this experiment, a line each: name and title.")
    ] = None,
) -> None:
    """List the built-in experiments and the overlays that can be laid over them."""
    if experiment is not None:
        variants = list_variants(experiment)
        width = max(map(len, variants), default=0)
        for name, title in variants.items():
            print(f"{name:<{width}}  {title}")
        return
    print("Experiments (bgnest run NAME):")
    experiments = list_experiments()
    for name, comment in experiments.items():
        print(f"  {name:<36} {comment}")
        if variants := list_variants(name):
            text = ", ".join(variants)
            print(textwrap.fill(f"@ {text}", 108, initial_indent=" " * 6, subsequent_indent=" " * 8))
    print("  Behind @ are variants: bgnest run NAME@VARIANT; bgnest list NAME says what they are")
    for model in dict.fromkeys(name.split("/")[0] for name in experiments):
        print(f"\nOverlays of {model} (bgnest run … --overlay NAME):")
        for name, comment in list_overlays(model).items():
            print(f"  {name:<36} {comment}")
