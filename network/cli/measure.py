"""``bgnest measure``: any measure of a run, and what happens around spikes; needs no NEST."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..door import Run, open_run
from .options import AsJson, Partial, RunArgument
from .output import print_json, records

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".png", ".pdf", ".svg")
SHOWN_LAGS = 21
"""Lines of a table around spikes on the terminal; a file has all lags."""


def measure(
    run: RunArgument,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MEASURE]...", help="Such as burst_share; none lists all of them.", show_default=False),
    ] = None,
    of: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Population or group, pair A/B, or field; by default all that there are. Repeatable.",
        ),
    ] = None,
    around: Annotated[
        str | None,
        typer.Option(
            metavar="A[:B]",
            help="The mean around spikes of population A instead: of the rate of B (or A), of a field B, or of a trace "
            "B, written POPULATION.VARIABLE.",
        ),
    ] = None,
    reach: Annotated[float, typer.Option(min=0.0, help="Time before and after a spike, ms.")] = 100.0,
    figure: Annotated[
        Path | None, typer.Option(help="Also draw what happens around spikes: a .png, .pdf or .svg.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Also write the full table as CSV.")] = None,
    partial: Partial = False,
    as_json: AsJson = False,
) -> None:
    """Measure a run: bursts, Fano factors, rhythms, pairs, fields, the response to a transient; or around its spikes.

    All that can have a window in `targets.yaml` can be measured, with or without a window: `bgnest measure RUN
    fano_factor burst_share`, `bgnest measure RUN coherence --of A/B`. The average around spikes is
    `bgnest measure RUN --around A:B`.
    """
    opened = open_run(run, partial=partial)
    if figure is not None and around is None:
        raise typer.BadParameter("there is a figure with --around only", param_hint="--figure")
    if figure is not None and figure.suffix not in SUFFIXES:
        raise typer.BadParameter(f"{figure}: a figure ends with {', '.join(SUFFIXES)}", param_hint="--figure")
    if around is None and not names:
        _list()
        return
    if around is not None and (names or of):
        raise typer.BadParameter("takes no measures, and no --of", param_hint="--around")
    table = _around(opened, around, reach) if around is not None else opened.measure(*(names or ()), of=of or ())
    if as_json:
        about = {"run": opened.path, "window_ms": opened.window, "seed": opened.reader.plan["seed"]}
        about |= {key: table.attrs[key] for key in ("trigger", "of", "n_spikes", "units") if key in table.attrs}
        print_json({**about, "values": records(table)})
    elif around is not None:
        _show_around(table)
    else:
        from ..analysis.measured import render_measured

        print(render_measured(table))
    if figure is not None:
        trigger, _, what = str(around).partition(":")
        figure.parent.mkdir(parents=True, exist_ok=True)
        opened.plot.triggered(trigger, what or None, reach=reach).savefig(figure)  # type: ignore[union-attr]
    if csv is not None:
        csv.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(csv)
    if not as_json:
        for kind, made in (("figure", figure), ("table", csv)):
            if made is not None:
                print(f"{kind}: {made}")


def _list() -> None:
    """All measures, with what they are."""
    from ..analysis.targets.measures import known
    from ..analysis.targets.verdict import aligned

    of = {"": "populations", "pairs": "pairs A/B", "fields": "fields", "response": "populations, by zone"}
    rows = [[name, of.get(one.section, one.section), one.text.replace("$", "")] for name, one in known().items()]
    print("\n".join(aligned(["measure", "of", "what it is"], rows, left={"measure", "of", "what it is"})))


def _around(run: Run, text: str, reach: float) -> pd.DataFrame:
    trigger, _, what = text.partition(":")
    return run.triggered(trigger, what or None, reach=reach)


def _show_around(table: pd.DataFrame) -> None:
    """Print some of the lags, and the extremes."""
    import numpy as np

    from ..analysis.targets.verdict import aligned, number

    about = table.attrs
    print(f"{about['of']} ({about['units']}) around {about['n_spikes']:,} spikes of {about['trigger']}\n")
    middle = len(table) // 2
    step = max(1, -(-len(table) // SHOWN_LAGS))
    shown = table.iloc[[k for k in range(len(table)) if (k - middle) % step == 0]]
    rows = [
        [f"{lag:g}", *map(number, values)] for lag, values in zip(shown.index.to_numpy(), shown.to_numpy(), strict=True)
    ]
    print("\n".join(aligned(["lag (ms)", *map(str, table.columns)], rows, left=set())))
    lags = table.index.to_numpy()
    for name, values in zip(table.columns, table.to_numpy().T, strict=True):
        if not np.isnan(values).any():
            low, high = (f"{number(values[at])} at {lags[at]:g} ms" for at in (values.argmin(), values.argmax()))
            print(f"{name}: mean {number(values.mean())}, lowest {low}, highest {high}")
