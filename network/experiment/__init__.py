"""What is written: YAML files to a validated experiment; knows no plan and no simulator."""

from .loading import (
    dump_experiment,
    experiment_origins,
    list_experiments,
    list_overlays,
    list_variants,
    load_experiment,
)
from .schema import Experiment

__all__ = [
    "Experiment",
    "dump_experiment",
    "experiment_origins",
    "list_experiments",
    "list_overlays",
    "list_variants",
    "load_experiment",
]
