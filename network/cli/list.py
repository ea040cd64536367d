"""``bgnest list``: experiments, states and overlays that are built in."""

from __future__ import annotations

import textwrap
from typing import Annotated, Any

import typer

from ..door import list_experiments
from ..experiment import list_overlays, list_variants
from .options import AsJson
from .output import print_json


def list_all(
    experiment: Annotated[
        str | None, typer.Argument(help="Only the variants of this experiment, a line each: name and title.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the built-in experiments and the overlays that can be laid over them."""
    if as_json:
        print_json(_variants(experiment) if experiment is not None else _everything())
        return
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
        overlays = list_overlays(model)
        if overlays:
            print(f"\nOverlays of {model} (bgnest run … --overlay NAME):")
        for name, comment in overlays.items():
            print(f"  {name:<36} {comment}")


def _variants(experiment: str) -> list[dict[str, str]]:
    return [{"name": f"{experiment}@{name}", "title": title} for name, title in list_variants(experiment).items()]


def _everything() -> dict[str, list[dict[str, Any]]]:
    experiments = list_experiments()
    networks = dict.fromkeys(name.split("/")[0] for name in experiments)
    return {
        "experiments": [
            {"name": name, "title": title, "variants": _variants(name)} for name, title in experiments.items()
        ],
        "overlays": [
            {"network": network, "name": name, "title": title}
            for network in networks
            for name, title in list_overlays(network).items()
        ],
    }
