"""Figures of runs, sized for print (columns of 85 and 180 mm, 7 pt): the only place that imports Matplotlib.

Every function takes plain arrays or tables and returns a Matplotlib ``Figure``; there is no global state, no
window, and no dependence on a display. `plot_run` makes the standard set for a run folder. Modules are imported when
something of them is asked for: Matplotlib takes half a second.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .activity import intervals, raster, rate_bands, rate_courses, spectra, traces
    from .base import save
    from .circuits import circuit
    from .experiments import courses, dose_response, effects, pulse_courses, selection_maps, states
    from .fields import field
    from .fits import fit
    from .learning import weight_courses
    from .matrices import connectivity, weights
    from .optimisations import optimisation
    from .oscillations import coherence, phase_circles
    from .response import responses
    from .scan import scan_lines, scan_map
    from .standard import DETAIL, SPECTRUM, Standard, plot_run
    from .style import colours, label, presentation, presented

_HOMES = {
    "activity": ("intervals", "raster", "rate_bands", "rate_courses", "spectra", "traces"),
    "base": ("save",),
    "circuits": ("circuit",),
    "experiments": ("courses", "dose_response", "effects", "pulse_courses", "selection_maps", "states"),
    "fields": ("field",),
    "fits": ("fit",),
    "learning": ("weight_courses",),
    "matrices": ("connectivity", "weights"),
    "optimisations": ("optimisation",),
    "oscillations": ("coherence", "phase_circles"),
    "response": ("responses",),
    "scan": ("scan_lines", "scan_map"),
    "standard": ("DETAIL", "SPECTRUM", "Standard", "plot_run"),
    "style": ("colours", "label", "presentation", "presented"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "DETAIL",
    "SPECTRUM",
    "Standard",
    "circuit",
    "coherence",
    "colours",
    "connectivity",
    "courses",
    "dose_response",
    "effects",
    "field",
    "fit",
    "intervals",
    "label",
    "optimisation",
    "phase_circles",
    "plot_run",
    "presentation",
    "presented",
    "pulse_courses",
    "raster",
    "rate_bands",
    "rate_courses",
    "responses",
    "save",
    "scan_lines",
    "scan_map",
    "selection_maps",
    "spectra",
    "states",
    "traces",
    "weight_courses",
    "weights",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value
