"""The standard figures of a run, drawn by several processes together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ...runs import Run
from ...runs.sonata import ReportKey
from ...together import Together, usable_cores
from .. import plots
from ..field import read_field
from ..look import presentation_of
from ..spectra import SPECTRUM
from ..targets.measures import RunData
from ..targets.windows import Targets

if TYPE_CHECKING:
    from matplotlib.figure import Figure

logger = logging.getLogger(__name__)

DETAIL = 2000.0  # ms shown at most where single spikes and samples are drawn; two periods of a slow wave
MOST_HELPERS = 3
"""Processes besides this one; each takes 100 MB for what it imports and draws."""
AT_LAST = ("connectivity", "weights", "rates")
"""Those that need tables: most likely drawn by the process that prints these, after which it draws, too."""


def plot_run(
    run: Run,
    out_dir: str | Path | None = None,
    *,
    targets: Targets | None = None,
    state: str | None = None,
    pdf: bool = False,
    svg: bool = False,
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
    pdf, svg : bool
        PDF, SVG beside each PNG.
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
    with Standard(run, out_dir, targets=targets, state=state, pdf=pdf, svg=svg, tell=tell) as figures:
        return figures.finish()


class Standard:
    """The standard figures of a run in the making: helpers draw from now on, `finish` takes part and waits.

    To be used with ``with``; see `plot_run` for the parameters. Meanwhile this process may do something else.
    """

    def __init__(
        self,
        run: Run,
        out_dir: str | Path | None = None,
        *,
        targets: Targets | None = None,
        state: str | None = None,
        pdf: bool = False,
        svg: bool = False,
        tell: Callable[[str], None] = logger.info,
    ) -> None:
        self._run, self._targets, self._formats = run, targets, {"pdf": pdf, "svg": svg}
        self._out = Path(out_dir) if out_dir is not None else run.figures_dir
        self._look = presentation_of(run.plan)
        self._title = str(run.plan.get("meta", {}).get("title") or self._look.label(run.name))
        if state and state not in run.name:
            self._title += f", {self._look.label(state)}"
        self._figures = self._standard(tell)
        order = sorted(self._figures, key=lambda name: AT_LAST.index(name) if name in AT_LAST else -1)
        self._order = order
        cores = min(usable_cores(), 1 + MOST_HELPERS)
        self._work = Together([partial(self._save, name) for name in order], cores - 1)

    def finish(self) -> list[Path]:
        """Draw what nobody has begun, wait for the others; returns the files."""
        files = dict(zip(self._order, self._work.results(), strict=True))
        return [path for name in self._figures for path in files[name]]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._work.__exit__(kind, error, trace)

    def _save(self, name: str) -> list[Path]:
        with plots.presented(self._look):
            return plots.save(self._figures[name](), self._out / name, **self._formats)

    def _standard(self, tell: Callable[[str], None]) -> dict[str, Callable[[], Figure]]:
        """How each figure is drawn, in the order in which they are named."""
        run, title = self._run, self._title
        start, stop = run.window
        early = min(stop, start + DETAIL)
        figures: dict[str, Callable[[], Figure]] = {}
        spikes = {name: run.spikes(name) for name in self._look.sorted(run.recorded)}
        if spikes:
            figures["raster"] = lambda: plots.raster(spikes, start, early, title=title)
            figures["rates"] = self._rates
            figures["rate_courses"] = lambda: plots.rate_courses(spikes, start, early, title=title)
            if stop - start >= SPECTRUM:
                band = self._look.beta.limits
                figures["spectra"] = lambda: plots.spectra(spikes, start, stop, band=band, title=title)
            else:
                tell(f"no spectra: {stop - start:.6g} ms of spikes are too few, from {SPECTRUM:g} ms on they are drawn")
            figures["intervals"] = lambda: plots.intervals(spikes, start, stop, title=title)
        if run.plan.get("projections"):
            figures["connectivity"] = lambda: plots.connectivity(run.plan, title=title)
            figures["weights"] = lambda: plots.weights(run.plan, title=title)
        if run.recorded_weights:
            recorded = {name: run.weights(name) for name in run.recorded_weights}
            figures["weight_courses"] = lambda: plots.weight_courses(recorded, spikes, start, stop, title=title)
        for variable in dict.fromkeys(variable for _, variable in run.reports):
            keys = [
                key for name in self._look.sorted(run.populations) for key in run.traces if key[:2] == (name, variable)
            ]
            figures[f"traces_{variable}"] = partial(self._traces, keys)
        for name in run.fields:
            figures[f"field_{name}"] = partial(self._field, name)
        return figures

    def _rates(self) -> Figure:
        targets = self._targets
        smaller = targets is not None and not targets.holds_for(sum(self._run.populations.values()))
        return plots.rate_bands(
            RunData(self._run).table,
            targets.bands if targets else None,
            size=targets.n_neurons if targets and smaller else None,
            title=self._title,
        )

    def _field(self, name: str) -> Figure:
        return plots.field(read_field(self._run, name), band=self._look.beta.limits, longest=DETAIL, title=self._title)

    def _traces(self, keys: Sequence[ReportKey]) -> Figure:
        reports = [self._run.report(*key) for key in keys]
        spikes = {name: self._run.spikes(name) for name in self._run.recorded if name in {key[0] for key in keys}}
        return plots.traces(reports, spikes=spikes, longest=DETAIL, title=self._title)
