"""Reports of runs and scans: what stands in them; `network.report` makes the page."""

from __future__ import annotations

import json
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..analysis.comparison import differences
from ..analysis.look import presentation_of
from ..analysis.targets.verdict import number
from ..describe.content import CIRCUIT
from ..describe.links import circuit_of
from ..errors import Error
from ..experiment import list_experiments
from ..report import Figure, Grid, Message, Page, Part, Quote, activity, bokeh_here, render
from ..report.page import Raw, parts_of
from ..runs.layout import write_atomic
from ..runs.record import now
from ..text import duration, human_bytes
from .describing import Description

if TYPE_CHECKING:
    from .experiment import Experiment
    from .runs import Run

REPORT = "report.html"
LONGEST = 2000.0
"""Milliseconds that the raster to zoom in shows; all figures of single spikes do."""
CAPTIONS = {
    "raster": "Spikes of randomly chosen cells of every population.",
    "rates": "Mean rate of every population; bars are target windows.",
    "rate_courses": "Population rates over time.",
    "spectra": "Power spectra of the population rates.",
    "intervals": "Inter-spike intervals and their coefficients of variation.",
    "connectivity": "In-degrees: row target, column source.",
    "weights": "Mean weights: row target, column source.",
    "weight_courses": "Recorded weights over time.",
}
NEEDS_BOKEH = "A raster and rates to zoom into are here where the package bokeh is installed (pip install bokeh)."


def run_report(run: Run, out: str | Path | None = None, *, figures: bool = True) -> Path:
    """Write the report of a run; see `network.door.runs.Run.report`."""
    file = Path(out) if out is not None else run.path / REPORT
    with tempfile.TemporaryDirectory(prefix="bgnest-report-") as scratch:
        experiment = run.experiment()
        raw, scripts = _interactive(run)
        parts = [
            _verdict(run),
            Part("Activity", [*raw, *_figures(run, Path(scratch), draw=figures)]),
            _differences(run, experiment),
            _network(experiment, Path(scratch)),
            _times(run),
            *_audit(run),
            _provenance(run),
            _repeat(run),
        ]
        page = Page(
            title=experiment.spec.meta.title or run.name,
            subtitle=f"Report of a simulation: {run.name}",
            facts=_facts(run),
            parts=parts,
            scripts=scripts,
            made=f"Written by bgnest {_version()} at {now()}. The page is complete: it loads nothing from anywhere.",
        )
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, render(page))
    return file


def _version() -> str:
    from .. import __version__

    return __version__


def _facts(run: Run) -> list[tuple[str, str]]:
    start, stop = run.window
    plan, record = run.plan, run.record
    size = f"{plan.n_neurons:,} in {len(plan.populations)} populations"
    return [
        ("Outcome", run.verdict(pairs=False).outcome if run.recorded else "no spikes recorded"),
        ("Status", run.status),
        ("Neurons", size),
        ("Synapses", f"{plan.n_synapses:,} in {len(plan.projections)} projections"),
        ("Recorded", f"{start:g} to {stop:g} ms"),
        ("Seed", str(plan.seed)),
        ("Finished", str(record.get("finished", "-"))[:16].replace("T", " ")),
        ("Simulator", str(record.get("versions", {}).get("nest") or record.get("versions", {}).get("engine", "-"))),
    ]


def _verdict(run: Run) -> Part:
    from ..analysis.targets.measures import known

    if not run.recorded:
        return Part("Verdict and rates", [Message("No spikes were recorded.")])
    look = presentation_of(run.reader.plan)
    judgement = run.verdict().judgement
    rows = [
        [
            look.label(str(name)),
            f"{row['n_neurons']:,.0f}",
            number(row["rate"]),
            number(row["cv"]),
            _band(row["low"], row["high"]),
            str(row["verdict"]),
        ]
        for name, row in judgement.rates.iterrows()
    ]
    others = [
        [
            known()[row["quantity"]].short,
            " and ".join(map(look.label, str(name).split("/"))),
            number(row["value"]),
            _band(row["low"], row["high"]),
            row["verdict"],
        ]
        for name, row in judgement.judged.iterrows()
        if row["quantity"] != "rate"
    ]
    outcome, count = judgement.outcome(), len(judgement.judged)
    said = (
        f"{judgement.n_good} of {count} quantities are inside their windows: {outcome}."
        if count
        else ("There are no published windows to compare with.")
    )
    size = "The windows hold for a larger network than this one." if judgement.too_small else ""
    header = ["population", "cells", "rate (spikes/s)", "CV", "window of the rate", "verdict"]
    blocks: list[Any] = [Message(f"{said} {size}".strip(), {"PASS": "good", "FAIL": "bad"}.get(outcome, ""))]
    blocks.append(Grid(header, rows, "Rates of all populations"))
    if others:
        blocks.append(Grid(["quantity", "of", "value", "window", "verdict"], others, "Other quantities with windows"))
    return Part("Verdict and rates", [*blocks, *map(Message, judgement.notes)])


def _band(low: float, high: float) -> str:
    return "-" if low != low else f"{low:g} to {high:g}"


def _interactive(run: Run) -> tuple[list[Any], Sequence[str]]:
    """Panels to zoom into and the scripts that they need."""
    if not run.recorded:
        return [], []
    if not bokeh_here():
        return [Message(NEEDS_BOKEH)], []
    look = presentation_of(run.reader.plan)
    names = look.sorted(run.recorded)
    colours = look.colours(names)
    start, stop = run.window
    spikes = {name: run.spike_arrays(name) for name in names}
    shown = {name: (look.label(name), colours[name]) for name in names}
    html, scripts = activity(spikes, start, min(stop, start + LONGEST), shown)
    hint = "Drag to zoom in time, turn the wheel, click populations in the legend to hide them, double arrow resets."
    return [Message(hint, "screen"), Raw(html)], scripts


def _figures(run: Run, scratch: Path, *, draw: bool) -> Iterator[Figure]:
    """Figures of the run folder; drawn if there are none."""
    there = sorted((run.path / "figures").glob("*.png"))
    if not there and draw:
        there = run.plot.all(scratch / "figures")
    order = list(CAPTIONS)
    for path in sorted(there, key=lambda path: order.index(path.stem) if path.stem in CAPTIONS else len(order)):
        variable = path.stem.removeprefix("traces_")
        yield Figure(path, CAPTIONS.get(path.stem, f"Recorded {variable} of single cells."))


def _differences(run: Run, experiment: Experiment) -> Part:
    """What differs from the network that comes with the program."""
    title = "Differences to the published network"
    meta = experiment.spec.meta
    named = [f"{meta.model}/{meta.state}", f"{meta.model}/base"]
    name = next((name for name in named if name in list_experiments()), None)
    if name is None:
        return Part(title, [Message("This network is none of those that come with the program.")])
    try:
        published = type(experiment).load(name)
    except Error as error:
        return Part(title, [Message(f"{name} cannot be read: {error}")])
    found = differences(_plain(published), _plain(experiment))
    origins = json.loads((run.path / "origin.json").read_text(encoding="utf-8"))
    rows = [[path, before, after, str(origins.get(path, ""))] for path, before, after in found]
    if not rows:
        return Part(title, [Message(f"None: this is {name} as it is written.")])
    return Part(title, [Grid(["parameter", name, "this run", "written in"], rows)])


def _plain(experiment: Experiment) -> dict[str, Any]:
    import yaml

    return dict(yaml.safe_load(experiment.to_yaml()))


def _network(experiment: Experiment, scratch: Path) -> Part:
    from ..analysis.plots import save

    described = Description.of(experiment)
    pictures = {}
    if circuit_of(experiment.spec, experiment.plan()).links:
        save(described.figure(), scratch / "circuit", svg=True)
        pictures[CIRCUIT] = scratch / "circuit.svg"
    figures = [Figure(path, _caption(described)) for path in pictures.values()]
    note = "Tables after Nordlie, Gewaltig and Plesser (2009); every number with its source."
    return Part("The network", [Message(note), *figures, *parts_of(described.document, {})])


def _caption(described: Description) -> str:
    captions = [getattr(block, "caption", "") for section in described.document.sections for block in section.blocks]
    return next((caption for caption in captions if caption), "The circuit.")


def _times(run: Run) -> Part:
    file = run.path / "timers.json"
    timers = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    seconds = [[name, f"{value:.3g}"] for name, value in timers.get("seconds", {}).items() if name != "biological"]
    memory = [[name, human_bytes(value)] for name, value in timers.get("memory_bytes", {}).items()]
    factor = timers.get("real_time_factor")
    blocks: list[Any] = []
    if factor:
        text = f"A second of biological time took {duration(factor) if factor >= 1 else f'{factor:.2g} s'}."
        blocks.append(Message(text))
    blocks += [Grid(["phase", "seconds"], seconds, "Wall time"), Grid(["after", "memory"], memory, "Memory")]
    return Part("Time and memory", [block for block in blocks if not isinstance(block, Grid) or block.rows])


def _audit(run: Run) -> list[Part]:
    """What was read back from the simulator, where the run has written it down."""
    file = run.path / "audit.json"
    if not file.is_file():
        return []
    content = json.loads(file.read_text(encoding="utf-8"))
    rows = [[path, _text(value)] for path, value in _leaves(content)]
    note = "What was read back from the simulator after the network was built, and compared with the plan."
    return [Part("Audit", [Message(note), Grid(["item", "value"], rows)], folded=len(rows) > 40)]


def _leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list) and any(isinstance(item, Mapping | list) for item in node):
        for place, value in enumerate(node):
            yield from _leaves(value, f"{path}.{place}")
    else:
        yield path, node


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _provenance(run: Run) -> Part:
    record = dict(run.record)
    shown = ("versions", "git", "code", "machine", "threads", "ranks", "started", "finished")
    rows = [[path, _text(value)] for path, value in _leaves({key: record.get(key) for key in shown})]
    rows += [[key, str(record.get(key, "-"))] for key in ("network_hash", "simulation_hash")]
    files = json.loads((run.path / "manifest.json").read_text(encoding="utf-8")).get("files", {})
    listed = [[name, f"{entry['bytes']:,}", entry["sha256"]] for name, entry in files.items()]
    table = Grid(["file", "bytes", "SHA-256"], listed, "Files of the run folder")
    return Part("Provenance", [Grid(["item", "value"], rows), Part("Files", [table], folded=True, level=3)])


def _repeat(run: Run) -> Part:
    record = run.record
    commit = (record.get("git") or {}).get("commit")
    folder, params = shlex.quote(str(run.path)), shlex.quote(str(run.path / "params.yaml"))
    lines = [
        *([f"git checkout {commit}                 # the same code"] if commit else []),
        f"bgnest rerun {folder}          # says whether all spikes are the same",
        f"bgnest run {params} --threads {record.get('threads', 1)} --out again",
        f"bgnest compare {folder} again",
    ]
    original = shlex.join(["bgnest", *record.get("command", [])[1:]])
    clean = "The checkout had changes that are in no commit." if (record.get("git") or {}).get("dirty") else ""
    note = (
        "params.yaml in the run folder holds all parameters, sources.yaml beside it what their sources are. The same "
        "version gives the same spikes for any number of threads and ranks."
    )
    blocks: list[Any] = [Message(note), Quote("\n".join(lines)), Quote(original, "It was started as")]
    return Part("How to repeat it", [*blocks, *([Message(clean, "bad")] if clean else [])])
