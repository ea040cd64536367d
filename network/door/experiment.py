"""An experiment as an object: read and change values by key path, plan it, run it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..cluster.ranks import present
from ..errors import SpecError, choices
from ..experiment import Experiment as Spec
from ..experiment import dump_experiment
from ..experiment.loading import Draft, load_draft, written
from ..experiment.origins import is_glob
from ..plans import make_plan
from ..runs import Run as Reader
from .planned import Plan
from .progress import Progress, reporter_for
from .runs import Run
from .tables import html
from .values import get, in_unit_of, leaves, plain, raw

if TYPE_CHECKING:
    from .describing import Description

Changes = Sequence[str | tuple[str, Any]]

SHORT = {
    "seed": "simulation.seed",
    "t_sim": "simulation.t_sim",
    "t_presim": "simulation.t_presim",
    "n_neurons": "network.n_neurons",
    "dopamine": "network.dopamine",
    "target": "simulation.target",
    "drive": "simulation.drive",
    "small_network": "network.small_network",
}
"""Changes that need no key path."""


class Experiment:
    """A network, its input, times and recordings, with the changes made to it; made by `load`.

    Values are read and written by key path. Numbers are in NEST's units, whatever unit the files use, and know theirs::

        experiment["projections.A_to_B.weight"]            # 15.45 nS  [network/projections.yaml:31]
        experiment["projections.A_to_B.weight"] *= 1.2
        experiment["projections.*.delay"] = {"scale": 1.1}        # all that match
        experiment["recording.traces.stn"] = None                 # removes it

    Every change is validated at once; a wrong one is an `Error` that says what can be written, and changes nothing.
    """

    def __init__(
        self,
        draft: Draft,
        changes: Changes = (),
        *,
        source: str = "",
        overlays: Sequence[str] = (),
        where: str = "Python",
    ) -> None:
        self._draft, self._where = draft, where
        self._changes: list[str | tuple[str, Any]] = list(changes)
        self.source, self.overlays = source, tuple(overlays)
        self.spec: Spec = draft.experiment(self._changes, where=where)

    @classmethod
    def load(
        cls,
        name_or_path: str | Path,
        overlays: Iterable[str | Path] = (),
        changes: Changes = (),
        *,
        where: str = "Python",
    ) -> Self:
        """Read files and apply changes, ``KEY=VALUE`` or pairs; see the function `load`."""
        overlays = [overlays] if isinstance(overlays, str | Path) else list(overlays)
        draft = load_draft(name_or_path, overlays)
        return cls(draft, changes, source=str(name_or_path), overlays=[str(name) for name in overlays], where=where)

    @property
    def name(self) -> str:
        """Label of its runs."""
        return self.spec.name

    @property
    def changes(self) -> dict[str, Any]:
        """What was changed after the files were read, by key path."""
        pairs = (item.partition("=")[::2] if isinstance(item, str) else item for item in self._changes)
        return {key.strip(): value for key, value in pairs}

    def __getitem__(self, key: str) -> Any:
        return get(self.spec, key)

    def __setitem__(self, key: str, value: Any) -> None:
        changed = self.with_changes({key: value})
        self._changes, self.spec = changed._changes, changed.spec

    def __contains__(self, key: object) -> bool:
        return raw(self.spec, str(key)) is not None

    __iter__ = None  # key paths are found with `find`; counting up from 0 would make no sense

    def find(self, pattern: str = "*") -> dict[str, Any]:
        """All values whose key paths match, ``*`` and ``?`` as in a shell: ``find("*.weight")``."""
        return {path: value for path, value in leaves(self.spec) if fnmatch.fnmatchcase(path, pattern)}

    def _ipython_key_completions_(self) -> list[str]:
        return [path for path, _ in leaves(self.spec)]

    def with_changes(self, changes: Mapping[str, Any] | None = None, **short: Any) -> Self:
        """Copy with changes, by key path or by one of the short names (``n_neurons``, ``seed``, ``t_sim``, ...).

        All of them are applied before any is validated.
        """
        given = {**_by_path(changes or {}), **_by_path(short)}
        made = type(self).__new__(type(self))
        made.__dict__.update(self.__dict__)
        made._changes = list(self._changes)
        for key, value in given.items():
            pair = (key, in_unit_of(plain(value), self._present(key)))
            if _absolute(pair[1]):  # what was written there before does not matter any more
                made._changes = [item for item in made._changes if isinstance(item, str) or item[0] != key]
            made._changes.append(pair)
        made.spec = self._draft.experiment(made._changes, where=self._where)
        return made

    def _present(self, key: str) -> Any:
        """Quantity that a key path names; of several that a pattern matches one, if all have the same unit."""
        if not is_glob(key):
            return raw(self.spec, key)
        paths = [path for path, _ in leaves(self.spec) if _matches(path, key)]
        found = {getattr(item, "unit", None): item for item in (raw(self.spec, path) for path in paths)}
        if len(found) > 1:
            return None
        return next(iter(found.values()), None)

    def to_yaml(self) -> str:
        """Text of a file that loads to the same experiment."""
        return dump_experiment(self.spec)

    def validate(self) -> Self:
        """Check all that can be checked without building: also that the network fits its in-degrees.

        Raises
        ------
        SpecError
            With all problems.
        """
        make_plan(self.spec)
        return self

    def plan(self, *, threads: int = 1, ranks: int = 1) -> Plan:
        """What would be built and what it would cost; needs no NEST."""
        return Plan.of(make_plan(self.spec, threads=threads, ranks=ranks))

    def describe(self) -> Description:
        """Describe the network: tables after Nordlie et al. (2009), all parameters with sources, a circuit diagram."""
        from .describing import Description

        return Description.of(self)

    def run(
        self,
        *,
        threads: int = 1,
        ranks: int | None = None,
        out: str | Path | None = None,
        overwrite: bool = False,
        resume: bool = False,
        take_over: bool = False,
        regardless: bool = False,
        progress: Progress = True,
    ) -> Run:
        """Build and simulate; returns the run, whose folder is complete then.

        Parameters
        ----------
        threads : int
            Threads per process.
        ranks : int, optional
            MPI processes. More than one are started as a job of their own, with a NEST that has MPI.
        out : path, optional
            Run folder; by default ``runs/NAME-HASH``.
        overwrite : bool
            Replace a complete run in that folder.
        resume : bool
            Return at once if that folder holds this simulation complete.
        take_over : bool
            Replace an incomplete run of another machine, too, that gave a sign of life lately.
        regardless : bool
            Also start what needs more memory or disk than there is; otherwise that is an Error that says what fits.
        progress : bool or Reporter
            Show bars in terminals and notebooks, lines in logs.

        Raises
        ------
        Error
            Whatever the message explains; above all RunExistsError for a folder that is taken, and RunawayError if
            activity exploded: ``open_run(folder, partial=True)`` reads what was recorded.
        """
        from ..engine.run import run as run_here

        options: dict[str, Any] = {
            "threads": threads,
            "out": None if out is None else Path(out),
            "overwrite": overwrite,
            "resume": resume,
            "take_over": take_over,
            "regardless": regardless,
            "reporter": reporter_for(progress),
        }
        if (ranks or 1) > 1 and present().size == 1:
            from ..engine.ranks import run_as_job

            reader = run_as_job(self.spec, self._command(), ranks=ranks or 1, **options)
        else:
            reader = run_here(self.spec, ranks=ranks, **options)
        return Run(reader, Experiment.load)

    def export(
        self,
        out: str | Path,
        *,
        format: str = "sonata",
        projections: Sequence[str] | None = None,
        threads: int = 1,
        progress: Progress = True,
    ) -> Path:
        """Write the synapses that a run of this experiment would have, see `Run.export`.

        ``threads`` matters only where NEST draws the wiring.
        """
        from .export import export

        plan, reporter = make_plan(self.spec, threads=threads), reporter_for(progress)
        return export(self.spec, plan, Path(out), format=format, projections=projections, reporter=reporter)

    def _command(self) -> list[str]:
        """Words of the command line that load the same experiment."""
        from ..experiment.dumping import flow

        overlays = [word for name in self.overlays for word in ("--overlay", name)]
        texts = [item if isinstance(item, str) else f"{item[0]}={_text(item[1], flow)}" for item in self._changes]
        return [self.source, *overlays, *(word for text in texts for word in ("--set", text))]

    def _counts(self) -> str:
        spec = self.spec
        found: dict[str, Mapping[str, object]] = {
            "populations": spec.populations,
            "projections": spec.projections,
            "inputs": {**spec.inputs, **spec.spike_inputs, **spec.currents, **spec.stimulations},
        }
        counts = ", ".join(f"{len(items)} {what}" for what, items in found.items())
        return f"{counts}, {spec.simulation.t_sim.value:g} ms recorded"

    def __repr__(self) -> str:
        changed = f", {len(self._changes)} changes" if self._changes else ""
        return f"<Experiment {self.name}: {self._counts()}{changed}>"

    def _repr_html_(self) -> str:
        rows = [(key, written(value)) for key, value in self.changes.items()]
        return html(self.name, [self.spec.meta.title, self._counts()], ["change", "value"] if rows else (), rows)


def _by_path(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes by key path; SpecError for a short name that there is not."""
    unknown = [name for name in changes if "." not in name and name not in SHORT]
    sections = list(Spec.model_fields)
    wrong = [name for name in unknown if name not in sections]
    if wrong:
        raise SpecError([f"no {name!r} to change; {choices(name, [*SHORT, *sections], 'names')}" for name in wrong])
    return {SHORT.get(name, name): value for name, value in changes.items()}


def _absolute(value: Any) -> bool:
    """Whether a change does not depend on what was there."""
    return not isinstance(value, Mapping) or "value" in value


def _matches(path: str, pattern: str) -> bool:
    """Whether a key path matches a pattern part by part, as changes are applied."""
    names, parts = path.split("."), pattern.split(".")
    return len(names) == len(parts) and all(fnmatch.fnmatchcase(*pair) for pair in zip(names, parts, strict=True))


def _text(value: Any, flow: Any) -> str:
    return value if isinstance(value, str) else str(flow(value))


def load(
    name_or_path: str | Path,
    overlays: str | Path | Iterable[str | Path] = (),
    changes: Mapping[str, Any] | None = None,
    **short: Any,
) -> Experiment:
    """Load an experiment.

    Parameters
    ----------
    name_or_path : str or Path
        A name (see `list_experiments`), with ``@variant`` if one is meant, or a YAML file.
    overlays : str, path or several
        Overlays laid over it, in this order.
    changes : mapping, optional
        Values by key path, see `Experiment`.
    **short
        ``n_neurons``, ``small_network``, ``seed``, ``t_sim``, ``t_presim``, ``dopamine``, ``target``, ``drive``;
        numbers are in NEST's units.

    Raises
    ------
    SpecError
        With all problems: file, line, key and what can be written.

    Examples
    --------
    >>> load("NETWORK/STATE", n_neurons=10_000)["network.n_neurons"]
    10000  [Python (network.n_neurons=10000)]
    """
    several = [overlays] if isinstance(overlays, str | Path) else overlays
    experiment = Experiment.load(name_or_path, several)
    return experiment.with_changes(changes, **short) if changes or short else experiment


def _experiment(experiment: Experiment | str | Path, changes: Mapping[str, Any]) -> Experiment:
    if isinstance(experiment, Experiment):
        return experiment.with_changes(**changes) if changes else experiment
    return load(experiment, **changes)


def plan(experiment: Experiment | str | Path, *, threads: int = 1, ranks: int = 1, **changes: Any) -> Plan:
    """Plan an experiment, see `Experiment.plan`; ``changes`` as in `load`."""
    return _experiment(experiment, changes).plan(threads=threads, ranks=ranks)


def run(
    experiment: Experiment | str | Path,
    *,
    threads: int = 1,
    ranks: int | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    resume: bool = False,
    take_over: bool = False,
    regardless: bool = False,
    progress: Progress = True,
    **changes: Any,
) -> Run:
    """Run an experiment, see `Experiment.run`; ``changes`` as in `load`."""
    return _experiment(experiment, changes).run(
        threads=threads,
        ranks=ranks,
        out=out,
        overwrite=overwrite,
        resume=resume,
        take_over=take_over,
        regardless=regardless,
        progress=progress,
    )


def open_run(path: str | Path, *, partial: bool = False) -> Run:
    """Open a run folder.

    Parameters
    ----------
    path : str or Path
    partial : bool
        Also a run that is not complete, for instance one that was stopped because activity exploded.

    Raises
    ------
    RunError
        If there is no run, or it is not complete, or its files are not what it has written.
    """
    return Run(Reader.open(path, allow_incomplete=partial), Experiment.load)
