"""Small tables for notebooks, in HTML without a library."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def html(title: str, lines: Iterable[str], header: Sequence[str] = (), rows: Iterable[Sequence[object]] = ()) -> str:
    """Title, lines of text and, where there is a header, a table."""
    parts = [f"<strong>{escape(title)}</strong>", *(f"<br>{escape(line)}" for line in lines if line)]
    if header:
        head = "".join(f"<th>{escape(name)}</th>" for name in header)
        body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
    return f"<div>{''.join(parts)}</div>"
