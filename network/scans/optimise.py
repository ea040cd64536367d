"""Search parameters for those whose runs come closest to target windows, with Optuna; resumable at any time.

A folder holds everything: ``study.db`` (Optuna's storage), ``runs`` with an ordinary run folder per trial and state,
``points`` with their experiments, ``log``, and the table ``trials.csv``. A trial that fails, or whose activity
explodes, ends that trial only. One process leads a study; the runs are processes of their own.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd
import yaml

from .. import program
from ..analysis.targets.distance import distance
from ..analysis.targets.judge import Judgement, judge_run
from ..analysis.targets.windows import Targets
from ..cluster.job import terminated_as_exit
from ..errors import ScanError, SpecError
from ..experiment import Experiment, dump_experiment
from ..plans.identity import digest
from ..processes import Family, family
from ..runs.code import code_digest
from ..runs.layout import RECORD, read_json, run_status, write_atomic
from ..runs.reader import Run
from .goal import Optimisation, goals_of, load_optimisation
from .planning import Planner
from .workflow import hold

if TYPE_CHECKING:
    import optuna

logger = logging.getLogger(__name__)

STORAGE, SPEC = "study.db", "optimisation.yaml"
_GRACE = 20.0  # seconds in which runs end by themselves after Ctrl-C


class Study:
    """An optimisation and its folder.

    Parameters
    ----------
    spec : Optimisation
    folder : Path
        Made by `run`.
    label : str
        Name of the file in messages.

    Raises
    ------
    SpecError
        If an experiment is not valid at the limits of the parameters, or has no targets.
    """

    def __init__(self, spec: Optimisation, folder: Path, label: str = "optimisation") -> None:
        self.spec, self.folder, self.label = spec, folder, label
        self._runs = Family()  # while trials run: their processes
        self._planner = Planner(label, spec.execution)
        for values in spec.corners():
            for point in spec.points(values):
                self._planner.plan(point)
        self._goals = [
            self._goal(self._planner.experiment(point), point.experiment) for point in spec.points(spec.corners()[0])
        ]
        twice = [goal.state for goal in self._goals if [g.state for g in self._goals].count(goal.state) > 1]
        if twice:
            raise SpecError([f"{label}: two experiments have the state {twice[0]}; their runs need different names"])

    @classmethod
    def load(cls, name_or_path: str | Path, folder: Path | None = None) -> Study:
        """Read a file; SpecError with all problems."""
        spec, name = load_optimisation(name_or_path)
        return cls(spec, folder or Path("scans") / (spec.name or name), Path(name_or_path).name)

    def _goal(self, experiment: Experiment, name: str) -> Targets:
        if experiment.meta.state is None:
            raise SpecError([f"{self.label}: {name} has no meta.state, whose targets could be reached"])
        return goals_of(self.spec, experiment.meta.model, experiment.meta.state, self.label)

    @property
    def model(self) -> str:
        """Network whose targets are to be reached."""
        return self._goals[0].model

    @property
    def identity(self) -> str:
        """Digest of everything that decides the distance for given parameters: network, limits, targets, code."""
        plans = [self._planner.plan(point) for point in self.spec.points(self.spec.corners()[0])]
        parameters = {name: axis.model_dump(mode="json") for name, axis in self.spec.search.items()}
        goals = [goal.windows for goal in self._goals]
        return digest([[p.simulation_hash for p in plans], parameters, goals, dict(self.spec.weights), code_digest()])

    @cached_property
    def study(self) -> optuna.Study:
        """Optuna's study; made if there is none.

        Raises
        ------
        ScanError
            If Optuna is missing, or the folder holds a study of something else.
        """
        optuna = _optuna()
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
        study.sampler = optuna.samplers.TPESampler(
            seed=self.spec.sample_seed + 1000 * len(study.trials),
            n_startup_trials=min(10, 2 + 2 * len(self.spec.search)),
            multivariate=True,
            constant_liar=True,  # runs under way count as bad ones, so that two at a time do not try the same
        )
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
            self._runs = runs
            for name in ("points", "runs", "log"):
                (self.folder / name).mkdir(exist_ok=True)
            text = yaml.safe_dump(self.spec.model_dump(mode="json", exclude_defaults=True), sort_keys=False)
            write_atomic(self.folder / SPEC, text)
            for trial in self.study.get_trials(deepcopy=False, states=(_optuna().trial.TrialState.RUNNING,)):
                self._settle(trial)
            running: list[_Trial] = []
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
                self.write_table()

    @property
    def n_finished(self) -> int:
        """Trials that need not be run again: with a distance, exploded or failed."""
        return sum(_is_whole(trial) for trial in self._trials())

    def _trials(self) -> list[optuna.trial.FrozenTrial]:
        return self.study.get_trials(deepcopy=False)

    def _start(self) -> _Trial:
        optuna = _optuna()
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
        environment = os.environ | self._runs.environment
        trial = _Trial(asked.number, dict(asked.params), self.folder, how, environment, asked)
        try:
            for point, goal in zip(self.spec.points(asked.params), self._goals, strict=True):
                trial.add(goal, self._planner.experiment(point))
        except SpecError as error:
            trial.failure = ("failed", str(error))
        return trial

    def _tell(self, trial: _Trial, show: Callable[[str], None] | None) -> None:
        """Give Optuna the outcome: a distance; pruned if activity exploded; failed."""
        status, reason = trial.failure or ("done", "")
        trial.ask.set_user_attr("status", status)
        trial.ask.set_user_attr("reason", reason)
        line = f"trial {trial.number}: {status}"
        if trial.failure is None:
            judged = pd.concat(
                {goal.state: judgement.judged for goal, judgement in trial.judgements}, names=["state", "population"]
            )
            value = distance(judged, {str(name): weight for name, weight in self.spec.weights.items()})
            trial.ask.set_user_attr("measured", _records(judged))
            self.study.tell(trial.ask, value)
            best = self.study.best_trial
            line = f"trial {trial.number}: distance {value:.3g} (best {best.value:.3g}, trial {best.number})"
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
        self.study.tell(number, state=_optuna().trial.TrialState.FAIL)
        if values:
            self.study.enqueue_trial(values)

    def table(self) -> pd.DataFrame:
        """One row per trial.

        Returns
        -------
        DataFrame
            ``trial``, ``status`` (done, exploded, failed), ``distance``, a column per parameter, and for every target
            a column ``<state> <quantity> <population>``; trials that were interrupted are left out.
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
            rows.append({"trial": trial.number, "status": status, "distance": trial.value, **parameters, **measured})
        columns = ["trial", "status", "distance", *self.spec.search]
        return pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)

    def targets(self) -> pd.DataFrame:
        """Values of the best trial beside their windows: ``state``, ``quantity``, ``population``, ``value``, ``low``...

        Raises
        ------
        ScanError
            If no trial has a distance yet.
        """
        try:
            best = self.study.best_trial
        except ValueError as error:
            raise ScanError(f"{self.folder}: no trial has come to its end yet") from error
        table = pd.DataFrame(best.user_attrs["measured"])
        return table.assign(value=table["value"].astype(float))

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
    states = _optuna().trial.TrialState
    return states.PRUNED if status == "exploded" else states.FAIL


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise ScanError("optimisation needs Optuna: pip install 'bgnest[optimise]'") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def _records(judged: pd.DataFrame) -> list[dict[str, Any]]:
    """JSON form of what was judged; NaN becomes None."""
    table = judged.reset_index()[["state", "quantity", "population", "value", "low", "high", "verdict"]]
    return [
        {str(key): None if isinstance(value, float) and value != value else value for key, value in row.items()}
        for row in table.to_dict("records")
    ]


@dataclass
class _Trial:
    """Runs of one trial, one after the other; each is a process."""

    number: int
    values: dict[str, Any]
    folder: Path
    how: tuple[str, ...]
    environment: Mapping[str, str]
    ask: Any
    failure: tuple[str, str] | None = None
    judgements: list[tuple[Targets, Judgement]] = field(default_factory=list)
    _waiting: deque[tuple[Targets, Path]] = field(default_factory=deque)
    _goal: Targets | None = None
    _run: Path = Path()
    _process: subprocess.Popen[bytes] | None = None

    def add(self, goal: Targets, experiment: Experiment) -> None:
        """Add the run of a state."""
        file = self.folder / "points" / f"trial-{self.number:04d}_{goal.state}.yaml"
        write_atomic(file, dump_experiment(experiment))
        self._waiting.append((goal, file))

    def advance(self) -> bool:
        """Look after the runs; returns whether there is still something to wait for."""
        if self._process is not None:
            if self._process.poll() is None:
                return True
            self._finish(self._process.returncode)
            self._process = None
        if self.failure is not None or not self._waiting:
            return False
        self._goal, file = self._waiting.popleft()
        self._run = self.folder / "runs" / file.stem
        command = program.command("run", str(file), *self.how)
        command += ["--out", str(self._run), "--resume", "--no-figures"]
        with (self.folder / "log" / f"{file.stem}.log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=self.environment)
        return True

    def _finish(self, code: int) -> None:
        status = run_status(self._run)
        if status == "complete" and self._goal is not None:
            judgement = judge_run(Run.open(self._run), self._goal)
            self.judgements.append((self._goal, judgement))
        elif status == "exploded":
            self.failure = ("exploded", read_json(self._run / RECORD)["stopped"]["reason"])
        else:
            log = self.folder / "log" / f"{self._run.name}.log"
            self.failure = ("failed", f"exit code {code}; see {log}")

    def end(self, deadline: float) -> None:
        """Let the run that is under way end by itself, or make it end."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.terminate()
            self._process.wait()


def database_url(path: Path) -> str:
    """Address of a SQLite database for Optuna.

    As a URI for SQLite, in which any letter of a path can be written: in the plain form a ``?`` ends the path.

    >>> database_url(Path("/a?b/study.db"))
    'sqlite:///file:/a%3Fb/study.db?uri=true'
    """
    return f"sqlite:///file:{quote(str(path))}?uri=true"
