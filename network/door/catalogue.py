"""Cells by themselves: the catalogue as a table, and what characterises a cell as an object."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SpecError, choices
from ..experiment.cells import CellFile, cell_files, find_cell, list_cells
from ..experiment.files import label_of
from ..experiment.loading import Draft, load_draft
from ..experiment.nestml import ModelInterface, model_interfaces
from ..experiment.origins import Layer, Tree
from ..experiment.schema import Experiment
from ..experiment.sources import load_sources
from ..plans import make_plan
from ..plans.isolated import isolated
from ..plans.plan import Plan
from ..plans.summary import table as text_table
from .tables import html

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..single.measures import Measure
    from ..single.protocol import Record
    from .progress import Progress

RESOLUTION = 0.1
"""Step in ms of a cell whose file says no other."""
NOISE = ("sigma",)
"""Parameters that are noise within a model: a cell is characterised without."""
HEADER = ("cell", "type", "model", "certainty", "source", "what it is")


class Catalogue(dict[str, CellFile]):
    """Cells by name; shown as a table."""

    def _rows(self) -> list[list[str]]:
        return [
            [name, cell.about.type, cell.model, cell.about.certainty, cell.about.source or "-", cell.title]
            for name, cell in self.items()
        ]

    def table(self) -> pd.DataFrame:
        """A row per cell: type, model, certainty, source, what it is."""
        import pandas as pd

        return pd.DataFrame(self._rows(), columns=list(HEADER)).set_index("cell")

    def __repr__(self) -> str:
        return text_table(list(HEADER), self._rows(), "llllll")

    def _repr_html_(self) -> str:
        return html(f"{len(self)} cells", [], HEADER, self._rows())


def cells() -> Catalogue:
    """All cells of the catalogue, those in folders of ``BGNEST_PARAMS`` among them.

    Raises
    ------
    SpecError
        With the problems of files that are wrong.
    """
    return Catalogue(list_cells())


@dataclass(frozen=True, eq=False)
class Subject:
    """The cell that is looked at: a population of an experiment, whatever it was named by."""

    name: str
    title: str
    experiment: Experiment
    population: str
    cell: CellFile | None
    resolution: float

    @property
    def model(self) -> ModelInterface:
        """Its NESTML model."""
        return model_interfaces()[self.experiment.populations[self.population].model]

    def plan(self) -> Plan:
        """Plan of its experiment."""
        return make_plan(self.experiment)


class Characteristics:
    """What characterises a cell; made by `characterise`.

    Attributes
    ----------
    name, title, model : str
    measures : list of Measure
        In the order of the table.
    record : Record
        Potentials and spikes at all steps.
    notes : list of str
        What else is to be known: noise that is off, deviations from known rates.
    """

    def __init__(self, subject: Subject, record: Record, quiet: tuple[str, ...]) -> None:
        from ..single.measures import measures

        self.subject, self.record = subject, record
        self.name, self.title, self.model = subject.name, subject.title, subject.model.name
        self.measures: list[Measure] = measures(record)
        self.notes = [f"noise is off: {', '.join(f'{name} = 0' for name in quiet)}"] if quiet else []

    def __getitem__(self, measure: str) -> float:
        """Value of a measure by its name."""
        for one in self.measures:
            if one.name == measure:
                return one.value
        raise KeyError(f"no measure {measure!r}; {choices(measure, [one.name for one in self.measures], 'measures')}")

    def table(self) -> pd.DataFrame:
        """A row per measure: value, unit, how it was got."""
        import pandas as pd

        rows = [(one.name, one.value, one.unit, one.how) for one in self.measures]
        return pd.DataFrame(rows, columns=["measure", "value", "unit", "how"]).set_index("measure")

    def rates(self) -> pd.DataFrame:
        """Curve of rates: ``current_pA`` (in all), ``rate``, ``first_rate`` (spikes/s, of the first interval)."""
        import pandas as pd

        from ..single.measures import curve

        found = curve(self.record.rates)
        return pd.DataFrame({"current_pA": found.current, "rate": found.steady, "first_rate": found.first})

    def known(self) -> pd.DataFrame:
        """Rates that are known from elsewhere beside those here; empty if the catalogue knows none."""
        import pandas as pd

        from ..single.protocol import steady_rate

        given = () if self.subject.cell is None else self.subject.cell.about.rates
        rows = []
        for number, one in enumerate(given):
            found, wanted = steady_rate(self.record.known, number), one.rate.value
            inside = abs(found - wanted) <= max(one.within * wanted, 0.1)
            about = one.rate.source or f"assumed: {one.rate.assumed}"
            rows.append((one.current.value, wanted, found, "agrees" if inside else "deviates", about))
        return pd.DataFrame(rows, columns=["current_pA", "known", "here", "verdict", "source"])

    def traces(self, current: float) -> pd.DataFrame:
        """Potential of the cell whose step came closest to a current: ``time_ms`` (after its start), ``V``."""
        import numpy as np
        import pandas as pd

        parts = [part for part in (self.record.rates, self.record.deep) if part.current.size]
        part = min(parts, key=lambda part: float(np.abs(part.current - current).min()))
        cell = int(np.argmin(np.abs(part.current - current)))
        frame = pd.DataFrame({"time_ms": part.times, "V": part.values[:, cell]})
        frame.attrs.update(current_pA=float(part.current[cell]), spikes_ms=part.spikes[cell])
        return frame

    def plot(self, ax: Axes | None = None) -> Figure | Axes:
        """The figure, or only the curve of rates in axes of yours."""
        from ..analysis.plots.cells import cell_page, rate_curve
        from ..single.picture import figure_of

        content = figure_of(self.record, self.measures, self._peak(), self._known_points())
        if ax is not None:
            rate_curve(ax, content)
            return ax
        return cell_page(content, f"{self.name}: {self.title}" if self.title else self.name)

    def _known_points(self) -> list[tuple[float, float]]:
        return [(float(current), float(rate)) for current, rate in self.known()[["current_pA", "known"]].to_numpy()]

    def _peak(self) -> float | None:
        """Height of spikes in figures where the model resets them."""
        neuron = self.subject.experiment.populations[self.subject.population].neuron
        if "V_peak" in neuron:
            return neuron["V_peak"].value
        return 0.0 if "V_reset" in neuron else None

    def write(self, folder: str | Path, *, pdf: bool = False) -> list[Path]:
        """Write figure, measures and curve of rates into a folder; returns the files."""
        from ..analysis.plots import save

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        figure = self.plot()
        made = save(figure, folder / self.name, pdf=pdf)  # type: ignore[arg-type]
        for name, table in (("measures", self.table()), ("rates", self.rates().set_index("current_pA"))):
            table.to_csv(folder / f"{self.name}_{name}.csv")
            made.append(folder / f"{self.name}_{name}.csv")
        return made

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain data, for JSON; what is not there is None."""
        import math

        def plain(value: Any) -> Any:
            return None if isinstance(value, float) and not math.isfinite(value) else value

        rows = [{"name": m.name, "value": plain(m.value), "unit": m.unit, "how": m.how} for m in self.measures]
        rates = [{key: plain(value) for key, value in row.items()} for row in self.rates().to_dict("records")]
        known = self.known().to_dict("records")
        return {
            "cell": self.name,
            "title": self.title,
            "model": self.model,
            "measures": rows,
            "rates": rates,
            "known": known,
            "notes": self.notes,
        }

    def _lines(self) -> list[str]:
        about = None if self.subject.cell is None else self.subject.cell.about
        lines = [f"{self.name}: {self.title}" if self.title else self.name]
        code = f"model {self.model}, step {self.subject.resolution:g} ms"
        lines.append(code if about is None else f"{code}; {about.certainty}, source {about.source or 'none'}")
        lines += [] if about is None or not about.reason else [f"certainty: {about.reason}"]
        return lines + self.notes

    def _rows(self) -> list[list[str]]:
        return [
            [m.name, _number(m.value), m.unit.replace("1", "") if m.unit == "1" else m.unit, m.how]
            for m in self.measures
        ]

    def __repr__(self) -> str:
        lines = [*self._lines(), "", text_table(["measure", "value", "unit", "how"], self._rows(), "lrll")]
        known = self.known()
        if len(known):
            rows = [
                [f"{r['current_pA']:g}", _number(r["known"]), _number(r["here"]), r["verdict"], r["source"]]
                for r in known.to_dict("records")
            ]
            head = ["current (pA)", "known (spikes/s)", "here", "verdict", "source"]
            lines += ["", text_table(head, rows, "rrrll")]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return html(self._lines()[0], self._lines()[1:], ["measure", "value", "unit", "how"], self._rows())


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.4g}"


def characterise(
    cell: str | Path,
    changes: Mapping[str, Any] | None = None,
    *,
    resolution: float | None = None,
    duration: float | None = None,
    target: str | None = None,
    progress: Progress = True,
) -> Characteristics:
    """What characterises a cell: potential at rest, resistance, time constant, rheobase, rates, adaptation, rebound.

    What is in NEST in this Python process is lost.

    Parameters
    ----------
    cell : str or path
        A cell of the catalogue or a file of one; a NESTML model or its file; ``EXPERIMENT:POPULATION``.
    changes : mapping, optional
        Parameters of the cell by name, in NEST's units; of an experiment also by key path.
    resolution : float, optional
        Step in ms.
    duration : float, optional
        Of the steps of current in ms, 2000 if not given.
    target : str, optional
        Code of the cells, ``auto`` if not given.
    progress : bool or Reporter
        Show bars in terminals and notebooks.

    Raises
    ------
    SpecError
        If there is no such cell, or it cannot be characterised; with what there is.
    """
    from ..engine.responses import Laboratory
    from ..single.protocol import STEP, record
    from .progress import reporter_for

    with _visible(cell):
        subject, quiet = _subject(str(cell), dict(changes or {}), resolution, target)
        plan, model = subject.plan(), subject.model
        variable = _potential(model)
        params = plan.population(subject.population).params
        known = () if subject.cell is None else [one.current.value for one in subject.cell.about.rates]

        def make(course: Any, interval: float) -> Plan:
            return isolated(
                subject.plan(),
                subject.population,
                model,
                course,
                variable=variable,
                interval=max(interval, subject.resolution),
                resolution=subject.resolution,
            )

        found = record(
            Laboratory(reporter_for(progress)),
            make,
            params.get("I_e", 0.0),
            params.get("C_m", 100.0),
            known,
            step=STEP if duration is None else duration,
        )
    return Characteristics(subject, found, quiet)


@contextmanager
def _visible(cell: str | Path) -> Iterator[None]:
    """Let the models beside a NESTML file be found."""
    path = Path(cell)
    before = os.environ.get("BGNEST_MODELS")
    if path.suffix == ".nestml" and path.is_file():
        os.environ["BGNEST_MODELS"] = os.pathsep.join([str(path.resolve().parent), *([before] if before else [])])
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("BGNEST_MODELS", None)
        else:
            os.environ["BGNEST_MODELS"] = before


def _potential(model: ModelInterface) -> str:
    """State that is taken for the potential."""
    if "V_m" in model.recordables:
        return "V_m"
    found = [name for name in model.recordables if model.recorded_unit(name) == "mV"]
    if not found:
        raise SpecError([f"{model.file}: {model.name} has no potential: no state in mV that can be recorded"])
    return found[0]


def _subject(
    name: str, changes: dict[str, Any], resolution: float | None, target: str | None
) -> tuple[Subject, tuple[str, ...]]:
    """Find what is meant, with changes, and without noise; the second are the parameters of noise."""
    experiment, _, population = name.rpartition(":")
    cell, title = None, ""
    if experiment and not Path(name).exists():
        draft = load_draft(experiment)
        there = draft.tree.data["populations"]
        if population not in there:
            raise SpecError(
                [f"{experiment}: no population {population!r}; {choices(population, there, 'populations')}"]
            )
        label = f"{population}"
        title = f"{there[population].get('label', population)} of {experiment}"
    else:
        cell, draft, population, title = _alone(name)
        label = cell.name if cell is not None else population
    neuron = draft.tree.data["populations"][population].get("neuron", {})
    quiet = tuple(one for one in NOISE if one in neuron and one not in changes)
    overrides = {_key(population, key): value for key, value in {**dict.fromkeys(quiet, 0.0), **changes}.items()}
    if target is not None:
        overrides["simulation.target"] = target
    made = draft.experiment(overrides, where="characterise")
    step = resolution or (
        made.simulation.resolution.value
        if cell is None or cell.about.resolution is None
        else cell.about.resolution.value
    )
    silent = tuple(one for one in quiet if _was_loud(draft, population, one))
    return Subject(label, title, made, population, cell, step), silent


def _was_loud(draft: Draft, population: str, parameter: str) -> bool:
    written = draft.tree.data["populations"][population]["neuron"][parameter]
    return not isinstance(written, dict) or written.get("value") != 0


def _key(population: str, key: str) -> str:
    """Key path of a parameter of the cell."""
    return key if "." in key else f"populations.{population}.neuron.{key}"


def _alone(name: str) -> tuple[CellFile | None, Draft, str, str]:
    """Cell of the catalogue, or model, as an experiment with a single cell."""
    path, models = Path(name), model_interfaces()
    if path.suffix in (".yaml", ".yml") or name in cell_files():
        cell = find_cell(name, where="characterise")
        body: dict[str, Any] = {"cell": str(cell.path) if path.suffix else name}
        label, title = cell.name, cell.title
    elif path.suffix == ".nestml" or name in models:
        stem = path.stem if path.suffix == ".nestml" else name
        if path.suffix == ".nestml" and not path.is_file():
            raise SpecError([f"no file {name!r}"])
        if models[stem].problem:
            raise SpecError([models[stem].problem])
        cell, label = None, stem
        body = {"model": stem, "defaults": "model", "label": stem}
        title = f"parameters as {label_of(Path(models[stem].file))} has them"
    else:
        known = [*cell_files(), *models]
        raise SpecError(
            [f"no cell {name!r}; {choices(name, known, 'cells and models')}; or EXPERIMENT:POPULATION, or a file"]
        )
    population = label if label.isidentifier() else "cell"
    tree = Tree()
    given = {"value": RESOLUTION, "unit": "ms", "assumed": "usual"}
    content = {
        "meta": {"model": "cells", "title": title or label, "name": label},
        "network": {},
        "populations": {population: {**body, "n_neurons": {"value": 1, "unit": "1", "assumed": "alone"}}},
        "simulation": {
            "resolution": given,
            "t_presim": {"value": 0.0, "unit": "ms", "assumed": "not used"},
            "t_sim": {"value": 1.0, "unit": "ms", "assumed": "not used"},
        },
    }
    from ..experiment.cells import apply_with_cells
    from ..experiment.model_defaults import fill_in

    apply_with_cells(tree, Layer(content, "characterise"), None)
    tree.data["populations"][population].setdefault("label", label)
    fill_in(tree, models)
    folder = cell.path.parent if cell is not None else Path.cwd()
    return cell, Draft(tree, folder, label), population, title


def sources_of(cell: CellFile) -> dict[str, str]:
    """Text of every source that a cell names, by its key."""
    found = load_sources(cell.path.parent)
    used = dict.fromkeys(_named(cell.body) + ([cell.about.source] if cell.about.source else []))
    return {key: found[key].what for key in used if key in found}


def _named(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["source"]] if isinstance(node.get("source"), str) else []
        return own + [key for value in node.values() for key in _named(value)]
    return []
