"""How models are compared: the same cells get the same currents and spikes, whoever has written their code.

Ten cells of every model stand beside each other. The first gets a step of current, the second its drive alone, the
others random spikes at every port and some current. Parameters are those that the file of the model declares.

Started as a program this simulates all models of one module, or NEST's built-in twins, in a process of its own, because
NEST cannot unload a module: ``python neuron_protocol.py JOB.json OUTPUT.npz``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

RESOLUTION, DELAY, DURATION = 0.1, 1.0, 200.0  # ms
STEP = (20.0, 150.0)  # ms
N_CELLS = 10
TOLERANCES = ("gsl_error_tol", "gsl_abs_error_tol", "gsl_rel_error_tol")
TIGHT = 1e-10
TIMED_CELLS, TIMED = 1000, 100.0  # cells; ms

CURRENT = {
    # pA, at which a cell fires in the step; spikes and 0.6 of it are beside each other in the others
    "izhikevich_neuron": 12.0,
    "terub_gpe_neuron": 10.0,
    "terub_stn_neuron": 30.0,
    "hill_tononi_neuron": 4.0,
    "izhikevich_psc_alpha_neuron": 2000.0,
    "hh_moto_5ht_neuron": 8000.0,
    "hh_psc_alpha_neuron": 750.0,
    "traub_psc_alpha_neuron": 1000.0,
    "traub_cond_multisyn_neuron": 1500.0,
    "wb_cond_exp_neuron": 300.0,
    "wb_cond_multisyn_neuron": 300.0,
    "iaf_chxk_2008_neuron": 3000.0,
    **dict.fromkeys(("aeif_cond_exp_neuron", "aeif_cond_alpha_neuron", "aeif_cond_alpha_alt_neuron"), 1200.0),
    **dict.fromkeys(("aeif_psc_exp_neuron", "aeif_psc_alpha_neuron"), 1200.0),
    "qif_msn": 400.0,
    "qif_fsn": 300.0,
    "aeif_stn": 150.0,
    "aeif_gpe": 150.0,
    "adex_cond_exp": 700.0,
    **dict.fromkeys(("izhikevich_cond_exp", "izhikevich_cond_alpha"), 8.0),
    "izhikevich_two_recovery": 80.0,
    "mat2_psc_exp_neuron": 600.0,
    "lif_cond_alpha": 500.0,
}
DEFAULT_CURRENT = 600.0
RATES = {False: 800.0, True: 300.0}
"""Spikes/s of each train, by whether the port inhibits."""
WEIGHTS = {"nS": 2.0, "pA": 80.0, "mV": 1.0}
OWN_WEIGHT = dict.fromkeys(("terub_gpe_neuron", "terub_stn_neuron"), 0.05)
"""Of models whose membrane has 1 pF."""


def weight(name: str, unit: str) -> float:
    """Weight of the spikes that a model gets at a port of a unit."""
    return OWN_WEIGHT.get(name, WEIGHTS[unit])


TWINS = {
    "iaf_psc_exp_neuron": "iaf_psc_exp",
    "iaf_psc_alpha_neuron": "iaf_psc_alpha",
    "iaf_psc_delta_neuron": "iaf_psc_delta",
    "iaf_psc_delta_fixed_timestep_neuron": "iaf_psc_delta",
    "iaf_cond_exp_neuron": "iaf_cond_exp",
    "iaf_cond_alpha_neuron": "iaf_cond_alpha",
    "iaf_cond_beta_neuron": "iaf_cond_beta",
    "iaf_cond_exp_sfa_rr_neuron": "iaf_cond_exp_sfa_rr",
    "iaf_chxk_2008_neuron": "iaf_chxk_2008",
    "aeif_cond_exp_neuron": "aeif_cond_exp",
    "aeif_cond_alpha_neuron": "aeif_cond_alpha",
    "aeif_cond_alpha_alt_neuron": "aeif_cond_alpha",
    "aeif_psc_exp_neuron": "aeif_psc_exp",
    "aeif_psc_alpha_neuron": "aeif_psc_alpha",
    "izhikevich_neuron": "izhikevich",
    "hh_psc_alpha_neuron": "hh_psc_alpha",
    "hh_cond_exp_traub_neuron": "hh_cond_exp_traub",
    "mat2_psc_exp_neuron": "mat2_psc_exp",
    "ignore_and_fire_neuron": "ignore_and_fire",
    "lif_cond_alpha": "iaf_cond_alpha",
    "adex_cond_exp": "aeif_cond_exp",
}
"""NEST's built-in models of the same equations; ht_neuron has another block of NMDA than hill_tononi_neuron, and
potentials of iaf_psc_exp_htum_neuron are relative to E_L."""
RENAMED = {
    "E_exc": "E_ex",
    "E_inh": "E_in",
    "E_rev_exc": "E_ex",
    "E_rev_inh": "E_in",
    "tau_syn_exc": "tau_syn_ex",
    "tau_syn_inh": "tau_syn_in",
    "tau_exc": "tau_syn_ex",
    "tau_inh": "tau_syn_in",
    "refr_T": "t_ref",
    "tau_syn_rise_E": "tau_rise_ex",
    "tau_syn_rise_I": "tau_rise_in",
    "tau_syn_decay_E": "tau_decay_ex",
    "tau_syn_decay_I": "tau_decay_in",
    "G_ahp": "g_ahp",
}
RENAMED_IN = {
    "hh_cond_exp_traub": {"Inact_n": "Act_n", "Act_h": "Inact_h"},
    "ignore_and_fire": {"firing_rate": "rate"},
}
"""Names of parameters in NEST's models, where they are not those of the NESTML files."""


def trains(model: str, port: str, inhibits: bool) -> list[list[float]]:
    """Spike times in ms of every cell at one port; none for the first two."""
    found: list[list[float]] = [[], []]
    rng = np.random.default_rng([sum(model.encode()), sum(port.encode())])
    for _ in range(2, N_CELLS):
        steps = np.flatnonzero(rng.random(round(DURATION / RESOLUTION)) < RATES[inhibits] * RESOLUTION / 1000.0)
        found.append([round(step * RESOLUTION, 1) for step in steps if step * RESOLUTION > 2.0 * DELAY])
    return found


def current(model: str) -> float:
    """Amplitude of the step in pA."""
    return CURRENT.get(model, DEFAULT_CURRENT)


def _drive(nest: Any, cells: Any, job: dict[str, Any], name: str, twin: bool) -> None:
    """Currents and spikes of one model's cells."""
    ports = nest.GetDefaults(TWINS[name]).get("receptor_types", {}) if twin else {}
    into = {} if twin or job["current_port"] is None else {"receptor_type": job["current_port"]}
    if job["has_current"]:
        for number, cell in enumerate(cells):
            amplitude = current(name) * (1.0 if number == 0 else 0.6)
            start, stop = STEP if number == 0 else (STEP[0], DURATION)
            if twin or job["current_port"] is not None:
                generator = nest.Create("dc_generator", params={"amplitude": amplitude, "start": start, "stop": stop})
                if twin and "I" in ports:
                    into = {"receptor_type": ports["I"]}
                nest.Connect(generator, cell, syn_spec={"delay": DELAY, "weight": 1.0, **into})
    for port in job["ports"]:
        for cell, times in zip(cells, trains(name, port["name"], port["inhibits"]), strict=True):
            if not times:
                continue
            weight = port["weight"]
            synapse: dict[str, Any] = {"delay": DELAY, "weight": weight}
            if not twin:
                synapse["receptor_type"] = port["receptor_type"]
            elif port["name"] in ports:
                synapse["receptor_type"] = ports[port["name"]]
            elif port["inhibits"]:
                synapse["weight"] = -abs(weight)
            generator = nest.Create("spike_generator", params={"spike_times": times})
            nest.Connect(generator, cell, syn_spec=synapse)


def _create(nest: Any, job: dict[str, Any], name: str, twin: bool, n: int = N_CELLS) -> Any:
    """Cells of a model, or of its twin with the same parameters and initial values."""
    if not twin:
        cells = nest.Create(job["nest_name"], n)
        known = cells[0].get()
        cells.set({key: TIGHT for key in TOLERANCES if key in known and job["tight"]})
        return cells
    cells = nest.Create(TWINS[name], n)
    known = cells[0].get()
    names = {**RENAMED, **RENAMED_IN.get(TWINS[name], {})}
    taken = {names[key] for key in job["values"] if key in names}  # by which NEST calls something else
    values = {}
    for key, value in job["values"].items():
        own = names.get(key, key)
        if own in known and not (own == key and own in taken) and not isinstance(known[own], bool) and own != "t_spike":
            values[own] = type(known[own])(value)
    cells.set(values)  # at once, as some are checked against others
    return cells


def simulate(job: dict[str, Any]) -> dict[str, Any]:
    """Spikes and potentials of all models of a job; see `compare.job_of`."""
    os.environ["PYNEST_QUIET"] = "1"
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.resolution = RESOLUTION
    twin = job["module"] is None
    if not twin:
        nest.Install(job["module"])
    recorded: dict[str, Any] = {}
    begun = {}
    for name, model in job["models"].items():
        cells = _create(nest, model, name, twin)
        begun[name] = {k: v for k, v in cells[0].get().items() if isinstance(v, int | float)}
        if model["has_current"] and not twin and model["current_port"] is None:  # a cell without such a port
            cells.set(I_e=[current(name) * (1.0 if i == 0 else 0.6) for i in range(N_CELLS)])
        elif twin and model["has_current"] and model["current_port"] is None:
            cells.set(I_e=[current(name) * (1.0 if i == 0 else 0.6) for i in range(N_CELLS)])
            model = {**model, "has_current": False}
        _drive(nest, cells, model, name, twin)
        spikes = nest.Create("spike_recorder")
        nest.Connect(cells, spikes)
        meter = None
        if model["V_m"] and "V_m" in nest.GetDefaults(TWINS[name] if twin else model["nest_name"])["recordables"]:
            meter = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": RESOLUTION})
            nest.Connect(meter, cells)
        recorded[name] = cells, spikes, meter
    nest.Simulate(DURATION + 2.0)
    out: dict[str, Any] = {}
    for name, (cells, spikes, meter) in recorded.items():
        events = spikes.get("events")
        out[f"{name}/spikes"], out[f"{name}/senders"] = events["times"], events["senders"] - cells[0].global_id
        if meter is not None:
            traces = meter.get("events")
            order = np.lexsort((traces["times"], traces["senders"]))
            out[f"{name}/V_m"] = traces["V_m"][order].reshape(N_CELLS, -1)
            out[f"{name}/times"] = traces["times"][order].reshape(N_CELLS, -1)[0]
        if not twin:
            out[f"{name}/values"] = json.dumps(begun[name])
    return out


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """Nanoseconds of processor time per cell and step of every model, cells driven by a constant current."""
    os.environ["PYNEST_QUIET"] = "1"
    import nest

    out = {}
    for name, model in job["models"].items():
        nest.ResetKernel()
        nest.verbosity = nest.VerbosityLevel.ERROR
        nest.resolution = RESOLUTION
        nest.Install(job["module"])
        cells = _create(nest, {**model, "tight": False}, name, twin=False, n=TIMED_CELLS)
        if "I_e" in cells[0].get():
            cells.set(I_e=current(name) * 0.9)
        nest.Simulate(20.0)
        best = np.inf
        for _ in range(3):
            start = time.process_time()
            nest.Simulate(TIMED)
            best = min(best, time.process_time() - start)
        out[f"{name}/ns"] = best * 1e9 / (TIMED_CELLS * TIMED / RESOLUTION)
    return out


def main() -> None:
    """Do the job that is named on the command line."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    output = sys.argv[2]
    sys.argv[1:] = []  # NEST reads options from there
    np.savez(output, **(measure(job) if job["timed"] else simulate(job)))


if __name__ == "__main__":
    main()
