"""What the scripts of the figures share: options, runs of all variants and seeds, the figure of effects."""

from __future__ import annotations

import argparse
import inspect
from pathlib import Path

from tqdm import tqdm

from network.analysis import plots
from network.analysis.effects import compare_variants, effects_table
from network.door.progress import TerminalReporter
from network.engine.batch import run_all
from network.experiment import list_variants, load_experiment
from network.experiment.presentation import BETA, Band, load_presentation
from network.runs import Run

POPULATIONS = ["MSN_D1", "MSN_D2", "FSN", "GPe_TI", "GPe_TA", "STN", "SNr"]


def options(name: str) -> argparse.ArgumentParser:
    """Parser with what all figures understand."""
    text = inspect.getdoc(inspect.getmodule(inspect.stack()[-1].frame))
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--overlay", action="append", default=[], help="laptop, published, or a YAML file")
    parser.add_argument("--n-neurons", type=int)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="as in `bgnest run`")
    parser.add_argument("--t-sim", type=float, help="recorded time in ms")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1], help="every variant runs with each of them")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", metavar="VARIANT", help="some of the variants")
    parser.add_argument("--out", type=Path, default=Path("runs") / name)
    return parser


def run_variants(experiment: str, given: argparse.Namespace, *more: str) -> dict[str, list[Run]]:
    """Runs of all variants of an experiment (or those chosen), one per seed, in ``OUT/seed-SEED/VARIANT``.

    Runs that are there already are used again.
    """
    short = {"network.n_neurons": given.n_neurons, "simulation.t_sim": given.t_sim}
    overrides = [f"{key}={value}" for key, value in short.items() if value is not None]
    runs: dict[str, list[Run]] = {variant: [] for variant in given.only or list_variants(experiment)}
    with tqdm(total=len(given.seeds) * len(runs), unit="run", desc=experiment) as bar:
        for seed in given.seeds:
            for variant, found in runs.items():
                bar.set_postfix_str(f"{variant}, seed {seed}")
                changes = [*overrides, f"simulation.seed={seed}", *more, *given.set]
                spec = {variant: load_experiment(f"{experiment}@{variant}", given.overlay, changes)}
                folder = given.out / f"seed-{seed}"
                done = run_all(
                    spec, folder, threads=given.threads, overwrite=True, reporter=TerminalReporter(quiet=True)
                )
                found.append(done[variant])
                bar.update()
    return runs


def described(runs: dict[str, list[Run]]) -> str:
    """Size, length and seeds of runs, for the title of their figure."""
    several = next(iter(runs.values()))
    start, stop = several[0].window
    seeds = "one seed" if len(several) == 1 else f"mean of {len(several)} seeds"
    return f"{sum(several[0].populations.values()):,} neurons, {(stop - start) / 1000.0:g} s recorded, {seeds}"


def effects_of_variants(
    experiment: str, title: str, name: str, *, band: Band = BETA, upper: float | None = None
) -> None:
    """Run variants and draw rate, oscillation and synchrony of each beside those of the intact network."""
    given = options(name).parse_args()
    if not given.overlay and given.n_neurons is None:
        given.overlay = ["laptop"]
    if given.only and "intact" not in given.only:
        given.only = ["intact", *given.only]
    runs = run_variants(experiment, given)
    table = effects_table(runs, POPULATIONS, band=band, upper=upper)
    table.to_csv(given.out / "effects.csv", index=False, float_format="%.4g")
    share = f"power in {band.low:g}-{band.high:g} Hz (%)"
    table["oscillation"] *= 100.0
    quantities = {"rate": "mean rate (spikes/s)", "oscillation": share, "synchrony": "synchrony (spikes/s)"}
    panels = {
        text: compare_variants(table, column, "intact", of_rhythm=column == "oscillation")
        for column, text in quantities.items()
    }
    about = f"{title}: {described(runs)}"
    with plots.presented(load_presentation(experiment.split("/")[0])):
        figure = plots.effects(panels, reference="intact", titles=list_variants(experiment), title=about)
    print(given.out / "effects.csv", *plots.save(figure, given.out / "effects", dpi=200, palette=True), sep="\n")
