"""The packages below `network/` as a picture, drawn from their imports."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "network"
DRAWN = (
    ("cli",),
    ("door",),
    ("describe", "single", "bench", "scans"),
    ("analysis",),
    ("engine",),
    ("runs", "cluster"),
    ("codegen",),
    ("plans",),
    ("experiment",),
)
NEW = tuple(
    sorted({path.parent.name for path in PACKAGE.glob("*/__init__.py")} - {one for row in DRAWN for one in row})
)
"""Packages that nobody has placed: beside those of their kind."""
LAYERS = tuple((*row, *NEW) if "scans" in row else row for row in DRAWN)
HEIGHT = {name: row for row, layer in enumerate(LAYERS) for name in layer}
WORDS = {
    "cli": "bgnest, the command",
    "door": "import bgnest",
    "scans": "many runs",
    "describe": "tables of a paper",
    "single": "one cell",
    "bench": "costs",
    "report": "a page for others",
    "analysis": "statistics, verdicts, figures",
    "engine": "the life of a run (NEST, mock)",
    "runs": "a run on disk",
    "cluster": "MPI, Slurm",
    "codegen": "NESTML to C++",
    "plans": "what will be built",
    "experiment": "what is written",
}
WIDTH, ROW, BOX, GAP = 760, 74, 44, 16


def imports() -> dict[tuple[str, str], int]:
    """How many modules of a package import from another one."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    known = {name for layer in LAYERS for name in layer}
    for path in sorted(PACKAGE.rglob("*.py")):
        here = path.relative_to(PACKAGE).with_suffix("").parts
        if here[0] not in known:
            continue
        for there in {name for name in _imported(path, here) if name in known and name != here[0]}:
            counts[here[0], there] += 1
    return dict(counts)


def _imported(path: Path, here: tuple[str, ...]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = here[: len(here) - node.level]
            module = (*base, *(node.module.split(".") if node.module else ()))
            yield from [module[0]] if module else [alias.name for alias in node.names]


def needed() -> dict[tuple[str, str], int]:
    """Imports without those that follow from others: what a package reaches through another one."""
    found = imports()
    below: dict[str, set[str]] = defaultdict(set)
    for source, target in found:
        if HEIGHT[source] < HEIGHT[target]:
            below[source].add(target)

    def reached(name: str) -> set[str]:
        return {one for child in below[name] for one in (child, *reached(child))}

    through = {name: {one for child in below[name] for one in reached(child)} for name in HEIGHT}
    return {pair: n for pair, n in found.items() if pair[1] in below[pair[0]] and pair[1] not in through[pair[0]]}


def boxes() -> dict[str, tuple[float, float, float]]:
    """Left, top and width of every box."""
    found = {}
    for row, layer in enumerate(LAYERS):
        width = min(320.0, (WIDTH - 160 - GAP * (len(layer) - 1)) / len(layer))
        left = (WIDTH - width * len(layer) - GAP * (len(layer) - 1)) / 2
        for place, name in enumerate(layer):
            found[name] = (left + place * (width + GAP), 20 + row * ROW, width)
    return found


def draw() -> str:
    """The picture as SVG; it stands on its own, light and dark."""
    placed = boxes()
    height = 20 + ROW * len(LAYERS)
    parts = [_arrow(placed, *pair, count) for pair, count in sorted(needed().items(), key=lambda item: item[1])]
    parts += [_box(name, *where) for name, where in placed.items()]
    style = "text{font-family:sans-serif;text-anchor:middle;fill:#1b1b1b}"
    style += ".name{font-weight:600;font-size:15px}.word{font-size:11.5px}"
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    marker = (
        '<marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
        '<path d="M0 0L8 4L0 8z" fill="#5b7a99"/></marker>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" '
        f'aria-label="Packages and their imports"><style>{style}</style><defs>{marker}</defs>'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff" rx="8"/>{"".join(parts)}</svg>\n'
    )


def _box(name: str, left: float, top: float, width: float) -> str:
    fill = "#e3eefa" if name in ("cli", "door") else "#fdf0dc" if name == "engine" else "#eef2f0"
    middle = left + width / 2
    return (
        f'<rect x="{left:.0f}" y="{top}" width="{width:.0f}" height="{BOX}" rx="6" fill="{fill}" stroke="#5b7a99"/>'
        f'<text class="name" x="{middle:.0f}" y="{top + 19}">{name}</text>'
        f'<text class="word" x="{middle:.0f}" y="{top + 35}">{WORDS.get(name, "")}</text>'
    )


def _arrow(placed: dict[str, tuple[float, float, float]], source: str, target: str, count: int) -> str:
    (x1, y1, w1), (x2, y2, w2) = placed[source], placed[target]
    thick = min(3.0, 0.6 + count / 10)
    if y1 == y2:
        return ""
    begin, end = (x1 + w1 / 2, y1 + BOX), (x2 + w2 / 2, y2)
    if round((y2 - y1) / ROW) == 1:
        line = f"M{begin[0]:.0f} {begin[1]}L{end[0]:.0f} {end[1]}"
    else:  # around what lies between
        side = -1 if x2 + w2 / 2 < WIDTH / 2 - 1 or (x2 + w2 / 2 < WIDTH / 2 + 1 and begin[0] < WIDTH / 2 - 1) else 1
        out = WIDTH / 2 + side * (WIDTH / 2 - 20)
        begins = min(x1, WIDTH / 2 - 160) if side < 0 else max(x1 + w1, WIDTH / 2 + 160)
        start = f"M{begins:.0f} {y1 + BOX / 2}" if begins in (x1, x1 + w1) else f"M{begin[0]:.0f} {begin[1]}"
        left, low = x2 if side < 0 else x2 + w2, y2 + BOX / 2
        line = f"{start}C{out:.0f} {y1 + BOX} {out:.0f} {low} {left:.0f} {low}"
    look = f'fill="none" stroke="#5b7a99" stroke-width="{thick:.1f}" stroke-opacity="0.55"'
    return f'<path d="{line}" {look} marker-end="url(#a)"/>'


__all__: Sequence[str] = ("boxes", "draw", "imports", "needed")
