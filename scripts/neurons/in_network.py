"""Every model in a small network, as a user would put it there: by its own names, with every port in use.

What `bgnest models example MODEL` writes, with all that is random taken away: two populations of ten cells, spikes from
files at every port of the first, each cell of which ends at every port of its partner in the second, and a current into
both. The same file is run with two code generation targets; spikes and potentials must be the same.

    python scripts/neurons/in_network.py iaf_cond_exp_neuron hill_tononi_neuron
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import compare
import neuron_protocol as protocol
import numpy as np
import yaml

import network as bgnest
from network.experiment.example import example_of
from network.experiment.nestml import ModelInterface, model_interfaces

INSTALLED = Path(sys.prefix) / "models" / "neurons"
POPULATIONS = ("source", "target")
FRACTIONS = (0.6, 1.0)
"""Of the current at which a cell fires by itself: the first gets spikes enough besides."""
DELAY = 1.5  # ms, that of the example


@dataclass(frozen=True)
class InNetwork:
    """How far two codes of a model are apart in a network.

    Attributes
    ----------
    spikes : list of int
        Of the first and of the second population, with the second code.
    steps : float or None
        Largest distance of corresponding spikes in steps; None where a cell has another number of them.
    mV : float
        Largest difference of the potentials while spikes are the same.
    """

    spikes: list[int]
    steps: float | None
    mV: float


def _given(value: Any, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit, "assumed": "as in neuron_protocol.py"}


def _current(name: str, part: float) -> dict[str, Any]:
    amplitude = round(part * protocol.current(name), 6)
    return {"times": _given([protocol.STEP[0]], "ms"), "amplitudes": _given([amplitude], "pA")}


def experiment(name: str, model: ModelInterface, folder: Path) -> dict[str, Any]:
    """Experiment of a model; its spike trains are written to the folder."""
    content: dict[str, Any] = yaml.safe_load(example_of(name, model))
    content.pop("inputs", None)
    for population in content["populations"].values():
        population["n_neurons"] = _given(protocol.N_CELLS, "1")
    for projection in content["projections"].values() if content.get("projections") else ():
        projection.pop("in_degree")
        projection["connect"] = {"rule": "one_to_one"}
    content["spike_inputs"] = {}
    for port in model.ports:
        projection = content["projections"][f"source_to_target_{port}"]
        unit, sign = projection["weight"]["unit"], np.sign(projection["weight"]["value"])
        if name in protocol.OWN_WEIGHT:
            projection["weight"] = _given(float(sign * protocol.weight(name, unit)), unit)
        inhibits = model.qualifiers.get(port) == "inhibitory" or port.lower().startswith(("inh", "gaba"))
        lines = [
            f"{cell},{time:g}"
            for cell, times in enumerate(protocol.trains(name, port, inhibits))
            for time in times
        ]  # fmt: skip
        (folder / f"{port}.csv").write_text("\n".join(["train,time_ms", *lines]) + "\n")
        content["spike_inputs"][f"into_{port}"] = {
            "target": "source",
            "file": str(folder / f"{port}.csv"),
            "weights": {port: _given(float(sign * protocol.weight(name, unit)), unit)},
            "delay": _given(DELAY, "ms"),
        }
    step = next(iter(content.pop("currents", {}).values()), None)
    if step is not None:
        parts = zip(POPULATIONS, FRACTIONS, strict=True)
        content["currents"] = {
            f"into_{label}": {**step, "target": label, **_current(name, part)} for label, part in parts
        }
    content["simulation"]["t_sim"] = _given(protocol.DURATION, "ms")
    traces = {
        label: {
            "population": label,
            "cells": protocol.N_CELLS,
            "variables": ["V_m"],
            "interval": _given(protocol.RESOLUTION, "ms"),
        }
        for label in POPULATIONS
    }
    content["recording"] = {"traces": traces} if "V_m" in model.recordables else {}
    return content


def _result(run: Any, label: str) -> compare.Result:
    """Spikes and potentials of a population, in the form of `neuron_protocol`."""
    spikes = run.spikes(label)
    found = {f"{label}/spikes": spikes["time_ms"].to_numpy(), f"{label}/senders": spikes["cell"].to_numpy()}
    if any(key.population == label for key in run.reader.traces):
        table = run.traces(label).pivot_table(index="time_ms", columns="cell", values="V_m")
        found |= {f"{label}/V_m": table.to_numpy().T, f"{label}/times": table.index.to_numpy()}
    return found


def difference(name: str, targets: tuple[str, str] = ("vectorised", "plain")) -> InNetwork:
    """Run the network of a model with two targets.

    Raises
    ------
    bgnest.Error
        If it cannot be built or run.
    """
    model = model_interfaces()[name]
    results: list[dict[str, compare.Result]] = []
    with tempfile.TemporaryDirectory(prefix="in-network-") as temporary:
        folder = Path(temporary)
        (folder / "net.yaml").write_text(yaml.safe_dump(experiment(name, model, folder), sort_keys=False))
        for target in targets:
            loaded = bgnest.load(folder / "net.yaml").with_changes({"simulation.target": target})
            run = loaded.run(out=folder / target, progress=False)
            results.append({label: _result(run, label) for label in POPULATIONS})
    found = [compare.difference(label, *(result[label] for result in results)) for label in POPULATIONS]
    steps = max(one.steps for one in found)
    return InNetwork(
        [one.n_spikes for one in found], steps if np.isfinite(steps) else None, max(one.potential for one in found)
    )


def main() -> None:
    """Print how far the codes of some models are apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    args = parser.parse_args()
    os.environ.setdefault("BGNEST_MODELS", str(INSTALLED))
    for name in args.models:
        print(name, asdict(difference(name)), flush=True)


if __name__ == "__main__":
    main()
