"""What will be built: plain numbers in NEST's units, made from an experiment without a simulator."""

from ..experiment.distributions import Clamped, LogNormal, TruncatedNormal, Uniform
from .codec import plan_from_dict
from .cost import Estimate, estimate
from .make import make_plan
from .parts import Cells, InputPlan, PopulationPlan, ProjectionPlan, RecorderPlan, Segment, SpikeInputPlan
from .plan import Plan
from .summary import plan_summary

__all__ = [
    "Cells",
    "Clamped",
    "Estimate",
    "InputPlan",
    "LogNormal",
    "Plan",
    "PopulationPlan",
    "ProjectionPlan",
    "RecorderPlan",
    "Segment",
    "SpikeInputPlan",
    "TruncatedNormal",
    "Uniform",
    "estimate",
    "make_plan",
    "plan_from_dict",
    "plan_summary",
]
