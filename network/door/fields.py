"""Fields of a run as tables."""

from __future__ import annotations

import pandas as pd

from ..analysis.field import TOTAL, read_field
from ..runs import Run as Reader


def field_table(reader: Reader, name: str | None) -> pd.DataFrame:
    """See `network.door.runs.Run.field`."""
    found = read_field(reader, name)
    proxies = {kind: found.proxy(kind) for kind in ("absolute", "weighted")}
    columns = {**found.currents, TOTAL: found.total, **proxies}
    table = pd.DataFrame(columns, index=pd.Index(found.times, name="time_ms"))
    table.attrs.update({"population": found.population, "units": "pA"})
    return table
