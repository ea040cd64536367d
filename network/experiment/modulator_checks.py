"""Do effects belong to modulators that there are, and can the weights and in-degrees that they make be had.

Between :mod:`network.experiment.model_checks` and :mod:`network.experiment.checks`; a reader of the merged tree, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import choices
from . import derive
from .model_checks import ModelChecks, mapping_of, number_of
from .modulators import SHORT, raw_levels
from .nestml import ModelInterface
from .origins import Tree
from .yamlfile import KeyPath


class ModulatorChecks(ModelChecks):
    """The methods here look at modulators and their effects."""

    def __init__(self, tree: Tree, models: Mapping[str, ModelInterface]) -> None:
        super().__init__(tree, models)
        self.phis = self._phis()

    def _phis(self) -> dict[str, float]:
        """Deviation of every modulator from its reference, as far as it can be told."""
        found = {}
        for name, (level, reference) in raw_levels(self.tree.data).items():
            alpha, alpha_0 = number_of(level), number_of(reference)
            found[name] = 0.0 if alpha is None or alpha_0 is None else derive.dopamine_phi(alpha, alpha_0)
        return found

    def _factor(self, entry: Mapping[str, Any], what: str) -> float:
        """Factor of all modulators on the weight or in-degree of an entry."""
        product = 1.0 + (number_of(entry.get(f"{what}_beta")) or 0.0) * self.phis.get(SHORT, 0.0)
        for _, of, beta in self._effects_in(mapping_of(entry, "effects").get(what), ()):
            product *= 1.0 + beta * self.phis.get(of, 0.0)
        return product

    @staticmethod
    def _effects_in(node: Any, path: KeyPath) -> list[tuple[KeyPath, str, float]]:
        """Place, modulator and beta of the effects of a value, written as one or as a list."""
        listed = node if isinstance(node, list | tuple) else [node]
        return [
            (path, str(one.get("of")), number_of(one.get("beta")) or 0.0) for one in listed if isinstance(one, dict)
        ]

    def _modulators(self) -> None:
        """Every effect must be one of a modulator that there is."""
        data = self.tree.data
        network, known = mapping_of(data, "network"), list(self.phis)
        if SHORT in mapping_of(data, "modulators"):
            for key in (SHORT, f"{SHORT}_reference", f"{SHORT}_schedule"):
                if network.get(key) is not None:
                    self._add(
                        ("network", key), f"is the short form of modulators.{SHORT}, which is given, too; drop one"
                    )
        elif (network.get(SHORT) is None) != (network.get(f"{SHORT}_reference") is None):
            missing = SHORT if network.get(SHORT) is None else f"{SHORT}_reference"
            self._add(("network", missing), "is missing; level and reference go together")
        elif network.get(SHORT) is None and network.get(f"{SHORT}_schedule") is not None:
            self._add(("network", f"{SHORT}_schedule"), f"there is no {SHORT}; give network.{SHORT} or modulators")
        for name, population in self.populations.items():
            place = ("populations", name)
            for key, node in mapping_of(population, "effects").items():
                self._of_known((*place, "effects", key), node, known)
                if key not in mapping_of(population, "neuron"):
                    valid = choices(key, mapping_of(population, "neuron"), "parameters")
                    self._add((*place, "effects", key), f"no such neuron parameter here; {valid}")
            betas: list[tuple[str, ...]] = [("dopamine", key) for key in mapping_of(population, "dopamine")]
            for receptor, entry in mapping_of(population, "receptors").items():
                where = (*place, "receptors", receptor)
                self._of_known((*where, "effects"), mapping_of(population["receptors"], receptor).get("effects"), known)
                betas += [("receptors", receptor, "beta")] if isinstance(entry, dict) and "beta" in entry else []
            self._need_short(place, betas, known)
        for section in ("projections", "inputs"):
            for name, entry in mapping_of(data, section).items():
                for key, node in mapping_of(entry, "effects").items():
                    self._of_known((section, name, "effects", key), node, known)
                given = entry if isinstance(entry, dict) else {}
                betas = [(key,) for key in ("weight_beta", "in_degree_beta") if key in given]
                self._need_short((section, name), betas, known)

    def _of_known(self, path: KeyPath, node: Any, known: list[str]) -> None:
        for where, of, _ in self._effects_in(node, path):
            if of not in known:
                self._add(where, f"no modulator {of!r}; {choices(of, known, 'modulators')}")

    def _need_short(self, path: KeyPath, betas: list[tuple[str, ...]], known: list[str]) -> None:
        for keys in betas if SHORT not in known else ():
            self._add((*path, *keys), f"is an effect of {SHORT}, which this network does not have (modulators.{SHORT})")

    def _weight_beta(self, path: KeyPath, entry: dict[str, Any]) -> None:
        """Weights never are negative, and do not change during a run."""
        effects = self._effects_in(mapping_of(entry, "effects").get("weight"), (*path, "effects", "weight"))
        beta = number_of(entry.get("weight_beta")) or 0.0
        acting = [((*path, "weight_beta"), SHORT, beta), *effects]
        for where, of, one in acting:
            phi = self.phis.get(of, 0.0)
            if derive.modulated_weight(1.0, one, phi) < 0.0:
                self._add(where, f"makes the weight negative: 1 + beta * phi with phi = {phi:g}")
            network = mapping_of(self.tree.data, "network")
            schedules = [mapping_of(mapping_of(mapping_of(self.tree.data, "modulators"), of), "schedule")]
            schedules += [mapping_of(network, f"{SHORT}_schedule")] if of == SHORT else []
            if one != 0.0 and any(schedules):
                message = "weights cannot follow a {}schedule; let the receptor's {} change the current instead"
                self._add(where, message.format(*(("dopamine_", "beta") if of == SHORT else ("", "effects"))))
