"""Currents of synapses summed over the cells of a population, sample by sample: no cell is kept.

The sum is the same for any number of ranks and threads: the current of each cell is rounded to `GRAIN`, of which any
sum is exact.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import EngineError
from ..plans.cells import cell_values
from ..plans.parts import RecorderPlan
from ..plans.plan import Plan
from .base import Engine

Floats = NDArray[np.float64]
GRAIN = 2.0**-20
"""Grain of currents in pA. Sums below 8 mA are exact."""
COLUMN = np.zeros(1, dtype=np.int64)
"""Node ids of the report of a sum, which has one column."""

_SIGNS: dict[type, Callable[..., Any]] = {
    **{ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv},
    **{ast.Pow: operator.pow, ast.USub: operator.neg, ast.UAdd: operator.pos},
    **{ast.Lt: operator.lt, ast.Gt: operator.gt, ast.LtE: operator.le, ast.GtE: operator.ge},
    **{ast.Eq: operator.eq, ast.NotEq: operator.ne},
}


def evaluate(formula: str, values: Mapping[str, Any]) -> Any:
    """Value of a formula of `network.experiment.currents`, with numbers or arrays for its names.

    Examples
    --------
    >>> float(evaluate("g * (E - minimum(V, 0))", {"g": 2.0, "E": -80.0, "V": -60.0}))
    -40.0
    """
    return _value(ast.parse(formula, mode="eval").body, values)


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.UnaryOp):
        return _SIGNS[type(node.op)](_value(node.operand, values))
    if isinstance(node, ast.BinOp):
        return _SIGNS[type(node.op)](_value(node.left, values), _value(node.right, values))
    if isinstance(node, ast.Compare):
        return _SIGNS[type(node.ops[0])](_value(node.left, values), _value(node.comparators[0], values))
    assert isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    return getattr(np, node.func.id)(*(_value(given, values) for given in node.args))


class Sums:
    """What is kept of a recorder with formulas.

    Parameters
    ----------
    plan : Plan
        Has the parameters of the cells, and how they change during the run.
    recorder : RecorderPlan
    node_ids : ndarray of int64
        Cells that this rank holds, as the columns of what it records.
    engine : Engine
        Adds up what all ranks have.

    Raises
    ------
    EngineError
        If several ranks cannot add up.
    """

    def __init__(self, plan: Plan, recorder: RecorderPlan, node_ids: NDArray[np.int64], engine: Engine) -> None:
        if not engine.can_sum():
            raise EngineError(f"recording.fields.{recorder.name}: several ranks need the package mpi4py for it")
        self.recorder, self._engine, self._n_cells = recorder, engine, len(node_ids)
        population = plan.population(recorder.population)
        start: dict[str, Any] = {**recorder.constants, **cell_values(population, plan.seed)}
        self._courses = [(-np.inf, _of(start, node_ids))]
        for segment in plan.segments:
            changed: dict[str, Any] = {
                **segment.params.get(recorder.population, {}),
                **{key: np.array(of) for key, of in segment.cells.get(recorder.population, {}).items()},
            }
            if changed:
                self._courses.append((segment.time, {**self._courses[-1][1], **_of(changed, node_ids)}))

    def frames(self, times: Floats, values: Mapping[str, Floats]) -> dict[str, Floats]:
        """Sums over all cells of all ranks, (n_times, 1), of samples (n_times, n_cells).

        All ranks call this alike. A rank without any of the cells learns from the others how many samples there are.
        """
        here = np.array([float(len(times)), 1.0]) if self._n_cells else np.zeros(2)
        counted, holders = self._engine.summed(here)
        n = round(counted / holders)
        sums = np.zeros((n, len(self.recorder.sums)))
        if self._n_cells:
            # a sample belongs to the end of a step: a change at that time is not in it yet
            starts = np.array([time for time, _ in self._courses])
            course = np.searchsorted(starts, times - 1e-9) - 1
            for one in np.unique(course):
                rows = course == one
                given = {**self._courses[one][1], **{name: of[rows] for name, of in values.items()}}
                for column, formula in enumerate(self.recorder.sums.values()):
                    current = np.broadcast_to(evaluate(formula, given), (int(rows.sum()), self._n_cells))
                    sums[rows, column] = (np.round(current / GRAIN) * GRAIN).sum(axis=1)
        sums = self._engine.summed(sums)
        return {name: sums[:, [column]] for column, name in enumerate(self.recorder.sums)}


def _of(params: Mapping[str, Any], node_ids: NDArray[np.int64]) -> dict[str, Any]:
    """Values of some cells: arrays have one for each cell of the population."""
    return {key: value[node_ids] if isinstance(value, np.ndarray) else value for key, value in params.items()}
