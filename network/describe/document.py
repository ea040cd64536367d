"""A document as data: sections of tables, paragraphs, code and pictures, whatever language it is written in."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """Rows of texts below a header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    title: str = ""


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Code:
    """Lines that stay as they are, below a title."""

    lines: tuple[str, ...]
    title: str = ""


@dataclass(frozen=True)
class Picture:
    """Place of a picture; which file it is, the writer is told."""

    name: str
    caption: str


Block = Table | Text | Code | Picture


@dataclass(frozen=True)
class Section:
    """Blocks below a heading."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """Everything that is said of a network."""

    title: str
    sections: tuple[Section, ...]

    def tables(self) -> list[Table]:
        """All tables, in their order."""
        return [block for section in self.sections for block in section.blocks if isinstance(block, Table)]

    def to_dict(self) -> dict[str, Any]:
        """Types of JSON; each block says its kind."""
        return {"title": self.title, "sections": [_section(section) for section in self.sections]}


def _section(section: Section) -> dict[str, Any]:
    blocks = [{"kind": type(block).__name__.lower(), **asdict(block)} for block in section.blocks]
    return {"title": section.title, "blocks": blocks}
