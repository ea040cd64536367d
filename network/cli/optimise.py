"""``bgnest scan optimise``: search parameters for runs inside the target windows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, Pdf
from .output import print_json, records

if TYPE_CHECKING:
    from ..scans.optimise import Study


def optimise(
    file: Annotated[
        str | None,
        typer.Argument(help="YAML file (docs/howto/scans.md), or a name; without one the names there are."),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Finished trials there shall be in all; by default what the file says.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Runs at the same time.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Folder of the study; by default scans/NAME.")] = None,
    pdf: Pdf = False,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No line per trial.")] = False,
) -> None:
    """Search parameters with Optuna for those whose runs come closest to the target windows of their states.

    Every trial is an ordinary run; the distance is 0 if everything is inside. The same command goes on after Ctrl-C,
    and with a higher `--trials` after the end. Trials that explode or fail do not stop the search.
    """
    from ..scans.goal import list_optimisations
    from ..scans.optimise import Study

    if file is None:
        known = list_optimisations()
        if as_json:
            print_json([{"name": name, "title": comment} for name, comment in known.items()])
            return
        for name, comment in known.items():
            print(f"  {name:<36} {comment}")
        return
    study = Study.load(file, out)
    try:
        study.run(trials, workers=workers, show=None if quiet or as_json else lambda line: print(line, flush=True))
    except KeyboardInterrupt:
        print(f"\nbgnest: interrupted; {study.n_finished} trials in {study.folder}. The same command goes on")
        sys.stdout.flush()
        raise typer.Exit(130) from None
    show_result(study, pdf=pdf, as_json=as_json)


def show_result(study: Study, *, pdf: bool = False, as_json: bool = False) -> None:
    """Print the best trial beside its windows; write the table and the figure."""
    from ..analysis.plots import optimisation, presented, save
    from ..analysis.targets.verdict import number
    from ..experiment.presentation import load_presentation
    from ..plans.summary import table

    targets, best = study.targets(), study.study.best_trial
    rows = [
        [t["state"], t["quantity"], t["population"], number(t["value"]), f"{t['low']:g} - {t['high']:g}", t["verdict"]]
        for t in targets.to_dict("records")
    ]
    scales = {name: bool(axis.distribution and axis.distribution.log) for name, axis in study.spec.search.items()}
    labels = {name: axis.text(name) for name, axis in study.spec.search.items()}
    with presented(load_presentation(study.model)):
        figure = optimisation(study.table(), scales, targets, labels=labels, title=study.spec.title)
    files = [study.write_table(), *save(figure, study.folder / "trials", pdf=pdf)]
    if as_json:
        found = {"trials": study.n_finished, "best": best.number, "distance": best.value, "values": best.params}
        print_json({**found, "targets": records(targets), "files": files})
        return
    print(f"\n{study.n_finished} trials; the best is number {best.number} with the distance {best.value:.3g}:")
    print("\n".join(f"  {line}" for line in study.best_values()))
    print("\n" + table(["state", "quantity", "population(s)", "value", "window", "verdict"], rows, "lllrrl"))
    print("\n" + "\n".join(map(str, files)))
