"""Write the synapses of a plan for other programs: tables, or a complete SONATA circuit that can be simulated again."""

from __future__ import annotations

import logging
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine.connections import connections
from ..engine.progress import Phase, Reporter
from ..errors import RunExistsError, RunMissingError, SpecError, choices
from ..experiment import Experiment
from ..plans.plan import Plan
from ..runs.layout import to_json
from ..runs.tables import WRITERS
from .circuit import Circuit
from .connections import about

logger = logging.getLogger(__name__)

FORMATS = ("sonata", *WRITERS)


def export(
    experiment: Experiment,
    plan: Plan,
    out: Path,
    *,
    format: str = "sonata",
    projections: Collection[str] | None = None,
    reporter: Reporter,
) -> Path:
    """Write what a plan makes into a new folder; see `network.door.runs.Run.export`.

    Parameters
    ----------
    experiment : Experiment
        That the plan was made from.
    plan : Plan
    out : Path
        Missing or empty.
    format : str
        ``sonata``, ``parquet`` or ``csv``.
    projections : collection of str, optional
        All if not given; a circuit always has all.
    reporter : Reporter

    Raises
    ------
    Error
        If the folder is taken, or there is no such format or projection; before anything is built.
    """
    if format not in FORMATS:
        raise SpecError([f"format {format!r}; {choices(format, FORMATS, 'formats')}"])
    if projections is not None and format == "sonata":
        raise SpecError(["a SONATA circuit has all projections; formats with chosen ones: " + ", ".join(WRITERS)])
    known = [p.name for p in plan.projections]
    for name in projections or ():
        if name not in known:
            raise RunMissingError(f"no projection {name!r}; {choices(name, known, 'projections')}")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunExistsError(f"{out}: exists already; choose a new folder")
    wanted = known if projections is None else [name for name in known if name in projections]
    n_synapses = sum(p.n_synapses for p in plan.projections if p.name in wanted)
    out.mkdir(parents=True, exist_ok=True)
    with reporter.phase("export", n_synapses, "synapses") as phase:
        if format != "sonata":
            return _tables(plan, out, format, wanted, phase)
        _tell(plan)
        circuit = Circuit(out, plan, experiment)
        circuit.write_cells()
        for projection, found in connections(plan, wanted):
            circuit.write_synapses(projection, found, partial(phase.advance, note=projection.name))
            del found  # before there is the next one
        return circuit.finish()


def _tell(plan: Plan) -> None:
    """Say where a circuit cannot give the spikes of the run that it is made of."""
    by_nest = [p.name for p in plan.projections if plan.kept_by(p) == "nest"]
    generators = [i.name for i in plan.inputs if i.device or plan.drive != "internal"]
    if by_nest and generators:
        what = f"the wiring ({by_nest[0]}, ...) and the input ({generators[0]}, ...) from the same random numbers"
        logger.warning("%s: NEST draws %s: wired from files, the network gets other input", plan.name, what)


def _tables(plan: Plan, out: Path, format: str, wanted: list[str], phase: Phase) -> Path:
    facts = {}
    for projection, found in connections(plan, wanted):
        columns: dict[str, NDArray[Any]] = {
            "source": found.source.astype(np.uint32),
            "target": found.target.astype(np.uint32),
            "weight": found.weight,
            "delay": found.delay,
        }
        facts[projection.name] = {**about(plan, projection), "n_synapses": len(found)}
        path = out / f"{projection.name}.{format}"
        text = {key: to_json(value).strip() for key, value in facts[projection.name].items()}
        WRITERS[format](path, columns, text, partial(phase.advance, note=projection.name))
        del found, columns
    (out / "projections.json").write_text(to_json(facts), encoding="utf-8")
    return out
