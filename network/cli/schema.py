"""``bgnest schema``: JSON schemas of the files that people write, for editors; needs no NEST."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import SpecError, choices


def schema(
    kind: Annotated[
        str, typer.Argument(metavar="experiment|scan", help="What the file is; overlays are experiments, too.")
    ],
    out: Annotated[Path | None, typer.Option(help="File to write; printed if not given.")] = None,
) -> None:
    """Print the JSON schema of experiment or scan files: editors complete keys with it, and explain them.

    A first line in a YAML file tells editors with the YAML language server (VS Code, Neovim, Emacs, JetBrains):

    `# yaml-language-server: $schema=experiment.schema.json`

    `bgnest new` writes both. The schema finds wrong keys and types while you type; `bgnest validate` knows much more.

    Example: `bgnest schema experiment --out experiment.schema.json`.
    """
    from ..door.schemas import FILES, editor_line, schema_text

    if kind not in FILES:
        raise SpecError([f"schema: no {kind!r}; {choices(kind, FILES, 'kinds of files')}"])
    text = schema_text(kind)
    if out is None:
        print(text, end="")
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    print(f"{out}\nfirst line of a file beside it: {editor_line(out.name)}")
