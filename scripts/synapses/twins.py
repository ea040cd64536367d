"""NEST's own synapses with the spikes of a network of `protocol`, beside the rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import protocol
from rules import follow

TWINS = {
    "static_synapse": "static_synapse",
    "stdp_synapse": "stdp_synapse",
    "stdp_nn_symm_synapse": "stdp_nn_symm_synapse",
    "stdp_nn_pre_centered_synapse": "stdp_nn_pre_centered_synapse",
    "stdp_nn_restr_symm_synapse": "stdp_nn_restr_synapse",
    "stdp_triplet_synapse": "stdp_triplet_synapse",
    "tsodyks_synapse": "tsodyks_synapse",
    "neuromodulated_stdp_synapse": "stdp_dopamine_synapse",
}
"""By the name of NESTML's."""
NAMES = {
    **{"tau_tr_pre": "tau_plus", "A2_plus": "Aplus", "A3_plus": "Aplus_triplet", "A2_minus": "Aminus"},
    **{"A3_minus": "Aminus_triplet", "tau_x": "tau_plus_triplet"},
}
OF_TARGET = {"tau_tr_post": "tau_minus", "tau_minus": "tau_minus", "tau_y": "tau_minus_triplet"}


def difference(run: Any, model: str) -> dict[str, float]:
    """Largest difference of what NEST's synapse delivers from what the rule does."""
    made, wanted = [], []
    for cell in range(protocol.N):
        source, target = (protocol.train(run, name, cell) for name in ("sources", "cells"))
        modulated = model == "neuromodulated_stdp_synapse"
        modulator = run.spikes("modulators")["time_ms"].to_numpy() + 1.5 if modulated else np.empty(0)
        wanted += follow(protocol.rule_of(run, model, cell), source, target, delay=protocol.DELAY, modulator=modulator)
        made += _delivered(model, source, target, modulator)
    made_now = np.array(made)
    return {"n": made_now.size, "largest": float(np.abs(made_now - np.array(wanted)).max())}


def _delivered(model: str, source: np.ndarray, target: np.ndarray, modulator: np.ndarray) -> list[float]:
    """What NEST's own synapse delivers, spike by spike of its source."""
    import nest

    nest.ResetKernel()
    nest.set_verbosity("M_ERROR")
    nest.resolution = h = protocol.RESOLUTION
    given = protocol.PARAMETERS[model]
    known = nest.GetDefaults(TWINS[model])
    own = {NAMES.get(name, name): value for name, value in given.items() if NAMES.get(name, name) in known}
    if model == "stdp_triplet_synapse":
        own.pop("tau_minus", None)
    of_target = {OF_TARGET[name]: value for name, value in given.items() if name in OF_TARGET}
    if model == "tsodyks_synapse":
        own |= {"x": 1.0, "y": 0.0, "u": given["U"]}
    if model == "neuromodulated_stdp_synapse":  # whose text has no limits
        own |= {"Wmin": -1000.0, "Wmax": 1000.0}
    recorder = nest.Create("weight_recorder")
    constant: dict[str, Any] = {"weight_recorder": recorder, "receptor_type": 1, **own}
    if modulator.size:
        transmitter = nest.Create("volume_transmitter")
        constant["volume_transmitter"] = transmitter
        # sent 1 ms before; several in a step need generators of their own
        times = np.round(modulator - 1.0, 6)
        for train in _apart(times):
            generator, relay = (
                nest.Create("spike_generator", {"spike_times": train - 0.5}),
                nest.Create("parrot_neuron"),
            )
            nest.Connect(generator, relay, syn_spec={"delay": 0.5})
            nest.Connect(relay, transmitter, syn_spec={"delay": 1.0})
    nest.CopyModel(TWINS[model], "twin", constant)
    sides = []
    for train in (source, target):
        generator, relay = nest.Create("spike_generator", {"spike_times": train - h}), nest.Create("parrot_neuron")
        nest.Connect(generator, relay, syn_spec={"delay": h})
        sides.append(relay)
    sides[1].set({name: value for name, value in of_target.items() if name in sides[1].get()})
    nest.Connect(*sides, syn_spec={"synapse_model": "twin", "weight": protocol.WEIGHT, "delay": protocol.DELAY})
    nest.Simulate(protocol.T_SIM + 10.0)
    events = recorder.events
    return [float(w) for w in np.asarray(events["weights"])[np.argsort(events["times"], kind="stable")]]


def _apart(times: np.ndarray) -> list[np.ndarray]:
    """Trains of which none has two spikes at a time."""
    times = np.sort(times)
    number = np.zeros(times.size, dtype=int)
    for i in range(1, times.size):
        number[i] = number[i - 1] + 1 if times[i] == times[i - 1] else 0
    return [times[number == k] for k in range(int(number.max()) + 1)]
