"""What a kind of synapse says: how it is written, what NEST is told, what it costs, how it is described."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from ..graded_cells import Gate
    from ..schema import Experiment, Projection


@dataclass(frozen=True)
class Synapse:
    """Base of all kinds; the fields of a kind are its parameters, see `network.experiment.kinds.written`."""

    TAG: ClassVar[dict[str, str]] = {}
    nest_model: ClassVar[str] = ""
    """NEST's model of it; empty where it is compiled with the cells."""
    lane_class: ClassVar[str | None] = None
    """Template in the runtime of the target ``vectorised`` that takes the place of NEST's for cells of its own."""
    small_variant: ClassVar[bool] = False
    """Whether NEST has a ``_hpc`` variant for a cell's first receptor that needs less memory."""
    in_rows: ClassVar[bool] = False
    """Whether rows of compact wiring can have it; if not, NEST keeps the synapses."""
    bytes: ClassVar[tuple[int, int]]
    """Size of one synapse in memory: of the target ``vectorised``, and of NEST's own model."""
    measured_as: ClassVar[str] = ""
    """Kind whose measured memory and time the cost model takes; its own if empty."""

    @property
    def name(self) -> str:
        """Name of the kind as it is written."""
        return self.TAG["kind"]

    @property
    def constants(self) -> dict[str, Any]:
        """Parameters that NEST's model is given, equal for all synapses of a projection."""
        return {}

    @property
    def modulated_by(self) -> str | None:
        """Population whose spikes reach all synapses through a volume transmitter; most kinds have none."""
        return None

    @property
    def gate(self) -> Gate | None:
        """What the source cells need for a synapse that their potential opens; most kinds wait for spikes."""
        return None

    @property
    def rested(self) -> float:
        """Step of a rested synapse in units of its weight."""
        return 1.0

    def problem(self) -> tuple[str, str] | None:
        """Parameter that cannot have its value, and why; None if all fit together."""
        return None

    def misfits(self, experiment: Experiment, projection: Projection) -> Iterator[tuple[str, str]]:
        """What does not fit to the rest of an experiment: keys within the synapse, and why."""
        return iter(())

    def resolved(self) -> Synapse:
        """As a plan has it, with what is read from files."""
        return self

    def describe(self) -> str:
        """A few words for a table."""
        return self.name

    def cost_key(self, target: str, wiring: str = "nest") -> str:
        """Entry of the cost model for synapses onto cells of a code generation target, kept by NEST or in rows."""
        kind = self.measured_as or self.name
        if wiring == "compact" and self.in_rows:
            return f"rows_{kind}"
        return kind if target == "vectorised" and self.lane_class is not None else f"nest_{kind}"

    @classmethod
    def from_fields(cls, data: Mapping[str, Any]) -> Synapse:
        """Inverse of the JSON form of the fields."""
        return cls(**data)
