"""What makes a run folder one that programs for SONATA open: configurations, and a file of its nodes.

The configurations name the files that are there already. They are about cells and what was recorded; the synapses are
written on demand, see `network.door.export`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .circuit import write_nodes
from .layout import SNAP, to_json, write_atomic
from .reader import Run

CIRCUIT, SIMULATION, NODE_SETS, SNAP_NODES = SNAP


def write_snap(run: Run, seed: int, groups: Mapping[str, tuple[str, ...]]) -> Path:
    """Write the configurations into a run folder; returns that of the simulation.

    Parameters
    ----------
    run : Run
    seed : int
    groups : mapping
        Names of several populations together, which become node sets as every population is one.
    """
    folder, plan = run.path, run.plan
    sizes: dict[str, int] = {p["name"]: int(p["n_neurons"]) for p in plan["populations"]}
    write_nodes(folder / SNAP_NODES, ((name, n, {}, None) for name, n in sizes.items()))
    sets: dict[str, Any] = {name: {"population": name} for name in sizes}
    sets |= {name: list(members) for name, members in groups.items() if name not in sets}
    stop = float(plan["t_presim"]) + float(plan["t_sim"])
    reports: dict[str, Any] = {}
    for key in run.traces:
        report = run.report(*key)
        if len(report.times) > 1:
            step = float(report.times[1] - report.times[0])
            reports[Path(run.report_file(key)).stem] = {
                "cells": key.population,
                "type": "compartment",
                "sections": "soma",
                "variable_name": key.variable,
                "unit": report.units,
                "dt": step,
                "start_time": float(report.times[0]),
                "end_time": float(report.times[-1]) + step,
            }
    base = {"version": 2.4, "manifest": {"$BASE_DIR": "."}}
    nodes = {"nodes_file": f"$BASE_DIR/{SNAP_NODES}", "populations": {name: {"type": "point_neuron"} for name in sizes}}
    circuit = {**base, "node_sets_file": f"$BASE_DIR/{NODE_SETS}", "networks": {"nodes": [nodes], "edges": []}}
    simulation = {
        **base,
        "network": f"$BASE_DIR/{CIRCUIT}",
        "node_sets_file": f"$BASE_DIR/{NODE_SETS}",
        "run": {"tstop": stop, "dt": plan["resolution"], "random_seed": seed},
        "output": {"output_dir": "$BASE_DIR", "spikes_file": "spikes.h5", "spikes_sort_order": "by_time"},
        "reports": reports,
    }
    for name, content in ((NODE_SETS, sets), (CIRCUIT, circuit), (SIMULATION, simulation)):
        write_atomic(folder / name, to_json(content))
    return folder / SIMULATION
