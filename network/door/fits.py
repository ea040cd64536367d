"""A fit as an object: parameters with which runs come close to traces and values, and how close they came."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..errors import SpecError
from ..plans.summary import table as text_table
from ..scans.fit import Fit as Spec
from ..scans.fit import FitAim, load_fit, parse_fit
from ..scans.optimise import STORAGE, Study
from .experiment import Experiment
from .runs import Run
from .tables import html

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


class Fit:
    """Values of parameters that bring runs close to what is wanted; made by `fit`.

    Attributes
    ----------
    study : network.scans.optimise.Study
        What leads the trials; ``study.study`` is Optuna's.
    """

    def __init__(self, study: Study) -> None:
        self.study = study

    @property
    def folder(self) -> Path:
        """Where everything goes."""
        return self.study.folder

    @property
    def n_trials(self) -> int:
        """Trials with an outcome."""
        return self.study.n_finished

    @property
    def best(self) -> dict[str, float]:
        """Values of the parameters in the best trial; Error if there is none."""
        return dict(self.study.best.params)

    @property
    def loss(self) -> float:
        """Loss of the best trial: the sum of weight times term over the targets."""
        value = self.study.best.value
        assert value is not None  # trials without one are never the best
        return float(value)

    @property
    def terms(self) -> dict[str, float]:
        """Terms of the loss of the best trial by target, before they are weighted."""
        return dict(self.study.best.user_attrs["terms"])

    def run(
        self, trials: int | None = None, *, workers: int = 1, progress: bool | Callable[[str], None] = True
    ) -> Self:
        """Run trials until there are so many in all; those of earlier calls count.

        Parameters
        ----------
        trials : int, optional
            By default what the fit says.
        workers : int
            Runs at the same time.
        progress : bool or callable
            Print a line per trial, or give it to a function.
        """
        show = progress if callable(progress) else (_print if progress else None)
        self.study.run(trials, workers=workers, show=show)
        return self

    def table(self) -> pd.DataFrame:
        """One row per trial: loss, parameters, terms, what was measured."""
        return self.study.table()

    def targets(self) -> pd.DataFrame:
        """The best trial beside what is wanted: a row per trace (value: rms), value and window."""
        return self.study.targets()

    def runs(self) -> dict[str, Run]:
        """Runs of the best trial by the name of their experiment."""
        return {aim.name: Run(reader, Experiment.load) for aim, reader in self.study.best_runs()}

    def experiment(self) -> Experiment:
        """Experiment with the best parameters, to run, plan or change it; of several the first."""
        point = self.study.spec.points(self.study.best.params)[0]
        return Experiment.load(point.experiment, point.overlays, list(point.overrides.items()))

    def plot(self) -> Figure:
        """Traces beside the recorded ones, the loss over trials and parameters, values of the best trial."""
        from ..analysis.plots import fit as draw
        from ..analysis.plots import presented
        from ..experiment.presentation import load_presentation

        spec, targets = self.study.spec, self.targets()
        scales = {name: bool(axis.distribution and axis.distribution.log) for name, axis in spec.search.items()}
        labels = {name: axis.text(name) for name, axis in spec.search.items()}
        others = targets[~targets["quantity"].str.startswith("rms ")]
        with presented(load_presentation(self.study.model)):
            return draw(
                self.table(), scales, self._pairs(), others, loss=self.loss_text, labels=labels, title=spec.title
            )

    def _pairs(self) -> list[Any]:
        from ..analysis.plots.fits import Pair

        pairs = []
        for aim, run in self.study.best_runs():
            for recorded in aim.recorded if isinstance(aim, FitAim) else ():
                found, units = recorded.simulated(run), recorded.units(run)
                errors = recorded.difference(found)
                for k, signal in enumerate(recorded.signals):
                    name = f"{aim.name}: {signal}" if len(self.study.aims) > 1 else str(signal)
                    pairs.append(
                        Pair(name, units[k], recorded.times, recorded.values[:, k], found[:, k], float(errors[k]))
                    )
        return pairs

    @property
    def loss_text(self) -> str:
        """What the loss is: with a unit if it is that of traces alone."""
        spec = self.study.spec
        assert isinstance(spec, Spec)
        only = next(iter(spec.targets.values())) if len(spec.targets) == 1 else None
        if only is None or only.traces is None or only.weight != 1:
            return "loss"
        units = {unit for aim, run in self.study.best_runs() for r in aim.recorded for unit in r.units(run)}  # type: ignore[attr-defined]
        return f"loss: rms ({units.pop()})" if len(units) == 1 else "loss"

    def write(self, *, pdf: bool = False) -> list[Path]:
        """Write ``best.yaml``, ``trials.csv`` and ``fit.png``; returns the files."""
        from ..analysis.plots import save

        figure = save(self.plot(), self.folder / "fit", pdf=pdf)
        return [*self.study.write_best(), self.study.write_table(), *figure]

    def _lines(self) -> list[str]:
        if not (self.folder / STORAGE).is_file() or not len(self.table()):
            return [f"no trial yet, in {self.folder}"]
        best = self.study.best
        lines = [f"{self.n_trials} trials; the best is number {best.number} with the loss {best.value:.4g}:"]
        return lines + [f"  {line}" for line in self.study.best_values()]

    def _rows(self) -> list[list[str]]:
        rows = []
        for row in self.targets().to_dict("records"):
            value, low, high = float(row["value"]), row["low"], row["high"]
            wanted = f"{low:g}" if low == high else f"{low:g} - {high:g}"
            shown = "-" if str(row["quantity"]).startswith("rms ") else wanted
            rows.append([row["term"], row["quantity"], row["population"], f"{value:.4g}", shown])
        return rows

    def __repr__(self) -> str:
        lines = self._lines()
        if len(lines) > 1:
            header = ["target", "quantity", "of", "value", "wanted"]
            lines += ["", text_table(header, self._rows(), "lllrr")]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        lines = self._lines()
        rows = self._rows() if len(lines) > 1 else []
        return html(
            self.study.spec.title or self.study.label, lines, ["target", "quantity", "of", "value", "wanted"], rows
        )


def fit(
    of: str | Path | Experiment,
    search: Mapping[str, Any] | None = None,
    targets: Mapping[str, Any] | None = None,
    *,
    folder: str | Path | None = None,
    overlays: str | Path | Iterable[str | Path] = (),
    changes: Mapping[str, Any] | None = None,
    **options: Any,
) -> Fit:
    """Fit of a file, or of an experiment.

    Parameters
    ----------
    of : str, path or Experiment
        Without ``search`` and ``targets`` the file of a fit; with them an experiment, or its name.
    search : mapping, optional
        Name to a mapping as in a file, or key path to its limits ``(low, high)``.
    targets : mapping, optional
        As in a file; ``traces`` may be a table of pandas.
    folder : path, optional
        Where everything goes; by default ``fits/NAME``.
    overlays, changes
        Of all runs.
    **options
        As in a file: ``name``, ``title``, ``start``, ``trials``, ``method``, ``sample_seed``, ``execution``.

    Raises
    ------
    SpecError
        With all problems.

    Examples
    --------
    >>> search = {"projections.A_to_B.weight": (0.1, 10.0)}
    >>> fit("my_pair.yaml", search, {"firing": {"values": {"rate": {"B": 8.0}}}})
    no trial yet, in fits/fit
    """
    if search is None or targets is None:
        if search is not None or targets is not None or isinstance(of, Experiment) or changes or options:
            raise SpecError(["fit: give parameters and targets: fit(experiment, {key path: (low, high)}, {name: ...})"])
        spec, name = load_fit(of)
        return Fit(Study(spec, Path(folder or Path("fits") / (spec.name or name)), Path(of).name))
    names = [overlays] if isinstance(overlays, str | Path) else list(overlays)
    changes = dict(changes or {})
    if isinstance(of, Experiment):
        changes, names = {**of.changes, **changes}, [*of.overlays, *names]
        of = of.source
    place = Path(folder or Path("fits") / options.get("name", "fit"))
    data = {
        "fit": str(of),
        "overlays": [str(name) for name in names],
        "set": changes,
        "search": dict(_axis(key, value) for key, value in search.items()),
        "targets": {name: _on_disk(target, place / f"target_{name}.csv") for name, target in targets.items()},
        **options,
    }
    return Fit(Study(parse_fit(data), place, "fit"))


def _axis(key: str, value: Any) -> tuple[str, Any]:
    """Parameter as it is written in a file; its name is the last word of its path."""
    if isinstance(value, Mapping):
        return key, dict(value)
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise SpecError([f"fit: search: {key}: give its limits (low, high), not {value!r}"])
    low, high = (float(limit) for limit in value)
    return key.replace("*", "any"), {"path": key, "distribution": {"low": low, "high": high}}


def _on_disk(target: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """Target whose traces are a file, whatever they were given as."""
    traces: Any = target.get("traces")
    if traces is None:
        return dict(target)
    if not hasattr(traces, "to_csv"):
        return {**target, "traces": str(traces)}
    file.parent.mkdir(parents=True, exist_ok=True)
    traces.to_csv(file, index=traces.index.name is not None)
    return {**target, "traces": str(file.absolute())}


def _print(line: str) -> None:
    print(line, flush=True)
