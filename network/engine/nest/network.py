"""The populations and projections of a plan in NEST: which nodes they are, and how they were made."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ...codegen import Compiled, ModelInfo, Pair
from ...codegen.pairs import TARGETS as PAIRED
from ...codegen.pairs import partner
from ...codegen.sources import Partner
from ...experiment.cell_code import GENERAL
from ...experiment.graded_cells import GradedCells
from ...experiment.spike_files import Trains
from ...experiment.synapses.nestml import NestmlSynapse
from ...plans.plan import Plan
from . import kernel
from .guarded import Guard
from .runtime import Runtime


@dataclass
class Network:
    """The populations of a plan as NEST node collections, and how the parts were made."""

    plan: Plan
    module: Compiled
    populations: dict[str, Any] = field(default_factory=dict)
    synapse_models: dict[str, str] = field(default_factory=dict)
    small_synapses: set[str] = field(default_factory=set)
    """Projections whose synapses know a cell by its place among those of its thread (NEST's ``_hpc`` ones)."""
    transmitters: dict[str, Any] = field(default_factory=dict)
    """Volume transmitters of projections whose synapses are modulated."""
    timers: dict[str, float] = field(default_factory=dict)
    drives: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Parameters of the input that all cells of a population draw themselves, with which they were made."""
    compact: dict[str, int] = field(default_factory=dict)
    """Projections whose synapses are rows of the module, and their numbers there."""
    generators: dict[str, Any] = field(default_factory=dict)
    """NEST's generators, by the input, the current (its number in the plan) or the stimulation that they are for."""
    parrots: dict[str, Any] = field(default_factory=dict)
    """Cells that repeat spikes between generators and cells, by the same names; axons of stimulations are such."""
    played: dict[str, Trains] = field(default_factory=dict)
    """Spike trains of files, until they have been read back."""

    @cached_property
    def runtime(self) -> Runtime | None:
        """Functions of the module of the fast cells; None if there are no such cells."""
        return next((Runtime(part) for part in self.module.parts if part.carrier is not None), None)

    @cached_property
    def guard(self) -> Guard:
        """Stands in front of the cells while NEST runs."""
        return Guard(self.module.parts[0])

    def shortened_loop(self) -> AbstractContextManager[None]:
        """While NEST runs: hide cells that it does not update, unless synapses know them by their place in its list."""
        return nullcontext() if self.runtime is None or self.small_synapses else self.runtime.hidden_cells()

    def model(self, population: str) -> ModelInfo:
        """Ports, parameters and recordables of a population's neuron model."""
        model = self._built_as(population)
        return self.module.of(model).models[model]

    def _built_as(self, population: str) -> str:
        """Name by which the module knows a population's cells."""
        if graded := self.plan.graded(population):
            return graded.name
        pair = pair_of(self.plan, population)
        return self.plan.population(population).model if pair is None else pair.name

    def has_nodes_of_nest(self, population: str) -> bool:
        """Whether each cell of a population is a node of NEST's usual kind, which answers for itself."""
        return self.module.of(self._built_as(population)).carrier is None

    def synapses(self, population: str) -> Mapping[str, str]:
        """Synapses that the module of a population's cells brings for them, by NEST's synapse that each replaces."""
        return self.module.of(self._built_as(population)).synapses

    def receptor_type(self, population: str, receptor: str) -> int:
        """NEST's ``receptor_type`` of a receptor of a population."""
        return self.model(population).ports[self.plan.population(population).port(receptor)]

    def port_number(self, population: str, receptor: str) -> int:
        """Number of a receptor's port, from 0; a graded receptor has none."""
        given = self.plan.population(population).receptors.get(receptor)
        if given is not None and given.current:
            return 0
        return self.receptor_type(population, receptor) - min(self.model(population).ports.values())

    def set(self, population: str, cells: slice, values: Mapping[str, Any]) -> None:
        """Set parameters of some cells: a number for all, an array with one for each, or a list that all get."""
        nodes = self.populations[population]
        if self.has_nodes_of_nest(population):
            chosen = nodes[cells]
            constant = {name: value for name, value in values.items() if not isinstance(value, np.ndarray)}
            varied = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
            if constant:
                chosen.set(constant)
            if varied:
                kernel.set_arrays(chosen, varied)
            return
        assert self.runtime is not None
        first = nodes[0].global_id
        self.runtime.set(range(first, first + len(nodes))[cells], values)


def graded_of(plan: Plan) -> list[GradedCells]:
    """Cells that have more than their model for graded synapses, each kind once."""
    found = {cells for population in plan.populations if (cells := plan.graded(population.name))}
    return sorted(found, key=lambda cells: cells.name)


def pair_of(plan: Plan, population: str) -> Pair | None:
    """Cells of a population with the NESTML synapses onto them; None if there are none of those."""
    synapses = plan.paired(population)
    if not synapses:
        return None
    return Pair(plan.population(population).model, tuple(_partner(synapse) for synapse in synapses))


def _partner(s: NestmlSynapse) -> Partner:
    return partner(s.path, post_ports=s.post_ports, modulator_ports=s.modulator_ports, weight=s.weight, reads=s.reads)


def alone(synapse: NestmlSynapse) -> Pair:
    """A synapse that is made without cells."""
    return Pair("", (_partner(synapse),))


def pairs_by_target(plan: Plan) -> dict[str, list[Pair]]:
    """Cells with NESTML synapses onto them, and such synapses for all cells, by code generation target."""
    found: dict[str, set[Pair]] = {}
    for population in plan.populations:
        if (pair := pair_of(plan, population.name)) is not None:
            found.setdefault(plan.target_of(population.name), set()).add(pair)
    for projection in plan.projections:
        synapse = projection.synapse
        if isinstance(synapse, NestmlSynapse) and not synapse.sees_target:
            target = plan.target if plan.target in PAIRED else GENERAL
            found.setdefault(target, set()).add(alone(synapse))
    return {target: sorted(pairs, key=lambda pair: pair.name) for target, pairs in sorted(found.items())}
