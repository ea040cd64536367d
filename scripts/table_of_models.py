"""All neurons that NESTML installs, and ours: which code builds them, how well it agrees, how fast it is.

Writes docs/notes/models.md from docs/data/models.json. Every part of a row that was measured before is taken from
there, so that models can be added one by one, and speed measured when nothing else runs.

    python scripts/table_of_models.py                          what is not in the file, and the page
    python scripts/table_of_models.py --parts compile          compile alone; about 75 s of a core per model
    python scripts/table_of_models.py --parts agree network    all but the speed
    python scripts/table_of_models.py --parts speed --budget 150      for 150 s
    python scripts/table_of_models.py --models iaf_cond_exp_neuron qif_msn --again
    python scripts/table_of_models.py --parts                  write the page from the file

Every model is compared with what NESTML's default code does at a tolerance of 1e-10 (target reference, which needs the
headers of the GSL) and with NEST's built-in model of the same equations, where there is one. The protocol is in
scripts/neurons/neuron_protocol.py, that of networks in scripts/neurons/in_network.py.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent / "neurons"))
import compare
import in_network
import models_page
from models_page import TARGETS

from network.codegen import BuiltModule
from network.errors import Error
from network.experiment.nestml import ModelInterface, parse_nestml, read_nestml
from network.resources import nestml_dir

ROOT = Path(__file__).resolve().parents[1]
DATA, PAGE = ROOT / "docs" / "data" / "models.json", ROOT / "docs" / "notes" / "models.md"
INSTALLED = in_network.INSTALLED
PARTS = ("compile", "agree", "network", "speed")
ROUNDS = 2
Rows = dict[str, dict[str, Any]]


def files() -> dict[str, Path]:
    """All models by name."""
    return {path.stem: path for folder in (INSTALLED, nestml_dir()) for path in sorted(folder.glob("*.nestml"))}


def modules_of(paths: Sequence[Path], rows: Rows) -> dict[str, BuiltModule]:
    """Compile models with all targets; what is refused is noted in their rows."""
    found = {}
    for target in TARGETS:
        good = [path for path in paths if "refused" not in rows[path.stem].get(target, {})]
        module, refused = compare.built(good, target) if good else (None, {})
        for name, reason in refused.items():
            rows[name][target] = {"refused": reason}
        if module is not None:
            found[target] = module
    return found


def agree(paths: Sequence[Path], rows: Rows) -> None:
    """Compare the targets with each other and with NEST's own models."""
    texts = {path.stem: read_nestml(path) for path in paths}
    interfaces: dict[str, ModelInterface] = {path.stem: parse_nestml(texts[path.stem], str(path)) for path in paths}
    results: dict[str, compare.Result] = {}
    for target, module in modules_of(paths, rows).items():
        of_module = {name: interface for name, interface in interfaces.items() if name in module.models}
        results[target] = compare.run(compare.job_of(of_module, module))
    plain = results.get("plain", {})
    results["twin"] = compare.twins({n: i for n, i in interfaces.items() if f"{n}/spikes" in plain}, plain)
    for name in interfaces:
        row = rows[name]
        row["random"] = "random_" in texts[name]
        if f"{name}/values" in results.get("reference", {}):
            known = json.loads(str(results["reference"][f"{name}/values"]))
            row["gsl"] = any(key in known for key in compare.protocol.TOLERANCES)
        for target in TARGETS if not row["random"] else ():
            for other in ("twin",) if target == "reference" else ("reference", "twin"):
                pair = results.get(target, {}), results.get(other, {})
                if all(f"{name}/spikes" in result for result in pair):
                    found = compare.difference(name, *pair)
                    steps = found.steps if math.isfinite(found.steps) else None
                    row.setdefault(target, {})[other] = {
                        "mV": found.potential,
                        "steps": steps,
                        "spikes": found.n_spikes,
                    }
        row["agree"] = True


def speed(paths: Sequence[Path], rows: Rows) -> None:
    """Time all targets in turn, so that other work on the machine hits all of them."""
    interfaces = {path.stem: parse_nestml(read_nestml(path), str(path)) for path in paths}
    modules = modules_of(paths, rows)
    best: dict[tuple[str, str], float] = {}
    for _ in range(ROUNDS):
        for target, module in modules.items():
            of_module = {n: i for n, i in interfaces.items() if n in module.models}
            seconds = compare.run(compare.job_of(of_module, module) | {"timed": True})
            for name in of_module:
                best[name, target] = min(best.get((name, target), math.inf), float(seconds[f"{name}/ns"]))
    for (name, target), ns in best.items():
        rows[name].setdefault(target, {})["ns"] = round(ns, 1)
    for name in interfaces:
        rows[name]["speed"] = _processor()


def network(paths: Sequence[Path], rows: Rows) -> None:
    """Put models into a network, with the fast code and with the general one."""
    for path in paths:
        row = rows[path.stem]
        if "refused" in row.get("vectorised", {}):
            row["network"] = {"refused": "no second code to compare with"}
            continue
        try:
            found = in_network.difference(path.stem)
        except Error as error:
            row["network"] = {"refused": str(error).splitlines()[0]}
            continue
        row["network"] = {"spikes": found.spikes, "steps": found.steps, "mV": found.mV}


def todo(part: str, names: Iterable[str], rows: Rows, again: bool) -> list[str]:
    """Models of which a part is not in the file."""
    return [name for name in names if again or part == "compile" or part not in rows.get(name, {})]


def save(rows: Rows, known: dict[str, Path]) -> None:
    """Write the file and the page, with what other processes have added to the file meanwhile."""
    there = json.loads(DATA.read_text()) if DATA.is_file() else {}
    ordered = {name: rows.get(name) or there.get(name, {}) for name in known}
    DATA.write_text(json.dumps({name: row for name, row in ordered.items() if row}, indent=1) + "\n")
    PAGE.write_text(models_page.page(ordered, version("nestml")))


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "processor not known")


def main() -> None:
    """Measure what is asked for, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", help="these alone; by default all")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS, help="what to do")
    parser.add_argument("--again", action="store_true", help="also what is in the file")
    parser.add_argument("--together", type=int, default=6, help="models of one module")
    parser.add_argument("--budget", type=float, default=math.inf, help="begin nothing after so many seconds")
    args = parser.parse_args()
    os.environ.setdefault("BGNEST_MODELS", str(INSTALLED))
    known = files()
    if unknown := sorted(set(args.models or ()) - set(known)):
        parser.error(f"no model {', '.join(unknown)}; there are {', '.join(known)}")
    begin = time.monotonic()
    steps = {"compile": modules_of, "agree": agree, "network": network, "speed": speed}
    for part in args.parts:
        wanted = todo(part, args.models or known, json.loads(DATA.read_text()) if DATA.is_file() else {}, args.again)
        size = 1 if part == "network" else args.together
        for start in range(0, len(wanted), size):
            if time.monotonic() - begin > args.budget:
                break
            names = wanted[start : start + size]
            before = json.loads(DATA.read_text()) if DATA.is_file() else {}
            rows: Rows = {name: before.get(name, {}) for name in names}
            steps[part]([known[name] for name in names], rows)
            save(rows, known)
            print(f"{part}: {', '.join(names)}", flush=True)
    save({}, known)
    for name in models_page.unknown(json.loads(DATA.read_text())):
        print(f"{name} misses an aim: nobody has said why", file=sys.stderr)


if __name__ == "__main__":
    main()
