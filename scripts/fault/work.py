"""Kinds of work that are killed: the command, what makes it ready, and what must hold when it has ended well."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .commands import RUN, BrokenError, digest, do

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "unit" / "experiment" / "data"
REMEMBERING = ROOT / "tests" / "nestml" / "remembering_compiler.py"


def prepare(place: Path) -> str:
    """Parameters, a complete run, a model and a compiler that remembers; digest of the spikes of the run."""
    params = place / "params"
    (params / "tiny").mkdir(parents=True)
    for name in ("base.yaml", "cells.yaml"):
        shutil.copy(DATA / name, params / "tiny" / name)
    shutil.copy(DATA / "sources.yaml", params / "tiny" / "sources.yaml")
    os.environ |= {"BGNEST_PARAMS": str(params), "BGNEST_MODELS": str(DATA / "models")}
    os.environ |= {"BGNEST_CACHE": str(place / "cache"), "PYTHONPATH": f"{ROOT}:{ROOT / 'packaging'}"}
    os.environ["CXX"] = f"{sys.executable} -IS {REMEMBERING} {place / 'objects'} salt"
    (place / "objects").mkdir()
    shutil.copy(DATA / "models" / "tiny.nestml", place / "leaky.nestml")
    text = (place / "leaky.nestml").read_text()
    (place / "leaky.nestml").write_text(text.replace("model tiny", "model leaky"))
    import matplotlib.pyplot
    import pandas

    from network.analysis import plots  # loaded once for all forks
    from network.engine import batch

    del matplotlib.pyplot, pandas, plots, batch
    do([*RUN, "--out", "run"], place)
    return digest(place / "run")


@dataclass
class Work:
    """A command, what makes it ready, and what must hold when it has ended well."""

    words: list[str]
    ready: Callable[[Path], None]
    sealed: Callable[[Path], dict[str, str]]
    """What is complete by now: digest by name."""
    names: set[str]


def manifests(folder: Path) -> dict[str, str]:
    """Digests of the spikes of all complete runs below a folder."""
    from network.runs.layout import run_status

    found = sorted(path.parent for path in folder.rglob("record.json"))
    return {path.name: digest(path) for path in found if run_status(path) == "complete"}


def work(kind: str, place: Path) -> Work:
    """Return the work of a kind; ``place`` has what is common to all tries."""
    os.environ |= {"BGNEST_MODELS": str(DATA / "models"), "BGNEST_CACHE": str(place / "cache")}
    nothing: Callable[[Path], None] = lambda folder: None  # noqa: E731
    if kind == "run":
        return Work([*RUN, "--out", "out", "--resume"], nothing, manifests, {"out"})
    if kind == "batch":
        return Work(["batch", "a.yaml", "b.yaml", "c.yaml", "--out", "out", "-q"], batch_files, manifests, set("abc"))
    if kind in ("plot", "report"):

        def copy(folder: Path) -> None:
            shutil.copytree(place / "run", folder / "out")

        if kind == "report":
            return Work(["report", "out"], copy, page, {"report.html"})
        return Work(["plot", "out"], copy, figures, {"raster.png", "rates.png", "spectra.png", "intervals.png"})
    if kind == "scan":

        def scan_files(folder: Path) -> None:
            batch_files(folder)
            text = "scan_of: a.yaml\ntitle: x\naxes: {simulation.seed: [1, 2, 3]}\nexecution: {cores: 1, memory: 2G}\n"
            (folder / "scan.yaml").write_text(text)

        return Work(["scan", "run", "scan.yaml", "--out", "out", "-q"], scan_files, scanned, {"1", "2", "3"})

    def model(folder: Path) -> None:
        shutil.copy(place / "leaky.nestml", folder)
        os.environ["BGNEST_CACHE"] = str(folder / "cache")
        os.environ["BGNEST_MODELS"] = str(folder)

    return Work(["models", "build", "leaky", "--target", "plain"], model, modules, {"module"})


def batch_files(folder: Path) -> None:
    """Three experiments of different length."""
    for k, name in enumerate("abc"):
        mock = "simulation:\n  mock: {rate: 40, pace: 0.3}\n  t_presim: 0 ms\n"
        (folder / f"{name}.yaml").write_text(f"overlay_of: tiny/base\n{mock}  t_sim: {300 + 100 * k} ms\n")


def scanned(folder: Path) -> dict[str, str]:
    """Digests by seed."""
    return {name.partition("seed-")[2].partition("_")[0]: value for name, value in manifests(folder).items()}


def figures(folder: Path) -> dict[str, str]:
    """Pictures that are whole; the run beside them must be, too."""
    digest(folder / "out")
    pictures = sorted((folder / "out" / "figures").glob("*.png"))
    return {path.name: "whole" for path in pictures if path.read_bytes().endswith(b"IEND\xaeB`\x82")}


def page(folder: Path) -> dict[str, str]:
    """The page of a run, which is whole if it is there; the run beside it must be, too."""
    digest(folder / "out")
    text = (folder / "out" / "report.html").read_text() if (folder / "out" / "report.html").exists() else ""
    if text and not text.rstrip().endswith("</html>"):
        raise BrokenError("half a report")
    return {"report.html": "whole"} if text else {}


def modules(folder: Path) -> dict[str, str]:
    """The module, if it is in the cache and as its manifest says."""
    from network.codegen.cache import read_manifest

    found = [path for path in (folder / "cache" / "modules").glob("*") if read_manifest(path) is not None]
    return {"module": found[0].name} if found else {}
