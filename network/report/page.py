"""A page as data, and how it becomes HTML that works without a network: style, scripts and pictures are inside."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image

from ..analysis.plots.style import PAGE
from ..describe.document import Code, Document, Picture, Table

TEMPLATES = Path(__file__).resolve().parent / "templates"
WIDTH, QUALITY = 1600, 90
"""Pixels across a picture at most, and its quality as WebP: a figure for screen and printer takes about 100 kB then."""
MARKS = {
    "pass": "good",
    "PASS": "good",
    "low": "bad",
    "high": "bad",
    "missing": "bad",
    "FAIL": "bad",
    "failed": "bad",
    "exploded": "bad",
    "done": "good",
}
"""Words of tables that are coloured, beside being words."""


@dataclass(frozen=True)
class Grid:
    """A table; columns of numbers are aligned right."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    title: str = ""

    @cached_property
    def numeric(self) -> list[bool]:
        """Columns in which everything begins like a number."""
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(self.header)
        return [all(not cell or cell[0] in "-+.0123456789" for cell in column) for column in columns]


@dataclass(frozen=True)
class Figure:
    """A picture of a file, with a caption that stands for it where it cannot be seen."""

    path: Path
    caption: str

    @cached_property
    def address(self) -> str:
        """The picture itself, in letters."""
        if self.path.suffix == ".svg":
            return _address("image/svg+xml", self.path.read_bytes())
        with Image.open(self.path) as picture:
            small = picture.convert("RGB")
            width = round(WIDTH * self._share(picture))
            small.thumbnail((width, 10 * WIDTH), Image.Resampling.LANCZOS)
            stream = io.BytesIO()
            small.save(stream, "WEBP", quality=QUALITY)
        return _address("image/webp", stream.getvalue())

    @cached_property
    def percent(self) -> int:
        """Width on the page, so that letters of all figures have one size."""
        if self.path.suffix == ".svg":
            return 100
        with Image.open(self.path) as picture:
            return round(100 * self._share(picture))

    @staticmethod
    def _share(picture: Image.Image) -> float:
        """Width of a figure over that of one that takes a whole page; 1 where its resolution is not known."""
        dots: float = picture.info.get("dpi", (0.0, 0.0))[0]
        return min(1.0, picture.width / (dots * PAGE)) if dots else 1.0


def _address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


@dataclass(frozen=True)
class Message:
    """A paragraph; ``mark`` may be ``good`` or ``bad``."""

    text: str
    mark: str = ""


@dataclass(frozen=True)
class Quote:
    """Lines that stay as they are: commands, equations."""

    text: str
    title: str = ""


@dataclass(frozen=True)
class Raw:
    """HTML of a library."""

    html: str


Block = Grid | Figure | Message | Quote | Raw


@dataclass(frozen=True)
class Part:
    """Blocks below a heading; ``folded`` ones are shown when asked for, and in print."""

    title: str
    blocks: Sequence[Block | Part]
    folded: bool = False
    level: int = 2

    @property
    def anchor(self) -> str:
        """Name by which it is reached."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.title.lower())


@dataclass(frozen=True)
class Page:
    """Everything of a report.

    Attributes
    ----------
    title, subtitle : str
    facts : sequence of (str, str)
        What is told first.
    parts : sequence of Part
    scripts : sequence of str
        JavaScript of libraries.
    made : str
        By what and when.
    """

    title: str
    subtitle: str
    facts: Sequence[tuple[str, str]]
    parts: Sequence[Part]
    scripts: Sequence[str] = field(default_factory=tuple)
    made: str = ""


def render(page: Page) -> str:
    """HTML of a page."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.tests["part"] = lambda block: isinstance(block, Part)
    environment.filters["kind"] = lambda block: type(block).__name__.lower()
    environment.filters["mark"] = lambda cell: MARKS.get(cell, "")
    texts = {name: (TEMPLATES / name).read_text(encoding="utf-8") for name in ("page.css", "page.js")}
    return environment.get_template("page.html").render(page=page, style=texts["page.css"], script=texts["page.js"])


def parts_of(document: Document, pictures: dict[str, Path]) -> list[Part]:
    """Parts of the description of a network; ``pictures`` are files by the name of the picture."""
    made = []
    for section in document.sections:
        blocks: list[Block | Part] = []
        for block in section.blocks:
            match block:
                case Table() if not block.rows:
                    pass  # nothing of the kind in this network
                case Table():
                    blocks.append(Grid(block.header, block.rows, block.title))
                case Code():
                    blocks.append(Quote("\n".join(block.lines), block.title))
                case Picture():
                    if block.name in pictures:
                        blocks.append(Figure(pictures[block.name], block.caption))
                case _:
                    blocks.append(Message(block.text))
        made.append(Part(section.title, blocks or [Message("None.")], folded=True, level=3))
    return made
