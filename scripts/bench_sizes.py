"""Twenty times the network: time and memory of building and of 100 ms, from 80,000 to 1.6 million cells.

Each size runs in a process of its own, `bench_network.py --one as-built`. What has been measured before is kept in
docs/data/sizes.json; the largest needs 16 GB and two minutes on two cores.

    python scripts/bench_sizes.py                       what is missing, the table, and docs/figures/sizes.png
    python scripts/bench_sizes.py --sizes 80000 --again
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt

ROOT = Path(__file__).resolve().parents[1]
DATA, FIGURE = ROOT / "docs" / "data" / "sizes.json", ROOT / "docs" / "figures" / "sizes.png"
SIZES = (80_000, 160_000, 320_000, 800_000, 1_600_000)
Rows = dict[int, dict[str, float]]


def measured(size: int, threads: int) -> dict[str, float]:
    """Seconds per phase and GB of one size."""
    print(f"{size:,} cells ...", file=sys.stderr, flush=True)
    command = [
        sys.executable,
        str(ROOT / "scripts" / "bench_network.py"),
        "--one",
        "as-built",
        "--n-neurons",
        str(size),
    ]
    command += ["--t-sim", "100", "--warm-up", "0", "--threads", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if not lines:
        sys.exit(f"{size:,} cells failed:\n{done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(lines[0].removeprefix("RESULT "))
    return found


def synapses(row: dict[str, float]) -> float:
    """Millions of synapses."""
    return row["connect"] / row["connect/M"]


def table(rows: Rows) -> str:
    """Markdown."""
    lines = [
        "| neurons | synapses (million) | create (s) | connect (s) | prepare (s) | 100 ms (s) | peak memory (GB) "
        "| connect, ns per synapse | bytes per synapse |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for size, row in sorted(rows.items()):
        seconds = [row["create"], row["connect"], row["prepare"], row["RTF"] / 10.0]
        each = [1e3 * row["connect/M"], 1e3 * row["GB"] / synapses(row)]
        cells = [f"{size:,}", f"{synapses(row):,.0f}", *(f"{v:.1f}" for v in [*seconds, row["peak"], *each])]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(rows: Rows) -> None:
    """Nanoseconds and bytes per synapse over the size."""
    sizes = sorted(rows)
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.0, 3.2), layout="constrained")
    for phase in ("create", "connect", "prepare"):
        values = [1e3 * rows[size][phase] / synapses(rows[size]) for size in sizes]
        left.plot(sizes, values, "o-", label=phase)
    left.set_ylabel("time per synapse (ns)")
    left.legend(frameon=False)
    right.plot(sizes, [1e3 * rows[size]["GB"] / synapses(rows[size]) for size in sizes], "o-", color="C3")
    right.set_ylabel("memory per synapse (bytes)")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xticks(sizes, [f"{size / 1000:,.0f}" for size in sizes])
        axes.minorticks_off()
        axes.set_ylim(0, 1.1 * axes.get_ylim()[1])
        axes.set_xlabel("neurons (thousands)")
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(FIGURE, dpi=150)


def main() -> None:
    """Measure what is missing, then show all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--again", action="store_true", help="also what is in the file")
    args = parser.parse_args()
    rows: Rows = {int(k): v for k, v in json.loads(DATA.read_text()).items()} if DATA.is_file() else {}
    for size in args.sizes:
        if args.again or size not in rows:
            rows[size] = measured(size, args.threads)
            DATA.write_text(json.dumps(dict(sorted(rows.items())), indent=1) + "\n")
    print(table(rows))
    draw(rows)


if __name__ == "__main__":
    main()
