"""What characterises a cell, as an object."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import choices
from ..experiment.cells import CellFile
from ..experiment.nestml import ModelInterface, model_interfaces
from ..experiment.schema import Experiment
from ..plans import make_plan
from ..plans.plan import Plan
from ..plans.summary import table as text_table
from .tables import html

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..single.measures import Measure
    from ..single.protocol import Record


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
