"""Target ``vectorised``: cells in blocks of eight or sixteen, advanced together by vector instructions.

The equations come from NESTML by our own templates (``templates/vectorised``); everything around them is in
the headers ``runtime/lane_*.h`` and ``runtime/poisson_drive.h``. Every cell can draw its own Poisson input. Synapses
of its own bring spikes to the blocks without a detour over the cells.
"""

from __future__ import annotations

import platform

from ...experiment.kinds import kinds_of
from ...experiment.synapses import Synapse
from .base import CODEGEN, GUARD_HEADERS, TEMPLATES, Target

# GCC prefers half of the width that a CPU with AVX-512 has; without effect on other CPUs of the family
_WIDE_VECTORS = ("-mprefer-vector-width=512",) if platform.machine() in ("x86_64", "AMD64") else ()

TARGET = Target(
    name="vectorised",
    description="eight or sixteen cells at a time by vector instructions, built-in Poisson input, no GSL",
    templates=TEMPLATES / "vectorised",
    plugin=CODEGEN / "vectorised" / "plugin.py",
    headers=(
        "lane_node.h",
        "lane_block.h",
        "drive_parameters.h",
        "lane_careful.h",
        "lane_constants.h",
        "lane_delivery.h",
        "lane_drive.h",
        "lane_events.h",
        "expanded_steps.h",
        "lane_expansion.h",
        "lane_graded.h",
        "lane_parameters.h",
        "lane_registry.h",
        "lane_input.h",
        "lane_random.h",
        "lane_row.h",
        "lane_program.h",
        "lane_stages.h",
        "lane_step.h",
        "lane_substeps.h",
        "lane_math.h",
        "lane_slice.h",
        "lane_solver.h",
        "lane_work.h",
        "huge_memory.h",
        "poisson_drive.h",
        "solver.h",
        "spike_log.h",
        "trace_log.h",
    ),
    module_headers=(
        *GUARD_HEADERS,
        "graded_clock.h",
        "graded_wiring.h",
        "lane_synapses.h",
        "row_carrier.h",
        "row_chooser.h",
        "row_drawing.h",
        "row_interface.h",
        "row_memory.h",
        "row_projection.h",
        "row_random.h",
        "row_table.h",
        "spike_target.h",
        "update_list.h",
    ),
    synapses={kind.nest_model: kind.lane_class for kind in kinds_of(Synapse) if kind.lane_class is not None},
    synapse_header="lane_synapses.h",
    carrier="bgnest::RowCarrier",
    interface_header="row_interface.h",
    flags=(
        "-O3",
        # None of these changes a result. Without them a conditional would have to stay a branch, because
        # the side that is not taken could set a flag of the floating-point unit that nobody reads.
        "-fno-math-errno",
        "-fno-trapping-math",
        # A step is two or more groups of lanes with nothing in common, each a chain of instructions that wait
        # for one another. Only with these does GCC let the groups take turns (a fifth faster).
        "-fschedule-insns",
        "-fsched-pressure",
        *_WIDE_VECTORS,
    ),
)
