"""A network to start from: a commented folder of parameters, or a copy of one that there is."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from .. import resources
from ..errors import SpecError, choices
from ..experiment.limits import MAX_NAME, NAME_PATTERN
from .schemas import FILES, schema_text

STARTER = Path(__file__).parent / "starter"
"""Files of the example; the placeholder in them becomes the name of the network."""
PLACEHOLDER = "NETWORK"


def new_network(name: str, of: str | None = None, *, folder: str | Path = ".") -> Path:
    """Make a folder of parameters that can be validated and run at once.

    Parameters
    ----------
    name : str
        Of the network and its folder: letters, digits and underscores.
    of : str, optional
        A network to copy (see `bgnest list`), or its folder; its bibliography and targets come along, its name does
        not. By default a small example whose comments explain what can be written.
    folder : path
        Where the folder is made.

    Returns
    -------
    Path
        The new folder, complete.

    Raises
    ------
    SpecError
        If the name cannot be used, or is taken, or there is no network of the other name.
    """
    target = Path(folder) / name
    if not re.fullmatch(NAME_PATTERN, name) or len(name) > MAX_NAME:
        raise SpecError([f"{name!r} cannot name a network: letters, digits and underscores, at most {MAX_NAME}"])
    if name in networks():
        raise SpecError([f"there is a network {name} already ({networks()[name]}); give yours another name"])
    if os.path.lexists(target):
        raise SpecError([f"{target}: is there already; nothing was changed"])
    source = STARTER if of is None else _source(of)
    edit: Callable[[str], str] = (
        (lambda text: text.replace(PLACEHOLDER, name)) if of is None else _renamed(source.name, name)
    )
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=folder) as scratch:
        made = Path(scratch) / name
        if of is None:  # a first line in its files tells editors
            made.mkdir()
            for kind, file in FILES.items():
                (made / file).write_text(schema_text(kind), encoding="utf-8")
        for path in sorted(source.rglob("*")):
            if path.is_file() and not any(part.startswith((".", "__")) for part in path.relative_to(source).parts):
                _copy(path, made / path.relative_to(source), edit)
        if os.path.lexists(target):  # another process may have been quicker; an empty folder would be replaced
            raise SpecError([f"{target}: is there already; nothing was changed"])
        made.rename(target)
    return target


def networks() -> dict[str, Path]:
    """Folder of every network that is found by its name."""
    found: dict[str, Path] = {}
    for place in resources.params_dirs():
        for path in sorted(place.iterdir()):
            if path.is_dir() and next(path.glob("*.yaml"), None) is not None and path.name != "cells":
                found.setdefault(path.name, path)
    return found


def _source(of: str) -> Path:
    known = networks()
    if of in known:
        return known[of]
    given = resources.user_path(of)
    if given.is_dir() and next(given.glob("*.yaml"), None) is not None:
        return given.resolve()
    raise SpecError([f"--from: no network {of!r}; {choices(of, known, 'networks')}"])


def _copy(path: Path, to: Path, edit: Callable[[str], str]) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in (".yaml", ".yml"):
        to.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        shutil.copyfile(path, to)


def _renamed(old: str, new: str) -> Callable[[str], str]:
    """Change of the text of a file: it is about the new network where it named the old one as a network.

    That is `model:` of `meta:`, and what scans, overlays and optimisations stand on. Keys of the bibliography may have
    the same name and stay.
    """
    of_meta = re.compile(rf"^((?:meta:\s*\{{.*?|\s+|meta:\s*\n\s+)model:\s*){re.escape(old)}(?=\s*(?:[,}}#]|$))", re.M)
    on_top_of = re.compile(
        rf"^(\s*(?:overlay_of|scan_of|optimise|fit|experiment):\s*[\"']?){re.escape(old)}(?=/)", re.M
    )
    return lambda text: on_top_of.sub(rf"\g<1>{new}", of_meta.sub(rf"\g<1>{new}", text))
