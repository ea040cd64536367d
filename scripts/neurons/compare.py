"""Run the protocol on modules and NEST's twins, and say how far apart two results are."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from network import codegen
from network.codegen import BuiltModule
from network.experiment.nestml import ModelInterface
from network.experiment.receptors import KINDS, kind_of

sys.path.insert(0, str(Path(__file__).resolve().parent))
import neuron_protocol as protocol

Result = dict[str, NDArray[Any]]
AROUND_SPIKES = 0.5
"""ms before and after a spike in which potentials are not compared: one may have been reset a step earlier."""


@dataclass(frozen=True)
class Difference:
    """How far apart two codes of a model are.

    Attributes
    ----------
    n_spikes : int
        Of the second.
    steps : float
        Largest distance of corresponding spikes in steps; infinite where a cell has another number of them.
    potential : float
        Largest difference of V_m in mV, in every cell as long as its spikes are the same, apart from them.
    """

    n_spikes: int
    steps: float
    potential: float


def built(paths: Sequence[Path], target: str) -> tuple[BuiltModule | None, dict[str, str]]:
    """Compile models with a target into one module; those that it refuses are left out, with the reason by name."""

    def tell(note: str) -> None:
        print(f"  {target}: {note}", file=sys.stderr)

    good, refused = list(paths), {}
    while good:
        try:
            return codegen.build(good, target, progress=tell), refused
        except codegen.BuildError as error:
            reason = str(error).splitlines()[0]
            # linking takes half a minute: only the one that the message is about is left out
            named = [path for path in good if re.search(rf"\b{path.stem}\b", reason)]
            if len(named) != 1:
                raise
            refused[named[0].stem] = reason.replace(f"{named[0].parent}/", "")
            good.remove(named[0])
    return None, refused


def job_of(interfaces: Mapping[str, ModelInterface], module: BuiltModule | None, **more: Any) -> dict[str, Any]:
    """What `protocol` has to know of the models of a module, or of their twins if it is None."""
    models = {}
    for name, interface in interfaces.items():
        info = None if module is None else module.models[name]
        ports = []
        for port in interface.ports:
            kind = KINDS[kind_of(port, {}, interface) or "current"]
            inhibits = interface.qualifiers.get(port) == "inhibitory" or port.lower().startswith(("inh", "gaba"))
            told = -1.0 if interface.qualifiers.get(port) == "inhibitory" else 1.0
            ports.append(
                {
                    "name": port,
                    "weight": told * protocol.weight(name, kind.unit),
                    "receptor_type": None if info is None else info.ports[port],
                    "inhibits": inhibits,
                }
            )
        into = sorted(info.continuous_ports.values()) if info is not None else []
        of_text = list(interface.currents)
        models[name] = {
            "nest_name": None if info is None else info.name,
            "ports": ports,
            "current_port": into[0] if into else (0 if of_text else None),
            "has_current": bool(of_text) or "I_e" in interface.parameters,
            "V_m": "V_m" in interface.recordables,
            "tight": True,
            "values": {},
        }
    return {"module": None if module is None else str(module.path), "models": models, "timed": False, **more}


def run(job: Mapping[str, Any], environment: Mapping[str, str] | None = None) -> Result:
    """Do a job in a process of its own.

    Raises
    ------
    RuntimeError
        With what NEST said.
    """
    with tempfile.TemporaryDirectory(prefix="neurons-") as folder:
        file, output = Path(folder) / "job.json", Path(folder) / "out.npz"
        file.write_text(json.dumps(job), encoding="utf-8")
        command = [sys.executable, "-P", str(Path(protocol.__file__)), str(file), str(output)]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if answer.returncode:
            raise RuntimeError(answer.stderr[-4000:] or answer.stdout[-2000:])
        with np.load(output) as content:
            return dict(content)


def twins(interfaces: Mapping[str, ModelInterface], ours: Result) -> Result:
    """Run NEST's built-in models with the parameters that cells of a module had."""
    known = {name: interface for name, interface in interfaces.items() if name in protocol.TWINS}
    job = job_of(known, None)
    for name, model in job["models"].items():
        declared = {**known[name].parameters, **known[name].states}
        model["values"] = {k: v for k, v in json.loads(str(ours[f"{name}/values"])).items() if k in declared}
    return run(job)


def times_of(result: Result, name: str) -> list[NDArray[np.float64]]:
    """Spike times of every cell in ms."""
    times, senders = result[f"{name}/spikes"], result[f"{name}/senders"]
    return [np.sort(times[senders == cell]) for cell in range(protocol.N_CELLS)]


def difference(name: str, ours: Result, theirs: Result) -> Difference:
    """Compare one model in two results."""
    steps, potential, n_spikes = 0.0, 0.0, 0
    traces = f"{name}/V_m" in ours and f"{name}/V_m" in theirs
    for cell, (own, other) in enumerate(zip(times_of(ours, name), times_of(theirs, name), strict=True)):
        n_spikes += len(other)
        n = min(len(own), len(other))
        apart = np.abs(own[:n] - other[:n]) / protocol.RESOLUTION
        # a last spike at the very end may be missing in one
        missing = np.concatenate([own[n:], other[n:]])
        if np.any(missing < protocol.DURATION - 1.0):
            steps = np.inf
        steps = max(steps, float(np.round(apart.max(initial=0.0), 6)))
        if traces:
            different = np.flatnonzero(apart > 0.5)
            first = [own[n:], other[n:], other[:n][different[:1]], own[:n][different[:1]]]
            end = min([protocol.DURATION, *(times[0] for times in first if len(times))])
            potential = max(potential, _apart(name, cell, ours, theirs, end, other))
    return Difference(n_spikes, steps, potential)


def _apart(name: str, cell: int, ours: Result, theirs: Result, end: float, spikes: Iterable[float]) -> float:
    """Largest difference of the potential of a cell before a time, apart from its spikes."""
    times = ours[f"{name}/times"]
    kept = times < end - AROUND_SPIKES
    for spike in spikes:
        kept &= np.abs(times - spike) > AROUND_SPIKES
    a, b = ours[f"{name}/V_m"][cell], theirs[f"{name}/V_m"][cell]
    n = min(len(a), len(b), len(kept))
    apart = np.abs(a[:n] - b[:n])[kept[:n]]
    return float(np.nan_to_num(apart, nan=np.inf).max(initial=0.0))
