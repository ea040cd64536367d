"""Cross-references of an experiment: does everything that is named exist, and does it fit together.

The checks read the merged tree, not the validated model, so that they run (and report) even where other
parts of the tree are malformed; what cannot be interpreted is left to the schema.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from network.spec import derive
from network.spec.errors import choices
from network.spec.limits import MAX_CELLS, beyond, is_number
from network.spec.nest_limits import TIC
from network.spec.nestml import ModelInterface
from network.spec.origins import Tree, is_quantity
from network.spec.quantities import NAME_UNITS
from network.spec.schema import DRAWING_TARGETS
from network.spec.units import UNITS, canonical, compatible, convert
from network.spec.yamlfile import KeyPath

Problem = tuple[KeyPath, str]

DEFAULT_TARGET = "vectorised"


def check_references(
    tree: Tree, models: Mapping[str, ModelInterface], sources: Collection[str]
) -> tuple[list[Problem], frozenset[KeyPath]]:
    """All problems that need more than one value to be seen, as (key path, message).

    Also the key paths below which these explain everything, so that nobody else needs to complain.
    """
    checker = _Checker(tree, models, sources)
    return checker.run(), frozenset(checker.explained)


def _mapping(node: Any, key: str) -> dict[str, Any]:
    found = node.get(key) if isinstance(node, dict) else None
    return found if isinstance(found, dict) else {}


def _number(node: Any) -> float | None:
    """Return the number in NEST's unit where it can be understood."""
    if isinstance(node, dict):
        value, unit = node.get("value"), str(node.get("unit", "1"))
        if not is_number(value) or unit not in UNITS:
            return None
        number = convert(float(value), unit)[0]
    elif is_number(node):
        number = float(node)
    else:
        return None
    return None if beyond(number) else number


def _text(node: Mapping[str, Any], key: str) -> str | None:
    """Return the text at a key; None for anything else, which the schema refuses."""
    found = node.get(key)
    return found if isinstance(found, str) else None


class _Checker:
    def __init__(self, tree: Tree, models: Mapping[str, ModelInterface], sources: Collection[str]) -> None:
        self.tree, self.models, self.sources = tree, models, sources
        self.problems: list[Problem] = []
        self.explained: set[KeyPath] = set()
        self.refused: set[str] = set()
        self.populations = _mapping(tree.data, "populations")
        self.groups = _mapping(tree.data, "groups")
        self.resolution = _number(_mapping(tree.data, "simulation").get("resolution"))
        if self.resolution is not None and not derive.is_multiple(self.resolution, TIC):
            message = f"{self.resolution:g} ms is not a multiple of {TIC:g} ms, the unit of NEST's clock"
            self._add(("simulation", "resolution"), message)
            self.resolution = None
        self.sizes = self._sizes()
        self.phi = self._phi()

    def run(self) -> list[Problem]:
        self._quantities(self.tree.data, ())
        self._groups()
        for name, population in self.populations.items():
            if isinstance(population, dict):
                self._population(("populations", name), population)
        self._actions()
        for section, check in (
            ("projections", self._projection),
            ("inputs", self._input),
            ("spike_inputs", self._input),
            ("currents", self._current),
        ):
            for name, entry in _mapping(self.tree.data, section).items():
                if isinstance(entry, dict):
                    check((section, name), entry)
        self._in_degrees()
        self._simulation()
        self._recording()
        return self.problems

    def _add(self, path: KeyPath, message: str) -> None:
        self.problems.append((path, message))

    # --- everywhere -------------------------------------------------------------------------------------

    def _quantities(self, node: Any, path: KeyPath) -> None:
        """Check that all sources are in the bibliography."""
        if not isinstance(node, dict):
            return
        if not is_quantity(node):
            for key, child in node.items():
                self._quantities(child, (*path, key))
            return
        source = node.get("source")
        if isinstance(source, str) and source not in self.sources:
            self._add(path, f"unknown source {source!r}; {choices(source, self.sources, 'sources', limit=12)}")

    def _in_unit(self, path: KeyPath, node: Any, expected: str | None) -> None:
        unit = str(node.get("unit")) if is_quantity(node) else None
        if expected is not None and unit in UNITS and unit is not None and not compatible(unit, expected):
            self._add(path, f"wrong unit {unit!r}; accepted: {canonical(expected)} and its multiples")

    def _is_population(self, path: KeyPath, name: Any) -> bool:
        if not isinstance(name, str) or not self.populations or name in self.populations:
            return isinstance(name, str)
        if name in self.groups:
            members = self.groups[name]
            listed = ", ".join(map(str, members)) if isinstance(members, list | tuple) else ""
            self._add(path, f"{name!r} is a group; name one of its populations: {listed}")
        else:
            self._add(path, f"no population {name!r}; {choices(name, self.populations, 'populations')}")
        return False

    # --- sections ---------------------------------------------------------------------------------------

    def _groups(self) -> None:
        for name, members in self.groups.items():
            if name in self.populations:
                self._add(("groups", name), "a population has the same name")
            if isinstance(members, list | tuple):
                for member in members:
                    self._is_population(("groups", name), member)

    def _model(self, population: Any) -> ModelInterface | None:
        name = population.get("model") if isinstance(population, dict) else None
        model = self.models.get(name) if isinstance(name, str) else None
        return None if model is None or model.problem else model

    def _population(self, path: KeyPath, population: dict[str, Any]) -> None:
        name, neuron = population.get("model"), _mapping(population, "neuron")
        model = self._model(population)
        if isinstance(name, str) and model is None:
            self._no_model((*path, "model"), name)
        for section in ("dopamine", "heterogeneity"):
            for key in _mapping(population, section):
                if key not in neuron:
                    self._add(
                        (*path, section, key),
                        f"no such neuron parameter here; {choices(key, neuron, 'parameters')}",
                    )
        for key, entry in _mapping(population, "heterogeneity").items():
            if isinstance(entry, dict) and "sd" in entry and is_quantity(neuron.get(key)):
                unit = str(neuron[key].get("unit"))
                self._in_unit((*path, "heterogeneity", key, "sd"), entry["sd"], unit if unit in UNITS else None)
        for key, entry in _mapping(population, "initial").items():
            relative_to = _text(entry, "relative_to") if isinstance(entry, dict) else None
            if relative_to is not None and relative_to not in neuron:
                message = f"no such neuron parameter here; {choices(relative_to, neuron, 'parameters')}"
                self._add((*path, "initial", key, "relative_to"), message)
        if model is not None:
            self._against_model(path, population, model)

    def _no_model(self, path: KeyPath, name: str) -> None:
        if name in self.models:
            if name not in self.refused:
                self._add(path, self.models[name].problem)
            self.refused.add(name)
        else:
            usable = [name for name, model in self.models.items() if not model.problem]
            self._add(path, f"no NESTML model {name!r}; {choices(name, usable, 'models')}")

    def _target(self, path: KeyPath, name: str, model: ModelInterface) -> None:
        """What the default target refuses is known from the text of a model, and said once for each model."""
        target = _mapping(self.tree.data, "simulation").get("target", DEFAULT_TARGET)
        if target == DEFAULT_TARGET and name not in self.refused:
            self.refused.add(name)
            for found in model.unsupported:
                self._add((*path, "model"), found.message(model.file, "choose `--target plain` (simulation.target)"))

    def _lacks_conductances(self, path: KeyPath, model: ModelInterface) -> bool:
        """Complain about ports that are no conductances with the usual names; nothing else is supported yet."""
        owned = set(model.port_parameters.values())
        odd = [port for port in model.ports if not {(port, "tau_syn"), (port, "E_rev")} <= owned]
        if odd:
            self._add(
                (*path, "receptors"),
                f"{model.name}: not supported: ports that are no conductances with the parameters tau_syn_<port> and "
                f"E_rev_<port> (synapses that are currents, other names): {', '.join(odd)}",
            )
            self.explained.add((*path, "receptors"))
            for section in ("projections", "inputs", "spike_inputs"):
                for key, entry in _mapping(self.tree.data, section).items():
                    if isinstance(entry, dict) and entry.get("target") == path[-1]:
                        self.explained |= {(section, key, "weight"), (section, key, "weights")}
        return bool(odd)

    def _against_model(self, path: KeyPath, population: dict[str, Any], model: ModelInterface) -> None:
        neuron, receptors = _mapping(population, "neuron"), _mapping(population, "receptors")
        self._target(path, str(population.get("model")), model)
        of_receptor = model.port_parameters
        own = [parameter for parameter in model.parameters if parameter not in of_receptor]
        for key, node in neuron.items():
            if key not in own:
                self._add(
                    (*path, "neuron", key),
                    f"not a parameter of {model.name}; {choices(key, own, 'parameters')}",
                )
            else:
                self._in_unit((*path, "neuron", key), node, model.unit(key) or self._default_unit(model, key))
        if missing := [key for key in own if key not in neuron]:
            self._add((*path, "neuron"), f"no value for parameters of {model.name}: {', '.join(missing)}")
        for key, entry in _mapping(population, "initial").items():
            if key not in model.states:
                self._add(
                    (*path, "initial", key),
                    f"not a state of {model.name}; {choices(key, model.states, 'states')}",
                )
            elif is_quantity(entry):
                self._in_unit((*path, "initial", key), entry, model.unit(key))
            else:
                for bound in ("low", "high"):
                    where = (*path, "initial", key, bound)
                    self._in_unit(where, _mapping({"entry": entry}, "entry").get(bound), model.unit(key))
        if self._lacks_conductances(path, model):
            return
        for port in receptors:
            if port not in model.ports:
                self._add(
                    (*path, "receptors", port),
                    f"not a port of {model.name}; {choices(port, model.ports, 'ports')}",
                )
            else:
                self._receptor((*path, "receptors", port), port, _mapping(receptors, port), model)
        for port in model.ports:
            if port not in receptors:
                self._add((*path, "receptors"), f"no values for the port {port!r} of {model.name}")

    @staticmethod
    def _default_unit(model: ModelInterface, key: str) -> str | None:
        return NAME_UNITS.get(key) if model.parameters.get(key) not in ("real", "integer") else None

    def _receptor(self, path: KeyPath, port: str, receptor: dict[str, Any], model: ModelInterface) -> None:
        wanted = {name for owner, name in model.port_parameters.values() if owner == port} - {"gain"}
        extra = _mapping(receptor, "parameters")
        given = {key for key in ("tau_syn", "E_rev", "V_act", "S_act") if key in receptor} | set(extra)
        for key in sorted(given - wanted):
            where = (*path, "parameters", key) if key in extra else (*path, key)
            message = f"{model.name} has no parameter {f'{key}_{port}'!r}; {choices(key, sorted(wanted), 'here')}"
            self._add(where, message)
        for key in sorted(wanted - given - {"tau_syn", "E_rev"}):
            self._add(path, f"no value for {key!r} (parameter {f'{key}_{port}'!r} of {model.name})")
        if (_number(receptor.get("beta")) or 0.0) != 0.0 and f"gain_{port}" not in model.parameters:
            self._add((*path, "beta"), f"{model.name} has no parameter {f'gain_{port}'!r}, dopamine cannot act here")

    def _port(self, path: KeyPath, target: Any, receptor: Any) -> None:
        model = self._model(self.populations.get(target)) if isinstance(target, str) else None
        if model is not None and isinstance(receptor, str) and receptor not in model.ports:
            self._add(path, f"{receptor!r} is not a port of {model.name}; {choices(receptor, model.ports, 'ports')}")

    def _delay(self, path: KeyPath, entry: dict[str, Any]) -> None:
        delay, spread = _number(entry.get("delay")), _number(entry.get("delay_spread")) or 0.0
        if delay is None or self.resolution is None or self.resolution <= 0.0:
            return
        shortest = delay * (1.0 - spread)
        if shortest < self.resolution * (1.0 - 1e-9):
            note = f" (mean {delay:g} ms, spread {spread:g})" if spread else ""
            self._add(
                (*path, "delay"),
                f"{shortest:g} ms{note} is shorter than the resolution of {self.resolution:g} ms",
            )
        elif not spread:  # drawn delays are continuous; NEST rounds each to the nearest step
            self._multiple((*path, "delay"), entry.get("delay"))

    def _weight_beta(self, path: KeyPath, entry: dict[str, Any]) -> None:
        """Weights never are negative, and do not change during a run."""
        beta = _number(entry.get("weight_beta")) or 0.0
        if beta == 0.0:
            return
        if derive.modulated_weight(1.0, beta, self.phi) < 0.0:
            message = f"makes the weight negative: 1 + beta * phi with phi = {self.phi:g}"
            self._add((*path, "weight_beta"), message)
        if _mapping(_mapping(self.tree.data, "network"), "dopamine_schedule"):
            message = "weights cannot follow a dopamine_schedule; let the receptor's beta change the current instead"
            self._add((*path, "weight_beta"), message)

    def _projection(self, path: KeyPath, entry: dict[str, Any]) -> None:
        self._is_population((*path, "source"), entry.get("source"))
        if self._is_population((*path, "target"), entry.get("target")):
            self._port((*path, "receptor"), entry.get("target"), entry.get("receptor"))
        self._delay(path, entry)
        self._weight_beta(path, entry)
        if entry.get("within_action") is True:
            sides = [_text(entry, side) for side in ("source", "target")]
            outside = [side for side in sides if side is not None and side not in self.actions]
            if outside:
                self._add(
                    (*path, "within_action"),
                    f"not split into actions: {', '.join(outside)}; network.actions.populations: "
                    f"{', '.join(self.actions) or 'none'}",
                )

    def _input(self, path: KeyPath, entry: dict[str, Any]) -> None:
        if self._is_population((*path, "target"), entry.get("target")):
            for receptor in _mapping(entry, "weights"):
                self._port((*path, "weights", receptor), entry.get("target"), receptor)
        self._delay(path, entry)
        self._multiple((*path, "shift"), entry.get("shift"))
        self._weight_beta(path, entry)
        self._repetition((*path, "modulation"), entry.get("modulation"))
        for name, stimulus in _mapping(entry, "stimuli").items():
            if isinstance(stimulus, dict):
                self._repetition((*path, "stimuli", name, "modulation"), stimulus.get("modulation"))
            action = stimulus.get("action") if isinstance(stimulus, dict) else None
            n = self.actions.get(str(entry.get("target")), 0)
            if isinstance(action, int) and action > n:
                self._add(
                    (*path, "stimuli", name, "action"),
                    f"this is number {action}, {entry.get('target')} has {n or 'none'} (network.actions)",
                )

    def _repetition(self, path: KeyPath, modulation: Any) -> None:
        """Refuse a rate that goes up and down within a step."""
        node = modulation if isinstance(modulation, dict) else {}
        frequency, period = _number(node.get("frequency")), _number(node.get("period"))
        if period is None and frequency is not None and frequency > 0.0:
            period = 1000.0 / frequency
        if period is not None and self.resolution is not None and 0.0 < period < self.resolution:
            key = "frequency" if "frequency" in node else "period"
            self._add((*path, key), f"repeats every {period:g} ms, within the resolution of {self.resolution:g} ms")

    def _current(self, path: KeyPath, entry: dict[str, Any]) -> None:
        name = entry.get("target")
        if self._is_population((*path, "target"), name):
            neuron = _mapping(self.populations.get(str(name)), "neuron")
            if neuron and "I_e" not in neuron:
                self._add((*path, "target"), f"{name} has no parameter I_e to add a current to")

    def _actions(self) -> None:
        given = _mapping(_mapping(self.tree.data, "network"), "actions")
        names, n = given.get("populations"), _number(given.get("n"))
        self.actions: dict[str, int] = {}
        for name in names if isinstance(names, list | tuple) else ():
            if self._is_population(("network", "actions", "populations"), name) and n is not None:
                self.actions[str(name)] = int(n)

    # --- sizes ------------------------------------------------------------------------------------------

    def _counts(self) -> dict[str, float]:
        counts = {name: _number(_mapping(self.populations, name).get("n_anatomical")) for name in self.populations}
        return {name: count for name, count in counts.items() if count is not None and count > 0}

    def _sizes(self) -> dict[str, int]:
        counts, total = self._counts(), _number(_mapping(self.tree.data, "network").get("n_neurons"))
        sizes = {}
        for name in self.populations:
            fixed = _number(_mapping(self.populations, name).get("n_neurons"))
            if fixed is not None and fixed <= MAX_CELLS:
                sizes[name] = int(fixed)
        if counts and total is not None and 1 <= total <= MAX_CELLS:
            sizes |= derive.population_sizes(counts, int(total))
        elif counts and total is None and "n_neurons" not in _mapping(self.tree.data, "network"):
            self._add(("network", "n_neurons"), "is missing; populations with n_anatomical need it")
        return sizes

    def _phi(self) -> float:
        network = _mapping(self.tree.data, "network")
        alpha, alpha_0 = _number(network.get("dopamine")), _number(network.get("dopamine_reference"))
        return 0.0 if alpha is None or alpha_0 is None else derive.dopamine_phi(alpha, alpha_0)

    def _in_degrees(self) -> None:
        """In-degrees must fit into the source population, or multapses must have been chosen."""
        network = _mapping(self.tree.data, "network")
        multapses_chosen = network.get("small_network") == "multapses"
        needed: dict[str, int] = {}
        failing: list[str] = []
        for name, entry in _mapping(self.tree.data, "projections").items():
            k = _number(entry.get("in_degree")) if isinstance(entry, dict) else None
            source = _text(entry, "source") if k is not None else None
            if k is None or source is None or source not in self.sizes or entry.get("enabled") is False:
                continue
            same = source == entry.get("target")
            rounding = str(entry.get("in_degree_rounding"))
            in_degree = derive.modulated_in_degree(k, _number(entry.get("in_degree_beta")) or 0.0, self.phi, rounding)
            n_sets = max(1, self.actions.get(source, 1)) if entry.get("within_action") is True else 1
            autapses = entry.get("autapses") is not False
            multapses = multapses_chosen or entry.get("multapses") is True
            if derive.fits(in_degree, self.sizes[source] // n_sets, same=same, autapses=autapses, multapses=multapses):
                continue
            failing.append(f"{name} ({in_degree} of {self.sizes[source] // n_sets} {source})")
            least = n_sets * (1 if multapses else in_degree) + (1 if same and not autapses else 0)
            needed[source] = max(needed.get(source, 0), least)
        counts = self._counts()
        for name, size in self.sizes.items():
            if size < 1:
                needed[name] = max(needed.get(name, 0), 1)
        empty = [name for name, size in self.sizes.items() if size < 1]
        if not needed:
            return
        what = []
        if failing:
            what.append(f"in-degrees larger than the source population: {', '.join(failing)}")
        if empty:
            what.append(f"populations without neurons: {', '.join(empty)}")
        scaled = {name: need for name, need in needed.items() if name in counts}
        if not scaled:
            self._add(("projections",), "; ".join(what))
            return
        way_out = f"smallest n_neurons from which on it works: {derive.smallest_network(counts, scaled)}"
        if failing and not multapses_chosen:
            way_out += "; or set network.small_network to multapses (sources drawn repeatedly where needed)"
        self._add(("network", "n_neurons"), f"too small, {'; '.join(what)}. {way_out[0].upper()}{way_out[1:]}")

    # --- times ------------------------------------------------------------------------------------------

    def _multiple(self, path: KeyPath, node: Any) -> None:
        time, step = _number(node), self.resolution
        if time is not None and step is not None and step > 0 and not derive.is_multiple(time, step):
            self._add(path, f"{time:g} ms is not a multiple of the resolution of {step:g} ms")

    def _simulation(self) -> None:
        simulation = _mapping(self.tree.data, "simulation")
        for key in ("t_presim", "t_sim"):
            self._multiple(("simulation", key), simulation.get(key))
        self._multiple(("simulation", "guard", "window"), _mapping(simulation, "guard").get("window"))
        self._drive(simulation.get("target", DEFAULT_TARGET), simulation.get("drive"))

    def _drive(self, target: Any, drive: Any) -> None:
        """Refuse ``internal`` for cells that cannot draw, if it was asked for beside or after the target."""
        where = self.tree.origins.get(("simulation", "drive"))
        if target in DRAWING_TARGETS or drive != "internal" or where is None:
            return
        with_target = self.tree.origins.get(("simulation", "target"))
        if where.text is not None or (with_target is not None and where.where == with_target.where):
            self._add(
                ("simulation", "drive"),
                f"cells of simulation.target {target!r} cannot draw their input themselves; choose "
                f"simulation.drive 'device', or simulation.target {', '.join(map(repr, DRAWING_TARGETS))}",
            )

    def _window(self, path: KeyPath, entry: Mapping[str, Any], start: str, stop: str) -> None:
        simulation = _mapping(self.tree.data, "simulation")
        presim, sim = _number(simulation.get("t_presim")), _number(simulation.get("t_sim"))
        if presim is None or sim is None or presim < 0.0 or sim <= 0.0:  # the schema refuses those
            return
        first, last = _number(entry.get(start)), _number(entry.get(stop))
        first, last = presim if first is None else first, presim + sim if last is None else last
        if not 0.0 <= first < last <= presim + sim + 1e-9:
            message = f"the window {first:g} to {last:g} ms is not within 0 and {presim + sim:g} ms (or is empty)"
            self._add(path, message)
        for key in (start, stop):
            self._multiple((*path, key), entry.get(key))

    def _recording(self) -> None:
        recording = _mapping(self.tree.data, "recording")
        spikes = recording.get("spikes")
        known = [*self.populations, *self.groups]
        if isinstance(spikes, list | tuple):
            for name in spikes:
                if isinstance(name, str) and name not in known:
                    self._add(
                        ("recording", "spikes"),
                        f"no population or group {name!r}; {choices(name, known, 'names')}",
                    )
        self._window(("recording",), recording, "spike_start", "spike_stop")
        for name, trace in _mapping(recording, "traces").items():
            if isinstance(trace, dict):
                self._trace(("recording", "traces", name), trace)

    def _trace(self, path: KeyPath, trace: dict[str, Any]) -> None:
        population = trace.get("population")
        self._multiple((*path, "interval"), trace.get("interval"))
        self._window(path, trace, "start", "stop")
        if not self._is_population((*path, "population"), population):
            return
        model = self._model(self.populations.get(str(population)))
        variables = trace.get("variables")
        if model is not None and isinstance(variables, list | tuple):
            for variable in variables:
                if isinstance(variable, str) and variable not in model.recordables:
                    valid = choices(variable, model.recordables, "variables")
                    self._add((*path, "variables"), f"{model.name} cannot record {variable!r}; {valid}")
        cells, size = trace.get("cells"), self.sizes.get(str(population))
        ids = [cell for cell in cells if isinstance(cell, int)] if isinstance(cells, list | tuple) else []
        if size is not None and ids and not all(0 <= cell < size for cell in ids):
            self._add((*path, "cells"), f"node ids go from 0 to {size - 1} in {population}")
