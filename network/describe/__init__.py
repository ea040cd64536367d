"""A network in words: the tables in which papers describe one, its circuit, every parameter with its source.

The tables are those of Nordlie, Gewaltig and Plesser (2009), doi 10.1371/journal.pcbi.1000456. Everything follows from
the experiment, its plan and the files of its models; `content` makes a document of it, `markdown` and `latex` write
it down.
"""

from .content import describe
from .document import Block, Code, Document, Picture, Section, Table, Text
from .latex import to_latex
from .markdown import to_markdown
from .run import run_section

__all__ = [
    "Block",
    "Code",
    "Document",
    "Picture",
    "Section",
    "Table",
    "Text",
    "describe",
    "run_section",
    "to_latex",
    "to_markdown",
]
