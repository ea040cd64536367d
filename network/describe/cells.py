"""Neuron models in a description: equations as the file has them, and the parameters of each population."""

from __future__ import annotations

from collections.abc import Mapping

from ..experiment import Experiment
from ..experiment.nestml import ModelInterface, model_interfaces, parse_nestml
from ..experiment.receptors import ReceptorKind, port_of
from ..plans import Plan
from ..plans.parts import PopulationPlan
from ..plans.summary import drawn_text
from . import models
from .document import Block, Code, Table
from .parameters import number


def cell_blocks(experiment: Experiment, plan: Plan) -> list[Block]:
    """For every neuron model its equations and the parameters of its populations; at the end all receptors."""
    interfaces = model_interfaces()
    blocks: list[Block] = []
    for model in dict.fromkeys(population.model for population in plan.populations):
        text, known = models.text_of(model), interfaces.get(model, ModelInterface(model))
        members = [population for population in plan.populations if population.model == model]
        title = models.title_of(text)
        heading = f"{model}: {title}" if title else model
        blocks += [Code(lines, heading)] if (lines := models.equations(text)) else []
        units = {name: unit for p in members for name, unit in _units(experiment, p, known).items()}
        blocks.append(_parameters(members, units, model))
    return [*blocks, _receptors(experiment, plan)]


def kind_name(receptor: ReceptorKind) -> str:
    """Kind of a receptor; it need not be written where it is a conductance."""
    return str(getattr(receptor, "kind", None) or "conductance")


def _units(experiment: Experiment, population: PopulationPlan, known: ModelInterface) -> dict[str, str]:
    """Unit of every parameter and state: as the model declares it, and of what graded synapses add to the cells."""
    names = [*population.params, *population.initial]
    units = {name: "1" if _is_number(known, name) else known.unit(name) or "" for name in names}
    for name, receptor in experiment.populations[population.name].receptors.items():
        port = port_of(name, receptor)
        units |= {f"{key}_{port}": value.unit for key, value in receptor.named() if not units.get(f"{key}_{port}")}
    for label, activation in population.gates.items():
        model = parse_nestml(models.activation_text(activation), activation)
        own = {**model.parameters, **model.states}
        units |= {f"{name}_{label}": "1" if _is_number(model, name) else model.unit(name) or "" for name in own}
    return units


def _is_number(model: ModelInterface, name: str) -> bool:
    return model.parameters.get(name, model.states.get(name)) in ("real", "integer")


def _parameters(members: list[PopulationPlan], units: Mapping[str, str], model: str) -> Table:
    """A row per parameter, a column per population: what cells have in this experiment."""
    names = dict.fromkeys(name for population in members for name in population.params)
    rows = [(name, units.get(name, ""), *(_value(p, name) for p in members)) for name in names]
    states = dict.fromkeys(name for population in members for name in population.initial)
    for state in states:
        values = [drawn_text(p.initial[state]) if state in p.initial else "" for p in members]
        rows.append((f"{state} at first", units.get(state, ""), *values))
    header = ("parameter", "unit", *(population.name for population in members))
    return Table(header, tuple(rows), f"Parameters of {model} in this experiment")


def _value(population: PopulationPlan, name: str) -> str:
    if name in population.heterogeneity:
        return drawn_text(population.heterogeneity[name])
    return number(population.params[name]) if name in population.params else ""


def _receptors(experiment: Experiment, plan: Plan) -> Table:
    rows = []
    for population in plan.populations:
        for name, receptor in population.receptors.items():
            given = experiment.populations[population.name].receptors[name]
            effect = "excites" if receptor.effect > 0 else "inhibits"
            rows.append((population.name, name, kind_name(given), receptor.port, receptor.unit, effect))
    header = ("population", "receptor", "kind", "port of the model", "unit of weights", "a positive weight")
    return Table(header, tuple(rows), "Receptors")
