"""What the templates of the vectorised target need to know about a NESTML model, as plain C++ text.

In the printed expressions ``c`` holds constants (parameters, internals and what is computed from them
once), ``s`` the state, ``in`` the continuous inputs and ``e`` the exponentials of a step.
"""

import re
from dataclasses import dataclass, field
from typing import Any


class UnsupportedModelError(Exception):
    """A model uses something that only the plain target can do."""

    def __init__(self, model: str, what: str, line: int = 0) -> None:
        self.line = line
        super().__init__(
            f"{model}: the vectorised target does not support {what}. Build this model with `--target plain`."
        )


@dataclass
class Member:
    """One named number of a cell: its C++ name and the expression that gives it."""

    name: str
    expression: str
    kind: str = "real"  # real, integer, exponent, boolean


@dataclass
class LaneModel:
    """Everything the templates print. Expressions are C++ text, names are C++ names."""

    name: str
    parameters: list[Member] = field(default_factory=list)
    internals: list[Member] = field(default_factory=list)
    invariants: list[tuple[str, str]] = field(default_factory=list)  # condition in C++ and as it is written
    half_internals: list[Member] = field(default_factory=list)  # internals for half a step
    constants: list[Member] = field(default_factory=list)  # what the loop over lanes reads
    numeric: list[str] = field(default_factory=list)
    analytic: list[str] = field(default_factory=list)
    free: list[str] = field(default_factory=list)
    state_kinds: dict[str, str] = field(default_factory=dict)  # kind of a Member; real if it is not here
    initial: list[Member] = field(default_factory=list)
    currents: list[str] = field(default_factory=list)
    ports: list[str] = field(default_factory=list)
    # by receptor type: the ports for weights that are not negative, and for negative ones; the same: one for both
    receptors: list[tuple[int, int]] = field(default_factory=list)
    first_receptor: int = 0
    read_ports: list[str] = field(default_factory=list)  # whose sum of weights statements read
    uses_time: bool = False
    draws: int = 0  # places that draw random numbers
    rates: dict[str, str] = field(default_factory=dict)
    rate_lines: list[str] = field(default_factory=list)  # what comes before them
    exponentials: list[str] = field(default_factory=list)  # arguments of exp() in the rates, each once
    propagation: dict[str, str] = field(default_factory=dict)
    half_propagation: dict[str, str] = field(default_factory=dict)
    receive: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # port: (state, increment)
    moved: set[str] = field(default_factory=set)  # states that input changes
    # (port, statements) of what happens where spikes have arrived, in this order
    on_receive: list[tuple[int, str]] = field(default_factory=list)
    inlines: list[Member] = field(default_factory=list)
    recordable_inlines: list[str] = field(default_factory=list)
    # (vector condition, scalar condition, body) of spike conditions located inside a step / after it
    events: list[tuple[str, str, str]] = field(default_factory=list)
    late_events: list[tuple[str, str, str]] = field(default_factory=list)
    # what is executed in every step, if the update block is a program; see update.py
    program: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    is_program: bool = False
    n_calls: int = 0  # of integrate_odes() in it
    held: set[str] = field(default_factory=set)  # variables that do not move in all of these calls
    convolutions: list[str] = field(default_factory=list)  # exactly solved, and move in every step
    # accepted errors are multiplied by this; a gating variable needs smaller ones than a potential in mV
    scales: dict[str, float] = field(default_factory=dict)
    gates: list[str] = field(default_factory=list)  # free states that open receptors of other cells
    conductances: list[str] = field(default_factory=list)  # free states that the gates of other cells open
    voltage: str = ""  # what the gates follow
    gate_rates: dict[str, str] = field(default_factory=dict)
    expansion: Any = None  # of a slice, see expansion.py
    why: str = ""  # it has none
    runner: str = ""  # the state in "runner >= threshold", or ">", where that is the only condition inside a step
    threshold: str = ""

    @property
    def states(self) -> list[str]:
        """All state variables in the order of their storage."""
        return self.numeric + self.analytic + self.free

    @property
    def followed(self) -> list[int]:
        """Numbers of the exactly solved states that the derivatives of the others read."""
        read = set(re.findall(r"\bs\.(\w+)", " ".join([*self.rates.values(), *self.rate_lines])))
        return [i for i, name in enumerate(self.analytic) if name in read]

    @property
    def scheme(self) -> str:
        """How the equations are integrated."""
        if self.expansion is not None:
            return "one expansion of the equations per slice"
        if not self.numeric:
            return "exact solution"
        return "steps of fifth order" if self.is_program else "three evaluations of the equations per step"

    @property
    def inputs(self) -> list[str]:
        """Rows of input of a step: currents, sums of weights, time, the number that random ones come from."""
        rows = self.currents + self.read_ports
        return rows + ["t"] * self.uses_time + ["random"] * (self.draws > 0)

    def receptor(self, port: int) -> int:
        """Receptor type of a port, counted from 0."""
        return next(i for i, pair in enumerate(self.receptors) if port in pair)

    def row(self, constant: str) -> int:
        """Row of a constant."""
        return next(i for i, one in enumerate(self.constants) if one.name == constant)

    @property
    def exponents(self) -> list[int]:
        """Rows of the constants that are exponents."""
        return [i for i, constant in enumerate(self.constants) if constant.kind == "exponent"]
