"""Run every network in every state, hold it against its targets, and write docs/notes/results.md.

    python scripts/table_of_networks.py                       all that is missing, five seeds each, cheapest first
    python scripts/table_of_networks.py --budget 600          stop before a run that would go beyond 600 s
    python scripts/table_of_networks.py ortone2023 two_cells  only these networks
    python scripts/table_of_networks.py --budget 0            only write the page from what was measured before

Some are run larger or longer as well (FURTHER), with one seed on two threads.

What was measured is kept in docs/data/results.json, by the identity of the simulation: runs that are there are not
repeated, and numbers of a network that has changed since are left out. A run that was interrupted begins anew.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from network.analysis.targets.judge import judge_run, run_targets
from network.analysis.targets.measures import known
from network.analysis.targets.verdict import NONE, PASS, SHORT, number
from network.analysis.targets.windows import Targets, load_targets, states_with_targets
from network.door import Experiment, list_experiments, load
from network.experiment.files import find_experiment
from network.experiment.presentation import load_presentation
from network.runs import Run
from network.text import human_bytes

ROOT = Path(__file__).resolve().parents[1]
DATA = "data/results.json"
PROTOCOLS = "experiments"
"""Folder of experiments that are lists of variants; scripts and pages of their own are about those."""

FURTHER = (
    "lindahl2016/activation_depleted --set simulation.t_sim=20000",
    "lindahl2016/slow_wave_depleted --set simulation.t_sim=20000",
    "ortone2023/pathological --overlay x8 --set simulation.t_sim=2000",
    "snudda2020/rest --n-neurons 80000 --set simulation.t_presim=200 --set simulation.t_sim=1000",
)
"""As words of `bgnest run`."""


@dataclass(frozen=True)
class Task:
    """A run to make: words of `bgnest run`, of which the first is the name of the experiment, and the seed."""

    name: str
    seed: int
    hash: str
    seconds: float
    """That it is expected to take."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("networks", nargs="*", help="networks or experiments; all if none is named")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--budget", type=float, default=float("inf"), help="seconds for all runs together")
    parser.add_argument("--runs", type=Path, default=Path("runs/results"))
    parser.add_argument("--keep", action="store_true", help="keep the run folders")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs")
    options = parser.parse_args()

    store = options.docs / DATA
    found: dict[str, Any] = json.loads(store.read_text(encoding="utf-8")) if store.is_file() else {}
    chosen = experiments(options.networks)
    tasks = list(missing(chosen, range(1, options.seeds + 1), found))
    began, slower = time.monotonic(), 1.0
    for task in tasks:
        left = options.budget - (time.monotonic() - began)
        if task.seconds * slower > left:
            continue
        started = time.monotonic()
        print(f"{task.name}, seed {task.seed}: about {task.seconds * slower:.0f} s", flush=True)
        found[task.hash] = measured(task, options)
        write_json(store, found)
        slower = max(1.0, 0.5 * slower + 0.5 * (time.monotonic() - started) / task.seconds)
    every = experiments([])
    found = {identity: entry for identity, entry in found.items() if is_current(identity, entry, every)}
    write_json(store, found)
    (options.docs / "notes" / "results.md").write_text(page(every, found, options.seeds), encoding="utf-8")


def experiments(wanted: Sequence[str]) -> dict[str, Experiment]:
    """Every experiment that is a network of its own: of several that are the same simulation the one with a state."""
    found: dict[str, Experiment] = {}
    taken: set[str] = set()
    names = [name for name in list_experiments() if find_experiment(name).parent.name != PROTOCOLS]
    for name in sorted(names, key=lambda name: (name.partition("/")[0], name.endswith("/base"))):
        if wanted and name not in wanted and name.partition("/")[0] not in wanted:
            continue
        experiment = load(name)
        identity = experiment.plan().simulation_hash
        if identity not in taken:
            taken.add(identity)
            found[name] = experiment
    for words in FURTHER:
        name = words.split()[0]
        if not wanted or words in wanted or name in wanted or name.partition("/")[0] in wanted:
            found[words] = loaded(words)
    return found


def loaded(words: str) -> Experiment:
    """The experiment that `bgnest run` would make of some words."""
    reader = argparse.ArgumentParser()
    reader.add_argument("name")
    reader.add_argument("--overlay", action="append", default=[])
    reader.add_argument("--n-neurons", type=int)
    reader.add_argument("--set", action="append", default=[])
    given = reader.parse_args(words.split())
    changes = {key: float(value) for key, _, value in (item.partition("=") for item in given.set)}
    size = {} if given.n_neurons is None else {"n_neurons": given.n_neurons}
    return load(given.name, given.overlay, changes, **size)


def is_random(experiment: Experiment) -> bool:
    """Whether another seed gives anything else."""
    plan = experiment.plan()
    drawn = any(
        p.heterogeneity or not all(isinstance(v, int | float) for v in p.initial.values()) for p in plan.populations
    )
    certain = all(
        p.rule.name in ("one_to_one", "all_to_all") and isinstance(p.weight, int | float) for p in plan.projections
    )
    return bool(plan.inputs) or drawn or not certain


def hashes(experiment: Experiment, seeds: Sequence[int]) -> dict[int, str]:
    """Identity of the simulation by seed; one seed where nothing is drawn."""
    wanted = seeds if is_random(experiment) else seeds[:1]
    return {seed: experiment.with_changes(seed=seed).plan().simulation_hash for seed in wanted}


def is_current(identity: str, entry: dict[str, Any], every: dict[str, Experiment]) -> bool:
    """Whether a network is still the one that was measured, whatever the number of seeds that is asked for now."""
    experiment = every.get(entry["name"])
    return experiment is not None and hashes(experiment, [entry["seed"]]).get(entry["seed"]) == identity


def missing(chosen: dict[str, Experiment], seeds: Sequence[int], found: dict[str, Any]) -> Iterator[Task]:
    """Runs that are not there, the first seed of all before the second, cheap ones first."""
    tasks = [
        Task(name, seed, identity, experiment.plan().cost.total)
        for name, experiment in chosen.items()
        for seed, identity in hashes(experiment, seeds[:1] if name in FURTHER else seeds).items()
        if identity not in found
    ]
    yield from sorted(tasks, key=lambda task: (task.seconds * (task.seed + 1), task.seed))


def measured(task: Task, options: argparse.Namespace) -> dict[str, Any]:
    """Make a run in a process of its own, whose memory is that of the run, and read what is wanted of it."""
    folder = options.runs / f"{re.sub(r'[^a-z0-9_]+', '-', task.name)}-{task.seed}"
    threads = 2 if task.name in FURTHER else options.threads
    words = ["run", *task.name.split(), "--seed", str(task.seed), "--threads", str(threads), "--out", str(folder)]
    command = [sys.executable, "-P", str(ROOT / "network" / "__main__.py"), *words, "--resume", "--no-figures", "-q"]
    paths = os.pathsep.join([str(ROOT), str(ROOT / "packaging"), os.environ.get("PYTHONPATH", "")])
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": paths})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = Run.open(folder)
    judgement = judge_run(run, run_targets(run))
    rows = [
        {"quantity": row["quantity"], "of": str(of), "value": _plain(row["value"]), "verdict": row["verdict"]}
        for of, row in judgement.rows.iterrows()
    ]
    seconds = run.timers["seconds"]
    entry = {
        "name": task.name,
        "seed": task.seed,
        "n_neurons": run.record["n_neurons"],
        "n_synapses": run.record["n_synapses"],
        "t_presim": run.plan["t_presim"],
        "t_sim": run.plan["t_sim"],
        "threads": threads,
        "cpu": run.record["machine"]["cpu"],
        "commit": run.record["git"]["commit"],
        "memory_bytes": run.record["peak_memory_bytes"],
        "build_seconds": seconds["create"] + seconds["connect"],
        "processor_seconds": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "rows": rows,
        "notes": list(judgement.notes),
    }
    if not options.keep:
        shutil.rmtree(folder)
    return entry


def _plain(value: Any) -> float | None:
    return None if value != value else float(f"{float(value):.6g}")


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write whole or not at all: the next run of the script needs it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".tmp")
    scratch.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    scratch.replace(path)


HEAD = """# Every network in every state: measured against what is known

*Written by `python scripts/table_of_networks.py`, which runs what is missing; do not edit.*

Networks are run as their files say (size, warm-up, recording), with up to {seeds} seeds: a seed decides wiring, cells
and input. **Mean** is over seeds, the range in brackets their lowest and highest value. **Inside** is how many seeds
are inside the window that `targets.yaml` of the network has, of those whose recording is long enough to tell; what a
source gives beside it is shown where it gives a number.
Rates are in spikes/s; what the measures are, says [networks.md](../howto/networks.md#targetsyaml).

Time is the processor time of the whole command on one thread ({cpu}; those with options on two), of the quickest seed,
compilation included where no seed found its models compiled; – where it was not measured. Memory is the largest that
the process had.
[performance.md](performance.md) has undisturbed times of the parts. The code was that of {commits}.
"""
UNJUDGED = (NONE, SHORT)
NO_TARGETS = "nothing is published or checked to hold it against"


def page(chosen: dict[str, Experiment], found: dict[str, Any], seeds: int) -> str:
    """The page from what was measured."""
    entries = {
        name: [found[hash] for hash in hashes(experiment, range(1, seeds + 1)).values() if hash in found]
        for name, experiment in chosen.items()
    }
    cpus = sorted({entry["cpu"] for several in entries.values() for entry in several})
    commits = sorted(
        {str(entry.get("commit"))[:7] for several in entries.values() for entry in several if entry.get("commit")}
    )
    said = f"commit {', '.join(commits)}" if commits else "no commit"
    parts = [HEAD.format(seeds=seeds, cpu=", ".join(cpus), commits=said), overview(chosen, entries)]
    for name, several in entries.items():
        if several:
            parts.append(state(name, chosen[name], several))
    return "\n".join(parts)


def targets_of(experiment: Experiment) -> Targets | None:
    meta = experiment.spec.meta
    if meta.state is None or meta.state not in states_with_targets(meta.model):
        return None
    return load_targets(meta.model, meta.state)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: str) -> str:
    marks = ["---:" if side == "r" else "---" for side in right]
    return "\n".join("| " + " | ".join(row) + " |" for row in (header, marks, *rows)) + "\n"


def overview(chosen: dict[str, Experiment], entries: dict[str, list[dict[str, Any]]]) -> str:
    """One row per network and state."""
    rows, not_run = [], []
    for name, several in entries.items():
        if not several:
            not_run.append(name)
            continue
        first = several[0]
        judged = [row for entry in several for row in entry["rows"] if row["verdict"] not in UNJUDGED]
        inside = sum(row["verdict"] == PASS for row in judged)
        anchor = re.sub(r"[^a-z0-9_ -]", "", name).replace(" ", "-")
        rows.append(
            [
                f"[{name}](#{anchor})",
                f"{first['n_neurons']:,}",
                f"{first['n_synapses']:,}",
                f"{(first['t_presim'] + first['t_sim']) / 1000:g} s",
                str(len(several)),
                f"{inside} of {len(judged)}" if judged else "–",
                processor_time(several),
                human_bytes(max(entry["memory_bytes"] for entry in several)),
            ]
        )
    header = ["network", "cells", "synapses", "simulated", "seeds", "inside", "time", "memory"]
    text = table(header, rows, "lrrrrrrr")
    return text + (f"\nNot run yet: {', '.join(not_run)}.\n" if not_run else "")


def processor_time(several: list[dict[str, Any]]) -> str:
    """Of the quickest run: in others a model may have been compiled."""
    known_times = [entry["processor_seconds"] for entry in several if "processor_seconds" in entry]
    return f"{min(known_times):.3g} s" if known_times else "–"


def state(name: str, experiment: Experiment, several: list[dict[str, Any]]) -> str:
    """All measures of a network in a state."""
    targets = targets_of(experiment)
    model = experiment.spec.meta.model
    look = load_presentation(model)
    references = targets.references if targets else {}
    keys: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for entry in several:
        for row in entry["rows"]:
            keys.setdefault((row["quantity"], row["of"]), []).append(row)
    rows = []
    for (quantity, of), those in sorted(keys.items(), key=lambda item: list(known()).index(item[0][0])):
        window = targets.windows.get(quantity, {}).get(of) if targets else None
        beside = [targets.value(key, quantity, of) if targets else None for key in references]
        if window is None and quantity != "rate" and all(value is None for value in beside):
            continue
        values = [row["value"] for row in those if row["value"] is not None]
        n_judged = sum(row["verdict"] not in UNJUDGED for row in those)
        good = sum(row["verdict"] == PASS for row in those)
        rows.append(
            [
                known()[quantity].short,
                of,
                spread(values),
                f"{window[0]:g} – {window[1]:g}" if window else "–",
                ("" if good == n_judged else "**") + f"{good} of {n_judged}" + ("" if good == n_judged else "**")
                if window and n_judged
                else "–",
                *(number(value) if value is not None else "–" for value in beside),
            ]
        )
    labels = [look.references[key].label if key in look.references else key for key in references]
    notes = [f"{experiment.spec.meta.title}; seeds {', '.join(str(entry['seed']) for entry in several)}."]
    if name in FURTHER:
        notes.append("Larger or longer than the files say.")
    if targets is None:
        notes.append(f"No targets: {NO_TARGETS}.")
    elif targets.windows:
        notes.append(f"Windows: {targets.acceptance_source}.")
    if (ROOT / "docs" / "networks" / f"{model}.md").is_file():
        notes.append(f"What deviates, and why: [{model}.md](../networks/{model}.md).")
    notes += dict.fromkeys(f"{note}." for entry in several for note in entry["notes"])
    head = ["measure", "of", "mean", "window", "inside", *labels]
    return f"\n## {name}\n\n{' '.join(notes)}\n\n" + table(head, rows, "llr" + "r" * (len(head) - 3))


def spread(values: list[float]) -> str:
    """Mean of seeds, and their range."""
    if not values:
        return "–"
    mean = number(statistics.fmean(values))
    return mean if len(values) == 1 else f"{mean} ({number(min(values))} – {number(max(values))})"


if __name__ == "__main__":
    main()
