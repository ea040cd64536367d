"""Headers that NEST's own headers include and a bare machine lacks: Boost's, and ``ltdl.h`` of libtool.

A wheel of NEST brings neither. What the system has is preferred; only where it has none the compiler finds Boost in
the Python package ``libboost-headers`` and a stand-in for ``ltdl.h`` of our own (``runtime/fallback``).
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from ..errors import BuildError
from .toolchain import Compiler, has_header

FALLBACK = Path(__file__).resolve().parent / "runtime" / "fallback"
BOOST = ("boost/type_index.hpp", "boost/iterator/iterator_adaptor.hpp", "boost/sort/spreadsort/spreadsort.hpp")
"""What NEST 3.10's dictionary.h, iterator_pair.h and sort.h include."""


def fallback_folders() -> tuple[Path, ...]:
    """Folders to search after the system's own."""
    package = importlib.util.find_spec("libboost_headers")
    locations = package.submodule_search_locations if package is not None else None
    boost = [Path(location) / "include" for location in locations or ()]
    return (*boost, FALLBACK)


def environment_flags() -> tuple[str, ...]:
    """Where the compiler looks besides its own folders.

    First the Python environment if it brings C libraries of its own, as conda's does; last (``-idirafter``) the
    fallbacks.
    """
    conda = Path(sys.prefix) / "include"
    first = (f"-I{conda}",) if (Path(sys.prefix) / "conda-meta").is_dir() and conda.is_dir() else ()
    return (*first, *(word for folder in fallback_folders() for word in ("-idirafter", str(folder))))


def require_boost(compiler: Compiler, flags: tuple[str, ...]) -> None:
    """Check that Boost's headers are found.

    Raises
    ------
    BuildError
        With the ways to get them.
    """
    for header in BOOST:
        if not has_header(compiler, header, flags):
            raise BuildError(
                f"the headers of Boost, which those of NEST include, are missing ({header}). Install them with "
                "`pip install libboost-headers`, `apt install libboost-dev` (Debian, Ubuntu), `dnf install "
                "boost-devel` (Fedora, RHEL) or `conda install -c conda-forge libboost-headers`."
            )
