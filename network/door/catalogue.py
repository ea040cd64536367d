"""Cells by themselves: the catalogue as a table, and what characterises a cell as an object."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import SpecError, choices
from ..experiment.cells import CellFile, cell_files, find_cell, list_cells
from ..experiment.files import label_of
from ..experiment.loading import Draft, load_draft
from ..experiment.nestml import ModelInterface, model_interfaces
from ..experiment.origins import Layer, Tree
from ..experiment.sources import load_sources
from ..plans.isolated import isolated
from ..plans.plan import Plan
from ..plans.summary import table as text_table
from .characteristics import Characteristics, Subject
from .tables import html

if TYPE_CHECKING:
    import pandas as pd

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
    if tree.problems:
        raise SpecError(tree.problems)
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
