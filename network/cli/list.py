"""``bgnest list``: experiments, states and overlays that are built in."""

from __future__ import annotations

import textwrap
from typing import Annotated

import typer

from ..door import list_experiments
from ..experiment import list_overlays, list_variants


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
        overlays = list_overlays(model)
        if overlays:
            print(f"\nOverlays of {model} (bgnest run … --overlay NAME):")
        for name, comment in overlays.items():
            print(f"  {name:<36} {comment}")
