"""What the scripts of the figures share: options, runs of all variants of an experiment, a table of effects."""

from __future__ import annotations

import argparse
import inspect
from pathlib import Path

import pandas as pd

from network.analysis import plots
from network.analysis.oscillations import oscillation_table
from network.analysis.statistics import run_spikes, run_table
from network.cli.progress import TerminalReporter
from network.engine.batch import run_all
from network.results import Run
from network.spec import list_variants, load_experiment

POPULATIONS = ["MSN_D1", "MSN_D2", "FSN", "GPe_TI", "GPe_TA", "STN", "SNr"]


def options(name: str) -> argparse.ArgumentParser:
    """Parser with what all figures understand."""
    text = inspect.getdoc(inspect.getmodule(inspect.stack()[-1].frame))
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--overlay", action="append", default=[], help="laptop, published, or a YAML file")
    parser.add_argument("--n-neurons", type=int)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as in `bgnest run`")
    parser.add_argument("--t-sim", type=float, help="recorded time in ms")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", metavar="VARIANT", help="some of the variants")
    parser.add_argument("--out", type=Path, default=Path("runs") / name)
    return parser


def run_variants(experiment: str, given: argparse.Namespace, *more: str) -> dict[str, Run]:
    """Run all variants of an experiment (or those chosen), each in its folder."""
    short = {"network.n_neurons": given.n_neurons, "simulation.t_sim": given.t_sim, "simulation.seed": given.seed}
    overrides = [f"{key}={value}" for key, value in short.items() if value is not None]
    experiments = {
        variant: load_experiment(f"{experiment}@{variant}", given.overlay, [*overrides, *more, *given.set])
        for variant in given.only or list_variants(experiment)
    }
    return run_all(experiments, given.out, threads=given.threads, reporter=TerminalReporter(quiet=True))


def effects_of_variants(experiment: str, title: str, name: str, *, upper: float | None) -> None:
    """Run variants and draw rates and beta oscillation of each beside those of the intact network."""
    given = options(name).parse_args()
    if not given.overlay and given.n_neurons is None:
        given.overlay = ["laptop"]
    if given.only and "intact" not in given.only:
        given.only = ["intact", *given.only]
    runs = run_variants(experiment, given)
    rates, beta = {}, {}
    for variant, run in runs.items():
        rates[variant] = run_table(run)["rate"].reindex(POPULATIONS)
        rhythm = oscillation_table(run_spikes(run), *run.window, upper=upper)
        beta[variant] = rhythm["oscillation"].reindex(POPULATIONS)
    texts = list_variants(experiment)
    for table, quantity, file in (
        (rates, "mean rate (spikes/s)", "rates"),
        (beta, "share of 15-25 Hz in the power of the population rate (dimensionless)", "beta"),
    ):
        frame = pd.DataFrame(table).T
        frame.to_csv(given.out / f"{file}.csv")
        figure = plots.effects(frame, reference="intact", quantity=quantity, titles=texts, title=title)
        print(*plots.save(figure, given.out / file), sep="\n")
