"""The network on MPI processes: equality of results, strong and weak scaling, seconds and memory per phase.

    python scripts/bench_mpi.py                      all three, minutes
    python scripts/bench_mpi.py --only full          1 process x 2 threads against 2 x 1: same spikes, and the cost
    python scripts/bench_mpi.py --only strong        the same network on 1 and on 2 processes of one thread
    python scripts/bench_mpi.py --only weak          20,000 neurons per process on 1 and on 2 processes
    python scripts/bench_mpi.py --json FILE --show   the tables of measurements made before

All runs use the NEST that has MPI. Times mean something on a quiet machine only: each run waits for one.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from network.bench import measure
from network.plans.summary import table

EXPERIMENT = "lindahl2016/activation_control"
Run = tuple[int, int, int]  # neurons, ranks, threads


def series(n: int, per_process: int) -> dict[str, tuple[Run, Run]]:
    """Runs that are compared with each other."""
    return {
        "full": ((n, 1, 2), (n, 2, 1)),
        "strong": ((n, 1, 1), (n, 2, 1)),
        "weak": ((per_process, 1, 1), (2 * per_process, 2, 1)),
    }


def wait_until_quiet(load: float, minutes: float) -> None:
    """Wait until the load of the machine over a minute is below a limit, but not longer than some minutes."""
    deadline = time.monotonic() + 60.0 * minutes
    while os.getloadavg()[0] >= load and time.monotonic() < deadline:
        time.sleep(5.0)


def phases(measurements: list[measure.Measurement]) -> str:
    """Seconds of building and simulating, and memory."""
    header = ["neurons", "ranks x threads", *measure.PHASES, "real-time factor", "GB per rank", "GB in all", "load"]
    rows = [
        [
            f"{m.n_neurons:,}",
            f"{m.ranks} x {m.threads}",
            *(f"{m.seconds[name]:.1f}" for name in measure.PHASES),
            f"{m.real_time_factor:.1f}",
            f"{m.peak / 1e9:.2f}",
            f"{sum(rank['peak'] for rank in m.memory) / 1e9:.2f}",
            f"{m.load:.1f}",
        ]
        for m in measurements
    ]
    return table(header, rows, "r" * len(header))


def inside(measurements: list[measure.Measurement]) -> str:
    """NEST's own timers of warm-up and simulation: where the time goes."""
    names = ("update", "deliver_spike_data", "collocate_spike_data", "communicate_spike_data", "simulate")
    header = ["neurons", "ranks x threads", *names, "ns per cell and step", "us per slice exchanged"]
    rows = []
    for m in measurements:
        steps, slices = (m.t_presim + m.t_sim) / 0.1, (m.t_presim + m.t_sim) / 0.5
        update = m.nest_timers.get("update", float("nan")) * m.ranks * m.threads * 1e9 / (m.n_neurons * steps)
        exchange = m.nest_timers.get("communicate_spike_data", float("nan")) * 1e6 / slices
        seconds = [f"{m.nest_timers.get(name, float('nan')):.2f}" for name in names]
        rows.append([f"{m.n_neurons:,}", f"{m.ranks} x {m.threads}", *seconds, f"{update:.1f}", f"{exchange:.0f}"])
    return table(header, rows, "r" * len(header))


def compare(found: dict[Run, measure.Measurement], compared: dict[str, tuple[Run, Run]]) -> bool:
    """Say what the series show; returns whether all spikes are as they must be."""
    right = True
    for name, (one, other) in compared.items():
        first, last = found[one], found[other]
        if name == "full":
            right = first.digest == last.digest
            spikes = ", ".join(f"{m.ranks} x {m.threads}: {m.n_spikes:,}" for m in (first, last))
            verdict = "equal byte for byte" if right else "DIFFERENT"
            print(f"\nspikes {verdict} ({spikes}; sha256 {first.digest[:16]})")
            continue
        work = last.n_neurons / first.n_neurons
        print(f"\n{name} scaling, 1 to 2 processes: work done per second grows by")
        for phase in measure.PHASES:
            print(f"  {phase:<11} {work * first.seconds[phase] / last.seconds[phase]:.2f}")
    return right


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["full", "strong", "weak"], help="one of the comparisons")
    parser.add_argument("--n-neurons", type=int, default=80_000, help="size of the network (full, strong)")
    parser.add_argument("--per-process", type=int, default=20_000, help="neurons per process (weak)")
    parser.add_argument("--t-sim", type=float, default=1000.0, help="recorded time in ms")
    parser.add_argument("--t-presim", type=float, default=1000.0, help="warm-up in ms")
    parser.add_argument("--max-load", type=float, default=1.0, help="load below which the machine counts as quiet")
    parser.add_argument("--patience", type=float, default=30.0, help="minutes to wait for a quiet machine")
    parser.add_argument("--json", type=Path, help="file for the measurements")
    parser.add_argument("--show", action="store_true", help="measure nothing, show the file")
    arguments = parser.parse_args()
    compared = series(arguments.n_neurons, arguments.per_process)
    if arguments.only:
        compared = {arguments.only: compared[arguments.only]}
    wanted = list(dict.fromkeys(run for pair in compared.values() for run in pair))
    if arguments.show:
        measurements = measure.load(arguments.json)
    else:
        measurements = []
        with tempfile.TemporaryDirectory(prefix="bgnest-bench-") as folder:
            for n_neurons, ranks, threads in wanted:
                wait_until_quiet(arguments.max_load, arguments.patience)
                print(f"{n_neurons:,} neurons, {ranks} x {threads}", file=sys.stderr, flush=True)
                overrides = [
                    f"network.n_neurons={n_neurons}",
                    "network.small_network=multapses",
                    f"simulation.t_sim={arguments.t_sim}",
                    f"simulation.t_presim={arguments.t_presim}",
                ]
                out = Path(folder) / f"{n_neurons}-{ranks}x{threads}"
                measurements.append(measure.run(EXPERIMENT, overrides, ranks=ranks, threads=threads, out=out))
                if arguments.json:
                    measure.save(measurements, arguments.json)
    print(phases(measurements))
    print("\nNEST's timers over warm-up and simulation, largest over threads and ranks (s):\n")
    print(inside(measurements))
    return 0 if compare({(m.n_neurons, m.ranks, m.threads): m for m in measurements}, compared) else 1


if __name__ == "__main__":
    sys.exit(main())
