"""Figures and measures of all cells: docs/figures/cells, docs/data/cells.json, docs/reference/cell_catalogue.md.

python scripts/characterise_cells.py                   all cells
python scripts/characterise_cells.py stn chin          these; the others stay as they are
python scripts/characterise_cells.py --page            only the page, from docs/data/cells.json
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import network as bgnest  # noqa: E402
from network.analysis.plots import save  # noqa: E402
from network.experiment.cells import CellFile, list_cells  # noqa: E402
from network.experiment.sources import load_sources  # noqa: E402

DOCS = ROOT / "docs"
DATA = DOCS / "data" / "cells.json"
FIGURES = DOCS / "figures" / "cells"
DPI = 130
TYPES = (
    *("MSN D1", "MSN D2", "FSN", "ChIN", "LTS", "GPe prototypic", "GPe arkypallidal", "STN PV+", "STN PV-"),
    *("GPi PV+", "GPi SST+", "SNr PV+", "SNr SST+", "SNc GABAergic", "SNc dopaminergic"),
)
"""Types of the field's table, and LTS; all other cells are of publications, or of wider types."""
COLUMNS = {
    "resting potential": "rest (mV)",
    "rate by itself": "rate by itself (spikes/s)",
    "input resistance": "resistance (MOhm)",
    "time constant": "time constant (ms)",
    "rheobase": "rheobase (pA)",
    "gain": "gain (spikes/s/pA)",
    "adaptation index": "adaptation",
    "rebound spikes": "rebound spikes",
}
HEAD = """\
# The cells of the catalogue

Made by `python scripts/characterise_cells.py`: all cells of `params/cells`, characterised
as [cells.md](../howto/cells.md) says.
Currents are in all. A cell that has no unit in its publication (most of Izhikevich's form of 2003) has numbers of pA
at 1 pF: its currents and resistances compare with nothing else. *Known* are rates at constant currents that an
independent program has for the same numbers; it takes Euler steps of 0.05 to 0.1 ms.
"""


def characterise(name: str) -> dict[str, Any]:
    """Measures of a cell; its figure is written."""
    found = bgnest.characterise(name)
    figure = found.plot()
    save(figure, FIGURES / name, dpi=DPI, palette=True)
    print(f"{found}\n", flush=True)
    return found.to_dict()


def number(value: float | None) -> str:
    """Three digits, and no more zeros than they need."""
    if value is None:
        return "–"
    return f"{value:.3g}" if abs(value) >= 0.005 else "0"


def overview(cells: dict[str, CellFile], data: dict[str, Any], names: list[str]) -> list[str]:
    """Table with a row per cell."""
    lines = [
        "| cell | type | model | certainty | " + " | ".join(COLUMNS.values()) + " | known |",
        "|---|---|---|---|" + "---:|" * len(COLUMNS) + "---|",
    ]
    for name in names:
        about, measures = cells[name].about, {m["name"]: m["value"] for m in data[name]["measures"]}
        values = [number(measures.get(column)) for column in COLUMNS]
        known = [one["verdict"] for one in data[name]["known"]]
        agrees = f"{known.count('agrees')} of {len(known)}" if known else "none"
        link = f"[{name}](#{name})"
        lines.append(
            f"| {link} | {about.type} | {cells[name].model} | {about.certainty} | {' | '.join(values)} | {agrees} |"
        )
    return [*lines, ""]


def section(cell: CellFile, data: dict[str, Any]) -> list[str]:
    """What a cell is, its figure, its measures."""
    about, sources = cell.about, load_sources(cell.path.parent)
    lines = [f"### {cell.name}", "", f"{cell.title}. `params/cells/{cell.path.name}`, model `{cell.model}`.", ""]
    said = f"**{about.certainty}**" + (f": {about.reason}" if about.reason else "")
    lines += [said if said.endswith(("*", ".")) else f"{said}.", ""]
    if about.source:
        source = sources[about.source]
        place = f" [doi:{source.doi}](https://doi.org/{source.doi})" if source.doi else ""
        lines += [f"Source: {source.what}.{place}".replace("..", "."), ""]
    lines += [f"{note[0].upper()}{note[1:]}." for note in about.notes] + ([""] if about.notes else [])
    lines += [f"![{cell.title}](../figures/cells/{cell.name}.png)", ""]
    lines += ["| measure | value | how |", "|---|---:|---|"]
    for one in data["measures"]:
        unit = "" if one["unit"] == "1" else f" {one['unit']}"
        lines.append(
            f"| {one['name']} | {number(one['value'])}{unit if one['value'] is not None else ''} | {one['how']} |"
        )
    if data["known"]:
        lines += ["", "| current (pA) | known (spikes/s) | here | |", "|---:|---:|---:|---|"]
        for one in data["known"]:
            lines.append(f"| {one['current_pA']:g} | {one['known']:g} | {number(one['here'])} | {one['verdict']} |")
    return [*lines, ""]


def page(cells: dict[str, CellFile], data: dict[str, Any]) -> str:
    """The whole page."""
    ready = [name for name in cells if name in data]
    field = sorted(
        (name for name in ready if cells[name].about.type in TYPES), key=lambda n: (TYPES.index(cells[n].about.type), n)
    )
    others = sorted(set(ready) - set(field))
    lines = [HEAD, "## Types of the field", "", *overview(cells, data, field)]
    lines += ["## Other cells of publications", "", *overview(cells, data, others), "## Each cell", ""]
    for name in [*field, *others]:
        lines += section(cells[name], data[name])
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Characterise what is asked for and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cells", nargs="*")
    parser.add_argument("--page", action="store_true", help="write the page alone")
    chosen = parser.parse_args()
    cells = list_cells()
    data: dict[str, Any] = json.loads(DATA.read_text()) if DATA.is_file() else {}
    for name in [] if chosen.page else chosen.cells or cells:
        data[name] = characterise(name)
        for table in ("rates", "notes"):  # in the figure, and in the file of the cell
            data[name].pop(table)
        DATA.write_text(json.dumps(dict(sorted(data.items())), indent=1, ensure_ascii=False) + "\n")
    (DOCS / "reference" / "cell_catalogue.md").write_text(page(cells, data), encoding="utf-8")


if __name__ == "__main__":
    main()
