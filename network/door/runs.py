"""A run as an object: tables for pandas, arrays, Neo, figures in the caller's axes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..errors import RunError
from .exports import Exports
from .tables import html
from .verdicts import Verdict

if TYPE_CHECKING:
    from ..engine.progress import Reporter
    from .describing import Description
    from .plotting import Plots
    from .repeating import Repeated


class Run(Exports):
    """A run on disk; made by `Experiment.run` and `open_run`. What it holds is read when asked for.

    Attributes
    ----------
    reader : network.runs.Run
        The reader of the folder.
    plot : Plots
        Figures, ``run.plot.raster(ax=ax)``.
    """

    def describe(self) -> Description:
        """Describe how the run was made, and its network, see `Experiment.describe`."""
        from .describing import Description

        return Description.of_run(self)

    def verdict(self, state: str | None = None, *, pairs: bool = True) -> Verdict:
        """Compare with the published windows of the run's state, or of another one; see `Verdict`.

        ``pairs`` includes coherence and phases, which take a few seconds, where there are windows for them.
        """
        from ..analysis.targets.judge import judge_run, run_targets

        return Verdict(judge_run(self.reader, run_targets(self.reader, state), pairs=pairs))

    @property
    def plot(self) -> Plots:
        """Figures, see `Plots`."""
        from .plotting import Plots

        return Plots(self.reader)

    def report(self, out: str | Path | None = None, *, figures: bool = True) -> Path:
        """Write one HTML page with everything about the run, which needs no other file and no network.

        Parameters, sources and differences to the published network, tables and circuit, verdict, figures, a raster
        and rates to zoom into (with the package bokeh), times, provenance, how to repeat it.

        Parameters
        ----------
        out : path, optional
            By default ``report.html`` in the run folder.
        figures : bool
            Draw the standard figures if the run folder has none.

        Returns
        -------
        Path
            The page.
        """
        from .reporting import run_report

        return run_report(self, out, figures=figures)

    def verify(self) -> Self:
        """Compare every file with the manifest; RunError lists what differs."""
        self.reader.verify()
        return self

    def audit(self, *, exhaustive: bool = False, progress: bool | Reporter = True) -> dict[str, Any]:
        """Build the network of this run again and compare what stands in NEST with the plan; EngineError if it differs.

        Parameters
        ----------
        exhaustive : bool
            Read back every cell and synapse, not a sample.
        progress : bool or Reporter
            Show bars in terminals and notebooks, lines in logs.

        Returns
        -------
        dict
            How much was read back, as in ``audit.json`` of a run.
        """
        from ..engine.verify import build_and_audit
        from .progress import reporter_for

        self._warn_of_other_code()
        return build_and_audit(self.plan, exhaustive=exhaustive, reporter=reporter_for(progress))

    def rerun(
        self, out: str | Path | None = None, *, overwrite: bool = False, progress: bool | Reporter = True
    ) -> Repeated:
        """Repeat this run from its folder alone, with its seed, threads and ranks, and compare all spikes.

        Parameters
        ----------
        out : str or Path, optional
            New folder; by default that of this run with ``-again``.
        overwrite : bool
            Replace a complete run there.
        progress : bool or Reporter
            Show bars in terminals and notebooks, lines in logs.

        Raises
        ------
        RunError
            If the new folder is that of this run.
        """
        from .repeating import compared

        folder = self.path.with_name(f"{self.path.resolve().name}-again") if out is None else Path(out)
        if folder.resolve() == self.path.resolve():
            raise RunError(f"{folder}: that is the run itself; give another folder")
        again = self.experiment().run(
            threads=self.plan.threads, ranks=self.plan.ranks, out=folder, overwrite=overwrite, progress=progress
        )
        return compared(self.reader, again.reader)

    def _about(self) -> list[str]:
        start, stop = self.window
        size = f"{sum(self.populations.values()):,} neurons, {start:g} - {stop:g} ms"
        return [size, f"{self.status}, in {self.path}"]

    def __repr__(self) -> str:
        try:
            return f"<Run {self.name}: {'; '.join(self._about())}>"
        except RunError as error:
            return f"<Run in {self.path}: {error}>"

    def _repr_html_(self) -> str:
        table = self.rates() if self.reader.recorded else None
        if table is None:
            return html(self.name, [*self._about(), "no spikes recorded"])
        rows = [
            [str(name), f"{row['n_neurons']:,.0f}", f"{row['rate']:.3g}", f"{row['cv']:.2f}"]
            for name, row in table.iterrows()
        ]
        return html(self.name, self._about(), ["population", "neurons", "rate (spikes/s)", "CV"], rows)
