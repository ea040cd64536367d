"""Run striatal cells in one NEST process: python expansion_job.py MODULE RESULT.npz; see test_expansion.py."""

from __future__ import annotations

import sys
from typing import Any

import nest
import numpy as np

N, DURATION = 20, 200.0
CASES: dict[str, dict[str, Any]] = {
    "exact": {"resolution": 0.005},
    "slices": {},
    "cut": {"pieces": (0.3, 0.2, 1.0, 0.7)},
    "single": {"min_delay": 0.1},
    "long": {"min_delay": 2.3},
    "fine": {"resolution": 0.05},
    "alone": {"cells": 1},
    "recorded": {"record": True},
    "frozen": {"frozen": 3},
    "frozen_first": {"frozen": 0},
    "frozen_later": {"frozen": 0, "pieces": (50.0, 50.0), "thaw": True},
}


def simulate(
    module: str,
    *,
    resolution: float = 0.1,
    min_delay: float = 0.5,
    pieces: tuple[float, ...] = (),
    cells: int = N,
    record: bool = False,
    frozen: int = -1,
    thaw: bool = False,
) -> dict[str, Any]:
    """Potentials and conductances at the end, spikes, and traces if they are recorded."""
    nest.ResetKernel()
    nest.resolution = resolution
    nest.Install(module)
    nest.set(min_delay=min_delay, max_delay=5.0)
    made = nest.Create("qif_msn", N)
    rng = np.random.default_rng(1)
    made.set(C_m=(15.2 * rng.uniform(0.7, 1.3, N)).tolist(), V_th=(-29.7 + rng.normal(0.0, 1.0, N)).tolist())
    ports = {name.lower(): port for name, port in nest.GetDefaults("qif_msn", "receptor_types").items()}
    for i in range(N):
        for port, rate, weight in (("ampa", 900.0, 0.5), ("nmda", 900.0, 0.11), ("gaba_fsn", 60.0, 1.0)):
            number = rng.poisson(rate * DURATION / 1e3)
            times = np.unique(np.round(rng.uniform(3.0, DURATION - 3.0, number), 1))
            generator = nest.Create("spike_generator", params={"spike_times": times.tolist()})
            if i < cells:
                nest.Connect(
                    generator, made[i], syn_spec={"weight": weight, "delay": 2.5, "receptor_type": ports[port]}
                )
    if frozen >= 0:
        made[frozen].set(frozen=True)
    recorder = nest.Create("spike_recorder")
    nest.Connect(made, recorder, syn_spec={"delay": 2.5})
    found: dict[str, Any] = {}
    meter = nest.Create("multimeter", params={"record_from": ["V_m", "g_nmda"], "interval": resolution})
    if record:
        nest.Connect(meter, made, syn_spec={"delay": 2.5})
    nest.Prepare()
    done = 0.0
    for piece in pieces:
        nest.Run(piece)
        done += piece
        if thaw:
            # the first of a block, which NEST updates for all
            made[0].set(frozen=done < 100.0 - 1e-6)
            made[1].set(frozen=not made[0].frozen)
    nest.Run(round(DURATION - done, 6))
    nest.Cleanup()
    found["is_frozen"] = np.array(made.frozen)
    found["V_m"], found["g_nmda"], found["u"] = (np.array(made.get(key)) for key in ("V_m", "K_nmda__X__nmda", "u"))
    events = recorder.events
    found["times"], found["senders"] = events["times"], events["senders"]
    if record:
        for key in ("times", "V_m", "g_nmda", "senders"):
            found[f"trace_{key}"] = meter.events[key]
    return found


def main() -> None:
    module, result = sys.argv[1:]
    found = {
        f"{case}/{key}": value for case, given in CASES.items() for key, value in simulate(module, **given).items()
    }
    np.savez(result, **found)


if __name__ == "__main__":
    main()
