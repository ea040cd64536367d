"""How to start ourselves: the command line in another process, perhaps under another Python."""

from __future__ import annotations

import sys
from pathlib import Path

MAIN = Path(__file__).resolve().parent / "__main__.py"


def command(*arguments: str, python: Path | str | None = None) -> list[str]:
    """Command that runs ``bgnest`` with these arguments.

    By the path of a file, not by the name of a module: whatever is called ``network`` in the working directory or on
    ``PYTHONPATH``, and however the package is installed, it is this package (``-P``: nor is its folder searched).

    Parameters
    ----------
    arguments : str
        Of the command line.
    python : Path, optional
        Interpreter; by default this one.
    """
    return [str(python or sys.executable), "-P", str(MAIN), *arguments]
