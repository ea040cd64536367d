"""Which experiment, overlay and variant files there are, and what they are called."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .. import resources
from ..errors import SpecError, choices
from .limits import MAX_BYTES, shown
from .sonata_config import experiment_of
from .yamlfile import KeyPath, read_yaml

EDITORS = "yaml-language-server:"
"""Begins a comment that names the schema of a file for editors, and is no title."""
BASE = "base.yaml"
"""What is meant by the name of a network alone."""
RUN_MARK = "record.json"
"""File by which a folder is that of a run (`network.runs.layout.RECORD`)."""


def relative(path: Path, name: Any, where: str) -> Path:
    """File that ``overlay_of`` or ``include`` in the file ``path`` means: beside it, or below ``params/``.

    The name of a network alone means its ``base``, as it does on the command line.
    """
    if not isinstance(name, str):
        raise SpecError([f"{where}: must be the name of a file, not {name!r}"])
    beside_it, named = (path.parent / name, path.parent / f"{name}.yaml"), _in_params(name)
    for candidate in (*beside_it, *named, beside_it[0] / BASE, *(file.with_suffix("") / BASE for file in named)):
        if is_file(candidate):
            return candidate
    if any(exists(there := path.parent / found) and not there.is_dir() for found in (name, f"{name}.yaml")):
        raise SpecError([f"{where}: {there}: is not a file"])
    files = (file for file in sorted(path.parent.glob("*.yaml")) if file.name != path.name and is_file(file))
    known = [*(file.stem for file in files), *list_experiments()]
    raise SpecError([f"{where}: no file {name!r}; {choices(name, dict.fromkeys(known), 'files and experiments')}"])


def beside(name: str, folder: Path) -> str:
    """Absolute path of the file that stands in a folder, with or without its suffix; any other name as it is."""
    for file, variant in ((name, ""), split_variant(name)):
        for candidate in (folder / file, folder / f"{file}.yaml"):
            if is_file(candidate):
                return f"{candidate.resolve()}{'@' if variant else ''}{variant}"
    return name


def split_variant(name: str | Path) -> tuple[str, str]:
    """Experiment and variant of ``EXPERIMENT@VARIANT``; names of files and folders may have an @, too.

    >>> split_variant("NETWORK/STATE@all"), split_variant("/disks/me@there/mine.yaml")
    (('NETWORK/STATE', 'all'), ('/disks/me@there/mine.yaml', ''))
    """
    experiment, _, variant = str(name).rpartition("@")
    if not experiment or "/" in variant or any(is_file(resources.user_path(f"{name}{end}")) for end in ("", ".yaml")):
        return str(name), ""
    return experiment, variant


def _in_params(name: str) -> list[Path]:
    return [folder / f"{name.removesuffix('.yaml')}.yaml" for folder in resources.params_dirs()]


def is_file(path: Path) -> bool:
    """Whether there is such a file; False, too, where the system refuses the name (too long, say)."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def exists(path: Path) -> bool:
    """Whether there is something of that name; False, too, where the system refuses it."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def given_file(name: str | Path, what: str = "file") -> Path | None:
    """File that a user named with its suffix, None for a name without one.

    Raises
    ------
    SpecError
        If there is no such file.
    """
    given = resources.user_path(name)
    if given.suffix not in (".yaml", ".yml"):
        return None
    if is_file(given):
        return given
    raise SpecError([f"{given}: is not a file" if exists(given) else f"no {what} {str(given)!r}"])


def given_config(name: str | Path) -> Path | None:
    """Configuration of a SONATA circuit or simulation that a user named, None for anything else.

    Raises
    ------
    SpecError
        If there is no such file.
    """
    given = resources.user_path(name)
    if given.suffix != ".json":
        return None
    if is_file(given):
        return given
    raise SpecError([f"{given}: is not a file" if exists(given) else f"no file {str(given)!r}"])


def label_of(path: Path) -> str:
    """Name of a file in messages: relative to its params folder, else as it is."""
    for folder in resources.params_dirs():
        if path.resolve().is_relative_to(folder.resolve()):
            return path.resolve().relative_to(folder.resolve()).as_posix()
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.name


def is_user_file(path: Path) -> bool:
    """Whether a file is none of those that come with bgnest."""
    return not path.resolve().is_relative_to(resources.params_dir().resolve())


def find_experiment(name_or_path: str | Path) -> Path:
    """File of an experiment; ``NETWORK`` alone, or the path of a folder of parameters, means its ``base``.

    Raises
    ------
    SpecError
        With the names there are.
    """
    if given := given_config(name_or_path):
        return experiment_of(given)
    if given := given_file(name_or_path):
        return given
    for folder in resources.params_dirs():
        model, _, stem = str(name_or_path).rpartition("/")
        for candidate in (
            folder / f"{name_or_path}.yaml",
            folder / model / "experiments" / f"{stem}.yaml",
            folder / str(name_or_path) / BASE,
        ):
            if is_file(candidate):
                return candidate
    if found := _in_folder(resources.user_path(name_or_path)):
        return found
    known = f"{choices(name_or_path, list_experiments(), 'experiments')}{resources.missing_folders('BGNEST_PARAMS')}"
    raise SpecError([f"no experiment {str(name_or_path)!r}; {known}"])


def _in_folder(given: Path) -> Path | None:
    """File that is meant by the path of a folder of parameters, or by that of a file without its suffix.

    Raises
    ------
    SpecError
        If the folder has no ``base.yaml`` and not exactly one experiment: with those it has.
    """
    if given.name and is_file(file := given.with_name(f"{given.name}.yaml")):
        return file
    if not exists(given) or is_file(given):
        return None
    if not given.is_dir():
        raise SpecError([f"{given}: is not a file"])
    files = sorted(given.glob("*.yaml"))
    found = [path for path in files if path.stem == "base"] or [path for path in files if _stands_alone(path)]
    if len(found) > 1:
        names = [str(path) for path in found]
        raise SpecError([f"{given}: a folder without base.yaml, which experiment is meant? {', '.join(names)}"])
    return found[0] if found else None


def _stands_alone(path: Path) -> bool:
    """Whether a file has a ``meta``; others are parts that it includes."""
    return re.search(r"^meta:", _beginning(path), re.MULTILINE) is not None


def find_overlay(name_or_path: str | Path, experiment: Path) -> Path:
    """File of an overlay for an experiment file; raises SpecError with the names there are."""
    if given := given_file(name_or_path, "overlay file"):
        return given
    folders = dict.fromkeys([experiment.parent, *_chain_folders(experiment)])
    known: dict[str, Path] = {}
    for folder in folders:
        for path in sorted([*folder.glob("*.yaml"), *(folder / "overlays").glob("*.yaml")]):
            if first_lines(path)[0]:
                known.setdefault(path.stem, path)
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    raise SpecError([f"no overlay {str(name_or_path)!r}; {choices(name_or_path, known, 'overlays')}"])


def _chain_folders(path: Path) -> list[Path]:
    """Folders of the files below an overlay, so that a user's file finds the overlays of its base."""
    folders: list[Path] = []
    seen: set[Path] = set()
    while path not in seen:
        seen.add(path)
        below = read_yaml(path, label_of(path))[0].get("overlay_of")
        if not isinstance(below, str):
            break
        path = relative(path, below, f"{label_of(path)}: overlay_of")
        folders.append(path.parent)
    return folders


def first_lines(path: Path) -> tuple[bool, str]:
    """Whether a file is an overlay, and its first comment line; nothing of a file that cannot be read."""
    text = _beginning(path)
    comment = re.search(rf"^#(?!\s*{EDITORS})\s*(.+)$", text, re.MULTILINE)
    return re.search(r"^overlay_of:", text, re.MULTILINE) is not None, comment.group(1) if comment else ""


def _beginning(path: Path) -> str:
    try:
        if not path.is_file():  # a pipe would be waited for
            return ""
        with path.open("rb") as file:
            return file.read(MAX_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return ""


def list_experiments() -> dict[str, str]:
    """Name and first comment line of every experiment below the params folders."""
    found: dict[str, str] = {}
    for folder in resources.params_dirs():
        for path in sorted(folder.glob("*/*.yaml")):
            is_overlay, comment = first_lines(path)
            if (path.parent / RUN_MARK).exists():
                continue  # the parameters of a run that was written there
            if is_overlay or path.stem == "base" or _stands_alone(path):
                found.setdefault(f"{path.parent.name}/{path.stem}", comment)
        for path in sorted(folder.glob("*/experiments/*.yaml")):
            found.setdefault(f"{path.parent.parent.name}/{path.stem}", first_lines(path)[1])
    return found


def list_variants(name_or_path: str | Path) -> dict[str, str]:
    """Name and title of every variant of an experiment; run one as ``experiment@variant``."""
    path = find_experiment(name_or_path)
    variants = variants_of(*read_yaml(path, label_of(path)), label_of(path))
    return {name: entry.get("title") or "" for name, entry in variants.items()}


def variants_of(data: dict[str, Any], lines: dict[KeyPath, int], label: str) -> dict[str, dict[str, Any]]:
    """Variants in the content of a file, ``{name: {title, changes}}``.

    Raises
    ------
    SpecError
        If they are not written like that.
    """
    variants = data.get("variants") or {}
    problems: list[str] = []

    def wrong(path: KeyPath, message: str) -> None:
        line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)
        problems.append(f"{label}{'' if line is None else f':{line}'}: {'.'.join(path)}: {message}")

    if not isinstance(variants, dict):
        wrong(("variants",), f"must be a mapping of variants, not {shown(variants)}")
        variants = {}
    found = {name: {} if entry is None else entry for name, entry in variants.items()}
    for name, entry in found.items():
        path = ("variants", name)
        if not isinstance(entry, dict):
            wrong(path, f"must be a mapping with title and changes, not {shown(entry)}")
            continue
        for key, value in entry.items():
            kind: Any = {"title": str, "changes": dict}.get(key)
            if kind is None:
                wrong((*path, key), f"unknown key; {choices(key, ['title', 'changes'], 'keys')}")
            elif value is not None and not isinstance(value, kind):
                what = "text" if kind is str else "a mapping"
                wrong((*path, key), f"must be {what}, not {shown(value)}")
    if problems:
        raise SpecError(problems)
    return found


def default_experiment() -> str:
    """Name of the experiment that is meant where none is named; ``params/defaults.yaml`` says it."""
    path = resources.data_root() / "params" / "defaults.yaml"
    return str(read_yaml(path, path.name)[0]["experiment"])


def list_overlays(model: str | None = None) -> dict[str, str]:
    """Name and first comment line of every overlay of a model, by default that of the default experiment.

    States can be used as overlays, too.
    """
    model = model or default_experiment().split("/")[0]
    found: dict[str, str] = {}
    for folder in resources.params_dirs():
        for path in sorted([*(folder / model / "overlays").glob("*.yaml"), *(folder / model).glob("*.yaml")]):
            is_overlay, comment = first_lines(path)
            if is_overlay:
                found.setdefault(path.stem, comment)
    return found
