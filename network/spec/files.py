"""Which experiment, overlay and variant files there are, and what they are called."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from network import resources
from network.spec.errors import SpecError, choices
from network.spec.yamlfile import read_yaml


def relative(path: Path, name: Any, where: str) -> Path:
    """File that ``overlay_of`` or ``include`` in the file ``path`` means: beside it, or below ``params/``."""
    if not isinstance(name, str):
        raise SpecError([f"{where}: must be the name of a file, not {name!r}"])
    for candidate in (path.parent / name, path.parent / f"{name}.yaml", *_in_params(name)):
        if candidate.is_file():
            return candidate
    known = [*(file.stem for file in sorted(path.parent.glob("*.yaml")) if file.name != path.name), *list_experiments()]
    raise SpecError([f"{where}: no file {name!r}; {choices(name, dict.fromkeys(known), 'files and experiments')}"])


def _in_params(name: str) -> list[Path]:
    return [folder / f"{name.removesuffix('.yaml')}.yaml" for folder in resources.params_dirs()]


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
    """File of an experiment; ``lindahl2016`` alone means its ``base``.

    Raises
    ------
    SpecError
        With the names there are.
    """
    given = Path(name_or_path).expanduser()
    if given.suffix in (".yaml", ".yml"):
        if given.is_file():
            return given
        raise SpecError([f"no file {str(given)!r}"])
    for folder in resources.params_dirs():
        model, _, stem = str(name_or_path).rpartition("/")
        for candidate in (
            folder / f"{name_or_path}.yaml",
            folder / model / "experiments" / f"{stem}.yaml",
            folder / str(name_or_path) / "base.yaml",
        ):
            if candidate.is_file():
                return candidate
    raise SpecError(
        [f"no experiment {str(name_or_path)!r}; {choices(name_or_path, list_experiments(), 'experiments')}"]
    )


def find_overlay(name_or_path: str | Path, experiment: Path) -> Path:
    """File of an overlay for an experiment file; raises SpecError with the names there are."""
    given = Path(name_or_path).expanduser()
    if given.suffix in (".yaml", ".yml"):
        if given.is_file():
            return given
        raise SpecError([f"no overlay file {str(given)!r}"])
    folders = dict.fromkeys([experiment.parent, *_chain_folders(experiment)])
    known: dict[str, Path] = {}
    for folder in folders:
        for path in sorted([*folder.glob("*.yaml"), *(folder / "overlays").glob("*.yaml")]):
            if _first_lines(path)[0]:
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


def _first_lines(path: Path) -> tuple[bool, str]:
    """Whether a file is an overlay, and its first comment line."""
    text = path.read_text(encoding="utf-8", errors="replace")
    comment = re.search(r"^#\s*(.+)$", text, re.MULTILINE)
    return re.search(r"^overlay_of:", text, re.MULTILINE) is not None, comment.group(1) if comment else ""


def list_experiments() -> dict[str, str]:
    """Name and first comment line of every experiment below the params folders."""
    found: dict[str, str] = {}
    for folder in resources.params_dirs():
        for path in sorted(folder.glob("*/*.yaml")):
            is_overlay, comment = _first_lines(path)
            if is_overlay or path.stem == "base":
                found.setdefault(f"{path.parent.name}/{path.stem}", comment)
        for path in sorted(folder.glob("*/experiments/*.yaml")):
            found.setdefault(f"{path.parent.parent.name}/{path.stem}", _first_lines(path)[1])
    return found


def list_variants(name_or_path: str | Path) -> dict[str, str]:
    """Name and title of every variant of an experiment; run one as ``experiment@variant``."""
    path = find_experiment(name_or_path)
    variants = read_yaml(path, label_of(path))[0].get("variants")
    if not isinstance(variants, dict):
        return {}
    return {str(name): str((entry or {}).get("title", "")) for name, entry in variants.items()}


def list_overlays(model: str = "lindahl2016") -> dict[str, str]:
    """Name and first comment line of every overlay of a model; states can be used as overlays, too."""
    found: dict[str, str] = {}
    for folder in resources.params_dirs():
        for path in sorted([*(folder / model / "overlays").glob("*.yaml"), *(folder / model).glob("*.yaml")]):
            is_overlay, comment = _first_lines(path)
            if is_overlay:
                found.setdefault(path.stem, comment)
    return found
