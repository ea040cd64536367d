"""``bgnest fit``: find parameters with which runs come close to recorded traces, rates and other values."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .options import AsJson, Pdf
from .output import print_json, records

EXAMPLE = """\
fit: my_pair.yaml                        # experiment; one run per trial
set: {simulation.t_sim: 500}             # as --set of bgnest run
search:                                  # parameters by their key paths, with limits
  g: {path: projections.A_to_B.weight, distribution: {low: 0.1, high: 10, log: true}}
  C: {path: populations.*.neuron.C_m, distribution: {low: 50, high: 200}}
targets:                                 # the loss is the sum of weight x term
  recorded:                              # root mean square over cells and time, in mV
    traces: recorded.csv                 # a column of times (ms), one column per trace
    columns: {first: "A.V_m[0]", second: "B.V_m[0]"}
    clip: [-90, -40]                     # spikes are cut off
  firing: {values: {rate: {A: 12.5}}, weight: 10}      # relative error of a rate (spikes/s)
  regular: {windows: {cv: {B: [0.2, 0.4]}}}            # distance from a window
trials: 60
"""


def fit(
    file: Annotated[
        str | None,
        typer.Argument(help="YAML file (docs/howto/fit.md); without one an example is printed."),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Finished trials there shall be in all; by default what the file says.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Runs at the same time.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Folder of the fit; by default fits/NAME.")] = None,
    pdf: Pdf = False,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No line per trial.")] = False,
) -> None:
    """Find values of parameters with which runs come close to recorded traces, rates and other values.

    The file says which parameters (anything with a key path: cells, weights, drive, conductances), within which limits,
    and what the runs shall come close to: traces from a file, values of measures, windows. `bgnest fit` prints an
    example. Optuna chooses the values of every trial; a trial is an ordinary run.

    Ctrl-C loses nothing that is finished: the same command goes on, and with a higher `--trials` also after the end.

    The folder then has `best.yaml`, an overlay (`bgnest run EXPERIMENT --overlay best.yaml`), the table `trials.csv`,
    and the figure `fit.png`: traces beside the recorded ones, the loss over trials and parameters.
    """
    from ..door.fits import fit as load

    if file is None:
        print(EXAMPLE, end="")
        return
    chosen = load(file, folder=out)
    show = None if quiet or as_json else lambda line: print(line, flush=True)
    try:
        chosen.run(trials, workers=workers, progress=show or False)
    except KeyboardInterrupt:
        print(f"\nbgnest: interrupted; {chosen.n_trials} trials in {chosen.folder}. The same command goes on")
        sys.stdout.flush()
        raise typer.Exit(130) from None
    files = chosen.write(pdf=pdf)
    if as_json:
        found = {"trials": chosen.n_trials, "loss": chosen.loss, "values": chosen.best, "terms": chosen.terms}
        print_json({**found, "targets": records(chosen.targets()), "files": files})
        return
    print(f"\n{chosen}")
    print("\n" + "\n".join(map(str, files)))
