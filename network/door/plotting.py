"""Figures of a run: as the command line draws them, or into axes of the caller."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from ..errors import RunMissingError
from ..runs import Run as Reader
from ..runs import Spikes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..analysis.plots import Standard

    Drawn = Figure | Axes

Window = tuple[float, float]
P = ParamSpec("P")
Drawing = TypeVar("Drawing")


def _presented(method: Callable[Concatenate[Plots, P], Drawing]) -> Callable[Concatenate[Plots, P], Drawing]:
    """Draw with the colours, labels and order of the run's network."""

    @functools.wraps(method)
    def draw(self: Plots, *args: P.args, **kwargs: P.kwargs) -> Drawing:
        from ..analysis.look import presentation_of
        from ..analysis.plots.style import presented

        with presented(presentation_of(self._reader.plan)):
            return method(self, *args, **kwargs)

    return draw


def _log(note: str) -> None:
    logging.getLogger(__name__).info("%s", note)


class Plots:
    """Figures of a run.

    Without ``ax`` a method returns a `matplotlib.figure.Figure`, sized for print, as `all` saves it. With ``ax`` it
    draws one panel into it, in the style of the caller, and returns it.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def _window(self, window: Window | None, longest: float = float("inf")) -> Window:
        start, stop = self._reader.window
        return window if window is not None else (start, min(stop, start + longest))

    def _spikes(self, populations: Sequence[str] | None) -> dict[str, Spikes]:
        from ..analysis.plots.style import presentation

        names = presentation().sorted(self._reader.recorded) if populations is None else populations
        if not names:
            raise RunMissingError(f"{self._reader.path}: no spikes were recorded; nothing to draw")
        return {name: self._reader.spikes(name) for name in names}

    @_presented
    def raster(
        self,
        ax: Axes | None = None,
        *,
        populations: Sequence[str] | None = None,
        window: Window | None = None,
        n_cells: int = 60,
    ) -> Drawn:
        """Spikes of randomly chosen cells, a band per population; the first 2 s unless ``window`` (ms) says else."""
        from ..analysis.plots import DETAIL, raster
        from ..analysis.plots.activity import raster_panel

        spikes, (start, stop) = self._spikes(populations), self._window(window, DETAIL)
        if ax is None:
            return raster(spikes, start, stop, n_cells=n_cells)
        return raster_panel(ax, spikes, start, stop, n_cells=n_cells)

    @_presented
    def rates(self, ax: Axes | None = None, *, populations: Sequence[str] | None = None) -> Drawn:
        """Mean rate per population beside the published windows of the run's state, if it has any."""
        from ..analysis.plots import rate_bands
        from ..analysis.plots.panels import rates_panel
        from ..analysis.targets.judge import run_targets
        from ..analysis.targets.measures import RunData

        table, targets = RunData(self._reader).table, run_targets(self._reader)
        if populations is not None:
            table = table.loc[list(populations)]
        bands = {name: band for name, band in (targets.bands if targets else {}).items() if name in table.index}
        return rate_bands(table, bands or None) if ax is None else rates_panel(ax, table, bands or None)

    @_presented
    def rate_courses(
        self,
        ax: Axes | None = None,
        *,
        populations: Sequence[str] | None = None,
        window: Window | None = None,
        bin_width: float = 5.0,
    ) -> Drawn:
        """Population rates over time, in bins of ``bin_width`` ms; with ``ax`` all in one panel."""
        from ..analysis.plots import DETAIL, rate_courses
        from ..analysis.plots.panels import courses_panel

        spikes, (start, stop) = self._spikes(populations), self._window(window, DETAIL)
        if ax is None:
            return rate_courses(spikes, start, stop, bin_width=bin_width)
        return courses_panel(ax, spikes, start, stop, bin_width=bin_width)

    @_presented
    def spectra(
        self,
        ax: Axes | None = None,
        *,
        populations: Sequence[str] | None = None,
        window: Window | None = None,
        f_max: float = 100.0,
    ) -> Drawn:
        """Power spectra of the population rates up to ``f_max`` Hz; with ``ax`` all in one panel."""
        from ..analysis.plots import SPECTRUM, spectra
        from ..analysis.plots.panels import spectra_panel

        spikes, (start, stop) = self._spikes(populations), self._window(window)
        if stop - start < SPECTRUM:
            raise RunMissingError(
                f"{self._reader.path}: {stop - start:.6g} ms of spikes are too few for spectra, which need {SPECTRUM:g}"
            )
        if ax is None:
            return spectra(spikes, start, stop, f_max=f_max)
        return spectra_panel(ax, spikes, start, stop, f_max=f_max)

    @_presented
    def intervals(self, *, populations: Sequence[str] | None = None, window: Window | None = None) -> Figure:
        """Inter-spike intervals and their CVs, two panels per population."""
        from ..analysis.plots import intervals

        return intervals(self._spikes(populations), *self._window(window))

    @_presented
    def traces(
        self,
        population: str,
        variable: str = "V_m",
        ax: Axes | None = None,
        *,
        n_cells: int = 1,
        trace: str | None = None,
    ) -> Drawn:
        """A recorded variable of the first cells of a population."""
        from ..analysis.plots import traces
        from ..analysis.plots.panels import traces_panel

        report = self._reader.report(population, variable, trace)
        if ax is not None:
            return traces_panel(ax, report, n_cells=n_cells)
        spikes = self._spikes([population]) if population in self._reader.recorded else None
        return traces([report], spikes=spikes, n_cells=n_cells)

    @_presented
    def connectivity(self, ax: Axes | None = None) -> Drawn:
        """In-degrees between populations: row target, column source."""
        from ..analysis.plots.matrices import connectivity, connectivity_panel

        return connectivity(self._reader.plan) if ax is None else connectivity_panel(ax, self._reader.plan)

    @_presented
    def weights(self, ax: Axes | None = None) -> Drawn:
        """Mean weights between populations: row target, column source."""
        from ..analysis.plots.matrices import weights, weights_panel

        return weights(self._reader.plan) if ax is None else weights_panel(ax, self._reader.plan)

    @_presented
    def weight_courses(self, ax: Axes | None = None, *, populations: Sequence[str] | None = None) -> Drawn:
        """Recorded weights over time, mean and standard deviation; without ``ax`` below the rates of populations."""
        from ..analysis.plots import weight_courses
        from ..analysis.plots.learning import weights_over_time

        recorded = {name: self._reader.weights(name) for name in self._reader.recorded_weights}
        if not recorded:
            raise RunMissingError(f"{self._reader.path}: no weights were recorded (recording.weights)")
        if ax is not None:
            return weights_over_time(ax, recorded)
        return weight_courses(recorded, self._spikes(populations), *self._window(None))

    @_presented
    def triggered(
        self,
        trigger: str,
        of: str | None = None,
        ax: Axes | None = None,
        *,
        reach: float = 100.0,
        bin_width: float = 1.0,
    ) -> Drawn:
        """A rate, the currents of a field, or a trace around the spikes of a population, see `Run.triggered`."""
        from ..analysis.plots.triggered import triggered, triggered_panel
        from ..analysis.triggered import around_spikes

        table = around_spikes(self._reader, trigger, of, reach=reach, bin_width=bin_width)
        if ax is not None:
            return triggered_panel(ax, table)
        return triggered(table, f"mean around {table.attrs['n_spikes']:,} spikes")

    def all(
        self,
        out: str | Path | None = None,
        *,
        pdf: bool = False,
        svg: bool = False,
        tell: Callable[[str], None] | None = None,
    ) -> list[Path]:
        """Save the standard figures, by default in the run folder; returns the files.

        ``tell`` gets a line of text for a figure that cannot be drawn of so little.
        """
        with self.begin(out, pdf=pdf, svg=svg, tell=tell) as figures:
            return figures.finish()

    def begin(
        self,
        out: str | Path | None = None,
        *,
        pdf: bool = False,
        svg: bool = False,
        tell: Callable[[str], None] | None = None,
    ) -> Standard:
        """Begin to draw the standard figures in other processes; to be used with ``with``, see `Standard`."""
        from ..analysis.plots import Standard
        from ..analysis.targets.judge import run_targets

        targets = run_targets(self._reader)
        return Standard(self._reader, out, targets=targets, pdf=pdf, svg=svg, tell=tell or _log)
