"""The whole network beside Brian2: seconds to build and to simulate, memory, and whether both fire alike.

Brian2 gets the same network in its C++ standalone mode, made from our plan (`scripts/brian2_network.py` says what
is how), in an environment of its own that is made at the first call. The first call also compiles Brian2's programs, a
few minutes each; they are kept. Both simulators run in turn, each in a process of its own; medians are printed.

    python scripts/bench_brian2.py                          10,000 cells, one and two threads
    python scripts/bench_brian2.py --rounds 5 --json times.json
    python scripts/bench_brian2.py --n-neurons 2000 --threads 1

Columns:
    build   seconds until the loop over time begins. Brian2: from the start of its program; compiling is not counted, as
            it is not here. Ours: create + connect + inputs + recorders + prepare, by the timers of the run; what comes
            before, Python's and NEST's start, is the column `start`.
    MB      largest resident memory of the process until the loop has ended; `before` is that before the network
    second  seconds per second of biological time, over warm-up and recording
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from bench_neuron import brian2_python  # noqa: E402

from network.experiment import load_experiment  # noqa: E402
from network.plans import make_plan  # noqa: E402
from network.refusals import cache_root  # noqa: E402

EXPERIMENT = "lindahl2016/activation_control"
WARM_UP, T_SIM = 500.0, 1000.0  # ms
BUILDING = ("create", "connect", "inputs", "recorders", "prepare")
Result = dict[str, Any]


def overrides(n_neurons: int) -> list[str]:
    """Changes of the experiment: no traces, which Brian2 does not record either."""
    return [f"network.n_neurons={n_neurons}", "recording.traces=null", f"simulation.t_presim={WARM_UP}"]


def ours(n_neurons: int, threads: int) -> Result:
    """Run the command and read what it has measured of itself."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        changes = [part for change in overrides(n_neurons) for part in ("--set", change)]
        command = [sys.executable, "-P", str(HERE.parent / "network" / "__main__.py"), "run", EXPERIMENT]
        options = ["--threads", str(threads), "--t-sim", str(T_SIM), "--out", str(run), "--quiet", "--no-figures"]
        begin = time.monotonic()
        _checked([*command, *options, *changes])
        whole = time.monotonic() - begin
        timers = json.loads((run / "timers.json").read_text())
        record = json.loads((run / "record.json").read_text())
    seconds, memory = timers["seconds"], timers["memory_bytes"]
    build = sum(seconds[name] for name in BUILDING)
    simulate = seconds["presimulate"] + seconds["simulate"]
    plan = make_plan(load_experiment(EXPERIMENT, overrides=overrides(n_neurons)))
    sizes = {population.name: population.n_neurons for population in plan.populations}
    return {
        "start": whole - build - simulate - seconds["write"],
        "build": build,
        "second": simulate / (WARM_UP + T_SIM) * 1e3,
        "MB": memory["peak"] / 1e6,
        "before": memory["base"] / 1e6,
        "rates": {name: count / sizes[name] / T_SIM * 1e3 for name, count in record["n_spikes"].items()},
    }


def brian2_program(n_neurons: int, threads: int) -> Path:
    """Folder with Brian2's program; compiled if it is not there."""
    plan = make_plan(load_experiment(EXPERIMENT, overrides=overrides(n_neurons)))
    folder = cache_root() / "brian2-networks" / f"{plan.network_hash[:12]}-{threads}"
    if not (folder / "main").is_file():
        print(f"compiling Brian2's program for {threads} thread(s) (once) ...", file=sys.stderr, flush=True)
        python = brian2_python()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "plan.json").write_text(json.dumps(plan.to_dict()))
        script = HERE / "brian2_network.py"
        times = ["--warm-up", str(WARM_UP), "--time", str(T_SIM)]
        environment = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}"}
        environment.pop("PYTHONPATH", None)
        command = [str(python), str(script), str(folder / "plan.json"), str(folder), "--threads", str(threads)]
        _checked([*command, *times], env=environment)
    return folder


def brian2(n_neurons: int, threads: int) -> Result:
    """Run Brian2's program and read its marks."""
    folder = brian2_program(n_neurons, threads)
    sizes = {p["name"]: p["n_neurons"] for p in json.loads((folder / "plan.json").read_text())["populations"]}
    begin = time.monotonic()
    lines = [line.split() for line in _checked(["./main"], cwd=folder).splitlines()]
    marks = {words[1]: [float(word) for word in words[2:]] for words in lines if words[:1] == ["MARK"]}
    return {
        "start": 0.0,
        "build": marks["begin"][0] - begin,
        "second": (marks["end"][0] - marks["begin"][0]) / (WARM_UP + T_SIM) * 1e3,
        "MB": marks["end"][2] * 1024 / 1e6,
        "before": float("nan"),
        "rates": {w[1]: int(w[2]) / sizes[w[1]] / T_SIM * 1e3 for w in lines if w[:1] == ["COUNT"]},
    }


def _checked(command: list[str], **options: Any) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


SIMULATORS = {"bgnest": ours, "Brian2": brian2}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-neurons", type=int, default=10_000)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--simulators", nargs="+", choices=SIMULATORS, default=list(SIMULATORS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write all measurements to this file")
    args = parser.parse_args()
    for threads in args.threads if "Brian2" in args.simulators else ():
        brian2_program(args.n_neurons, threads)
    results: dict[tuple[str, int], list[Result]] = {}
    for _ in range(args.rounds):
        for threads in args.threads:
            for name in args.simulators:
                results.setdefault((name, threads), []).append(SIMULATORS[name](args.n_neurons, threads))
    show(results, args.n_neurons)
    if args.json:
        args.json.write_text(json.dumps([[*key, rounds] for key, rounds in results.items()], indent=1))


def show(results: dict[tuple[str, int], list[Result]], n_neurons: int) -> None:
    """Table of medians, then rates."""
    columns = ("start", "build", "second", "MB", "before")
    print(f"{EXPERIMENT}, {n_neurons:,} cells; medians of {len(next(iter(results.values())))}")
    print(f"{'simulator':<10}{'threads':>8}" + "".join(f"{column:>9}" for column in columns))
    for (name, threads), rounds in results.items():
        medians = [statistics.median(r[column] for r in rounds) for column in columns]
        print(f"{name:<10}{threads:>8}" + "".join(f"{value:>9.3g}" for value in medians))
    print("\nrates (spikes/s)")
    populations = next(iter(results.values()))[0]["rates"]
    print(f"{'':<18}" + "".join(f"{name:>10}" for name in populations))
    for (name, threads), rounds in results.items():
        print(f"{name + ', ' + str(threads):<18}" + "".join(f"{rounds[0]['rates'][p]:>10.3g}" for p in populations))


if __name__ == "__main__":
    main()
