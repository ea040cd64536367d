"""Configurations of SONATA circuits and simulations that `bgnest export` has written: which experiment they mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import SpecError, choices
from .limits import MAX_BYTES, is_number

OURS = "bgnest"
"""Key of a configuration below which we say what SONATA has no words for."""
FORMAT = 1
READ = ("tstop", "dt", "random_seed")
NOT_READ = ("dL", "spike_threshold", "nsteps_block")
"""What SONATA has for cells with compartments, and for other simulators."""


def experiment_of(path: Path) -> Path:
    """File of the experiment that a configuration names.

    Raises
    ------
    SpecError
        If it is none of ours: a circuit of another program has no models and inputs that we know.
    """
    ours = _read(path).get(OURS)
    if not isinstance(ours, dict):
        raise SpecError(
            [
                f"{path}: no key {OURS!r}: only circuits that `bgnest export` has written say how they are simulated. "
                "Synapses of other circuits: write an experiment whose projections have "
                "`connect: {rule: from_file, file: EDGES.h5}`"
            ]
        )
    if ours.get("format") != FORMAT or not isinstance(ours.get("experiment"), str):
        raise SpecError([f"{path}: {OURS}: format {ours.get('format')!r} cannot be read, expected {FORMAT}"])
    found = path.parent / ours["experiment"]
    if not found.is_file():
        raise SpecError([f"{path}: {OURS}.experiment: no file {ours['experiment']!r} beside it"])
    return found


def changes_of(path: Path) -> dict[str, Any]:
    """Tree of what a configuration of a simulation says otherwise: end, time step, seed."""
    data = _read(path)
    run, ours = data.get("run"), data[OURS]
    if not isinstance(run, dict):
        return {}
    if unknown := [name for name in run if name not in (*READ, *NOT_READ)]:
        raise SpecError([f"{path}: run.{name}: unknown key; {choices(name, READ, 'keys')}" for name in unknown])
    for name, value in run.items():
        if not is_number(value):
            raise SpecError([f"{path}: run.{name}: must be a number, not {value!r}"])
    changes: dict[str, Any] = {}
    if "tstop" in run:
        changes["t_sim"] = _milliseconds(round(run["tstop"] - float(ours.get("warm_up", 0.0)), 9), path)
    if "dt" in run:
        changes["resolution"] = _milliseconds(run["dt"], path)
    if "random_seed" in run:
        changes["seed"] = run["random_seed"]
    return {"simulation": changes} if changes else {}


def _milliseconds(value: float, path: Path) -> dict[str, Any]:
    return {"value": value, "unit": "ms", "assumed": path.name}


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SpecError([f"{path}: is larger than {MAX_BYTES:,} bytes"])
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SpecError([f"{path}: cannot be read as JSON ({getattr(error, 'strerror', None) or error})"]) from error
    if not isinstance(data, dict):
        raise SpecError([f"{path}: not a JSON object"])
    return data
