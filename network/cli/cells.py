"""``bgnest cells`` and ``bgnest characterise``: the catalogue of cells, and what characterises a cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import SpecError
from ..experiment.cells import CERTAINTIES, CellFile
from ..experiment.origins import is_quantity
from .options import AsJson, Pdf, Quiet


def cells(
    cell: Annotated[
        str | None, typer.Argument(help="Cell, to see its values with their sources; all in a table if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the cells of the catalogue, or show the values of one with their sources.

    A line `cell: NAME` in a population makes it such a cell; parameters beside it change single values. Cells of your
    own are files `cells/NAME.yaml` in a folder of `BGNEST_PARAMS`.
    """
    from ..door.catalogue import Catalogue
    from ..door.catalogue import cells as catalogue
    from ..experiment.cells import find_cell

    if cell is not None:
        _show(find_cell(cell, where="cells"), as_json)
        return
    found: Catalogue = catalogue()
    if as_json:
        print(json.dumps(found.table().reset_index().to_dict("records"), indent=2, ensure_ascii=False))
        return
    print(found)
    print("\ncertainty:")
    width = max(map(len, CERTAINTIES))
    for name, meaning in CERTAINTIES.items():
        print(f"  {name:<{width}}  {meaning}")
    print("\nbgnest cells NAME shows values and sources, bgnest characterise NAME what the cell does")


def _show(cell: CellFile, as_json: bool) -> None:
    from ..door.catalogue import sources_of

    values = {path: (node, part) for part in cell.chain() for path, node in _values(part.body)}
    about = {key: value for key, value in cell.about.model_dump(mode="json", exclude_none=True).items() if value}
    if as_json:
        plain = {path: node for path, (node, _) in values.items()}
        print(json.dumps({"cell": cell.name, "about": about, "model": cell.model, "values": plain}, indent=2))
        return
    print(f"{cell.name}: {cell.title}")
    for key in ("type", "region", "certainty", "reason"):
        if key in about:
            print(f"  {key:<10} {about[key]}")
    print(f"  {'model':<10} {cell.model}")
    print(f"  {'file':<10} {cell.path}")
    width = max(map(len, values), default=0)
    for path, (node, part) in values.items():
        unit = "" if str(node.get("unit")) == "1" else f" {node.get('unit')}"
        number = f"{node.get('value')}{unit}"
        line = part.lines.get(tuple(path.split(".")))
        origin = node.get("source") or f"assumed: {node.get('assumed')}"
        note = f" ({node['note']})" if node.get("note") else ""
        print(f"    {path:<{width}}  {number:<16} {origin}{note}    [{part.path.name}:{line}]")
    for one in cell.about.rates:
        origin = one.rate.source or f"assumed: {one.rate.assumed}"
        print(f"  checked by {one.rate.value:g} spikes/s at {one.current.value:g} pA ({origin})")
    for note in cell.about.notes:
        print(f"  note       {note}")
    for key, text in sources_of(cell).items():
        print(f"  {key}: {text}")


def _values(node: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Quantities of a file by key path."""
    if not isinstance(node, dict):
        return []
    if is_quantity(node):
        return [(path, node)]
    return [one for key, value in node.items() for one in _values(value, f"{path}.{key}" if path else str(key))]


def characterise(
    cell: Annotated[
        str,
        typer.Argument(
            metavar="CELL",
            help="Cell of the catalogue (`bgnest cells`) or a YAML file of one; NESTML model or its file; or "
            "EXPERIMENT:POPULATION.",
        ),
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PARAMETER=VALUE", help="Change a parameter of the cell. Repeatable."),
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option(min=300.0, max=100_000.0, help="Duration of the steps of current in ms; 2000 by default."),
    ] = None,
    resolution: Annotated[
        float | None, typer.Option(min=0.001, max=1.0, help="Step in ms; by default that of the cell's file, or 0.1.")
    ] = None,
    target: Annotated[
        str | None, typer.Option(help="Code of the cells: auto (default), vectorised, plain, reference.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for figure and tables; by default characteristics/NAME.")
    ] = None,
    pdf: Pdf = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Characterise a cell: rest, input resistance, time constant, rheobase, rates over current, adaptation, rebound.

    Many copies of the cell, each with another step of current, are simulated at once: first a search for the range of
    currents, then all steps. Prints a table; writes a figure and the tables as CSV. `--json` prints everything and
    writes files only into a folder that `--out` names.

    Examples: `bgnest characterise my_cell.nestml --set I_e=50`; `bgnest characterise my_network.yaml:MY_POPULATION`.
    """
    from ..door.catalogue import characterise as found_by

    found = found_by(
        cell, _changes(set_ or []), resolution=resolution, duration=duration, target=target, progress=not quiet
    )
    folder = out or (None if as_json else Path("characteristics") / found.name)
    made = [] if folder is None else found.write(folder, pdf=pdf)
    if as_json:
        print(json.dumps(found.to_dict(), indent=2, ensure_ascii=False))
        return
    print(found)
    print("\n" + "\n".join(map(str, made)))


def _changes(given: list[str]) -> dict[str, Any]:
    """Changes of the command line; what is no number stays text with its unit."""
    pairs = [text.partition("=") for text in given]
    wrong = [f"--set: {text!r} is not PARAMETER=VALUE" for text, pair in zip(given, pairs, strict=True) if not pair[1]]
    if wrong:
        raise SpecError(wrong)
    return {key.strip(): value.strip() for key, _, value in pairs}
