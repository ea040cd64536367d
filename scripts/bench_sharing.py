"""What one build for many runs is worth: the points of a cortical rate axis, shared against separate, alternating.

``shared`` is one ``bgnest batch`` with two children at a time, ``separate`` a ``bgnest run`` per point, two processes
at a time, as the workflow of a scan starts them. One thread per run. Prints wall and processor time, the largest
memory of all processes together (proportional set size), medians over the rounds and their ratios, and whether the
spikes are equal.

    python scripts/bench_sharing.py
    python scripts/bench_sharing.py --points 4 --n-neurons 80000 --rounds 1
"""

from __future__ import annotations

import argparse
import resource
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil

from network import program

BGNEST = program.command()
POINT = """overlay_of: lindahl2016/activation_control
network: {{n_neurons: {{value: {n}, unit: 1, assumed: benchmark}}}}
simulation:
  t_presim: {{value: {presim}, unit: ms, assumed: benchmark}}
  t_sim: {{value: {sim}, unit: ms, assumed: benchmark}}
recording: {{traces: null}}
inputs:
  CTX_to_MSN_D1: {{rate: {{scale: {factor}}}}}
  CTX_to_MSN_D2: {{rate: {{scale: {factor}}}}}
  CTX_to_FSN: {{rate: {{scale: {factor}}}}}
  CTX_to_STN: {{rate: {{scale: {factor}}}}}
"""


def shared(files: list[Path], out: Path, workers: int) -> None:
    run([*BGNEST, "batch", *map(str, files), "--out", str(out), "--workers", str(workers), "--quiet"])


def separate(files: list[Path], out: Path, workers: int) -> None:
    def one(file: Path) -> None:
        run([*BGNEST, "run", str(file), "--out", str(out / file.stem), "--no-figures", "--quiet"])

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(one, files))


def run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def cpu_seconds() -> float:
    """Processor time of all processes that this one has started and that have ended, with theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Memory(threading.Thread):
    """Largest proportional set size of all descendants of this process."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.largest, self.ended = 0, threading.Event()

    def run(self) -> None:
        """Look twice a second until `ended` is set."""
        while not self.ended.wait(0.5):
            self.largest = max(self.largest, sum(sizes(psutil.Process().children(recursive=True))))


def sizes(processes: Iterable[psutil.Process]) -> Iterable[int]:
    for process in processes:
        try:
            yield process.memory_full_info().pss
        except psutil.Error:  # has ended
            continue


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=8)
    parser.add_argument("--n-neurons", type=int, default=10_000)
    parser.add_argument("--t-presim", type=float, default=500.0, help="ms (default 500)")
    parser.add_argument("--t-sim", type=float, default=1000.0, help="ms (default 1000)")
    parser.add_argument("--workers", type=int, default=2, help="runs at the same time (default 2)")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    seconds: dict[str, list[float]] = {"separate": [], "shared": []}
    cpu: dict[str, list[float]] = {"separate": [], "shared": []}
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for k in range(args.points):
            factor = 0.8 + 0.4 * k / max(1, args.points - 1)
            files.append(Path(folder) / f"rate-{factor:.3f}.yaml")
            files[-1].write_text(
                POINT.format(n=args.n_neurons, presim=args.t_presim, sim=args.t_sim, factor=f"{factor:.3f}")
            )
        run([*BGNEST, "models", "build", "aeif_gpe", "aeif_stn", "qif_fsn", "qif_msn"])
        for number in range(args.rounds):
            spikes = {}
            for name, variant in (("separate", separate), ("shared", shared)):
                out, memory = Path(folder) / name, Memory()
                start, before = time.perf_counter(), cpu_seconds()
                memory.start()
                variant(files, out, args.workers)
                seconds[name].append(time.perf_counter() - start)
                memory.ended.set()
                cpu[name].append(cpu_seconds() - before)
                took = f"{seconds[name][-1]:.1f} s, {cpu[name][-1]:.1f} s of processor time"
                print(f"round {number + 1}: {name} {took}, {memory.largest / 1e9:.2f} GB", flush=True)
                spikes[name] = [(out / file.stem / "spikes.h5").read_bytes() for file in files]
                shutil.rmtree(out)
            print(f"spikes equal, byte for byte: {spikes['separate'] == spikes['shared']}")
    for what, measured in (("wall time", seconds), ("processor time", cpu)):
        medians = {name: statistics.median(values) for name, values in measured.items()}
        text = ", ".join(f"{name} {value:.1f} s" for name, value in medians.items())
        print(f"{what}, median of {args.rounds}: {text}; ratio {medians['separate'] / medians['shared']:.2f}")


if __name__ == "__main__":
    main()
