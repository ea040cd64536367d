"""All neurons that NESTML installs, and ours: which code builds them, how well it agrees, how fast it is.

Writes the table of docs/notes/models.md from docs/data/models.json; a row that was measured before is taken from
there, so that models can be added one by one.

    python scripts/table_of_models.py                          what is not in the file, and the table
    python scripts/table_of_models.py --models iaf_cond_exp_neuron qif_msn --again
    python scripts/table_of_models.py --only-table

Every model is compared with what NESTML's default code does at a tolerance of 1e-10 (target reference, which needs the
headers of the GSL) and with NEST's built-in model of the same equations, where there is one. The protocol is in
scripts/neurons/neuron_protocol.py.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent / "neurons"))
import compare
import neuron_protocol as protocol

from network.experiment.nestml import parse_nestml, read_nestml
from network.resources import nestml_dir

ROOT = Path(__file__).resolve().parents[1]
DATA, PAGE = ROOT / "docs" / "data" / "models.json", ROOT / "docs" / "notes" / "models.md"
INSTALLED = Path(sys.prefix) / "models" / "neurons"
TARGETS = ("vectorised", "plain", "reference")
ROUNDS = 2


def files() -> dict[str, Path]:
    """All models by name."""
    return {path.stem: path for folder in (INSTALLED, nestml_dir()) for path in sorted(folder.glob("*.nestml"))}


def measured(names: Sequence[str], known: dict[str, Path]) -> dict[str, dict[str, Any]]:
    """Rows of some models."""
    paths = [known[name] for name in names]
    rows: dict[str, dict[str, Any]] = {name: {} for name in names}
    interfaces = {path.stem: parse_nestml(read_nestml(path), str(path)) for path in paths}
    results, jobs = {}, {}
    for target in TARGETS:
        module, refused = compare.built(paths, target)
        for name, reason in refused.items():
            rows[name][target] = {"refused": reason}
        if module is not None:
            of_module = {name: interfaces[name] for name in interfaces if name in module.models}
            jobs[target] = compare.job_of(of_module, module)
            results[target] = compare.run(jobs[target])
    for _ in range(ROUNDS):  # in turn, so that other work on the machine hits all of them
        for target, job in jobs.items():
            seconds = compare.run({**job, "timed": True})
            for name in job["models"]:
                row = rows[name].setdefault(target, {})
                row["ns"] = min(row.get("ns", math.inf), round(float(seconds[f"{name}/ns"]), 1))
    if "plain" in results:
        theirs = compare.twins(
            {n: i for n, i in interfaces.items() if f"{n}/spikes" in results["plain"]}, results["plain"]
        )
        results["twin"] = theirs
    for name in names:
        rows[name]["random"] = "random_" in read_nestml(known[name])
        for target in TARGETS if not rows[name]["random"] else ():
            for other in ("twin",) if target == "reference" else ("reference", "twin"):
                pair = results.get(target, {}), results.get(other, {})
                if all(f"{name}/spikes" in result for result in pair):
                    found = compare.difference(name, *pair)
                    rows[name].setdefault(target, {})[other] = {
                        "mV": found.potential,
                        "steps": found.steps if math.isfinite(found.steps) else None,
                        "spikes": found.n_spikes,
                    }
    return rows


def _difference(entry: dict[str, Any] | None) -> str:
    if entry is None:
        return "-"
    steps = "other number" if entry["steps"] is None else f"{entry['steps']:g}"
    return f"{entry['mV']:.1g} mV, {steps}"


def _code(row: dict[str, Any], target: str) -> str:
    entry = row.get(target)
    if entry is None:
        return "-"
    return "no" if "refused" in entry else f"{entry['ns']:.0f}"


def page(rows: dict[str, dict[str, Any]]) -> str:
    """Text of the page."""
    head = (
        "| model | vectorised | plain | reference | fast code | against reference | NEST's own | against it |"
        " reference against it |\n"
        "| --- | ---: | ---: | ---: | ---: | --- | --- | --- | --- |\n"
    )
    lines, left_out = [], []
    for name, row in sorted(rows.items()):
        best = "vectorised" if "ns" in row.get("vectorised", {}) else "plain"
        entry, reference = row.get(best, {}), row.get("reference", {}).get("ns")
        ratio = f"{reference / entry['ns']:.0f} x" if reference and entry.get("ns") else "-"
        codes = " | ".join(_code(row, target) for target in TARGETS)
        twin = protocol.TWINS.get(name, "-")
        against = [_difference(entry.get(other)) for other in ("reference", "twin")]
        theirs = _difference(row.get("reference", {}).get("twin"))
        if row.get("random"):
            against[0] = "draws random numbers"
        lines.append(f"| `{name}` | {codes} | {ratio} | {against[0]} | {twin} | {against[1]} | {theirs} |")
        left_out += [
            f"* `{name}`, {target}: {row[target]['refused']}" for target in TARGETS if "refused" in row.get(target, {})
        ]
    return INTRODUCTION + head + "\n".join(lines) + "\n" + ("\n" + "\n".join(left_out) + "\n" if left_out else "")


INTRODUCTION = """# Models: what builds, agrees, and how fast

Made by `python scripts/table_of_models.py`: all neurons that NESTML 9.0 installs, and the six of this package.

* **vectorised, plain, reference**: nanoseconds per cell and step of 0.1 ms, 1,000 cells on one thread with a constant
  current; `no`: the target refuses the model, see below the table. **fast code**: NESTML's default (reference) over the
  code that `--target auto` takes.
* **against**: largest difference of the membrane potential as long as the spikes are the same, and largest distance of
  corresponding spikes in steps; ten cells with a step of current, and random spikes at every port
  (`scripts/neurons`). The reference is NESTML's default code with a tolerance of 1e-10, which tests for
  spikes at the end of a step; NEST's own models have their default tolerances. "other number": of spikes.
* `-`: not measured yet, or there is none.

"""


def main() -> None:
    """Measure what is asked for, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", help="these alone; by default all")
    parser.add_argument("--again", action="store_true", help="also what is in the file")
    parser.add_argument("--only-table", action="store_true", help="write the page from the file")
    parser.add_argument("--together", type=int, default=6, help="models of one module")
    args = parser.parse_args()
    known = files()
    rows: dict[str, dict[str, Any]] = json.loads(DATA.read_text()) if DATA.is_file() else {}
    wanted = [name for name in args.models or known if args.again or name not in rows]
    for start in range(0, 0 if args.only_table else len(wanted), args.together):
        rows |= measured(wanted[start : start + args.together], known)
        DATA.write_text(json.dumps(dict(sorted(rows.items())), indent=1) + "\n")
    PAGE.write_text(page({name: rows.get(name, {}) for name in known}))


if __name__ == "__main__":
    main()
