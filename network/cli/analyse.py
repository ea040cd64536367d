"""``bgnest rates`` and ``plot``: look at a run folder; needs no NEST."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from network.cli.options import RunArgument
from network.results.run import Run
from network.spec.targets import Targets, load_targets

if TYPE_CHECKING:
    import pandas as pd


def rates(
    run: RunArgument,
    csv: Annotated[Path | None, typer.Option(help="Also write the full table as CSV.")] = None,
) -> None:
    """Print rates and CVs of a run per population, beside the target bands of its state."""
    table = show_rates(Run.open(run))
    if csv is not None:
        table.to_csv(csv)


def plot(
    run: RunArgument,
    out: Annotated[Path | None, typer.Option(help="Folder for the figures; by default RUN/figures.")] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Also write PDF.")] = False,
) -> None:
    """Draw the standard figures of a run: raster, rates, spectra, V_m traces, connectivity."""
    draw(Run.open(run), out, pdf=pdf)


def show_rates(run: Run) -> pd.DataFrame:
    """Print the rates with the verdict on the published targets; return the table of all populations."""
    from network.analysis.statistics import run_table
    from network.analysis.verdict import judge, render

    table = run_table(run)
    targets = _targets(run)
    bands = targets.bands if targets else {}
    order = [name for name in (targets.report_order if targets else ()) if name in table.index]
    print(render(judge(table.loc[order] if order else table, bands)))
    start, stop = run.window
    print(f"rates and CVs over {start:g} - {stop:g} ms; seed {run.plan['seed']}")
    if targets and targets.bands and sum(run.populations.values()) != targets.n_neurons:
        print(f"the bands hold for {targets.n_neurons:,} neurons; smaller networks scatter, above all in GPe")
    return table


def draw(run: Run, out: Path | None = None, *, pdf: bool = False) -> list[Path]:
    """Draw the standard figures and name them."""
    from network.analysis.plots import plot_run

    targets = _targets(run)
    made = plot_run(run, out or run.figures_dir, bands=targets.bands if targets else None, pdf=pdf)
    print("\nfigures:")
    for path in made:
        print(f"  {path}")
    return made


def _targets(run: Run) -> Targets | None:
    """Published targets of the run's state, if there are any."""
    meta = run.plan.get("meta", {})
    if not meta.get("model") or not meta.get("state"):
        return None
    return load_targets(meta["model"], meta["state"])
