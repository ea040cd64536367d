"""A run for other programs and for archives: tables, SONATA, Neo, NWB, RO-Crate."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import RunMissingError, choices
from ..runs import Run as Reader
from ..runs.code import code_digest
from .recordings import Recordings

if TYPE_CHECKING:
    import neo
    import pandas as pd

    from ..engine.progress import Reporter
    from .archiving import Authorship
    from .experiment import Experiment

logger = logging.getLogger(__name__)


class Exports(Recordings):
    """Recordings and synapses of a run, written for others."""

    def __init__(self, reader: Reader, load: Callable[[Path], Experiment]) -> None:
        super().__init__(reader)
        self._load = load  # given, as experiments know runs and not the other way round

    def experiment(self) -> Experiment:
        """Experiment of this run, to change it and run it again."""
        return self._load(self.reader.checked("params.yaml"))

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

    def to_neo(self, names: Sequence[str] | None = None) -> neo.Block:
        """Spike trains and analogue signals as a Neo block with one segment; groups of it are the populations.

        Needs the package neo.
        """
        from .neo_block import block

        return block(self, names)

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

    def _warn_of_other_code(self) -> None:
        """Say that what is made again need not be what was made."""
        if self.record.get("code") not in (None, code_digest()):
            logger.warning("%s: made by another version of the program, which may have wired it otherwise", self.path)
