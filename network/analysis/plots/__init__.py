"""Figures of a run, sized for print (columns of 85 and 180 mm, 7 pt): the only place that imports Matplotlib.

Every function takes plain arrays or tables and returns a Matplotlib ``Figure``; there is no global state, no
window, and no dependence on a display. `plot_run` makes the standard set for a run folder.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure

from ...runs import Run
from ..look import presentation_of
from ..targets.measures import RunData
from ..targets.windows import Targets
from .activity import intervals, raster, rate_bands, rate_courses, spectra, traces
from .base import save
from .experiments import courses, dose_response, effects, pulse_courses, selection_maps, states
from .learning import weight_courses
from .matrices import connectivity, weights
from .optimisation import optimisation
from .oscillations import coherence, phase_circles
from .response import responses
from .scan import scan_lines, scan_map
from .style import colours, label, presentation, presented

__all__ = [
    "coherence",
    "colours",
    "connectivity",
    "courses",
    "dose_response",
    "effects",
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


logger = logging.getLogger(__name__)

SPECTRUM = 80.0  # ms; shorter recordings leave less than two frequencies below 100 Hz to draw
DETAIL = 2000.0  # ms shown at most where single spikes and samples are drawn; two periods of a slow wave


def plot_run(
    run: Run,
    out_dir: str | Path | None = None,
    *,
    targets: Targets | None = None,
    state: str | None = None,
    pdf: bool = False,
    tell: Callable[[str], None] = logger.info,
) -> list[Path]:
    """Make the standard figures of a run.

    Parameters
    ----------
    run : Run
    out_dir : path, optional
        ``figures/`` in the run folder by default.
    targets : Targets, optional
        Bands of the rates.
    state : str, optional
        Name of the state, put into the titles.
    pdf : bool
        PDF beside each PNG.
    tell : callable
        Gets a line of text for a figure that cannot be drawn of so little.

    Returns
    -------
    list of Path
        The files made: raster, rates, rate_courses, spectra and intervals if spikes were recorded;
        connectivity and weights if the plan has projections; weight_courses if weights
        were recorded; ``traces_<variable>`` per recorded variable.
        Raster, rate courses and traces show the first 2 s of what was recorded, the others all of it.
    """
    with presented(presentation_of(run.plan)):
        figures = _figures(run, targets, state, tell)
        out = Path(out_dir) if out_dir is not None else run.figures_dir
        return [path for name, figure in figures.items() for path in save(figure, out / name, pdf=pdf)]


def _figures(run: Run, targets: Targets | None, state: str | None, tell: Callable[[str], None]) -> dict[str, Figure]:
    start, stop = run.window
    early = min(stop, start + DETAIL)
    about = f"{label(run.name)}, {label(state)}" if state and state not in run.name else label(run.name)
    figures: dict[str, Figure] = {}
    names = presentation().sorted(run.recorded)
    spikes = {name: run.spikes(name) for name in names}
    if spikes:
        figures["raster"] = raster(spikes, start, early, title=about)
        smaller = targets is not None and not targets.holds_for(sum(run.populations.values()))
        figures["rates"] = rate_bands(
            RunData(run).table,
            targets.bands if targets else None,
            size=targets.n_neurons if targets and smaller else None,
            title=about,
        )
        figures["rate_courses"] = rate_courses(spikes, start, early, title=about)
        if stop - start >= SPECTRUM:
            figures["spectra"] = spectra(spikes, start, stop, band=presentation().beta.limits, title=about)
        else:
            tell(f"no spectra: {stop - start:.6g} ms of spikes are too few, from {SPECTRUM:g} ms on they are drawn")
        figures["intervals"] = intervals(spikes, start, stop, title=about)
    if run.plan.get("projections"):
        figures["connectivity"] = connectivity(run.plan, title=about)
        figures["weights"] = weights(run.plan, title=about)
    if run.recorded_weights:
        recorded = {name: run.weights(name) for name in run.recorded_weights}
        figures["weight_courses"] = weight_courses(recorded, spikes, start, stop, title=about)
    for variable in dict.fromkeys(variable for _, variable in run.reports):
        keys = [
            key for name in presentation().sorted(run.populations) for key in run.traces if key[:2] == (name, variable)
        ]
        reports = [run.report(*key) for key in keys]
        figures[f"traces_{variable}"] = traces(reports, spikes=spikes, longest=DETAIL, title=about)
    return figures
