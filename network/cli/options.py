"""Options that several commands share, and how they become an experiment and a plan."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from ..door import Experiment
from ..experiment import Experiment as Spec
from ..experiment.files import default_experiment
from ..experiment.origins import COMMAND_LINE
from ..plans import Plan
from ..plans.summary import code_notes, late_notes, recording_notes

DEFAULT_EXPERIMENT = default_experiment()

ExperimentArgument = Annotated[
    str,
    typer.Argument(
        help=f"Experiment: a name such as {DEFAULT_EXPERIMENT} (see `bgnest list`) or a YAML file.",
        show_default=True,
    ),
]
Overlays = Annotated[
    list[str] | None,
    typer.Option("--overlay", "-o", help="Overlay laid over the experiment: a name or a YAML file. Repeatable."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change one parameter, e.g. --set projections.A_to_B.weight=18.5 (keeps the unit), "
        "--set network.dopamine=0.4, --set 'projections.*.enabled=false'. Repeatable.",
    ),
]
Threads = Annotated[int, typer.Option(min=1, help="Threads per process.")]
Ranks = Annotated[int, typer.Option(min=1, help="MPI processes.")]
Seed = Annotated[int | None, typer.Option(help="Seed of wiring and input; short for --set simulation.seed=…")]
TSim = Annotated[float | None, typer.Option("--t-sim", help="Recorded time in ms, after the warm-up.")]
TPresim = Annotated[float | None, typer.Option("--t-presim", help="Warm-up before the recording in ms.")]
NNeurons = Annotated[
    int | None,
    typer.Option("--n-neurons", help="Size of the network; in-degrees are kept, populations scale."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
AsJson = Annotated[bool, typer.Option("--json", help="Everything as JSON, for programs.")]
Pdf = Annotated[bool, typer.Option("--pdf", help="Also write figures as PDF.")]
Svg = Annotated[bool, typer.Option("--svg", help="Also write figures as SVG.")]
NewRun = Annotated[Path | None, typer.Option("--out", help="Run folder; by default runs/NAME-HASH.")]
TakeOver = Annotated[
    bool,
    typer.Option(
        "--take-over",
        help="Replace an incomplete run of another machine, too, that gave a sign of life in the last ten minutes.",
    ),
]
Regardless = Annotated[
    bool,
    typer.Option(
        "--regardless",
        envvar="BGNEST_REGARDLESS",
        help="Also start what needs more memory or disk than there is here.",
    ),
]
Partition = Annotated[
    str | None, typer.Option(help="Slurm partition (sinfo lists them); by default Slurm's own default.")
]
Account = Annotated[
    str | None,
    typer.Option(help="Account that Slurm charges; by default your default account, where there are accounts."),
]
Sbatch = Annotated[
    list[str] | None, typer.Option(help="One more option of sbatch, e.g. --sbatch=--exclusive. Repeatable.")
]
Setup = Annotated[
    list[str] | None,
    typer.Option(help="Shell line before the run in a Slurm job, e.g. --setup 'module load GCC'. Repeatable."),
]
Partial = Annotated[
    bool, typer.Option("--partial", help="Also a run that is not complete, for instance one that was stopped.")
]
RunArgument = Annotated[Path, typer.Argument(help="Run folder.", metavar="RUN")]


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What the command line changes about an experiment; `with_changes` makes an option of every field."""

    overlay: Overlays = None
    set_: Overrides = None
    seed: Seed = None
    t_sim: TSim = None
    t_presim: TPresim = None
    n_neurons: NNeurons = None

    def given(self) -> list[str]:
        """Options that were given, as they are written."""
        names = {"set_": "--set", "t_sim": "--t-sim", "t_presim": "--t-presim", "n_neurons": "--n-neurons"}
        return [names.get(key, f"--{key}") for key, value in vars(self).items() if value not in (None, [])]

    def load(self, name: str, *more: str) -> Experiment:
        """Experiment with these changes, and ``more`` of the form KEY=VALUE."""
        short = {
            "simulation.seed": self.seed,
            "simulation.t_sim": self.t_sim,
            "simulation.t_presim": self.t_presim,
            "network.n_neurons": self.n_neurons,
        }
        given = [f"{key}={value}" for key, value in short.items() if value is not None]
        return Experiment.load(name, self.overlay or (), [*(self.set_ or ()), *more, *given], where=COMMAND_LINE)


def tell_code(plan: Plan, experiment: Spec) -> None:
    """Say on the terminal which cells do not get the fast code, where input comes from then, what there will not be."""
    notes = [*code_notes(plan, experiment.simulation.drive), *recording_notes(plan, experiment.recording)]
    for note in [*notes, *late_notes(experiment)]:
        print(f"bgnest: {note}", file=sys.stderr)


def with_changes(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that takes ``changes: Changes`` the options of all its fields: typer reads the signature."""
    options = inspect.signature(Changes, eval_str=True).parameters
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command, eval_str=True).parameters.values():
        shared = parameter.annotation is Changes
        parameters += options.values() if shared else [parameter.replace(kind=parameter.KEYWORD_ONLY)]

    @functools.wraps(command)
    def with_options(**given: Any) -> None:
        command(changes=Changes(**{name: given.pop(name) for name in options}), **given)

    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_options
