"""Published windows of a network and whether a run is inside them."""

from .verdict import judge, passed, render
from .windows import Targets, load_targets

__all__ = ["Targets", "judge", "load_targets", "passed", "render"]
