"""Cross-references of an experiment: does everything that is named exist, and does it fit together.

The checks read the merged tree, not the validated model, so that they run (and report) even where other
parts of the tree are malformed; what cannot be interpreted is left to the schema.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..errors import choices
from . import derive
from .cell_code import AUTO, DEFAULT_TARGET, DRAWING_TARGETS
from .limits import MAX_CELLS
from .model_checks import Problem, mapping_of, number_of, text_of
from .modulator_checks import ModulatorChecks
from .nest_limits import TIC
from .nestml import ModelInterface
from .origins import Tree, is_quantity
from .receptors import current_way, port_of
from .removed import removed_message, removed_populations
from .units import UNITS
from .yamlfile import KeyPath


def check_references(
    tree: Tree, models: Mapping[str, ModelInterface], sources: Collection[str]
) -> tuple[list[Problem], frozenset[KeyPath]]:
    """All problems that need more than one value to be seen, as (key path, message).

    Also the key paths below which these explain everything, so that nobody else needs to complain.
    """
    checker = _Checker(tree, models, sources)
    unknown = {("populations", name) for name in tree.unresolved}
    problems = [problem for problem in checker.run() if problem[0][:2] not in unknown]
    return problems, frozenset(checker.explained | unknown)


class _Checker(ModulatorChecks):
    def __init__(self, tree: Tree, models: Mapping[str, ModelInterface], sources: Collection[str]) -> None:
        super().__init__(tree, models)
        self.sources = sources
        self.gone: dict[str, list[KeyPath]] = {name: [] for name in removed_populations(tree)}
        self.groups = mapping_of(tree.data, "groups")
        self.resolution = number_of(mapping_of(tree.data, "simulation").get("resolution"))
        if self.resolution is not None and not derive.is_multiple(self.resolution, TIC):  # others would follow from it
            message = f"{self.resolution:.12g} ms is not a multiple of {TIC:g} ms, the unit of NEST's clock"
            self._add(("simulation", "resolution"), message)
            self.resolution = None
        self.sizes = self._sizes()

    def run(self) -> list[Problem]:
        self._quantities(self.tree.data, ())
        self._groups()
        for name, population in self.populations.items():
            if isinstance(population, dict):
                self._population(("populations", name), population)
        self._actions()
        self._modulators()
        for section, check in (
            ("projections", self._projection),
            ("inputs", self._input),
            ("spike_inputs", self._input),
            ("currents", self._current),
            ("stimulations", self._stimulation),
        ):
            for name, entry in mapping_of(self.tree.data, section).items():
                if isinstance(entry, dict):
                    check((section, name), entry)
        self._in_degrees()
        self._simulation()
        self._recording()
        for name, users in self.gone.items():
            if users:
                self._add(("populations", name), removed_message(users))
        return self.problems

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
            self._add(
                path,
                f"unknown source {source!r}; {choices(source, self.sources, 'sources', limit=12)}; more of "
                "your own: a sources.yaml in the folder of your file",
            )

    def _is_population(self, path: KeyPath, name: Any) -> bool:
        if not isinstance(name, str) or not self.populations or name in self.populations:
            return isinstance(name, str)
        if name in self.gone:
            self.gone[name].append(path)
        elif name in self.groups:
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
                for k, member in enumerate(members):
                    self._is_population(("groups", name), member)
                    if member in members[:k]:
                        self._add(("groups", name), f"{member!r} is named twice; its cells would count twice")

    def _population(self, path: KeyPath, population: dict[str, Any]) -> None:
        name, neuron = population.get("model"), mapping_of(population, "neuron")
        model = self._model(population)
        if isinstance(name, str) and model is None:
            self._no_model((*path, "model"), name)
        gains = [
            f"gain_{port_of(r, mapping_of(population, 'receptors')[r])}" for r in mapping_of(population, "receptors")
        ]
        gains = [gain for gain in dict.fromkeys(gains) if model is not None and gain in model.parameters]
        for section, known in (("dopamine", [*neuron]), ("heterogeneity", [*neuron, *gains])):
            for key in mapping_of(population, section):
                if key not in known:
                    message = f"no such neuron parameter here; {choices(key, known, 'parameters')}"
                    self._add((*path, section, key), message)
        for key, entry in mapping_of(population, "heterogeneity").items():
            if isinstance(entry, dict) and "sd" in entry and is_quantity(neuron.get(key)):
                unit = str(neuron[key].get("unit"))
                self._in_unit((*path, "heterogeneity", key, "sd"), entry["sd"], unit if unit in UNITS else None)
        for key, entry in mapping_of(population, "initial").items():
            relative_to = text_of(entry, "relative_to") if isinstance(entry, dict) else None
            if relative_to is not None and relative_to not in neuron:
                message = f"no such neuron parameter here; {choices(relative_to, neuron, 'parameters')}"
                self._add((*path, "initial", key, "relative_to"), message)
        if model is not None:
            self._against_model(path, population, model)

    def _delay(self, path: KeyPath, entry: dict[str, Any]) -> None:
        delay, spread = number_of(entry.get("delay")), number_of(entry.get("delay_spread")) or 0.0
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

    def _projection(self, path: KeyPath, entry: dict[str, Any]) -> None:
        self._is_population((*path, "source"), entry.get("source"))
        if self._is_population((*path, "target"), entry.get("target")):
            self._port((*path, "receptor"), entry.get("target"), entry.get("receptor"))
            self._weight((*path, "weight"), entry.get("target"), entry.get("receptor"), entry.get("weight"))
            self._spikes((*path, "receptor"), entry.get("target"), entry.get("receptor"), entry.get("synapse"))
        self._delay(path, entry)
        self._weight_beta(path, entry)
        for key in mapping_of(entry, "connect").keys() & {"autapses", "multapses", "within_action"}:
            self._add((*path, "connect", key), "stands beside 'connect', not within it: it modifies every rule")
            self.explained.add((*path, "connect", key))
        if entry.get("within_action") is True:
            sides = [text_of(entry, side) for side in ("source", "target")]
            outside = [side for side in sides if side is not None and side not in self.actions]
            if outside:
                self._add(
                    (*path, "within_action"),
                    f"not split into actions: {', '.join(outside)}; network.actions.populations: "
                    f"{', '.join(self.actions) or 'none'}",
                )

    def _input(self, path: KeyPath, entry: dict[str, Any]) -> None:
        if self._is_population((*path, "target"), entry.get("target")):
            for receptor in mapping_of(entry, "weights"):
                self._port((*path, "weights", receptor), entry.get("target"), receptor)
                self._weight((*path, "weights", receptor), entry.get("target"), receptor, entry["weights"][receptor])
                self._spikes((*path, "weights", receptor), entry.get("target"), receptor, None)
        self._delay(path, entry)
        self._multiple((*path, "shift"), entry.get("shift"))
        self._weight_beta(path, entry)
        self._repetition((*path, "modulation"), entry.get("modulation"))
        for name, stimulus in mapping_of(entry, "stimuli").items():
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
        frequency, period = number_of(node.get("frequency")), number_of(node.get("period"))
        if period is None and frequency is not None and frequency > 0.0:
            period = 1000.0 / frequency
        if period is not None and self.resolution is not None and 0.0 < period < self.resolution:
            key = "frequency" if "frequency" in node else "period"
            self._add((*path, key), f"repeats every {period:g} ms, within the resolution of {self.resolution:g} ms")

    def _current(self, path: KeyPath, entry: dict[str, Any]) -> None:
        name = entry.get("target")
        if not self._is_population((*path, "target"), name):
            return
        population = mapping_of(self.populations, str(name))
        model, neuron = self._model(population), mapping_of(population, "neuron")
        if model is None:
            return
        parameter, port = current_way(text_of(entry, "parameter"), text_of(entry, "port"), model)
        if port is not None and port not in model.currents:
            valid = choices(port, list(model.currents), "continuous ports")
            self._add((*path, "port"), f"not a continuous port of {model.name}; {valid}")
        elif port is None and (parameter is None or parameter not in model.parameters):
            into = [key for key in model.parameters if model.unit(key) in ("pA", "nA")]
            where = [*(f"parameter: {key}" for key in into), *(f"port: {key}" for key in model.currents)]
            key = "target" if entry.get("parameter") is None else "parameter"
            what = f"has no parameter {parameter or 'I_e'} to add a current to"
            ways = f"say where it goes: {', '.join(where)}" if where else "it takes no currents"
            self._add((*path, key), f"{name} ({model.name}) {what}; {ways}")
        elif parameter is not None and model.unit(parameter) not in (None, "pA", "nA"):
            self._add((*path, "parameter"), f"{parameter} of {model.name} is in {model.unit(parameter)}, not a current")
        elif parameter is not None and parameter not in neuron:
            self._add((*path, "target"), f"{name} has no value for {parameter}, on top of which the current comes")

    def _stimulation(self, path: KeyPath, entry: dict[str, Any]) -> None:
        self._current(path, entry)
        for key in ("start", "stop"):
            self._multiple((*path, key), entry.get(key))
        width, step = number_of(entry.get("width")), self.resolution
        if width is None or step is None or width <= 0.0 or derive.is_multiple(width, step):
            return
        nearest = max(1, round(width / step)) * step
        self._add(
            (*path, "width"),
            f"{width:g} ms is not a whole number of steps of {step:g} ms; a pulse of {nearest:g} ms and "
            f"{width / nearest:.4g} times the amplitude brings the same charge, or take a shorter resolution",
        )

    def _actions(self) -> None:
        given = mapping_of(mapping_of(self.tree.data, "network"), "actions")
        names, n = given.get("populations"), number_of(given.get("n"))
        self.actions: dict[str, int] = {}
        for name in names if isinstance(names, list | tuple) else ():
            if self._is_population(("network", "actions", "populations"), name) and n is not None:
                self.actions[str(name)] = int(n)

    # --- sizes ------------------------------------------------------------------------------------------

    def _counts(self) -> dict[str, float]:
        counts = {name: number_of(mapping_of(self.populations, name).get("n_anatomical")) for name in self.populations}
        return {name: count for name, count in counts.items() if count is not None and count > 0}

    def _sizes(self) -> dict[str, int]:
        counts, total = self._counts(), number_of(mapping_of(self.tree.data, "network").get("n_neurons"))
        sizes = {}
        for name in self.populations:
            fixed = number_of(mapping_of(self.populations, name).get("n_neurons"))
            if fixed is not None and fixed <= MAX_CELLS:
                sizes[name] = int(fixed)
        if counts and total is not None and 1 <= total <= MAX_CELLS:
            sizes |= derive.population_sizes(counts, int(total))
        elif counts and total is None and "n_neurons" not in mapping_of(self.tree.data, "network"):
            self._add(("network", "n_neurons"), "is missing; populations with n_anatomical need it")
        return sizes

    def _in_degrees(self) -> None:
        """In-degrees must fit into the source population, or multapses must have been chosen."""
        network = mapping_of(self.tree.data, "network")
        multapses_chosen = network.get("small_network") == "multapses"
        needed: dict[str, int] = {}
        failing: list[str] = []
        for name, entry in mapping_of(self.tree.data, "projections").items():
            k = number_of(entry.get("in_degree")) if isinstance(entry, dict) else None
            source = text_of(entry, "source") if k is not None else None
            if k is None or source is None or source not in self.sizes or entry.get("enabled") is False:
                continue
            same = source == entry.get("target")
            rounding = str(entry.get("in_degree_rounding"))
            in_degree = derive.scaled_in_degree(k, self._factor(entry, "in_degree"), rounding)
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
        time, step = number_of(node), self.resolution
        if time is not None and step is not None and step > 0 and not derive.is_multiple(time, step):
            self._add(path, f"{time:.12g} ms is not a multiple of the resolution of {step:g} ms")

    def _simulation(self) -> None:
        simulation = mapping_of(self.tree.data, "simulation")
        for key in ("t_presim", "t_sim"):
            self._multiple(("simulation", key), simulation.get(key))
        for name in mapping_of(mapping_of(simulation, "mock"), "rates"):
            self._is_population(("simulation", "mock", "rates", name), name)
        self._multiple(("simulation", "guard", "window"), mapping_of(simulation, "guard").get("window"))
        self._drive(simulation.get("target", DEFAULT_TARGET), simulation.get("drive"))

    def _drive(self, target: Any, drive: Any) -> None:
        """Refuse ``internal`` for cells that cannot draw, if it was asked for beside or after the target."""
        where = self.tree.origins.get(("simulation", "drive"))
        if target in (AUTO, *DRAWING_TARGETS) or drive != "internal" or where is None:
            return
        with_target = self.tree.origins.get(("simulation", "target"))
        if where.text is not None or (with_target is not None and where.where == with_target.where):
            self._add(
                ("simulation", "drive"),
                f"cells of simulation.target {target!r} cannot draw their input themselves; choose "
                f"simulation.drive 'device', or simulation.target {', '.join(map(repr, DRAWING_TARGETS))}",
            )

    def _window(self, path: KeyPath, entry: Mapping[str, Any], start: str, stop: str) -> None:
        simulation = mapping_of(self.tree.data, "simulation")
        presim, sim = number_of(simulation.get("t_presim")), number_of(simulation.get("t_sim"))
        if presim is None or sim is None or presim < 0.0 or sim <= 0.0:  # the schema refuses those
            return
        first, last = number_of(entry.get(start)), number_of(entry.get(stop))
        first, last = presim if first is None else first, presim + sim if last is None else last
        if not 0.0 <= first < last <= presim + sim + 1e-9:
            message = f"the window {first:g} to {last:g} ms is not within 0 and {presim + sim:g} ms (or is empty)"
            self._add(path, message)
        for key in (start, stop):
            self._multiple((*path, key), entry.get(key))

    def _number_of_cells(self, path: KeyPath, population: str, cells: Any) -> None:
        """A recorder of more cells than its population can have; one that was made small is told when it is planned."""
        most = self._counts().get(population) or self.sizes.get(population)
        if self.tree.is_over(("populations", population, "n_neurons"), path):
            return  # a file that makes a population small need not know of the recorders of the network
        if most is not None and isinstance(cells, int) and not isinstance(cells, bool) and cells > most:
            self._add(path, f"{cells:,} cells of {population}, of which there are {most:,.0f}")

    def _recording(self) -> None:
        recording = mapping_of(self.tree.data, "recording")
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
        for name, entry in mapping_of(recording, "weights").items():
            if isinstance(entry, dict):
                self._weights(("recording", "weights", name), entry)
        for name, trace in mapping_of(recording, "traces").items():
            if isinstance(trace, dict):
                self._trace(("recording", "traces", name), trace)
        for name, entry in mapping_of(recording, "fields").items():
            if isinstance(entry, dict):
                self._number_of_cells(
                    ("recording", "fields", name, "cells"), str(entry.get("population")), entry.get("cells")
                )

    def _weights(self, path: KeyPath, entry: dict[str, Any]) -> None:
        self._multiple((*path, "interval"), entry.get("interval"))
        self._window(path, {"start": 0.0, **entry}, "start", "stop")
        name, known = entry.get("projection"), mapping_of(self.tree.data, "projections")
        if isinstance(name, str) and (name not in known or mapping_of(known, name).get("enabled") is False):
            self._add((*path, "projection"), f"no projection {name!r}; {choices(name, known, 'projections')}")

    def _trace(self, path: KeyPath, trace: dict[str, Any]) -> None:
        population = trace.get("population")
        self._multiple((*path, "interval"), trace.get("interval"))
        self._window(path, trace, "start", "stop")
        if not self._is_population((*path, "population"), population):
            return
        model = self._model(self.populations.get(str(population)))
        variables = trace.get("variables")
        if model is not None and isinstance(variables, list | tuple):
            known = [*model.recordables, *self._graded_recordables(str(population))]
            for variable in variables:
                if isinstance(variable, str) and variable not in known:
                    valid = choices(variable, known, "variables")
                    self._add((*path, "variables"), f"{model.name} cannot record {variable!r}; {valid}")
        cells, size = trace.get("cells"), self.sizes.get(str(population))
        self._number_of_cells((*path, "cells"), str(population), cells)
        ids = [cell for cell in cells if isinstance(cell, int)] if isinstance(cells, list | tuple) else []
        if size is not None and ids and not all(0 <= cell < size for cell in ids):
            self._add((*path, "cells"), f"node ids go from 0 to {size - 1} in {population}")
