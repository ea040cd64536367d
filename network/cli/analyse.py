"""``bgnest rates`` and ``plot``: look at a run folder; needs no NEST."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from network.cli.options import Partial, Pdf, RunArgument
from network.results.run import Run

if TYPE_CHECKING:
    import pandas as pd

    from network.analysis.judgement import Judgement


def rates(
    run: RunArgument,
    partial: Partial = False,
    csv: Annotated[Path | None, typer.Option(help="Also write the full table as CSV.")] = None,
) -> None:
    """Print rates and CVs of a run per population, beside the target bands of its state."""
    table = show_rates(Run.open(run, allow_incomplete=partial))
    if csv is not None:
        csv.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(csv)


def plot(
    run: RunArgument,
    partial: Partial = False,
    out: Annotated[Path | None, typer.Option(help="Folder for the figures; by default RUN/figures.")] = None,
    pdf: Pdf = False,
) -> None:
    """Draw the standard figures of a run: raster, rates, spectra, V_m traces, connectivity."""
    draw(Run.open(run, allow_incomplete=partial), out, pdf=pdf)


def show_rates(run: Run) -> pd.DataFrame:
    """Print the rates with the verdict on the published targets; return the table of all populations."""
    return show_verdict(run).table


def show_verdict(run: Run, *, state: str | None = None, pairs: bool = True) -> Judgement:
    """Print rates, CVs and unit pairs of a run beside the targets of its state (or of another one)."""
    from network.analysis.judgement import judge_run, run_targets

    targets = run_targets(run, state)
    judgement = judge_run(run, targets, pairs=pairs)
    print(judgement.text())
    if not run.recorded:
        print("there are no spikes: none were recorded, or the run ended before they were written")
    start, stop = run.window
    print(f"rates and CVs over {start:.10g} - {stop:.10g} ms; seed {run.plan['seed']}")
    if targets is None or not targets.bands:
        print("no targets: this is none of the published states; `bgnest verdict RUN --state STATE` takes theirs")
    elif sum(run.populations.values()) != targets.n_neurons:
        print(f"the bands hold for {targets.n_neurons:,} neurons; smaller networks scatter, above all in GPe")
    return judgement


def draw(run: Run, out: Path | None = None, *, pdf: bool = False) -> list[Path]:
    """Draw the standard figures and name them."""
    from network.analysis.judgement import run_targets
    from network.analysis.plots import plot_run

    targets = run_targets(run)
    notes: list[str] = []
    bands = targets.bands if targets else None
    made = plot_run(run, out or run.figures_dir, bands=bands, pdf=pdf, tell=notes.append)
    print("\nfigures:" if made else "\nno figures: neither spikes nor traces nor projections")
    for line in [*made, *notes]:
        print(f"  {line}")
    return made
