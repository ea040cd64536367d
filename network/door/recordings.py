"""What a run has recorded, as tables for pandas and arrays."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import RunMissingError
from ..experiment.yamlfile import read_yaml
from ..plans.codec import plan_from_dict
from ..runs import Run as Reader
from ..runs import Spikes
from ..runs.layout import run_status
from .planned import Plan

if TYPE_CHECKING:
    import pandas as pd


class Recordings:
    """Recordings of a run, and what it says of itself; read when asked for.

    Attributes
    ----------
    reader : network.runs.Run
        The reader of the folder.
    """

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

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

    def rates(self) -> pd.DataFrame:
        """Rates (spikes/s), CVs and synchrony of all populations and groups.

        ``rate_low`` and ``rate_high`` are a 95 % interval over blocks of time of this run; seeds scatter besides, see
        `compare`.
        """
        from ..analysis.statistics import run_table

        return run_table(self.reader)

    def rhythms(self) -> pd.DataFrame:
        """Spectra and coherence of rates in numbers, beside what independent cells would have, see `rhythm_table`.

        Raises
        ------
        RunMissingError
            If the recording is too short for spectra.
        """
        from ..analysis.targets.measures import NotMeasuredError
        from ..analysis.targets.rhythms import rhythm_table

        try:
            return rhythm_table(self.reader)
        except NotMeasuredError as error:
            raise RunMissingError(f"{self.path}: {error}") from error

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
        """Rate of a population, a field or a trace around the spikes of a population, on average over these spikes.

        Parameters
        ----------
        trigger : str
            Population or group whose spikes count.
        of : str, optional
            Population or group whose rate is taken; by default the same, without the spike itself. The name of a
            field, for its currents; ``POPULATION.VARIABLE`` for a trace, each cell around its own spikes.
        reach : float
            To each side, ms.
        bin_width : float
            Of rates, ms; fields and traces keep the interval of their samples.

        Returns
        -------
        DataFrame
            By ``lag_ms``, positive after the spike: ``rate`` (spikes/s per cell), the columns of `field` (pA), or the
            variable; see `network.analysis.triggered.around_spikes`.

        Raises
        ------
        RunMissingError
            With what was recorded.
        """
        from ..analysis.triggered import around_spikes

        return around_spikes(self.reader, trigger, of, reach=reach, bin_width=bin_width)

    def measure(self, *names: str, of: str | Sequence[str] = ()) -> pd.DataFrame:
        """Values of measures: bursts, Fano factors, rhythms, fields, the response to a transient.

        Parameters
        ----------
        *names : str
            Measures, as in ``targets.yaml``: ``fano_factor``, ``burst_share``, ``common_rhythm``, ``latency``, ...
        of : str or sequence of str
            Populations or groups, pairs ``A/B``, fields; by default all that there are.

        Returns
        -------
        DataFrame
            Index ``measure`` and ``of``; ``value`` and ``chance``, see `network.analysis.measured.measured`.

        Raises
        ------
        SpecError
            If there is no such measure, with those that there are.
        RunMissingError
            If the run does not have what it takes.
        """
        from ..analysis.measured import measured

        return measured(self.reader, names, [of] if isinstance(of, str) else of)

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
