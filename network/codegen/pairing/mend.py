"""Corrections of NESTML's templates for synapses and the cells that are made with them.

NESTML 9.0.0 makes other weights than the text of a model says, see ``docs/howto/synapses.md``:

* Of a modulated synapse all states are brought to the time of a spike twice, by ``process_..._spikes_`` and again by
  ``update_internal_state_``. They decay, and the weight is integrated, twice over that stretch.
* The volume transmitter brings all synapses to the end of a slice of the simulation, before the spikes that their
  sources have sent in that slice arrive. Such a spike is taken for one at the end of the slice, and the time since it
  is gone through again.
* Several spikes of the modulator in a time step count as one.
* In ``onReceive`` of a spike of the target ``t`` is the time when the cell fired, in that of a spike of the source the
  time at the synapse: they differ by the delay. Traces in the cell are then read at the wrong time, if the spikes of
  source and target arrive at once and the source comes first.
* A cell forgets a spike when all synapses have read it, though traces at the time of the next one, which a synapse may
  still have to read, start from it: they are then taken for 0, as in ``stdp_triplet_synapse``.
* Every synapse asks its target to keep a history of spikes, though one without a port for these never reads it.
* A cell with several synapses, and equations that are solved numerically, has a function as often as synapses.

The last two are corrected for all targets, the others not for ``reference``, which is NESTML's own code.

Places in the template are known by their text; it is an error if one is not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...errors import BuildError
from ..targets.base import TEMPLATES

MENDED = TEMPLATES / "pairs" / "mended"
HEADER = "common/SynapseHeader.h.jinja2"
CELL = "common/NeuronClass.jinja2"
GETTER = "{{ printer._expression_printer._simple_expression_printer._variable_printer.set_getter_string("


@dataclass(frozen=True)
class Cut:
    """A part of a template, from ``start`` up to ``end`` (only ``start`` if that is empty), and what replaces it."""

    file: str
    start: str
    end: str = ""
    template: str = HEADER

    def apply(self, text: str, where: Path) -> str:
        """Text with the part replaced.

        Raises
        ------
        BuildError
            If the text does not have that part exactly once.
        """
        head, found, rest = text.partition(self.start)
        tail = rest
        if self.end:
            _, again, tail = rest.partition(self.end)
            tail = again + tail
        if not found or self.start in rest or (self.end and not again):
            raise BuildError(
                f"{where}: not NESTML's template for synapses that is known here; install it again: "
                "`pip install --force-reinstall nestml==9.0.0`"
            )
        return head + (MENDED / self.file).read_text() + tail


FOR_ALL = (
    Cut("registered.jinja2", "    t.register_stdp_connection( t_lastspike_ - get_delay(), get_delay() );\n"),
    Cut(
        "once.jinja2",
        "{%-             if (purely_numeric_state_variables_moved + analytic_state_variables_moved) | length > 0 %}\n"
        "{#          for neuron-synapse co-generation: separate integrator for the emulated",
        "{%-                set args",
        CELL,
    ),
)
TIMES = (
    Cut("transmitter.jinja2", "    volume_transmitter* vt_ = nullptr;\n"),
    Cut(
        "post_time.jinja2",
        "        const double t_hist_entry_ms = start->t_;\n",
        "{%  filter indent(8, True) %}\n{%- if post_ports is defined %}",
    ),
    Cut("needed.jinja2", "      if ( history_.front().access_counter_ >= n_incoming_\n", template=CELL),
    Cut("after_pre.jinja2", GETTER + '"((post_neuron_t*)(__target))->get_%s(get_t())") }} {# XXX', "\n    }\n"),
    Cut(
        "modulated.jinja2",
        '#ifdef DEBUG\n  std::cout << "[synapse " << this << "] {{ synapseName }}::process_{{ vt_port }}_spikes_()',
        "{%- endif %}\n\n/*\n ** Synapse dynamics",
    ),
    Cut(
        "triggered.jinja2",
        "  // propagate all state variables in the synapse to time t_trig\n",
        "{%- endif %}\n\n} // namespace {{ synapseName }};",
    ),
)


def mend(templates: Path, *, times: bool) -> None:
    """Correct the templates in a folder; ``times`` are those by which weights become others."""
    for cut in (*FOR_ALL, *(TIMES if times else ())):
        path = templates / cut.template
        path.write_text(cut.apply(path.read_text(), path))


def fingerprint() -> tuple[str, ...]:
    """Texts of the corrections."""
    return (Path(__file__).read_text(), *(path.read_text() for path in sorted(MENDED.iterdir())))
