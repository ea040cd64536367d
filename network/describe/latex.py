"""A document in LaTeX: one file that compiles with pdfLaTeX, XeLaTeX and LuaLaTeX and a usual set of packages."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Mapping

from .document import Block, Code, Document, Picture, Table, Text

HEAD = r"""\documentclass[10pt,a4paper]{article}
\usepackage[margin=18mm]{geometry}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage{textcomp}
\usepackage{array}
\usepackage{booktabs}
\usepackage{longtable}
\usepackage{graphicx}
\usepackage[hidelinks]{hyperref}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\setlength{\tabcolsep}{4pt}
\setlength{\LTleft}{0pt}
\newcolumntype{L}[1]{>{\raggedright\arraybackslash\hspace{0pt}}p{#1}}
"""
SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_\allowbreak{}",
    "/": r"/\allowbreak{}",
    ".": r".\allowbreak{}",
    ":": r":\allowbreak{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "–": "--",
    "—": "---",
    "−": "-",
    "×": r"$\times$",
    "±": r"$\pm$",
    "°": r"$^\circ$",
    "·": r"$\cdot$",
    "→": r"$\rightarrow$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "’": "'",
    "‘": "`",
    "“": "``",
    "”": "''",
    "…": r"\ldots{}",
    "ß": r"\ss{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "æ": r"\ae{}",
}
ACCENTS = {"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"', "\u030a": "r", "\u030c": "v"}
ACCENTS |= {"\u0327": "c", "\u0304": "=", "\u0306": "u", "\u030b": "H", "\u0328": "k", "\u0307": "."}
LINE = 108
"""Letters of code on a line."""
WIDEST, LETTERS = 40, 100
"""Letters up to which the width of a column follows its longest text, and letters on the line of a table."""


def to_latex(document: Document, pictures: Mapping[str, str] | None = None) -> str:
    """Text of a document; ``pictures`` are files by the name of the picture, others are left out."""
    files = pictures or {}
    parts = [HEAD, r"\begin{document}", rf"\section*{{{escaped(document.title)}}}"]
    for section in document.sections:
        blocks = [text for block in section.blocks if (text := _block(block, files))]
        parts += [rf"\subsection*{{{escaped(section.title)}}}", *blocks] if blocks else []
    return "\n\n".join([*parts, r"\end{document}"]) + "\n"


def escaped(text: str) -> str:
    """Text in which nothing means something to LaTeX, and that any engine can set."""
    return "".join(map(_sign, " ".join(text.split())))


def _sign(sign: str) -> str:
    if sign in SPECIAL:
        return SPECIAL[sign]
    if sign.isascii():
        return sign
    greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (\w+)", unicodedata.name(sign, ""))
    if greek is not None and greek[2] not in ("OMICRON", "LAMDA"):
        return _greek(greek[1], greek[2])
    if sign == "µ":
        return r"$\mu$"
    parts = unicodedata.normalize("NFKD", sign)
    if len(parts) == 2 and parts[1] in ACCENTS and parts[0].isascii():
        return rf"\{ACCENTS[parts[1]]}{{{parts[0]}}}"
    return parts.encode("ascii", "ignore").decode() or "?"


_UPRIGHT = ("ALPHA", "BETA", "EPSILON", "ZETA", "ETA", "IOTA", "KAPPA", "MU", "NU", "RHO", "TAU", "CHI")
"""Capital letters that LaTeX has no name for, as they are Latin ones."""


def _greek(case: str, name: str) -> str:
    if case == "SMALL":
        return rf"$\{name.lower()}$"
    latin = dict(zip(_UPRIGHT, "ABEZHIKMNPTX", strict=True))
    return latin.get(name, rf"$\{name.title()}$")


def _block(block: Block, files: Mapping[str, str]) -> str:
    match block:
        case Text():
            return escaped(block.text)
        case Code():
            title = [rf"\textbf{{{escaped(block.title)}}}"] if block.title else []
            listing = [
                r"{\footnotesize\begin{verbatim}",
                *(part for line in block.lines for part in _verbatim(line)),
                r"\end{verbatim}}",
            ]
            return "\n".join([*title, *listing])
        case Picture() if block.name in files:
            picture = rf"\includegraphics[width=\linewidth]{{{files[block.name]}}}\\"
            return "\n".join([r"\begin{center}", picture, escaped(block.caption), r"\end{center}"])
        case Table() if block.rows:
            return _table(block)
    return ""


def _verbatim(line: str) -> list[str]:
    """Line in letters that every engine has, as several if it is too long for a page."""
    plain = unicodedata.normalize("NFKD", line.replace("µ", "u").replace("–", "-"))
    plain = plain.encode("ascii", "replace").decode()
    indent = " " * (len(plain) - len(plain.lstrip()))
    broken = textwrap.wrap(
        plain.strip(),
        LINE,
        initial_indent=indent,
        subsequent_indent=f"{indent}        ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return broken or [""]


def _table(table: Table) -> str:
    """Table that goes on over pages, with its header on each."""
    columns = "".join(f"L{{{share:.3f}\\linewidth}}" for share in _shares(table))
    header = " & ".join(rf"\textbf{{{escaped(cell)}}}" for cell in table.header) + r" \\"
    rows = [" & ".join(map(escaped, row)) + r" \\" for row in table.rows]
    title = [rf"\textbf{{{escaped(table.title)}}}", r"\nopagebreak", ""] if table.title else []
    lines = [
        *title,
        r"{\footnotesize",
        rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
        r"\toprule",
        header,
        r"\midrule",
        r"\endhead",
        r"\bottomrule",
        r"\endlastfoot",
        *rows,
        r"\end{longtable}}",
    ]
    return "\n".join(lines)


def _shares(table: Table) -> list[float]:
    """Width of every column as a part of the line, less what is between columns: by its longest text, and word."""
    cells = [table.header, *table.rows]
    columns = [[row[k] for row in cells] for k in range(len(table.header))]
    least = [max(len(word) for text in column for word in _BREAK.split(text)) + 1.5 for column in columns]
    wanted = [min(max(map(len, column)), WIDEST) + 1.0 for column in columns]
    widths = [max(pair) for pair in zip(least, wanted, strict=True)]
    spare = sum(widths) - sum(least)
    if sum(widths) > LETTERS and spare > 0.0:  # what is wider than its longest word gives way
        keep = max(0.0, LETTERS - sum(least)) / spare
        widths = [low + keep * (width - low) for low, width in zip(least, widths, strict=True)]
    room = 0.98 - 0.016 * (len(widths) - 1)
    return [room * width / max(sum(widths), LETTERS) for width in widths]


_BREAK = re.compile(r"[\s/_.:]")
"""Where a text can go on in the next line, see `SPECIAL`."""
