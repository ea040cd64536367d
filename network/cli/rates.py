"""``bgnest rates``: rates and CVs of a run; needs no NEST."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..door import Run, open_run
from .options import AsJson, Partial, RunArgument
from .output import print_json, records

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis.targets.judge import Judgement


def rates(
    run: RunArgument,
    partial: Partial = False,
    csv: Annotated[Path | None, typer.Option(help="Also write the full table as CSV.")] = None,
    window: Annotated[
        list[str] | None,
        typer.Option(metavar="FROM:TO", help="Rates in this window (ms) instead, beside those of others. Repeatable."),
    ] = None,
    channels: Annotated[
        int,
        typer.Option(min=1, help="Also rates of so many channels: cell i is in channel i modulo their number."),
    ] = 1,
    rhythms: Annotated[
        bool, typer.Option("--rhythms", help="Spectra and coherence in numbers instead, beside what chance gives.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print rates and CVs of a run per population, beside the target bands of its state.

    The interval beside a rate is one over ten blocks of time: how well this recording fixes the rate of this network.
    Other seeds scatter besides (`bgnest compare`).

    With `--window` or `--channels` the rates are those of windows, or parts of populations: before, during and after a
    stimulus, with their change from the first window.
    """
    opened = open_run(run, partial=partial)
    if rhythms:
        table, show = opened.rhythms(), _show_rhythms
    elif window or channels > 1:
        table = _window_rates(opened, [_window(text) for text in window or ()], channels)
        show = _show_windows
    else:
        table = opened.rates()
        show = None
    if as_json:
        about = {"run": opened.path, "window_ms": opened.window, "seed": opened.reader.plan["seed"]}
        print_json({**about, "populations": records(table)})
    elif show is not None:
        show(table)
    else:
        show_rates(opened)
    if csv is not None:
        csv.parent.mkdir(parents=True, exist_ok=True)
        table.to_csv(csv)
        if not as_json:
            print(f"table: {csv}")


def _show_rhythms(table: pd.DataFrame) -> None:
    from ..analysis.targets.rhythms import render_rhythms

    print(render_rhythms(table))


def _window(text: str) -> tuple[float, float]:
    try:
        start, stop = (float(part) for part in text.split(":"))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no window; write FROM:TO in ms", param_hint="--window") from None
    if not start < stop:
        raise typer.BadParameter(f"{text!r} ends before it begins", param_hint="--window")
    return start, stop


def _window_rates(run: Run, windows: list[tuple[float, float]], channels: int) -> pd.DataFrame:
    """Rates by window."""
    from ..analysis.statistics import window_rates

    try:
        return window_rates(run.reader, windows or [run.window], channels)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--window") from None


def _show_windows(table: pd.DataFrame) -> None:
    """Print rates by window, and their change from the first one in per cent."""
    from ..analysis.targets.verdict import aligned, number

    rows = []
    for name, rates in table.iterrows():
        first, *others = rates
        changes = [f"{100.0 * (rate / first - 1.0):+.0f} %" if first > 0 else "-" for rate in others]
        rows.append([str(name), *map(number, rates), *changes])
    names = [str(column) for column in table.columns]
    header = ["rate (1/s)", *names, *(f"change {column}" for column in names[1:])]
    print("\n".join(aligned(header, rows, left={"rate (1/s)"})))


def show_rates(run: Run) -> pd.DataFrame:
    """Print the rates with the verdict on the published targets; return the table of all populations."""
    return show_verdict(run).table


def show_verdict(run: Run, *, state: str | None = None, pairs: bool = True, any_size: bool = False) -> Judgement:
    """Print rates, CVs and unit pairs of a run beside the targets of its state (or of another one)."""
    from ..analysis.look import presentation_of
    from ..analysis.targets.judge import run_targets

    targets = run_targets(run.reader, state)
    judgement = run.verdict(state, pairs=pairs).judgement
    print(judgement.text(any_size=any_size))
    if not run.recorded:
        print("there are no spikes: none were recorded, or the run ended before they were written")
    start, stop = run.window
    print(f"rates and CVs over {start:.10g} - {stop:.10g} ms; seed {run.reader.plan['seed']}")
    if targets is None or not targets.windows:
        print(_no_targets(run))
    elif judgement.too_small:
        note = presentation_of(run.reader.plan).size_note or "smaller networks scatter"
        print(f"the bands hold for {targets.n_neurons:,} neurons, this network has {judgement.n_neurons:,}; {note}")
    return judgement


def _no_targets(run: Run) -> str:
    """Why there is nothing to compare a run with, and what can be done."""
    from ..analysis.targets.windows import states_with_targets

    meta = run.plan.meta
    model = meta.get("model") or "this network"
    states = states_with_targets(meta["model"]) if meta.get("model") else []
    if not states and Path(model, "targets.yaml").is_file():
        return f"no targets: those of {model} in this folder are found after `export BGNEST_PARAMS=$PWD`"
    if not states:
        return f"no targets: {model} has none (params/{model}/targets.yaml)" if meta.get("model") else "no targets"
    return f"no targets for this state; `bgnest verdict RUN --state STATE` takes those of {', '.join(states)}"
