"""The tables of Nordlie, Gewaltig and Plesser (2009) for an experiment: from its plan what is built, from it why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields

from ..experiment import Experiment
from ..experiment.presentation import Presentation
from ..experiment.synapses import Synapse
from ..plans import Plan
from ..plans.parts import InputPlan, SpikeInputPlan
from ..plans.summary import delay_text, drawn_text
from . import models
from .cells import cell_blocks, kind_name
from .document import Block, Code, Document, Picture, Section, Table, Text
from .inputs import input_blocks, time_text
from .links import sign_of
from .parameters import number, references, rest, tables, written

CIRCUIT = "circuit"
"""Name of the picture of the network."""
ENTRIES = ("populations", "projections", "inputs", "spike_inputs", "currents", "stimulations")
"""Sections of an experiment whose entries get a table of numbers each."""


def describe(experiment: Experiment, plan: Plan, look: Presentation) -> Document:
    """Everything there is to say of a network.

    Parameters
    ----------
    experiment : Experiment
    plan : Plan
        Of that experiment.
    look : Presentation
        Labels of populations.
    """
    numbers = written(experiment)
    parts: list[tuple[str, Iterable[Block]]] = [
        ("A: Model summary", _summary(experiment, plan)),
        ("B: Populations", _populations(experiment, plan, look)),
        ("C: Connectivity", _connectivity(experiment, plan)),
        ("D: Neuron and synapse models", [*cell_blocks(experiment, plan), *_synapses(plan)]),
        ("E: Input", input_blocks(experiment, plan)),
        ("F: Measurements", _measurements(plan)),
        ("G: Parameters as they are written", _parameters(experiment)),
        ("References", [references(numbers, experiment.sources)]),
    ]
    made = (Section(title, tuple(blocks)) for title, blocks in parts)
    return Document(experiment.meta.title, tuple(s for s in made if any(_says(block) for block in s.blocks)))


def _says(block: Block) -> bool:
    return not isinstance(block, Table) or bool(block.rows)


def _parameters(experiment: Experiment) -> list[Block]:
    numbers = written(experiment)
    of_entries = [table for section in ENTRIES for table in tables(numbers, section)]
    return [
        Text(
            "Every number of the experiment with its unit (as NEST has it), its source and the file in which it is "
            "written. A parameter of a population is at the reference level of all modulators here; what it is in this "
            "experiment is in table D."
        ),
        *rest(numbers, ENTRIES),
        *of_entries,
    ]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(name for name in names if name))


def _summary(experiment: Experiment, plan: Plan) -> list[Block]:
    levels = {**({} if plan.dopamine is None else {"dopamine": plan.dopamine}), **plan.modulators}
    placed = [p.name for p in plan.populations if p.positions is not None]
    plastic = [p.synapse for p in plan.projections if p.synapse.name != "static" and p.synapse.gate is None]
    rows = {
        "Experiment": f"{plan.name}: {experiment.meta.title}",
        "Populations": f"{len(plan.populations)}: {_listed(p.name for p in plan.populations)}; "
        f"{plan.n_neurons:,} neurons",
        "Topology": f"positions of {_listed(placed)}" if placed else "none",
        "Connectivity": f"{len(plan.projections)} projections, {plan.n_synapses:,} synapses: "
        + _listed(p.rule.name.replace("_", " ") for p in plan.projections)
        if plan.projections
        else "none",
        "Neuron models": _listed(_titled(p.model) for p in plan.populations),
        "Channel models": "those of the neuron models, see D",
        "Synapse models": _listed(_receptor_kinds(experiment, plan)) or "none",
        "Plasticity": _listed(synapse.name for synapse in plastic) or "none",
        "Modulators": _listed(f"{name} {level:g}" for name, level in levels.items()) or "none",
        "Input": _listed(_input_kinds(experiment, plan)) or "none",
        "Measurements": _listed(["spikes" if plan.spike_populations else "", *_variables(plan)]) or "none",
        "Simulation": f"step {plan.resolution:g} ms, warm-up {plan.t_presim:g} ms, recording {plan.t_sim:g} ms, seed "
        f"{plan.seed}, code of the cells {plan.target}",
    }
    return [Table(("item", "in this network"), tuple(rows.items())), Picture(CIRCUIT, _CAPTION)]


_CAPTION = (
    "The circuit: an arrow excites, a bar inhibits; the wider a line, the larger the sum of the weights of all "
    "synapses of a projection onto one cell. Dashed lines modulate synapses. Short arrows from outside are inputs; "
    "those without a head excite and inhibit."
)


def _titled(model: str) -> str:
    title = models.title_of(models.text_of(model))
    return f"{model} ({title})" if title else model


def _receptor_kinds(experiment: Experiment, plan: Plan) -> list[str]:
    """Kinds of the receptors that projections and inputs reach, with the unit of their weights."""
    used = {(p.target, p.receptor) for p in plan.projections}
    given_spikes: list[InputPlan | SpikeInputPlan] = [*plan.inputs, *plan.spike_inputs]
    used |= {(i.target, receptor) for i in given_spikes for receptor in i.weights}
    given = (experiment.populations[target].receptors.get(receptor) for target, receptor in sorted(used))
    return [f"{kind_name(receptor)} ({receptor.unit})" for receptor in given if receptor is not None]


def _input_kinds(experiment: Experiment, plan: Plan) -> list[str]:
    return [
        "independent Poisson trains" if plan.inputs else "",
        "recorded spikes" if plan.spike_inputs else "",
        "currents" if any(current.enabled for current in experiment.currents.values()) else "",
        "electrical stimulation" if plan.pulses else "",
    ]


def _variables(plan: Plan) -> list[str]:
    return [f"{variable} of {r.population}" for r in plan.recorders for variable in r.variables]


def _populations(experiment: Experiment, plan: Plan, look: Presentation) -> list[Block]:
    rows = []
    for population in plan.populations:
        given = experiment.populations[population.name]
        groups = [name for name, members in plan.groups.items() if population.name in members]
        row = (population.name, given.label, population.model, f"{population.n_neurons:,}", given.transmitter or "")
        rows.append((*row, ", ".join(map(look.label, groups))))
    return [Table(("name", "what it is", "neuron model", "size", "transmitter", "groups"), tuple(rows))]


def _connectivity(experiment: Experiment, plan: Plan) -> list[Block]:
    rows = []
    for p in plan.projections:
        target = plan.population(p.target)
        pattern = f"{p.in_degree} sources per cell" if p.in_degree is not None else p.rule.describe()
        extra = [
            "no autapses" if p.source == p.target and not p.allow_autapses else "",
            "several synapses of a pair" if p.allow_multapses else "",
            f"within {p.n_sets} actions" if p.n_sets > 1 else "",
        ]
        rows.append(
            (
                p.name,
                p.source,
                p.target,
                f"{p.receptor} ({'excites' if sign_of(plan, p) > 0 else 'inhibits'})",
                _listed([pattern, *extra]),
                f"{p.n_synapses:,}",
                f"{drawn_text(p.weight)} {target.unit(p.receptor)}",
                delay_text(plan, p),
                p.synapse.name,
            )
        )
    header = ("name", "source", "target", "receptor", "pattern", "synapses", "weight", "delay (ms)", "synapse")
    off = [name for name, p in experiment.projections.items() if not p.enabled]
    notes = [Text(f"Switched off: {', '.join(off)}.")] if off else []
    return [Table(header, tuple(rows)), *notes]


def _synapses(plan: Plan) -> list[Block]:
    kinds: dict[str, type[Synapse]] = {p.synapse.name: type(p.synapse) for p in plan.projections}
    said = tuple((name, _first_line(kind)) for name, kind in kinds.items())
    rows = [
        (p.name, p.synapse.name, text)
        for p in plan.projections
        if (text := "; ".join(f"{name} = {value}" for name, value in _constants(p.synapse)))
    ]
    blocks: list[Block] = [
        Table(("synapse", "what it does"), said, "Kinds of synapses"),
        Table(("projection", "synapse", "parameters (units in G)"), tuple(rows), "Parameters of synapses"),
    ]
    given: dict[str, Callable[[], str]] = {}
    for population in plan.populations:
        for activation in population.gates.values():
            given[f"activation {activation}"] = lambda name=activation: models.activation_text(name)  # type: ignore[misc]
        for synapse in plan.paired(population.name):
            given[f"synapse {synapse.model}"] = lambda name=synapse.model: models.synapse_text(name)  # type: ignore[misc]
    blocks += [Code(models.equations(read()), f"Equations of {name}") for name, read in given.items()]
    return blocks


def _first_line(kind: type[Synapse]) -> str:
    return (kind.__doc__ or "").strip().partition("\n")[0]


def _constants(synapse: Synapse) -> list[tuple[str, str]]:
    """Parameters of a kind of synapse in plain numbers."""
    found: list[tuple[str, str]] = []
    for one in fields(synapse):
        value = getattr(synapse, one.name)
        if isinstance(value, bool) or value in (None, "") or one.name == "digest":
            continue
        if isinstance(value, int | float):
            found.append((one.name, number(value)))
        elif isinstance(value, str):
            found.append((one.name, value))
        elif isinstance(value, Mapping):
            found += [(str(key), number(item)) for key, item in value.items() if isinstance(item, int | float)]
    return found


def _measurements(plan: Plan) -> list[Block]:
    rows = []
    if plan.spike_populations:
        window = f"{time_text(plan.spike_start)} to {time_text(plan.spike_stop)}"
        rows.append(("spikes", ", ".join(plan.spike_populations), f"every spike, {window}"))
    for r in plan.recorders:
        what = ", ".join(f"{v} ({r.units[v]})" if r.units.get(v, "1") != "1" else v for v in r.variables)
        cells = f"{len(r.node_ids)} cells of {r.population}"
        rows.append((what, cells, f"every {r.interval:g} ms, {time_text(r.start)} to {time_text(r.stop)}"))
    for w in plan.weights:
        cells = f"{w.synapses} synapses of {w.projection}"
        rows.append(("weights", cells, f"every {w.interval:g} ms, {time_text(w.start)} to {time_text(w.stop)}"))
    return [Table(("what", "of", "when"), tuple(rows))]
