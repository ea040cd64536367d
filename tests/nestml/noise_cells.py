"""Cells of the model `qif_noise` in one NEST process: ``python noise_cells.py MODULE OUTPUT.npz``."""

from __future__ import annotations

import os
import sys

import numpy as np

RESOLUTION, DELAY, WALK = 0.1, 1.0, 50.0  # ms
N_WALKS = 2000
QUIET = {
    **{"C_m": 80.0, "k": 1.0, "E_L": -70.0, "V_th": -50.0, "a": 0.2, "b": 3.0, "I_e": 20.0, "noise": 0.0},
    **{f"tau_syn_{port}": tau for port, tau in zip(("ampa", "nmda"), (6.0, 160.0), strict=True)},
    **{f"E_rev_{port}": 0.0 for port in ("ampa", "nmda")},
    **{"tau_syn_gaba_1": 4.0, "tau_syn_gaba_2": 7.0, "tau_syn_gaba_3": 11.0},
    **{"E_rev_gaba_1": -60.0, "E_rev_gaba_2": -80.0, "E_rev_gaba_3": -85.0},
}
INPUTS = {
    **{"ampa": ([20.0, 21.0], 1.0), "nmda": ([25.0], 0.5)},
    **{"gaba_1": ([40.0], 3.0), "gaba_2": ([60.0], 3.0), "gaba_3": ([80.0], 3.0)},
}
WALKING = {"k": 0.0, "b": 0.0, "I_e": 0.0, "E_L": -60.0, "V_peak": 1e6, "noise": 0.7}


def main() -> None:
    module, output = sys.argv[1:3]
    sys.argv[1:] = []  # NEST reads options from there
    os.environ["PYNEST_QUIET"] = "1"
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution = RESOLUTION
    nest.Install(module)
    cell = nest.Create("qif_noise", params={**QUIET, "V_m": QUIET["E_L"], "u": 0.0})
    ports = {port.lower(): number for port, number in cell.receptor_types.items()}
    for port, (times, weight) in INPUTS.items():
        generator = nest.Create("spike_generator", params={"spike_times": [time - DELAY for time in times]})
        nest.Connect(generator, cell, syn_spec={"delay": DELAY, "weight": weight, "receptor_type": ports[port]})
    meter = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": RESOLUTION})
    nest.Connect(meter, cell)
    walks = nest.Create("qif_noise", N_WALKS, params={**WALKING, "V_m": WALKING["E_L"], "u": 0.0})
    nest.Simulate(WALK)
    moved = np.asarray(walks.get("V_m"))
    nest.Simulate(100.0)
    events = meter.get("events")
    np.savez(output, times=np.asarray(events["times"]), V_m=np.asarray(events["V_m"]), walks=moved)


if __name__ == "__main__":
    main()
