"""Parameters and initial values of the cells of a population, where they differ from cell to cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..experiment.streams import stream
from .parts import PopulationPlan

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
