"""A plan as a SONATA circuit: nodes, edges, their types, and configurations from which it is simulated again.

What SONATA has no words for (rules, receptors, the Poisson drive, what changes during a run) is in ``experiment.yaml``,
which the configurations name; the synapses it takes from the files of edges.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import resources
from ..engine.connections import unsigned
from ..engine.nest.connectivity import Synapses
from ..engine.nest.rows import largest_sum
from ..experiment import Experiment
from ..experiment.distributions import bounds
from ..experiment.dumping import to_yaml
from ..experiment.sonata_config import FORMAT, OURS
from ..plans.cells import cell_values
from ..plans.identity import encode
from ..plans.parts import PopulationPlan, ProjectionPlan
from ..plans.plan import Plan
from ..runs.circuit import write_edges, write_nodes, write_types
from ..runs.layout import to_json

CONFIG, SIMULATION, EXPERIMENT = "circuit_config.json", "simulation_config.json", "experiment.yaml"
WHY = "exported"
_REPLACED = (
    *("connect", "in_degree", "in_degree_beta", "in_degree_rounding", "within_action", "multapses"),
    *("weight", "weight_beta", "weight_spread", "effects", "delay", "delay_spread"),
)
"""What an exported projection says in another way."""


class Circuit:
    """The folder of a circuit in the making."""

    def __init__(self, path: Path, plan: Plan, experiment: Experiment) -> None:
        self.path, self.plan, self.experiment = path, plan, experiment
        self._edge_types: list[dict[str, Any]] = []
        self._projections: dict[str, dict[str, Any]] = {}
        for folder in ("networks/edges", "components/point_neuron_models", "components/synaptic_models"):
            (path / folder).mkdir(parents=True)

    def write_cells(self) -> None:
        """Write nodes, their types, and the models of the cells."""
        positions = self.plan.positions()
        values = {p.name: cell_values(p, self.plan.seed) for p in self.plan.populations}
        nodes = ((p.name, p.n_neurons, values[p.name], positions.get(p.name)) for p in self.plan.populations)
        write_nodes(self.path / "networks" / "nodes.h5", nodes)
        rows = []
        for number, population in enumerate(self.plan.populations):
            common = {key: value for key, value in values[population.name].items() if isinstance(value, int | float)}
            rows.append({"node_type_id": number, **self._node_type(population, common)})
        write_types(self.path / "networks" / "node_types.csv", rows)
        models = self.path / "components" / "nestml"
        models.mkdir()
        for name in sorted({population.model for population in self.plan.populations}):
            shutil.copy2(resources.find_model(name), models)
        for name in {s.model for p in self.plan.populations for s in self.plan.paired(p.name)}:
            shutil.copy2(resources.find_synapse(name), models)
        for name in {activation for p in self.plan.populations for activation in p.gates.values()}:
            shutil.copy2(resources.list_activations()[name], models)

    def _node_type(self, population: PopulationPlan, common: Mapping[str, float]) -> dict[str, Any]:
        file = f"{population.name}.json"
        self._component("point_neuron_models", file, {"model": population.model, "parameters": dict(common)})
        return {
            "pop_name": population.name,
            "model_type": "point_neuron",
            "model_template": f"nestml:{population.model}",
            "dynamics_params": file,
        }

    def _component(self, folder: str, name: str, content: Mapping[str, Any]) -> None:
        (self.path / "components" / folder / name).write_text(to_json(content), encoding="utf-8")

    def write_synapses(self, projection: ProjectionPlan, found: Synapses, progress: Callable[[int], None]) -> None:
        """Write the edges of a projection; one that has none is left out."""
        if not len(found):
            return
        source, target = (self.plan.population(name) for name in (projection.source, projection.target))
        in_rows = self.plan.kept_by(projection) == "compact"
        units = {"syn_weight": target.unit(projection.receptor), "delay": "ms"}
        columns: dict[str, Any] = {"syn_weight": found.weight, "delay": found.delay}
        for key, planned in (("syn_weight", projection.weight), ("delay", projection.delay)):
            values = columns[key]
            if isinstance(planned, int | float) and values.min() == values.max():
                columns[key] = float(values[0])
            elif key == "syn_weight" and in_rows:
                columns[key] = values.astype(np.float32)  # what rows have: nothing is lost
        of_kind = {key: v for key, v in projection.synapse.constants.items() if isinstance(v, int | float)}
        name, number = projection.name, len(self._edge_types)
        known = target.receptors.get(projection.receptor)
        write_edges(
            self.path / "networks" / "edges" / f"{name}.h5",
            name,
            number,
            {
                "source": (source.name, source.n_neurons, found.source),
                "target": (target.name, target.n_neurons, found.target),
            },
            {
                **{key: (values, units[key]) for key, values in columns.items()},
                **{f"dynamics_params/{key}": (float(value), "") for key, value in of_kind.items()},
            },
            progress=progress,
        )
        self._component("synaptic_models", f"{name}.json", {"kind": projection.synapse.name, "parameters": of_kind})
        self._edge_types.append(
            {
                "edge_type_id": number,
                "pop_name": name,
                "source_population": source.name,
                "target_population": target.name,
                "receptor": projection.receptor,
                "port": target.port(projection.receptor),
                "effect": "inhibitory" if known is not None and known.effect < 0 else "excitatory",
                "model_template": f"nest:{projection.synapse.nest_model or projection.synapse.describe()}",
                "dynamics_params": f"{name}.json",
                "weight_unit": units["syn_weight"],
            }
        )
        self._projections[name] = self._written(projection, columns, units)

    def _written(
        self, projection: ProjectionPlan, columns: Mapping[str, Any], units: Mapping[str, str]
    ) -> dict[str, Any]:
        """How the experiment of the circuit says who is connected, and with which weights and delays."""

        def number(value: float, unit: str) -> dict[str, Any]:
            return {"value": value, "unit": unit, "assumed": WHY}

        planned = {"weight": (projection.weight, "syn_weight"), "delay": (projection.delay, "delay")}
        entry: dict[str, Any] = {
            "connect": {
                "rule": "from_file",
                "file": f"networks/edges/{projection.name}.h5",
                "population": projection.name,
                "largest_sum": number(largest_sum(projection, self.plan), "1"),
            },
            "multapses": projection.allow_multapses,
        }
        for key, (value, column) in planned.items():
            if isinstance(value, int | float) and isinstance(columns[column], float):
                told = abs(value) if key == "weight" and unsigned(self.plan, projection) else float(value)
                entry[key] = number(told, units[column])
                continue
            entry[key] = {"distribution": "from_file"}
            if key == "delay":  # all that could have been drawn: buffers and slices of time are as long as they were
                low, high = bounds(value)
                longest = high + projection.rule.longest_lag(self.plan.ends(projection))
                entry[key] |= {"low": number(low, "ms"), "high": number(longest, "ms")}
        return entry

    def finish(self) -> Path:
        """Write types of edges, the experiment and the configurations; these last, so that all is there if they are."""
        write_types(self.path / "networks" / "edge_types.csv", self._edge_types)
        (self.path / EXPERIMENT).write_text(to_yaml(self._experiment()), encoding="utf-8")
        (self.path / "node_sets.json").write_text(to_json(self._node_sets()), encoding="utf-8")
        (self.path / SIMULATION).write_text(to_json(self._simulation()), encoding="utf-8")
        (self.path / CONFIG).write_text(to_json(self._config()), encoding="utf-8")
        return self.path / CONFIG

    def _experiment(self) -> dict[str, Any]:
        data = json.loads(json.dumps(self.experiment.to_dict()))
        for name, entry in (data.get("projections") or {}).items():
            if name in self._projections:
                kept = {key: value for key, value in entry.items() if key not in _REPLACED}
                data["projections"][name] = {**kept, **self._projections[name]}
            else:
                entry["enabled"] = False
        for name, entry in (data.get("spike_inputs") or {}).items():
            if entry.get("enabled", True):
                folder = self.path / "inputs"
                folder.mkdir(exist_ok=True)
                shutil.copy2(entry["file"], folder / f"{name}.h5")
                entry["file"] = f"inputs/{name}.h5"
        return dict(data)

    def _node_sets(self) -> dict[str, Any]:
        sets: dict[str, Any] = {p.name: {"population": p.name} for p in self.plan.populations}
        return {**sets, **{name: list(members) for name, members in self.plan.groups.items()}}

    def _config(self) -> dict[str, Any]:
        base = {"$BASE_DIR": ".", "$NETWORKS": "$BASE_DIR/networks", "$COMPONENTS": "$BASE_DIR/components"}
        nodes = {
            "nodes_file": "$NETWORKS/nodes.h5",
            "node_types_file": "$NETWORKS/node_types.csv",
            "populations": {p.name: {"type": "point_neuron"} for p in self.plan.populations},
        }
        edges = [
            {
                "edges_file": f"$NETWORKS/edges/{name}.h5",
                "edge_types_file": "$NETWORKS/edge_types.csv",
                "populations": {name: {"type": "chemical"}},
            }
            for name in self._projections
        ]
        return {
            "manifest": base,
            "components": {
                "point_neuron_models_dir": "$COMPONENTS/point_neuron_models",
                "synaptic_models_dir": "$COMPONENTS/synaptic_models",
            },
            "node_sets_file": "$BASE_DIR/node_sets.json",
            "networks": {"nodes": [nodes], "edges": edges},
            OURS: {"format": FORMAT, "experiment": EXPERIMENT},
        }

    def _simulation(self) -> dict[str, Any]:
        plan = self.plan
        inputs = {
            given.name: {
                "input_type": "spikes",
                "module": "synapse_replay",
                "delay": 0.0,
                "duration": plan.t_presim + plan.t_sim,
                "spike_file": f"$BASE_DIR/inputs/{given.name}.h5",
                "node_set": given.target,
            }
            for given in plan.spike_inputs
        }
        return {
            "version": 2.4,
            "manifest": {"$BASE_DIR": "."},
            "network": f"$BASE_DIR/{CONFIG}",
            "run": {"tstop": plan.t_presim + plan.t_sim, "dt": plan.resolution, "random_seed": plan.seed},
            "output": {"output_dir": "$BASE_DIR/output", "spikes_file": "spikes.h5", "spikes_sort_order": "by_time"},
            "node_sets_file": "$BASE_DIR/node_sets.json",
            "inputs": inputs,
            OURS: {
                "format": FORMAT,
                "experiment": EXPERIMENT,
                "warm_up": plan.t_presim,
                "of_simulation": plan.simulation_hash,
                "poisson_inputs": encode(plan.inputs),
                "currents": encode(plan.currents),
                "changes": encode(plan.segments),
                **({"pulses": encode(plan.pulses)} if plan.pulses else {}),
            },
        }
