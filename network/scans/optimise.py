"""Search parameters for those whose runs come closest to what is wanted, with Optuna; resumable at any time.

A folder holds everything: ``study.db`` (Optuna's storage), ``runs`` with an ordinary run folder per trial and aim,
``points`` with their experiments, ``log``, the table ``trials.csv``, and ``best.yaml``, the parameters of the best
trial as an overlay. A trial that fails, or whose activity explodes, ends that trial only. One process leads a study;
the runs are processes of their own.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml

from ..cluster.job import terminated_as_exit
from ..errors import ScanError, SpecError
from ..experiment import Experiment
from ..plans.identity import digest
from ..processes import family
from ..runs.code import code_digest
from ..runs.layout import write_atomic
from ..runs.reader import Run
from .best import best_overlays, quantity_at
from .goal import load_optimisation
from .launch import Launcher
from .optuna_parts import database_url, optuna_package, sampler
from .planning import Planner
from .points import Point
from .running import hold
from .schema import Scalar
from .search import Aim, Search
from .trials import Trial

if TYPE_CHECKING:
    import optuna

logger = logging.getLogger(__name__)

STORAGE, SPEC = "study.db", "optimisation.yaml"
_GRACE = 20.0  # seconds in which runs end by themselves after Ctrl-C


class Study:
    """An optimisation and its folder.

    Parameters
    ----------
    spec : Search
        An optimisation or a fit.
    folder : Path
        Made by `run`.
    label : str
        Name of the file in messages.

    Raises
    ------
    SpecError
        If an experiment is not valid at the limits of the parameters, or has no targets.
    """

    def __init__(self, spec: Search, folder: Path, label: str = "optimisation") -> None:
        self.spec, self.folder, self.label = spec, folder, label
        self._launcher = Launcher(os.environ, fork=False)
        self._planner = Planner(label, spec.execution)
        low = spec.points(spec.corners()[0])
        self._aims = spec.aims([self._planner.experiment(point) for point in low], label)
        for values in spec.corners():
            for point in self._points(values):
                self._planner.plan(point)

    @classmethod
    def load(cls, name_or_path: str | Path, folder: Path | None = None) -> Study:
        """Read a file; SpecError with all problems."""
        spec, name = load_optimisation(name_or_path)
        return cls(spec, folder or Path("scans") / (spec.name or name), Path(name_or_path).name)

    def _points(self, values: Mapping[str, Scalar]) -> list[Point]:
        """What is run for given values: an experiment per aim, with what that needs to be recorded."""
        return [
            dataclasses.replace(point, overrides={**point.overrides, **aim.changes})
            for point, aim in zip(self.spec.points(values), self._aims, strict=True)
        ]

    @property
    def aims(self) -> list[Aim]:
        """What the runs of a trial are held against."""
        return list(self._aims)

    @property
    def model(self) -> str:
        """Network whose targets are to be reached."""
        return self._aims[0].model

    @property
    def identity(self) -> str:
        """Digest of everything that decides the loss for given parameters: network, limits, targets, code."""
        plans = [self._planner.plan(point) for point in self._points(self.spec.corners()[0])]
        parameters = {name: axis.model_dump(mode="json") for name, axis in self.spec.search.items()}
        aims = [aim.content for aim in self._aims]
        return digest([[p.simulation_hash for p in plans], parameters, aims, self.spec.weighted, code_digest()])

    @cached_property
    def study(self) -> optuna.Study:
        """Optuna's study; made if there is none.

        Raises
        ------
        ScanError
            If Optuna is missing, or the folder holds a study of something else.
        """
        optuna = optuna_package()
        self.folder.mkdir(parents=True, exist_ok=True)
        storage = optuna.storages.RDBStorage(database_url(self.folder.absolute() / STORAGE))
        study = optuna.create_study(
            storage=storage, study_name=self.folder.name, direction="minimize", load_if_exists=True
        )
        known = study.user_attrs.get("identity")
        if known is None:
            study.set_user_attr("identity", self.identity)
            if self.spec.start:
                study.enqueue_trial(self.spec.start)
        elif known != self.identity:
            raise ScanError(
                f"{self.folder}: the trials there are of other parameters, targets or code, and cannot be gone on "
                "with; choose another folder (--out)"
            )
        # as many draws as trials are behind: a resumed search must not draw the same again
        study.sampler = sampler(self.spec, self.spec.sample_seed + 1000 * len(study.trials))
        return study

    def run(self, trials: int | None = None, *, workers: int = 1, show: Callable[[str], None] | None = None) -> Study:
        """Run trials until there are ``trials`` finished ones in all; those of earlier calls count.

        Parameters
        ----------
        trials : int, optional
            By default what the file says.
        workers : int
            Runs at the same time.
        show : callable, optional
            Gets a line per finished trial.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C. Finished trials stay, the others are done again by the next call.
        """
        wanted = trials or self.spec.trials
        self.folder.mkdir(parents=True, exist_ok=True)
        with hold(self.folder) as lock, family([lock]) as runs, terminated_as_exit():
            self._launcher = Launcher(os.environ | runs.environment, fork=self.spec.execution.ranks == 1)
            for name in ("points", "runs", "log"):
                (self.folder / name).mkdir(exist_ok=True)
            for sources in self._planner.sources:
                shutil.copy(sources, self.folder / "points" / sources.name)
            text = yaml.safe_dump(self.spec.model_dump(mode="json", exclude_defaults=True), sort_keys=False)
            write_atomic(self.folder / SPEC, text)
            for trial in self.study.get_trials(deepcopy=False, states=(optuna_package().trial.TrialState.RUNNING,)):
                self._settle(trial)
            running: list[Trial] = []
            try:
                while True:
                    while len(running) < workers and self.n_finished + len(running) < wanted:
                        running.append(self._start())
                    if not running:
                        return self
                    for ended in [trial for trial in running if not trial.advance()]:
                        running.remove(ended)
                        self._tell(ended, show)
                    time.sleep(0.1)
            finally:
                # Ctrl-C reaches the runs, too, and they mark their folders; nothing else does
                grace = _GRACE if isinstance(sys.exc_info()[1], KeyboardInterrupt) else 0.0
                deadline = time.monotonic() + grace
                for left in running:
                    left.end(deadline)
                    self._give_back(left.number, left.values)
                self._launcher.close()
                self.write_table()

    @property
    def n_finished(self) -> int:
        """Trials that need not be run again: with a distance, exploded or failed."""
        return sum(_is_whole(trial) for trial in self._trials())

    def _trials(self) -> list[optuna.trial.FrozenTrial]:
        return self.study.get_trials(deepcopy=False)

    def _start(self) -> Trial:
        optuna = optuna_package()
        asked = self.study.ask(
            {
                name: (optuna.distributions.IntDistribution if d.integer else optuna.distributions.FloatDistribution)(
                    d.low, d.high, log=d.log
                )
                for name, axis in self.spec.search.items()
                if (d := axis.distribution) is not None
            }
        )
        how = ("--threads", str(self.spec.execution.threads), "--ranks", str(self.spec.execution.ranks))
        trial = Trial(asked.number, dict(asked.params), self.folder, how, self._launcher, asked)
        try:
            for point, aim in zip(self._points(asked.params), self._aims, strict=True):
                trial.add(aim, self._planner.experiment(point))
        except SpecError as error:
            trial.failure = ("failed", str(error))
        return trial

    def _tell(self, trial: Trial, show: Callable[[str], None] | None) -> None:
        """Give Optuna the outcome: a number to make small; pruned if activity exploded; failed."""
        trial.ask.set_user_attr("status", trial.failure[0] if trial.failure else "done")
        judged, value = pd.DataFrame(), float("nan")
        terms: dict[str, float] = {}
        if trial.failure is None:
            judged = pd.concat({aim.name: judged for aim, judged in trial.judged}, names=["state", "population"])
            value, terms = self.spec.loss(judged)
            if not np.isfinite(value):
                trial.failure = ("failed", "what was recorded is not a number")
                trial.ask.set_user_attr("status", "failed")
        status, reason = trial.failure or ("done", "")
        trial.ask.set_user_attr("reason", reason)
        line = f"trial {trial.number}: {status}"
        if trial.failure is None:
            trial.ask.set_user_attr("measured", _records(judged))
            trial.ask.set_user_attr("terms", terms)
            self.study.tell(trial.ask, value)
            best = self.study.best_trial
            line = f"trial {trial.number}: {self.spec.LOSS} {value:.3g} (best {best.value:.3g}, trial {best.number})"
        else:
            self.study.tell(trial.ask, state=_state(status))
            line += f": {reason.splitlines()[0]}"
        self.write_table()
        if show is not None:
            show(f"{line}  " + ", ".join(f"{name}={value:.4g}" for name, value in trial.values.items()))

    def _settle(self, trial: optuna.trial.FrozenTrial) -> None:
        """Complete what is known of a trial whose process was killed: its outcome, or that it has none."""
        status = trial.user_attrs.get("status")
        if status in ("exploded", "failed"):
            self.study.tell(trial.number, state=_state(status))
        else:
            self._give_back(trial.number, dict(trial.params))

    def _give_back(self, number: int, values: dict[str, Any]) -> None:
        """Let a trial that was not finished be run again, with the same values and another number.

        What tells it from one that failed is that it has no status.
        """
        self.study.tell(number, state=optuna_package().trial.TrialState.FAIL)
        if values:
            self.study.enqueue_trial(values)

    def table(self) -> pd.DataFrame:
        """One row per trial.

        Returns
        -------
        DataFrame
            ``trial``, ``status`` (done, exploded, failed), ``distance`` (of a fit ``loss``), a column per parameter, of
            a fit one per term, and for every target a column ``<state> <quantity> <population>``; trials that were
            interrupted are left out.
        """
        rows = []
        for trial in self._trials():
            if not _is_whole(trial):
                continue
            status = trial.user_attrs["status"]
            measured = {
                f"{m['state']} {m['quantity']} {m['population']}": m["value"]
                for m in trial.user_attrs.get("measured", [])
            }
            parameters = {name: trial.params.get(name) for name in self.spec.search}
            terms = {f"term {name}": value for name, value in trial.user_attrs.get("terms", {}).items()}
            start = {"trial": trial.number, "status": status, self.spec.LOSS: trial.value}
            rows.append({**start, **parameters, **terms, **measured})
        columns = ["trial", "status", self.spec.LOSS, *self.spec.search]
        return pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)

    def targets(self) -> pd.DataFrame:
        """Values of the best trial beside their windows: ``state``, ``quantity``, ``population``, ``value``, ``low``...

        Raises
        ------
        ScanError
            If no trial has a distance yet.
        """
        table = pd.DataFrame(self.best.user_attrs["measured"])
        return table.assign(value=table["value"].astype(float))

    @property
    def best(self) -> optuna.trial.FrozenTrial:
        """Trial with the least loss; ScanError if none has come to its end."""
        try:
            return self.study.best_trial
        except ValueError as error:
            raise ScanError(f"{self.folder}: no trial has come to its end yet") from error

    def best_experiments(self) -> list[Experiment]:
        """Experiments with the parameters of the best trial, without the recordings that the fit has added."""
        return [self._planner.experiment(point) for point in self.spec.points(self.best.params)]

    def best_values(self) -> list[str]:
        """Parameters of the best trial, a line each, and what has become of them where that is one number."""
        experiments = self.best_experiments()
        lines = []
        for name, value in self.best.params.items():
            axis = self.spec.search[name]
            line = f"{name} = {value:.6g}"
            found = [number for one in experiments if (number := quantity_at(one, axis.path)) is not None]
            if axis.unit is not None:
                line += f" {axis.unit}"
            elif len(set(found)) == 1:
                made, unit = found[0]
                unit = "" if unit == "1" else f" {unit}"
                line += unit if np.isclose(made, value, rtol=1e-9) else f", which makes {made:.6g}{unit}"
            lines.append(line)
        return lines

    def best_runs(self) -> list[tuple[Aim, Run]]:
        """Runs of the best trial with what they were held against."""
        number = self.best.number
        return [(aim, Run.open(self.folder / "runs" / f"trial-{number:04d}_{aim.name}")) for aim in self._aims]

    def write_best(self) -> list[Path]:
        """Write the best parameters as an overlay for `bgnest run --overlay`; a file per aim if they differ."""
        best = self.best
        what = f"fitted: {self.spec.LOSS} {best.value:.4g}, trial {best.number} of {self.n_finished}"
        paths = [path for axis in self.spec.search.values() for path in axis.path]
        texts = best_overlays(
            dict(zip([aim.name for aim in self._aims], self.best_experiments(), strict=True)), paths, what
        )
        files = []
        for name, text in texts.items():
            files.append(self.folder / (f"best_{name}.yaml" if len(texts) > 1 else "best.yaml"))
            write_atomic(files[-1], text)
        return files

    def write_table(self) -> Path:
        """Write ``trials.csv``."""
        path = self.folder / "trials.csv"
        write_atomic(path, self.table().to_csv(index=False, float_format="%.6g"))
        return path


def _is_whole(trial: optuna.trial.FrozenTrial) -> bool:
    """Whether a trial has its outcome; an interrupt may fall between what is noted of it and its distance."""
    status = trial.user_attrs.get("status")
    return bool(trial.state.is_finished() and status and (status != "done" or trial.value is not None))


def _state(status: str) -> Any:
    """Optuna's name of a trial without a distance."""
    states = optuna_package().trial.TrialState
    return states.PRUNED if status == "exploded" else states.FAIL


def _records(judged: pd.DataFrame) -> list[dict[str, Any]]:
    """JSON form of what was judged; NaN becomes None."""
    columns = ("state", "quantity", "population", "value", "low", "high", "verdict", "term", "error")
    table = judged.reset_index()
    table = table[[column for column in columns if column in table]]
    return [
        {str(key): None if isinstance(value, float) and value != value else value for key, value in row.items()}
        for row in table.to_dict("records")
    ]
