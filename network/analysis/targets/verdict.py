"""Compare measured quantities with target windows: a verdict per population, and one for the whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

Bands = Mapping[str, tuple[float, float]]

PASS, LOW, HIGH, MISSING, SHORT, NONE = "pass", "low", "high", "missing", "too short", "-"


def judge(measured: pd.DataFrame | Mapping[str, float], bands: Bands, *, quantity: str = "rate") -> pd.DataFrame:
    """Verdict per population for one quantity.

    Parameters
    ----------
    measured : DataFrame or mapping
        Table indexed by population with a column ``quantity`` (see
        `network.analysis.statistics.population_table`; its ``n_neurons``, ``rate`` and ``cv`` are carried
        along), or population -> value.
    bands : mapping of population to (low, high)
        Limits included. Populations without a band are listed without a verdict; a band whose population
        was not measured, or is NaN, counts as failed. Where the table says how certain a value is (``rate_low`` and
        ``rate_high``), one whose interval is wider than its band and reaches into it, or is unknown, is not judged: the
        recording is too short.
    quantity : str
        Column to judge.

    Returns
    -------
    DataFrame
        Index ``population``; columns ``n_neurons``, ``rate``, ``rate_low``, ``rate_high``, ``cv``, ``quantity``,
        ``value``, ``low``, ``high``, ``verdict`` (``pass``, ``low``, ``high``, ``missing``, ``too short``, or ``-``
        without a band).

    Examples
    --------
    >>> judge({"A": 12.4, "B": 3.0}, {"A": (10.5, 14.5), "B": (7.5, 12.0)})["verdict"].to_dict()
    {'A': 'pass', 'B': 'low'}
    """
    import pandas as pd

    for name, band in bands.items():
        if len(band) != 2 or not band[0] <= band[1]:
            raise ValueError(f"band of {name}: expected (low, high) with low <= high, got {band!r}")
    if not isinstance(measured, pd.DataFrame):
        measured = pd.DataFrame({quantity: pd.Series(dict(measured), dtype=float)})
    if quantity not in measured.columns:
        raise ValueError(f"no column {quantity!r} to judge; columns: {', '.join(map(str, measured.columns))}")
    names = [*map(str, measured.index), *(name for name in bands if name not in measured.index)]
    table = pd.DataFrame(index=pd.Index(names, name="population"))
    for column in ("n_neurons", "rate", "rate_low", "rate_high", "cv"):
        table[column] = measured[column].reindex(names) if column in measured.columns else np.nan
    table["quantity"] = quantity
    table["value"] = measured[quantity].reindex(names).astype(float)
    table["low"] = [float(bands[name][0]) if name in bands else np.nan for name in names]
    table["high"] = [float(bands[name][1]) if name in bands else np.nan for name in names]
    table["verdict"] = np.select(
        [
            ~table.index.isin(list(bands)),
            table["value"].isna(),
            _uncertain(measured, quantity, table),
            table["value"] < table["low"],
            table["value"] > table["high"],
        ],
        [NONE, MISSING, SHORT, LOW, HIGH],
        PASS,
    )
    return table


def _uncertain(measured: pd.DataFrame, quantity: str, table: pd.DataFrame) -> pd.Series | bool:
    """Whether an interval is wider than its band and reaches into it, or not known in a table that has intervals."""
    edges = f"{quantity}_low", f"{quantity}_high"
    if not {*edges} <= {*measured.columns}:
        return False
    low, high = (measured[edge].reindex(table.index).astype(float) for edge in edges)
    reaches = (high >= table["low"]) & (low <= table["high"])
    return low.isna() | (reaches & (high - low > table["high"] - table["low"]))


def passed(table: pd.DataFrame) -> bool:
    """Whether every judged row passes; ``ValueError`` if no row has a band: nothing judged is no success."""
    judged = table["verdict"] != NONE
    if not judged.any():
        raise ValueError("no population has a target band; nothing was judged")
    return bool((table.loc[judged, "verdict"] == PASS).all())


def number(value: float) -> str:
    """Three significant digits without exponent, ``-`` for NaN.

    >>> [number(x) for x in (0.137, 12.43, 53872.4, float("nan"))]
    ['0.137', '12.4', '53,872', '-']
    """
    if np.isnan(value):
        return "-"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    if value == 0:
        return "0"
    return f"{value:.{max(0, 2 - int(np.floor(np.log10(abs(value)))))}f}"


def render(table: pd.DataFrame, *, total: bool = True) -> str:
    """Aligned plain-text table, with a last line that sums up unless ``total`` is False.

    Columns are population, n, rate (spikes/s) with its 95 % interval over blocks of time where that is known, CV, band
    and verdict; the judged quantity is added where it is not the rate.
    """
    other = [str(quantity) for quantity in table["quantity"].unique() if quantity != "rate"]
    certain = table["rate_low"].notna().any()
    header = [
        "population",
        "n",
        "rate (1/s)",
        *(["95 % over time"] if certain else []),
        "CV",
        *(["quantity", "value"] if other else []),
        "band",
        "verdict",
    ]
    rows = []
    for name, row in table.iterrows():
        band = "-" if np.isnan(row["low"]) else f"{row['low']:g} - {row['high']:g}"
        count = "-" if np.isnan(row["n_neurons"]) else f"{int(row['n_neurons']):,}"
        extra = [row["quantity"], number(row["value"])] if other else []
        cv = "-" if np.isnan(row["cv"]) else f"{row['cv']:.2f}"
        interval = [f"{number(row['rate_low'])} - {number(row['rate_high'])}"] if certain else []
        rows.append([str(name), count, number(row["rate"]), *interval, cv, *extra, band, row["verdict"]])
    lines = aligned(header, rows, left={"population", "quantity", "verdict"})
    judged = table[table["verdict"] != NONE]
    if total and len(judged):
        good = int((judged["verdict"] == PASS).sum())
        lines.append(f"{good} of {len(judged)} inside their bands: {'PASS' if good == len(judged) else 'FAIL'}")
    return "\n".join(lines)


def aligned(header: list[str], rows: Iterable[list[str]], left: set[str]) -> list[str]:
    """Lines of a text table: header, rule, rows; columns named in ``left`` are aligned left."""
    body = [header, *rows]
    widths = [max(len(row[column]) for row in body) for column in range(len(header))]

    def line(row: list[str]) -> str:
        cells = zip(row, header, widths, strict=True)
        return "  ".join(c.ljust(w) if h in left else c.rjust(w) for c, h, w in cells).rstrip()

    return [line(header), "  ".join("-" * width for width in widths), *(line(row) for row in rows)]
