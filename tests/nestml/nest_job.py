"""Run the cases of ``lindahl_cells.py`` in one NEST process; NEST cannot unload a module, so not in pytest's own.

Usage: ``python nest_job.py MODULE PORTS.json OUTPUT.npz [THREADS [SET STEP]]``
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
from lindahl_cells import DELAY, MODELS, NMDA_BLOCK, RECEPTORS, RESOLUTION, SETS


def main() -> None:
    module, ports_file, output = sys.argv[1:4]
    threads = int(sys.argv[4]) if len(sys.argv) > 4 else 1
    cases = SETS[sys.argv[5] if len(sys.argv) > 5 else "usual"]
    step = float(sys.argv[6]) if len(sys.argv) > 6 else RESOLUTION
    sys.argv[1:] = []  # NEST reads options from there
    os.environ["PYNEST_QUIET"] = "1"
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    nest.local_num_threads = threads
    nest.resolution = step
    nest.Install(module)
    ports = json.loads(Path(ports_file).read_text())

    recorded = {}
    for name, case in cases.items():
        model = MODELS[case.cell]
        receptors = RECEPTORS[case.cell]
        params = dict(case.neuron, I_e=case.current, V_m=case.V_start)
        params |= {f"tau_syn_{receptor}": float(tau) for receptor, (tau, _) in receptors.items()}
        params |= {f"E_rev_{receptor}": float(E_rev) for receptor, (_, E_rev) in receptors.items()}
        params |= NMDA_BLOCK if "nmda" in receptors else {}
        neuron = nest.Create(model, params=params)
        for receptor, (times, weights) in case.inputs.items():
            # a conductance jumps when a spike arrives: sent one delay earlier
            sent = [round(time - DELAY, 1) for time in times]
            generator = nest.Create("spike_generator", params={"spike_times": sent, "spike_weights": weights})
            nest.Connect(generator, neuron, syn_spec={"receptor_type": ports[model][receptor], "delay": DELAY})
        spikes = nest.Create("spike_recorder")
        nest.Connect(neuron, spikes)
        variables = ["V_m", *(f"g_{receptor}" for receptor in receptors)]
        meter = nest.Create("multimeter", params={"record_from": variables, "interval": step, "stop": case.duration})
        nest.Connect(meter, neuron)
        recorded[name] = spikes, meter, variables
    nest.Simulate(max(case.duration for case in cases.values()))

    results = {}
    for name, (spikes, meter, variables) in recorded.items():
        events = meter.get("events")
        times = np.asarray(spikes.get("events", "times"))
        results[f"{name}/spikes"] = np.sort(times[times <= cases[name].duration])
        results[f"{name}/times"] = np.asarray(events["times"])
        for variable in variables:
            results[f"{name}/{variable}"] = np.asarray(events[variable])
    np.savez(output, **results)


if __name__ == "__main__":
    main()
