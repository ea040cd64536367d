"""The plan as scripts and notebooks see it: the numbers that will be built, what they cost, and a short table."""

from __future__ import annotations

from dataclasses import fields
from functools import cached_property

from ..plans import Estimate, estimate, plan_summary
from ..plans import Plan as Numbers
from ..plans.summary import code_notes, table
from ..text import human_bytes
from .tables import html


class Plan(Numbers):
    """What will be built, as plain numbers in NEST's units, with its cost.

    ``print(plan)`` shows a short table, `summary` all of it; `Plan.to_dict` is the JSON form.
    """

    @classmethod
    def of(cls, plan: Numbers) -> Plan:
        """Plan with the same numbers."""
        return cls(**{field.name: getattr(plan, field.name) for field in fields(plan)})

    @cached_property
    def cost(self) -> Estimate:
        """Memory, seconds and spikes that are expected."""
        return estimate(self)

    def summary(self) -> str:
        """All tables: populations, projections, inputs, memory, time."""
        return plan_summary(self, self.cost)

    def _lines(self) -> list[str]:
        return [
            f"{self.n_neurons:,} neurons, {self.n_synapses:,} synapses; warm-up {self.t_presim:g} ms, "
            f"recording {self.t_sim:g} ms",
            f"{self.ranks} rank(s) x {self.threads} thread(s): about {human_bytes(self.cost.memory_bytes)} and "
            f"{self.cost.total:.0f} s; simulation {self.simulation_hash[:8]}",
            *(code_notes(self) if self.reasons else ()),
        ]

    def _rows(self) -> list[list[str]]:
        synapses = {p.name: 0 for p in self.populations}
        for projection in self.projections:
            synapses[projection.target] += projection.n_synapses
        return [[p.name, p.model, f"{p.n_neurons:,}", f"{synapses[p.name]:,}"] for p in self.populations]

    _HEADER = ("population", "model", "neurons", "synapses onto it")

    def __str__(self) -> str:
        rows = table(list(self._HEADER), self._rows(), "llrr")
        return "\n".join([self.name, *self._lines(), "", rows])

    def _repr_html_(self) -> str:
        return html(self.name, self._lines(), self._HEADER, self._rows())
