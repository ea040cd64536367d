"""A document in Markdown, as GitHub and Pandoc read it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .document import Block, Code, Document, Picture, Table, Text


def to_markdown(document: Document, pictures: Mapping[str, str] | None = None) -> str:
    """Text of a document; ``pictures`` are files by the name of the picture, others are left out."""
    files = pictures or {}
    parts = [f"# {_plain(document.title)}"]
    for section in document.sections:
        blocks = [text for block in section.blocks if (text := _block(block, files))]
        parts += [f"## {_plain(section.title)}", *blocks] if blocks else []
    return "\n\n".join(parts) + "\n"


def _block(block: Block, files: Mapping[str, str]) -> str:
    match block:
        case Text():
            return _plain(block.text)
        case Code():
            fence = "```text\n" + "\n".join(block.lines) + "\n```"
            return f"**{_plain(block.title)}**\n\n{fence}" if block.title else fence
        case Picture():
            return f"![{_plain(block.caption)}]({files[block.name]})" if block.name in files else ""
        case Table():
            return _table(block)


def _table(table: Table) -> str:
    rows = [table.header, tuple("---" for _ in table.header), *table.rows]
    lines = "\n".join("| " + " | ".join(map(_cell, row)) + " |" for row in rows)
    return f"**{_plain(table.title)}**\n\n{lines}" if table.title else lines


_OUTER = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""Underscores that could begin or end emphasis; those within names do not."""


def _plain(text: str) -> str:
    """Text in which nothing means something to Markdown."""
    for sign in "\\*<`":
        text = text.replace(sign, "\\" + sign)
    return _OUTER.sub(r"\\_", " ".join(text.split()).replace("](", "]\\("))


def _cell(text: str) -> str:
    return _plain(text).replace("|", "\\|")
