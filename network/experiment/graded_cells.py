"""What cells gain for graded synapses: gates of the receptors that they open, conductances that others open in them.

The model of a user stays as it is. Its *variant* has, for every gate, a state ``s_<label>`` with the equation of the
activation, and for every graded receptor a conductance ``g_<receptor>``, the parameter ``E_rev_<receptor>`` and the
current ``I_<receptor>``, which is added to the current that the model takes already.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .. import resources
from ..errors import SpecError
from .activations import Activation, find_activation, labelled
from .nestml import ModelInterface, model_interfaces, read_nestml
from .receptors import GradedReceptor, current_way

if TYPE_CHECKING:
    from .schema import Experiment

VOLTAGE = "V_m"

_BLOCK = re.compile(r"^(\s+)(state|parameters|internals|equations|input|output|update|function|on\w+)\b.*:\s*$")


@dataclass(frozen=True, order=True)
class Gate:
    """Receptors that a cell opens with its potential: the label of their open probability, and the activation."""

    label: str
    activation: str

    @property
    def state(self) -> str:
        """Open probability in the cell."""
        return labelled("s", self.label)


@dataclass(frozen=True, order=True)
class Opened:
    """Receptors of a cell that others open: their name, and the current of the model that theirs is added to."""

    receptor: str
    current: str

    @property
    def conductance(self) -> str:
        """State of the cell, in nS."""
        return f"g_{self.receptor}"

    @property
    def inward(self) -> str:
        """Recordable current, in pA; positive depolarises."""
        return f"I_{self.receptor}"

    @property
    def reversal(self) -> str:
        """Parameter, in mV."""
        return f"E_rev_{self.receptor}"


@dataclass(frozen=True)
class GradedCells:
    """A model with the gates and the conductances that the populations of a kind need."""

    model: str
    gates: tuple[Gate, ...] = ()
    opened: tuple[Opened, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gates or self.opened)

    @property
    def name(self) -> str:
        """Name of the variant."""
        gates = [f"_{gate.label}" for gate in self.gates]
        opened = [f"_{one.receptor}" for one in self.opened]
        return "".join([self.model, "__opens" if gates else "", *gates, "__opened" if opened else "", *opened])

    @property
    def recordables(self) -> dict[str, str]:
        """What can be recorded besides, and in which unit."""
        found = {gate.state: "1" for gate in self.gates}
        for one in self.opened:
            found |= {one.conductance: "nS", one.inward: "pA"}
        return found

    def activations(self) -> list[tuple[Gate, Activation]]:
        """Gates with the files of their activations."""
        return [(gate, find_activation(gate.activation)) for gate in self.gates]

    def problem(self) -> str | None:
        """Why the model cannot have them, in one sentence; None if it can, or is not there."""
        try:
            text = read_nestml(resources.find_model(self.model))
        except (FileNotFoundError, SpecError):
            return None  # told elsewhere
        return next(self._problems(text), None)

    def text(self, of_model: str) -> str:
        """Text of the variant, from that of the model.

        Raises
        ------
        SpecError
            If the model does not take it; one sentence.
        """
        if problem := next(self._problems(of_model), None):
            raise SpecError([problem])
        return _Writer(self, of_model).text()

    def _problems(self, text: str) -> Iterator[str]:
        code = [line.split("#", 1)[0] for line in text.splitlines()]
        equations = "\n".join(line for block, line in _with_blocks(code) if block == "equations")
        if re.search(rf"^\s*{VOLTAGE}'\s*=", equations, re.M) is None:
            yield f"{self.model} has no potential {VOLTAGE} with an equation, which a graded synapse needs"
        for one in self.opened:
            if re.search(rf"\b{one.current}\b", equations) is None:
                yield (
                    f"the equations of {self.model} do not read {one.current}, to which the current of the receptor "
                    f"{one.receptor} would be added"
                )
        names = set(re.findall(r"\b[A-Za-z_]\w*", "\n".join(code)))
        for one in self.opened:
            for name in (one.conductance, one.inward, one.reversal):
                if name in names:
                    yield f"{self.model} has a {name} already; give the graded receptor {one.receptor} another name"
        for gate, activation in self.activations():
            for own in ("s", *activation.interface.parameters, *activation.inlines):
                if labelled(own, gate.label) in names:
                    what = f"{self.model} has a {labelled(own, gate.label)} already"
                    yield f"{what}; give the graded synapses with {gate.activation} another name"


def current_of(receptor: GradedReceptor, model: ModelInterface) -> str:
    """Current of the model that the one of a graded receptor is added to; empty if that is not clear."""
    return receptor.current or next((way for way in current_way(None, None, model) if way is not None), "")


def cells_of(experiment: Experiment, population: str) -> GradedCells:
    """What the cells of a population gain for the graded synapses of an experiment."""
    gates = {
        gate
        for p in experiment.projections.values()
        if p.enabled and p.source == population and (gate := p.synapse_in_use.gate) is not None
    }
    given = experiment.populations.get(population)
    if given is None:
        return GradedCells("")
    model = model_interfaces().get(given.model, ModelInterface(given.model))
    opened = {
        Opened(name, current_of(receptor, model))
        for name, receptor in given.receptors.items()
        if isinstance(receptor, GradedReceptor)
    }
    return GradedCells(given.model, tuple(sorted(gates)), tuple(sorted(opened)))


class _Writer:
    """Adds to the blocks of a model; blocks that it does not have come at its end."""

    def __init__(self, cells: GradedCells, text: str) -> None:
        self.cells, self.lines = cells, text.splitlines()
        self.added: dict[str, list[str]] = {"state": [], "parameters": [], "equations": []}
        for gate, activation in cells.activations():
            for block, lines in activation.renamed(gate.label, VOLTAGE).items():
                if block in self.added:
                    self.added[block] += lines
        for one in cells.opened:
            self.added["state"].append(f"{one.conductance} nS = 0 nS")
            self.added["parameters"].append(f"{one.reversal} mV = 0 mV")
            inward = f"{one.conductance} * ({one.reversal} - {VOLTAGE})"
            self.added["equations"].append(f"recordable inline {one.inward} pA = {inward}")
            self.added["equations"].append(f"{one.conductance}' = -{one.conductance} / (1 ms)")

    def text(self) -> str:
        """The whole."""
        out: list[str] = []
        left = dict(self.added)
        for number, (block, line) in enumerate(_with_blocks(self.lines)):
            out.append(self._with_currents(line) if block == "equations" else line)
            header = _BLOCK.match(line.split("#", 1)[0])
            if header is not None and (lines := left.pop(header.group(2), None)):
                indentation = self._indentation(number, header.group(1))
                out += [indentation + one for one in lines]
        for block, lines in left.items():
            if lines:
                out += ["", f"    {block}:", *(f"        {one}" for one in lines)]
        return "\n".join([*out, ""])

    def _indentation(self, header: int, of_header: str) -> str:
        """Indentation of the lines below a header."""
        for line in self.lines[header + 1 :]:
            if line.split("#", 1)[0].strip():
                return line[: len(line) - len(line.lstrip())]
        return of_header * 2

    def _with_currents(self, line: str) -> str:
        code, mark, comment = line.partition("#")
        for current in sorted({one.current for one in self.cells.opened}):
            inward = [one.inward for one in self.cells.opened if one.current == current]
            code = re.sub(rf"\b{current}\b", f"({' + '.join([current, *inward])})", code)
        return code + mark + comment


def _with_blocks(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Every line with the block that it is in; a header belongs to none."""
    block = ""
    for line in lines:
        if header := _BLOCK.match(line.split("#", 1)[0]):
            block = header.group(2)
            yield "", line
        else:
            yield block, line
