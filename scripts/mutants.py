"""Change the code at random places and see whether the tests notice: a sample of the mutants of cosmic-ray.

Each mutant is one change that cosmic-ray knows (another operator, number, comparison, a condition turned round, a loop
that is left out), in a copy of the checkout. The tests that run its line, shortest first, are run until one fails:
then it is killed. Nothing is asked of lines that no test runs: their mutants survive. Annotations are left alone, as
nobody computes with them, and so are pictures (`analysis/plots`), as few tests look at those.

    pip install cosmic-ray                                    besides what tests need; not in CI, this takes hours
    python scripts/mutants.py --number 400 --out mutants.jsonl     goes on where the file ends
    python scripts/mutants.py --out mutants.jsonl --show           survivors with their lines
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("network/plans", "network/analysis")
LEFT_OUT = ("network/analysis/plots/",)
TESTS = ("tests/unit/experiment", "tests/unit/analysis", "tests/unit/engine", "tests/unit/scan/test_plan.py")
LEAST, FACTOR = 20.0, 5.0
"""Seconds of processor time that tests of a mutant get at least, and how many times what they need without it."""
MEMORY = 4_000_000_000
"""Bytes that tests of a mutant may take."""
MOST = 90.0
"""Seconds of tests per mutant, as long as they take without it."""


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    file: str
    operator: str
    occurrence: int
    line: int


# --- what the tests run ----------------------------------------------------------------------------------------------


def measured(tree: Path, data: Path, tests: tuple[str, ...]) -> tuple[dict[str, dict[int, set[str]]], dict[str, float]]:
    """Tests by file and line, and seconds of each test; measured once."""
    times = data.with_suffix(".xml")
    if not (data.exists() and times.exists()):
        config = data.with_suffix(".cfg")
        config.write_text(f"[run]\nsource = {','.join(PACKAGES)}\ndata_file = {data}\n")
        options = [f"--cov={package}" for package in PACKAGES]
        options += [f"--cov-config={config}", "--cov-context=test", "--cov-report=", f"--junitxml={times}"]
        words = [sys.executable, "-m", "pytest", "-n", "0", "-q", "-p", "no:cacheprovider", *options, *tests]
        subprocess.run(words, cwd=tree, check=False)
    seconds: dict[str, float] = {}
    for case in ElementTree.parse(times).iter("testcase"):
        if not {part.tag for part in case} & {"failure", "error", "skipped"}:  # says nothing of a mutant
            place = str(case.get("classname")).replace(".", "/")
            seconds[f"{place}.py::{case.get('name')}"] = float(case.get("time", 0.0))
    return _covered(data), seconds


def _covered(data: Path) -> dict[str, dict[int, set[str]]]:
    from coverage.numbits import numbits_to_nums

    found: dict[str, dict[int, set[str]]] = {}
    with sqlite3.connect(data) as base:
        rows = base.execute(
            "select file.path, context.context, line_bits.numbits from line_bits "
            "join file on file.id = line_bits.file_id join context on context.id = line_bits.context_id"
        )
        for path, context, bits in rows:
            if context:
                lines = found.setdefault(path[path.rindex("/network/") + 1 :], {})
                for line in numbits_to_nums(bits):
                    lines.setdefault(line, set()).add(context.partition("|")[0])
    return found


# --- mutants ----------------------------------------------------------------------------------------------------------


def mutants(tree: Path) -> Iterator[Mutant]:
    """All that cosmic-ray can change in the packages."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    for file in sorted(path for package in PACKAGES for path in (tree / package).rglob("*.py")):
        name = file.relative_to(tree).as_posix()
        if name.startswith(LEFT_OUT):
            continue
        text = file.read_text(encoding="utf-8")
        passive, syntax = _annotations(text), get_ast(text)
        for operator_name in sorted(operator_names()):
            if operator_name.startswith(("core/Variable", "core/RemoveDecorator")):  # parts of dataclasses, mostly
                continue
            operator = get_operator(operator_name)()
            places = [place for node in ast_nodes(syntax) for place in operator.mutation_positions(node)]
            for number, (begins, _) in enumerate(places):
                if not any(begin <= begins < end for begin, end in passive):
                    yield Mutant(name, operator_name, number, begins[0])


def mutated(text: str, mutant: Mutant) -> str:
    """The code with one change."""
    from cosmic_ray.mutating import MutationVisitor
    from cosmic_ray.plugins import get_operator

    return str(MutationVisitor.mutate_code(text, get_operator(mutant.operator)(), mutant.occurrence))


Place = tuple[int, int]


def _annotations(text: str) -> list[tuple[Place, Place]]:
    """Begin and end (line, column) of all annotations, and of blocks for type checkers."""
    found: list[ast.expr | ast.stmt] = []
    for node in ast.walk(ast.parse(text)):
        found += [part for name in ("annotation", "returns") if (part := getattr(node, name, None)) is not None]
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            found.append(node)
    return [((n.lineno, n.col_offset), (n.end_lineno or 0, n.end_col_offset or 0)) for n in found]


def tests_of(
    mutant: Mutant, text: str, covered: dict[str, dict[int, set[str]]], seconds: dict[str, float]
) -> list[str]:
    """Tests that run the statement of a mutant, shortest first, for no more than `MOST` seconds."""
    inside = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt) and _has(node, mutant.line)]
    smallest = min(inside, key=lambda node: (node.end_lineno or 0) - node.lineno)
    body = [part.lineno for part in getattr(smallest, "body", []) if isinstance(part, ast.stmt)]
    last = min([smallest.end_lineno or mutant.line, *(line - 1 for line in body if line > mutant.line)])
    lines = covered.get(mutant.file, {})
    found = {test for line in range(smallest.lineno, last + 1) for test in lines.get(line, ())}
    if isinstance(smallest, ast.Assign | ast.AnnAssign | ast.ClassDef | ast.FunctionDef) and not found:  # at import
        found = {test for tests in lines.values() for test in tests}
    chosen, total = [], 0.0
    for test in sorted(found & seconds.keys(), key=lambda test: (seconds[test], test)):
        total += seconds[test]
        if total > MOST:
            break
        chosen.append(test)
    return chosen


def _has(node: ast.stmt, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


# --- one mutant -------------------------------------------------------------------------------------------------------


def outcome(tree: Path, mutant: Mutant, tests: list[str], limit: float) -> str:
    """``killed``, ``too long``, ``survived``, or ``no test``."""
    if not tests:
        return "no test"
    file = tree / mutant.file
    text, times = file.read_text(encoding="utf-8"), file.stat()
    try:
        file.write_text(mutated(text, mutant), encoding="utf-8")
        code = _tested(tree, tests, limit)
    finally:
        file.write_text(text, encoding="utf-8")
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # what is compiled of it is valid again
    return {0: "survived", 5: "no test", None: "too long"}.get(code, "killed")


def _tested(tree: Path, tests: list[str], limit: float) -> int | None:
    """Exit code of pytest in a fork that has the libraries but nothing of ours; None if it takes too long."""
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (int(limit), int(limit) + 1))
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))  # some mutants never stop to ask for more
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        os.chdir(tree)
        sys.path[:0] = [str(tree), str(tree / "packaging")]
        os.environ["PYTHONPATH"] = f"{tree}:{tree / 'packaging'}"
        sys.dont_write_bytecode = True
        import pytest

        code = 2
        try:
            code = int(pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--no-header", *tests]))
        finally:
            os._exit(code)
    deadline = time.monotonic() + 10.0 * limit
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            found = os.waitstatus_to_exitcode(status)
            return None if found in (-signal.SIGXCPU, -signal.SIGKILL) else found
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


# --- all of it --------------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=400, help="mutants in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("mutants.jsonl"), help="a line per mutant")
    parser.add_argument("--coverage", type=Path, help="file for what the tests run; measured if it is not there")
    parser.add_argument("--show", action="store_true", help="list the survivors of the file, run nothing")
    options = parser.parse_args()
    out = options.out.resolve()
    done = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
    if not options.show:
        with tempfile.TemporaryDirectory(prefix="bgnest-mutants-") as name:
            _sample(Path(name).resolve(), out, done, options)
    for one in done if options.show else []:
        if one["outcome"] in ("survived", "no test"):
            print(f"{one['file']}:{one['line']} {one['outcome']} ({one['operator']})")
            print("\n".join(f"  {line}" for line in one["change"]))
    counts = Counter(one["outcome"] for one in done)
    found = counts["killed"] + counts["too long"]
    print(f"{len(done)} mutants: {', '.join(f'{n} {what}' for what, n in counts.most_common())}")
    print(f"{100.0 * found / max(1, len(done)):.0f} % found")


def _sample(place: Path, out: Path, done: list[dict[str, object]], options: argparse.Namespace) -> None:
    tree = place / "checkout"
    tree.mkdir()
    for name in ("network", "packaging", "params", "nestml_models", "tests", "scripts", "docs", "pyproject.toml"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, tree / name)
    for library in ("numpy", "pandas", "scipy.stats", "scipy.signal", "h5py", "yaml", "pydantic", "typer", "pytest"):
        __import__(library)  # once for all forks
    data = (options.coverage or place / "coverage.db").resolve()
    covered, seconds = measured(tree, data, TESTS)
    every = list(mutants(tree))
    print(f"{len(every):,} mutants are possible")
    chosen = random.Random(options.seed).sample(every, min(options.number, len(every)))
    before = {(one["file"], one["operator"], one["occurrence"]) for one in done}
    for number, mutant in enumerate(chosen, 1):
        if (mutant.file, mutant.operator, mutant.occurrence) in before:
            continue
        text = (tree / mutant.file).read_text(encoding="utf-8")
        tests = tests_of(mutant, text, covered, seconds)
        limit = max(LEAST, FACTOR * sum(seconds[test] for test in tests))
        found = outcome(tree, mutant, tests, limit)
        change = list(difflib.unified_diff(text.splitlines(), mutated(text, mutant).splitlines(), n=0))[3:]
        done.append(asdict(mutant) | {"outcome": found, "tests": len(tests), "change": change})
        with out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(done[-1]) + "\n")
        print(f"{number}/{len(chosen)} {mutant.file}:{mutant.line} {found}", flush=True)


if __name__ == "__main__":
    main()
