"""Rhythms of all populations of a run as a table, each beside what independent cells would have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...runs import Run
from .measures import RunData, known
from .verdict import aligned, number

if TYPE_CHECKING:
    import pandas as pd

SHOWN = ("peak_frequency", "peak_ratio", "beta_share", "beta_power", "common_rhythm")
"""Measures of the table."""


def rhythm_table(run: Run) -> pd.DataFrame:
    """Spectra of population rates in numbers.

    Returns
    -------
    DataFrame
        Index ``population``; a column for each of `SHOWN` and, where a measure knows what independent Poisson cells
        would have, one with ``_chance`` behind its name. ``peak_ratio_chance`` is exceeded in one of a hundred
        recordings of such cells, whatever the frequency; the others are means.
    """
    import pandas as pd

    data, rows = RunData(run), {}
    for name in data.table.index:
        row: dict[str, float] = {}
        for key in SHOWN:
            measure = known()[key]
            row[key], row[f"{key}_chance"] = measure.value(data, str(name)), measure.chance(data, str(name))
        rows[name] = row
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("population")
    return table.dropna(axis=1, how="all")


def render_rhythms(table: pd.DataFrame) -> str:
    """`rhythm_table` as text."""
    header = ["population"]
    for column in map(str, table.columns):
        name = column.removesuffix("_chance")
        header.append("(chance)" if name != column else known()[name].short)
    rows = [[str(name), *(number(float(value)) for value in row)] for name, row in table.iterrows()]
    limit = (
        "(chance): independent Poisson cells of the same rates, in the mean; of a peak what 1 % of such spectra exceed"
    )
    return "\n".join([*aligned(header, rows, left={"population"}), limit])
