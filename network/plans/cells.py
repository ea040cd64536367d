"""Parameters, initial values and weights of inputs of cells, where they differ from cell to cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..experiment.streams import stream
from .parts import InputPlan, PopulationPlan

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def cell_values(population: PopulationPlan, seed: int) -> dict[str, float | NDArray[np.float64]]:
    """Every parameter and initial value: one number for all cells, or an array with one for each.

    What is drawn depends on seed, population and name alone; a clamped normal puts its tails onto the limits.
    """
    values: dict[str, float | NDArray[np.float64]] = dict(population.params)
    for name, value in {**population.initial, **population.heterogeneity}.items():
        if isinstance(value, int | float):
            values[name] = float(value)
        else:
            values[name] = value.draw(population.n_neurons, stream(seed, population.name, name))
    return values


def weight_factors(source: InputPlan, n_cells: int, seed: int) -> NDArray[np.float64]:
    """What the weights of an input are multiplied with, for each of the ``n_cells`` cells of its target.

    Cells that the input does not reach have a number, too, so that those of the others do not depend on it.
    """
    low, high = 1.0 - source.weight_spread, 1.0 + source.weight_spread
    drawn: NDArray[np.float64] = stream(seed, source.target, "weights of input", source.name).uniform(
        low, high, n_cells
    )
    return drawn
