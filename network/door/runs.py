"""A run as an object: tables for pandas, arrays, Neo, figures in the caller's axes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..errors import RunError, RunMissingError, choices
from ..experiment.yamlfile import read_yaml
from ..plans.codec import plan_from_dict
from ..runs import Run as Reader
from ..runs import Spikes
from ..runs.layout import run_status
from .planned import Plan
from .tables import html

if TYPE_CHECKING:
    import neo
    import pandas as pd

    from ..analysis.targets.judge import Judgement
    from ..engine.progress import Reporter
    from .archiving import Authorship
    from .describing import Description
    from .experiment import Experiment
    from .plotting import Plots
    from .repeating import Repeated


logger = logging.getLogger(__name__)


class Verdict:
    """Which measured quantities lie inside the published windows; true if all do.

    Attributes
    ----------
    table : DataFrame
        A row per quantity that has a window: value, low, high, verdict.
    passed : bool
        Whether there are windows and everything that has one is inside.
    outcome : str
        ``PASS``, ``FAIL``, ``not judged at this size`` (something is outside of windows that are meant for a larger
        network), ``not judged: the recording is too short`` or ``nothing to judge``.
    judgement : Judgement
        All tables.
    """

    def __init__(self, judgement: Judgement) -> None:
        self.judgement = judgement
        self.passed: bool = judgement.passed
        self.outcome: str = judgement.outcome()
        self.table: pd.DataFrame = judgement.judged[["quantity", "value", "low", "high", "verdict"]]

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return self.judgement.text()

    def _repr_html_(self) -> str:
        good, count = self.judgement.n_good, len(self.table)
        if not count:
            return html("no targets", self.judgement.notes)
        rows = [[name, *row] for name, row in zip(self.table.index, self.table.itertuples(index=False), strict=True)]
        formed = [[f"{cell:.3g}" if isinstance(cell, float) else cell for cell in row] for row in rows]
        return html(
            f"{good} of {count} inside: {self.outcome}",
            self.judgement.notes,
            ["", *map(str, self.table.columns)],
            formed,
        )


class Run:
    """A run on disk; made by `Experiment.run` and `open_run`. What it holds is read when asked for.

    Attributes
    ----------
    reader : network.runs.Run
        The reader of the folder.
    plot : Plots
        Figures, ``run.plot.raster(ax=ax)``.
    """

    def __init__(self, reader: Reader, load: Callable[[Path], Experiment]) -> None:
        self.reader = reader
        self._load = load  # given, as experiments know runs and not the other way round

    @property
    def path(self) -> Path:
        """The folder."""
        return self.reader.path

    @property
    def name(self) -> str:
        """Name of the experiment."""
        return self.reader.name

    @property
    def status(self) -> str:
        """``complete``, or what else it is."""
        return run_status(self.path)

    @property
    def window(self) -> tuple[float, float]:
        """Recording after the warm-up, ``(start, stop)`` in ms."""
        return self.reader.window

    @property
    def populations(self) -> dict[str, int]:
        """Size of each population."""
        return self.reader.populations

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """Members of each group."""
        return self.reader.groups

    @property
    def recorded(self) -> tuple[str, ...]:
        """Populations whose spikes were recorded."""
        return self.reader.recorded

    @property
    def record(self) -> dict[str, Any]:
        """Provenance: versions, commit, machine, times."""
        return self.reader.record

    @cached_property
    def plan(self) -> Plan:
        """What was built."""
        return Plan.of(plan_from_dict(self.reader.plan))

    @cached_property
    def params(self) -> dict[str, Any]:
        """Resolved parameters as they stand in ``params.yaml``."""
        return read_yaml(self.reader.checked("params.yaml"), "params.yaml")[0]

    def experiment(self) -> Experiment:
        """Experiment of this run, to change it and run it again."""
        return self._load(self.reader.checked("params.yaml"))

    def describe(self) -> Description:
        """Describe how the run was made, and its network, see `Experiment.describe`."""
        from .describing import Description

        return Description.of_run(self)

    def rates(self) -> pd.DataFrame:
        """Rates (spikes/s), CVs and synchrony of all populations and groups.

        ``rate_low`` and ``rate_high`` are a 95 % interval over blocks of time of this run; seeds scatter besides, see
        `compare`.
        """
        from ..analysis.statistics import run_table

        return run_table(self.reader)

    def rhythms(self) -> pd.DataFrame:
        """Spectra and coherence of rates in numbers, beside what independent cells would have, see `rhythm_table`."""
        from ..analysis.targets.rhythms import rhythm_table

        return rhythm_table(self.reader)

    def verdict(self, state: str | None = None, *, pairs: bool = True) -> Verdict:
        """Compare with the published windows of the run's state, or of another one; see `Verdict`.

        ``pairs`` includes coherence and phases, which take a few seconds, where there are windows for them.
        """
        from ..analysis.targets.judge import judge_run, run_targets

        return Verdict(judge_run(self.reader, run_targets(self.reader, state), pairs=pairs))

    def spikes(self, name: str) -> pd.DataFrame:
        """Spikes of a population or group.

        Returns
        -------
        DataFrame
            ``time_ms`` since the start of the simulation, warm-up included, and ``cell``, counted from 0 within the
            population; sorted by time. ``attrs`` has ``population``, ``n_cells``, ``unit`` (ms) and ``window_ms``.
        """
        import pandas as pd

        found = self.reader.spikes(name)
        frame = pd.DataFrame({"time_ms": found.times, "cell": found.node_ids})
        about = {"population": name, "n_cells": found.n_neurons, "unit": "ms", "window_ms": self.window}
        frame.attrs.update(about)
        return frame

    def spike_arrays(self, name: str) -> Spikes:
        """Spikes of a population or group as NumPy arrays: ``times``, ``node_ids``, ``n_neurons``."""
        return self.reader.spikes(name)

    def triggered(
        self, trigger: str, of: str | None = None, *, reach: float = 100.0, bin_width: float = 1.0
    ) -> pd.DataFrame:
        """Rate of a population around the spikes of another one, on average over these spikes.

        Parameters
        ----------
        trigger : str
            Population or group whose spikes count.
        of : str, optional
            Population or group whose rate is taken; by default the same, without the spike itself.
        reach, bin_width : float
            In ms.

        Returns
        -------
        DataFrame
            ``rate`` (spikes/s per cell) by ``lag_ms``: positive after the spike.
        """
        import pandas as pd

        from ..analysis.triggered import triggered_rate

        first = self.reader.spikes(trigger)
        second = first if of in (None, trigger) else self.reader.spikes(str(of))
        lags, rate = triggered_rate(first, second, *self.window, reach=reach, bin_width=bin_width)
        return pd.DataFrame({"rate": rate}, index=pd.Index(lags, name="lag_ms"))

    def traces(
        self, population: str, variables: str | Sequence[str] | None = None, *, trace: str | None = None
    ) -> pd.DataFrame:
        """Recorded state variables of a population.

        Parameters
        ----------
        population : str
        variables : str or sequence of str, optional
            By default all that were recorded.
        trace : str, optional
            Only what this trace has recorded.

        Returns
        -------
        DataFrame
            A row per time and cell: ``time_ms``, ``cell``, and a column per variable, NaN where it was not sampled;
            ``attrs["units"]`` has their units.

        Raises
        ------
        RunMissingError
            With what was recorded.
        """
        wanted = [variables] if isinstance(variables, str) else variables
        keys = [key for key in self.reader.traces if key.population == population and trace in (None, key.trace)]
        chosen = [key for key in keys if wanted is None or key.variable in wanted]
        missing = set(wanted or ()) - {key.variable for key in chosen}
        if missing or not chosen:
            there = ", ".join(f"{p}.{v}" + (f" ({t})" if t else "") for p, v, t in self.reader.traces) or "none"
            what = f"{population}.{min(missing)}" if missing else population
            raise RunMissingError(f"{self.path}: no trace of {what}; there are: {there}")
        return _trace_table(self.reader, chosen)

    def field(self, name: str | None = None) -> pd.DataFrame:
        """Currents of the synapses of a population, summed over its cells (``recording.fields``), in pA.

        Parameters
        ----------
        name : str, optional
            Which field, if there are several.

        Returns
        -------
        DataFrame
            Index ``time_ms``; a column ``I_RECEPTOR`` for each receptor, their sum ``I_syn``, and the two other proxies
            of `network.analysis.field` for a local field potential, ``absolute`` and ``weighted``.
        """
        from .fields import field_table

        return field_table(self.reader, name)

    def weights(self, name: str | None = None) -> pd.DataFrame:
        """Weights of synapses over time, in nS or pA; a weight changes when a spike of its source arrives.

        Parameters
        ----------
        name : str, optional
            Recording (``recording.weights``), if there are several.

        Returns
        -------
        DataFrame
            Index ``time_ms``; a column for every synapse, by ``source`` and ``target``.
        """
        import pandas as pd

        found = self.reader.weights(name)
        columns = pd.MultiIndex.from_arrays([found.source, found.target], names=["source", "target"])
        return pd.DataFrame(found.values, index=pd.Index(found.times, name="time_ms"), columns=columns)

    def connections(self, projection: str) -> pd.DataFrame:
        """Synapses of a projection.

        They follow from the plan and the seed of the run and are made again by NEST, which takes some seconds; what is
        in NEST in this Python process is lost.

        Returns
        -------
        DataFrame
            A row per synapse, sorted by target and source: ``source`` and ``target`` (cells, counted from 0 within
            their populations), ``weight`` and ``delay``. ``attrs`` has ``projection``, ``source``, ``target`` (the
            populations), ``n_source``, ``n_target``, ``receptor``, ``synapse`` (kind) and ``units``.

        Raises
        ------
        RunMissingError
            If there is no such projection, with those that there are.
        """
        from ..engine.connections import connections
        from .connections import connections_table

        plan = self.plan
        self._warn_of_other_code()
        if projection not in (names := [p.name for p in plan.projections]):
            known = choices(projection, names, "projections")
            raise RunMissingError(f"{self.path}: no projection {projection!r}; {known}")
        ((made, found),) = connections(plan, [projection])
        return connections_table(plan, made, found)

    def export(
        self,
        out: str | Path,
        *,
        format: str = "sonata",
        projections: Sequence[str] | None = None,
        progress: bool | Reporter = True,
    ) -> Path:
        """Write the synapses of the run for other programs, see also `connections`.

        Parameters
        ----------
        out : str or Path
            New folder.
        format : str
            ``sonata``: a circuit that can be simulated again (``circuit_config.json``); ``parquet`` or ``csv``: a table
            per projection.
        projections : sequence of str, optional
            Only these (tables).
        progress : bool or Reporter
            Show bars in terminals and notebooks, lines in logs.

        Returns
        -------
        Path
            The configuration of the circuit, or the folder of the tables.
        """
        from .export import export
        from .progress import reporter_for

        self._warn_of_other_code()
        options: dict[str, Any] = {"format": format, "projections": projections, "reporter": reporter_for(progress)}
        return export(self.experiment().spec, self.plan, Path(out), **options)

    def export_activity(self, out: str | Path | None = None, *, format: str = "csv") -> Path:
        """Write spikes and traces for other programs.

        Parameters
        ----------
        out : str or Path
            New folder (``csv``) or file (``neo``, ``nwb``); none for ``sonata``.
        format : str
            ``csv``: a table per population and per trace; ``neo``: a file that Neo writes, of the kind that the end of
            its name says (``.mat``, ``.nix``, ``.pkl``); ``nwb``: by PyNWB; ``sonata``: ``simulation_config.json`` and
            ``circuit_config.json`` in the run folder, which bluepysnap opens then.

        Returns
        -------
        Path
            What was written; of ``sonata`` the configuration of the simulation.

        Raises
        ------
        Error
            If ``out`` is there already, or a package is missing that writes the format.
        """
        from .activity import export_activity

        return export_activity(self, None if out is None else Path(out), format)

    def _warn_of_other_code(self) -> None:
        """Say that what is made again need not be what was made."""
        from ..runs.code import code_digest

        if self.record.get("code") not in (None, code_digest()):
            logger.warning("%s: made by another version of the program, which may have wired it otherwise", self.path)

    def to_neo(self, names: Sequence[str] | None = None) -> neo.Block:
        """Spike trains and analogue signals as a Neo block with one segment; groups of it are the populations.

        Needs the package neo.
        """
        from .neo_block import block

        return block(self, names)

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

    def archive(self, out: str | Path | None = None, authorship: Authorship | None = None) -> Path:
        """Write the run as an RO-Crate: one zip for archives, which says who made what with what.

        Parameters
        ----------
        out : path, optional
            By default ``NAME.crate.zip`` beside the run folder.
        authorship : Authorship, optional
            Creators, licence, title.

        Returns
        -------
        Path
            The zip.

        Raises
        ------
        RunError
            If the file exists, a file of the run is damaged, or the package ``rocrate`` is missing.
        """
        from .archiving import Authorship, archive

        path = self.path.resolve()
        file = path.with_name(f"{path.name}.crate.zip") if out is None else Path(out)
        title = self.reader.plan.get("meta", {}).get("title") or self.name
        return archive(path, file, authorship or Authorship(), runs={path.name: path}, title=title)

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


def _trace_table(reader: Reader, keys: Sequence[Any]) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    units: dict[str, str] = {}
    columns: dict[str, pd.Series[float]] = {}
    for key in keys:
        report = reader.report(*key)
        units[report.variable] = report.units
        index = pd.MultiIndex.from_product([np.round(report.times, 9), report.node_ids], names=["time_ms", "cell"])
        series = pd.Series(report.values.ravel().astype(float), index=index)
        before = columns.get(report.variable)
        columns[report.variable] = series if before is None else before.combine_first(series)
    table = pd.concat(columns, axis=1).sort_index().reset_index()
    table.attrs.update({"population": keys[0].population, "units": units})
    return table
