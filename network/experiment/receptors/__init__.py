"""Kinds of receptors: what a spike does to the cell, which unit its weight has, and whether it excites.

A receptor is a name for an input port of the cell's model. Its kind follows from the model (what the equations make of
the port, whether it has a reversal potential) unless ``kind:`` says it. It needs those parameters that the model has,
under the model's own names, or under the short form that the models of this package follow: ``tau_syn`` of the port
``ampa`` is the parameter ``tau_syn_ampa``. Every module of this folder is read: a kind is added by a file with a class,
see `base.ReceptorKind` for what it has to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Discriminator, Tag

from ..kinds import read_folder
from ..nestml import ModelInterface
from ..nestml_ports import PortUse
from ..quantities import Check, UserFloat, UserInt
from .base import SHORT, ReceptorKind
from .conductance import ConductanceReceptor
from .current import CurrentReceptor
from .graded import GradedReceptor
from .potential import PotentialReceptor

read_folder(__name__, __path__)

THRESHOLDS = ("V_th", "V_t", "V_T", "V_threshold", "Theta_eq", "V_peak")
RESTS = ("E_L", "V_r", "V_rest")
"""Names of a cell's threshold and rest, the first that it has decides what a reversal potential does."""


def _kind_of(value: Any) -> str:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return "conductance" if kind is None else str(kind)


KINDS: dict[str, type[ReceptorKind]] = {kind.name(): kind for kind in ReceptorKind.__subclasses__()}
USABLE = ", ".join(name for name, kind in KINDS.items() if kind.usable)
_OF_UNIT = {kind.unit: name for name, kind in reversed(KINDS.items()) if kind.usable}
"""Kind that is meant by the unit of a weight: the first that has it."""

if TYPE_CHECKING:
    Receptor = ReceptorKind
else:
    Receptor = Annotated[
        Union[tuple(Annotated[kind, Tag(name)] for name, kind in KINDS.items())],  # noqa: UP007
        Discriminator(_kind_of),
    ]


def port_of(name: str, receptor: Any) -> str:
    """Port of a receptor, as it is written or as it has been read."""
    # where a receptor is asked for a number may be written, which is refused elsewhere
    port = receptor.get("port") if isinstance(receptor, Mapping) else getattr(receptor, "port", None)
    return port if isinstance(port, str) else name


def parameter_name(key: str, name: str, port: str, known: Mapping[str, Any]) -> str | None:
    """Parameter of the model that is meant by a key of a receptor: ``<key>_<port>``, or the model's own name.

    ``<key>_<receptor>`` is understood, too: models shipped with NESTML have ``tau_syn_exc`` for the port
    ``exc_spikes``. None if the model has nothing of the kind.
    """
    return next((own for own in (f"{key}_{port}", f"{key}_{name}", key) if own in known), None)


def given_parameters(population: Mapping[str, Any], model: ModelInterface) -> set[str]:
    """Parameters of the model that the receptors of a population, as written, have values for."""
    receptors = population.get("receptors")
    found: set[str] = set()
    for name, receptor in receptors.items() if isinstance(receptors, Mapping) else ():
        if not isinstance(receptor, Mapping):
            continue
        more = receptor.get("parameters")
        keys = [*(key for key in SHORT if key in receptor), *(more if isinstance(more, Mapping) else ())]
        names = (parameter_name(str(key), str(name), port_of(str(name), receptor), model.parameters) for key in keys)
        found |= {own for own in names if own is not None}
    return found


def kind_of(name: str, receptor: Mapping[str, Any], model: ModelInterface) -> str | None:
    """Kind of a receptor as written; else from the model, None if that does not tell."""
    written = receptor.get("kind")
    if isinstance(written, str):
        return written
    port = port_of(name, receptor)
    use = model.uses.get(port)
    if use is not None and use.unit:
        return _OF_UNIT[use.unit]
    has_reversal = "E_rev" in receptor or parameter_name("E_rev", name, port, model.parameters) is not None
    return "conductance" if has_reversal else None


def complete(data: dict[str, Any], models: Mapping[str, ModelInterface]) -> dict[str, Any]:
    """Tree of an experiment with what follows from the models: kinds, ports that nobody named, units of bare numbers.

    The tree itself stays as it is.
    """
    populations = data.get("populations")
    if not isinstance(populations, dict):
        return data
    completed: dict[str, Any] = {}
    kinds: dict[str, dict[str, str | None]] = {}
    for name, population in populations.items():
        model = models.get(str(population.get("model"))) if isinstance(population, dict) else None
        completed[name] = population
        if model is not None and not model.problem:
            given = population.get("receptors", {})
            if isinstance(given, dict):
                receptors = _with_kinds(given, model)
                kinds[name] = {key: r.get("kind") for key, r in receptors.items() if isinstance(r, dict)}
                completed[name] = {**population, "receptors": receptors}
            if isinstance(neuron := population.get("neuron"), dict):
                completed[name] = {**completed[name], "neuron": of_the_model(neuron, model)}
    out = {**data, "populations": completed}
    for section in ("projections", "inputs", "spike_inputs"):
        if isinstance(entries := data.get(section), dict):
            out[section] = {key: _with_units(entry, kinds) for key, entry in entries.items()}
    return out


def of_the_model(given: dict[str, Any], model: ModelInterface) -> dict[str, Any]:
    """Give bare numbers that a user wrote for parameters and states the unit that the model declares.

    A name that the model does not have is told where names are checked; it lacks no unit besides.
    """
    return {
        key: Check(model.unit(key) or "1").before(value) if isinstance(value, UserInt | UserFloat) else value
        for key, value in given.items()
    }


def _with_kinds(given: dict[str, Any], model: ModelInterface) -> dict[str, Any]:
    receptors = {}
    for key, receptor in given.items():
        receptors[key] = receptor
        if isinstance(receptor, dict) and receptor.get("kind") is None and isinstance(key, str):
            kind = kind_of(key, receptor, model)
            if kind not in (None, "conductance"):
                receptors[key] = {**receptor, "kind": kind}
        if isinstance(receptor, dict) and isinstance(own := receptor.get("parameters"), dict):
            receptors[key] = {**receptors[key], "parameters": of_the_model(own, model)}
    named = {port_of(key, receptor) for key, receptor in given.items() if isinstance(receptor, dict)}
    for port in model.ports:
        if port not in named and port not in given:
            kind = kind_of(port, {}, model)
            receptors[port] = {} if kind in (None, "conductance") else {"kind": kind}
    return receptors


def _with_units(entry: Any, kinds: Mapping[str, Mapping[str, str | None]]) -> Any:
    """Give the bare weights that a user wrote for a current the unit of it; others are conductances anyway."""
    target = entry.get("target") if isinstance(entry, dict) else None
    of_target = kinds.get(target, {}) if isinstance(target, str) else {}

    def united(value: Any, receptor: Any) -> Any:
        kind = of_target.get(receptor) if isinstance(receptor, str) else None
        if kind is not None and kind in KINDS and isinstance(value, UserInt | UserFloat):
            return Check(KINDS[kind].unit).before(value)
        return value

    if not of_target or not any(of_target.values()):
        return entry
    changed = dict(entry)
    if "weight" in entry:
        changed["weight"] = united(entry["weight"], entry.get("receptor"))
    if isinstance(weights := entry.get("weights"), dict):
        changed["weights"] = {receptor: united(value, receptor) for receptor, value in weights.items()}
    return changed


def current_way(parameter: str | None, port: str | None, model: ModelInterface) -> tuple[str | None, str | None]:
    """Parameter or continuous port of a model that a current goes to, from what was written; (None, None) if unclear.

    Of what was not written, ``I_e`` is taken, else the only continuous port.
    """
    if parameter is not None or port is not None:
        return parameter, port
    if "I_e" in model.parameters or not model.name:
        return "I_e", None
    return (None, next(iter(model.currents))) if len(model.currents) == 1 else (None, None)


def effect_of(name: str, receptor: Receptor, model: ModelInterface, params: Mapping[str, float]) -> int:
    """What a positive weight does: 1 excites, -1 inhibits.

    A conductance excites if its reversal potential is above the threshold of the cell (above the rest where a cell has
    no threshold): currents through it can then make the cell fire. A current excites unless the model subtracts it.
    ``params`` are those of the cell, named as in its model.
    """
    if receptor.effect is not None:
        return -1 if receptor.effect == "inhibitory" else 1
    port = port_of(name, receptor)
    use = model.uses.get(port, PortUse())
    if receptor.unit != "nS":
        return -1 if use.subtracted and port not in model.qualifiers else 1
    given = [parameter_name(key, name, port, params) for key, _ in receptor.named() if key.startswith("E_")]
    names = [*(own for own in given if own is not None), f"E_rev_{port}"]
    if port not in model.qualifiers:
        names.append(use.reversal)
    if not any(key in params for key in names):
        return -1 if model.qualifiers.get(port) == "inhibitory" else 1
    return conductance_effect(port, params, names)


def conductance_effect(port: str, params: Mapping[str, float], names: Iterable[str] = ()) -> int:
    """1 if a conductance excites, -1 if it inhibits; ``names`` are those its reversal potential may have."""
    reversal = next((params[key] for key in (*names, f"E_rev_{port}") if key in params), None)
    level = next((params[key] for key in (*THRESHOLDS, *RESTS) if key in params), None)
    return -1 if reversal is not None and level is not None and reversal <= level else 1


__all__ = [
    "KINDS",
    "SHORT",
    "USABLE",
    "ConductanceReceptor",
    "CurrentReceptor",
    "GradedReceptor",
    "PotentialReceptor",
    "Receptor",
    "ReceptorKind",
    "complete",
    "conductance_effect",
    "effect_of",
    "kind_of",
    "parameter_name",
    "port_of",
]
