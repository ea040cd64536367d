"""A network with the synapses that NESTML installs, and how far its weights are from those of the rules.

Cells that fire by themselves send to cells that fire by themselves, one to one, and a third population modulates.
Synapses that see their target end on ``cells``, whose weights are recorded; the others end on ``others``, each on a
port of its own whose conductance is recorded: it jumps by what a synapse delivers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rules import RULES, Rule, follow

N, T_SIM, RESOLUTION, DELAY, WEIGHT = 6, 3000.0, 0.1, 2.5, 1.0
TRACES = {"tau_tr_pre": 18.0, "tau_tr_post": 25.0}
STDP = TRACES | {"lambda": 0.05, "alpha": 1.2, "mu_plus": 0.4, "mu_minus": 0.8, "Wmax": 2.0, "Wmin": 0.0}
ELIGIBILITY = {"tau_c": 400.0, "tau_n": 150.0, "A_plus": 0.01, "A_minus": 0.008, "b": 0.1, "n": 0.1}
TRIPLET = {"tau_plus": 16.8, "tau_x": 101.0, "tau_minus": 33.7, "tau_y": 125.0}
AMPLITUDES = {"A2_plus": 0.002, "A3_plus": 0.01, "A2_minus": 0.007, "A3_minus": 0.002}
PERMANENCE = {"permanence": 20.0, "permanence_max": 100.0, "permanence_min": 0.0, "permanence_threshold": 10.0}
GROWTH = {"tau_pre_trace": 80.0, "lambda_h": 0.0005, "zt": 20.0, "lambda_plus": 0.2, "lambda_minus": 0.05}
PARAMETERS: dict[str, dict[str, float]] = {
    "stdp_synapse": STDP,
    "stdp_nn_symm_synapse": STDP,
    "stdp_nn_pre_centered_synapse": STDP,
    "stdp_nn_restr_symm_synapse": STDP,
    "stdp_triplet_synapse": TRIPLET | AMPLITUDES | {"Wmax": 2.0, "Wmin": 0.0},
    "neuromodulated_stdp_synapse": TRACES | ELIGIBILITY,
    "stdsp_synapse": PERMANENCE | GROWTH | {"dt_min": 4.0, "dt_max": 100.0, "Wmax": 0.5},
    "tsodyks_synapse": {"tau_psc": 3.0, "tau_fac": 100.0, "tau_rec": 200.0, "U": 0.3},
    "static_synapse": {},
    "noisy_synapse": {"A_noise": 0.1},
}
UNITS = {"tau": "ms", "dt": "ms", "zt": "pA"}
PORTS = {"tsodyks_synapse": "ampa", "static_synapse": "gaba_fsn", "noisy_synapse": "gaba_ta"}
"""Ports of the other cells."""
TIME_CONSTANTS = {"ampa": 12.0, "gaba_fsn": 6.0, "gaba_ta": 66.0}


def quantity(value: float | list[float], unit: str) -> dict[str, Any]:
    """Value as it is written in an experiment."""
    return {"value": value, "unit": unit, "assumed": "protocol"}


def _unit(model: str, name: str) -> str:
    if model == "stdp_triplet_synapse" and name in ("Wmin", "Wmax"):
        return "nS"
    return UNITS.get(name.split("_")[0], "1")


def _synapse(model: str) -> dict[str, Any]:
    given = {name: quantity(value, _unit(model, name)) for name, value in PARAMETERS[model].items()}
    more: dict[str, Any] = {}
    if model == "neuromodulated_stdp_synapse":
        more = {"modulator": "modulators", "modulator_delay": quantity(1.5, "ms")}
    if model == "stdsp_synapse":
        more = {"reads": {"dAP_trace": "u"}}
    return {"kind": "nestml", "model": model, "parameters": given, **more}


def experiment(models: Sequence[str], target: str = "auto") -> str:
    """Text of an experiment with some of the synapses."""

    def population(model: str) -> dict[str, Any]:
        return {"label": model, "model": model, "n_neurons": quantity(N, "1"), "defaults": "model"}

    def spikes(population: str, port: str, rate: float, weight: float) -> dict[str, Any]:
        weights = {port: quantity(weight, "nS")}
        return {
            "target": population,
            "rate": quantity(rate, "spikes/s"),
            "weights": weights,
            "delay": quantity(2.0, "ms"),
        }

    def trace(population: str, variables: list[str]) -> dict[str, Any]:
        return {"population": population, "cells": N, "variables": variables, "interval": quantity(RESOLUTION, "ms")}

    paired = [model for model in models if model not in PORTS]
    alone = [model for model in models if model in PORTS]
    content: dict[str, Any] = {
        "meta": {"model": "own", "title": "synapses of NESTML"},
        "network": {},
        "populations": {"sources": population("qif_fsn"), "modulators": population("qif_fsn")},
        "projections": {
            model: {
                "source": "sources",
                "target": "others" if model in PORTS else "cells",
                "receptor": PORTS.get(model, "ampa"),
                "connect": {"rule": "one_to_one"},
                "weight": quantity(WEIGHT, "nS"),
                "delay": quantity(DELAY, "ms"),
                "synapse": _synapse(model),
            }
            for model in models
        },
        "inputs": {
            "to_sources": spikes("sources", "ampa", 150.0, 1.5),
            "to_modulators": spikes("modulators", "ampa", 150.0, 1.5),
        },
        "simulation": {
            "target": target,
            "drive": "device",
            "resolution": quantity(RESOLUTION, "ms"),
            "t_presim": quantity(0.0, "ms"),
            "t_sim": quantity(T_SIM, "ms"),
        },
        "recording": {"traces": {}, "weights": {}},
    }
    if paired:
        content["populations"]["cells"] = population("qif_msn")
        content["inputs"]["to_cells"] = spikes("cells", "ampa", 500.0, 2.0)
        content["recording"]["traces"]["cells"] = trace("cells", ["u"])
        content["recording"]["weights"] = {
            model: {"projection": model, "interval": quantity(50.0, "ms")} for model in paired
        }
    if alone:
        content["populations"]["others"] = population("qif_fsn")
        content["recording"]["traces"]["others"] = trace("others", [f"g_{PORTS[model]}" for model in alone])
    return yaml.safe_dump(content, sort_keys=False)


def differences(run: Any, models: Sequence[str], min_delay: float) -> dict[str, dict[str, float]]:
    """Largest difference of every synapse's weights from those of its rule; of noise what it should be in one unit."""
    found = {}
    for model in models:
        pairs = [
            _delivered(run, model, cell) if model in PORTS else _kept(run, model, cell, min_delay) for cell in range(N)
        ]
        made, wanted = (np.concatenate(side) for side in zip(*pairs, strict=True))
        if model == "noisy_synapse":
            noise = (made - wanted) / PARAMETERS[model]["A_noise"]
            found[model] = {"n": noise.size, "mean": float(noise.mean()), "sd": float(noise.std())}
        else:
            change = float(np.abs(wanted - WEIGHT).max())
            found[model] = {"n": made.size, "largest": float(np.abs(made - wanted).max()), "change": change}
    return found


def train(run: Any, population: str, cell: int) -> np.ndarray:
    """Spikes of a cell."""
    spikes = run.spikes(population)
    return spikes.loc[spikes["cell"] == cell, "time_ms"].to_numpy()


@cache
def _traces(run: Any, population: str) -> Any:
    return run.traces(population)


def _trace(run: Any, population: str, variable: str, cell: int) -> Any:
    table = _traces(run, population)
    own = table[table["cell"] == cell]
    return own.set_index(own["time_ms"].round(6))[variable]


def rule_of(run: Any, model: str, cell: int) -> Rule:
    """Rule of a synapse at the beginning."""
    seen = lambda time: 0.0  # noqa: E731
    if model == "stdsp_synapse":
        trace = _trace(run, "cells", "u", cell)
        seen = lambda time: float(trace.loc[round(time, 6)])  # noqa: E731
    return RULES[model](PARAMETERS[model], WEIGHT, seen)


def _kept(run: Any, model: str, cell: int, min_delay: float) -> tuple[list[float], list[float]]:
    """Recorded weights, and those of the rule at the same times."""
    recorded = run.weights(model)[cell, cell]
    source, target = train(run, "sources", cell), train(run, "cells", cell)
    modulated = model == "neuromodulated_stdp_synapse"
    modulator = run.spikes("modulators")["time_ms"].to_numpy() + 1.5 if modulated else ()
    # what sources have sent since the last exchange of spikes is still on its way
    exchanges = np.ceil(np.round(recorded.index.to_numpy()[1:] / min_delay, 6)) - 1
    times = np.round(exchanges * min_delay, 6)
    if modulated:  # it changes without spikes of its source, too: at the ends of slices it is known until when
        known = np.flatnonzero(np.isclose(times + min_delay, recorded.index.to_numpy()[1:]))[::4]
        rules = [rule_of(run, model, cell) for _ in known]
        for rule, until in zip(rules, times[known], strict=True):
            follow(rule, source, target, delay=DELAY, modulator=modulator, until=until)
        return recorded.to_numpy()[1:][known].tolist(), [rule.w for rule in rules]
    sent = follow(rule_of(run, model, cell), source, target, delay=DELAY, until=times[-1])
    number = np.searchsorted(np.round(source, 6), times, side="right")
    return recorded.to_numpy()[1:][number > 0].tolist(), [sent[n - 1] for n in number if n > 0]


def _delivered(run: Any, model: str, cell: int) -> tuple[list[float], list[float]]:
    """Jumps of a conductance, and what the rule delivers."""
    port = PORTS[model]
    g = _trace(run, "others", f"g_{port}", cell)
    left = np.exp(-RESOLUTION / TIME_CONSTANTS[port])
    source = [time for time in train(run, "sources", cell) if time + DELAY < T_SIM - 1.0]
    wanted = follow(rule_of(run, model, cell), source, (), delay=DELAY)
    times = [round(time + DELAY, 6) for time in source]
    return [float(g.loc[t] - left * g.loc[round(t - RESOLUTION, 6)]) for t in times], wanted


def simulate(models: Sequence[str], folder: Path, target: str = "auto") -> tuple[Any, float]:
    """Run the network in a folder; returns the run, and the interval at which NEST exchanges spikes."""
    import network

    (folder / "synapses.yaml").write_text(experiment(models, target))
    loaded = network.load(folder / "synapses.yaml")
    run = loaded.run(out=folder / "run", progress=False)
    return run, loaded.plan().min_delay
