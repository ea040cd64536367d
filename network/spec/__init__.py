"""Specification of experiments and their plans; imports neither NEST nor NESTML nor Matplotlib."""

from network.spec.cost import Estimate, estimate
from network.spec.errors import SpecError
from network.spec.loading import (
    dump_experiment,
    experiment_origins,
    list_experiments,
    list_overlays,
    list_variants,
    load_experiment,
)
from network.spec.plan import (
    Cells,
    Clamped,
    InputPlan,
    Plan,
    PopulationPlan,
    ProjectionPlan,
    RecorderPlan,
    Segment,
    SpikeInputPlan,
    Tsodyks,
    Uniform,
    Waveform,
    make_plan,
    plan_from_dict,
)
from network.spec.schema import Experiment
from network.spec.summary import plan_summary
from network.spec.targets import Targets, load_targets

__all__ = [
    "Cells",
    "Clamped",
    "Estimate",
    "Experiment",
    "InputPlan",
    "Plan",
    "PopulationPlan",
    "ProjectionPlan",
    "RecorderPlan",
    "Segment",
    "SpecError",
    "SpikeInputPlan",
    "Targets",
    "Tsodyks",
    "Uniform",
    "Waveform",
    "dump_experiment",
    "estimate",
    "experiment_origins",
    "list_experiments",
    "list_overlays",
    "list_variants",
    "load_experiment",
    "load_targets",
    "make_plan",
    "plan_from_dict",
    "plan_summary",
]
