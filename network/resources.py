"""Where the parameters and the NESTML models are.

In a checkout they lie beside the package, in an installed wheel inside it (``network/_data``).  Own models
and parameters are found through the environment variables ``BGNEST_MODELS`` and ``BGNEST_PARAMS``: lists of
folders, separated like ``PATH`` and searched first.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def data_root() -> Path:
    """Folder that holds ``params`` and ``nestml_models``: inside the wheel, else the root of the checkout."""
    packaged = PACKAGE / "_data"
    return packaged if packaged.is_dir() else PACKAGE.parent


def params_dir() -> Path:
    """Folder of the published parameters."""
    return data_root() / "params"


def nestml_dir() -> Path:
    """Folder of the NESTML models that belong to the package."""
    return data_root() / "nestml_models"


def _from_environment(variable: str) -> list[Path]:
    folders = [user_path(part) for part in os.environ.get(variable, "").split(os.pathsep) if part]
    return [folder for folder in folders if _is_folder(folder)]


def missing_folders(variable: str) -> str:
    """End of a message: what a variable of the environment names and is no folder."""
    parts = [part for part in os.environ.get(variable, "").split(os.pathsep) if part]
    missing = [part for part in parts if not _is_folder(user_path(part))]
    return f"; {variable} names no folder: {', '.join(map(repr, missing))}" if missing else ""


def user_path(name: str | Path) -> Path:
    """Path that a user wrote, ``~`` expanded where that is possible."""
    try:
        return Path(name).expanduser()
    except RuntimeError:  # no such user
        return Path(name)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a name that the system refuses
        return False


def params_dirs() -> list[Path]:
    """Folders searched for experiments, in order."""
    return [*_from_environment("BGNEST_PARAMS"), params_dir()]


def nestml_dirs() -> list[Path]:
    """Folders searched for NESTML models, in order.

    Those of ``BGNEST_MODELS``, then the user's folders of parameters with ``nestml_models`` and the networks in them,
    then what belongs to the package.
    """
    own: list[Path] = []
    for folder in _from_environment("BGNEST_PARAMS"):
        own += [folder, *sorted(path for path in folder.iterdir() if _is_folder(path))]
    return [*_from_environment("BGNEST_MODELS"), *own, nestml_dir()]


def list_models() -> dict[str, Path]:
    """File of every NESTML model, by name; the first folder that has a name wins."""
    return {name: files[0] for name, files in model_files().items()}


def synapse_dirs() -> list[Path]:
    """Folders searched for NESTML synapses, in order: those of models, then what NESTML installs."""
    return [*nestml_dirs(), Path(sys.prefix) / "models" / "synapses"]


def find_synapse(name: str) -> Path:
    """File of a NESTML synapse.

    Raises
    ------
    FileNotFoundError
        With the names of the synapses there are.
    """
    files = [path for folder in synapse_dirs() for path in sorted(folder.glob("*synapse*.nestml"))]
    for folder in synapse_dirs():
        if (path := folder / f"{name}.nestml").is_file():
            return path
    names = ", ".join(dict.fromkeys(path.stem for path in files)) or "none"
    raise FileNotFoundError(f"no NESTML synapse {name!r}; synapses: {names}")


def list_activations() -> dict[str, Path]:
    """File of every activation of graded synapses, by name; the first folder that has a name wins.

    A user's lie in the folders of models or in ``activations`` below them.
    """
    found: dict[str, Path] = {}
    for folder in nestml_dirs():
        for path in (*sorted((folder / "activations").glob("*.nestml")), *sorted(folder.glob("*.nestml"))):
            found.setdefault(path.stem, path)
    return found


def stamp(path: Path) -> tuple[int, int]:
    """What changes when a file does: when it was written, and how long it is."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def model_files() -> dict[str, list[Path]]:
    """All files of every NESTML model, by name; the first one counts and hides the others."""
    found: dict[str, list[Path]] = {}
    for folder in dict.fromkeys(nestml_dirs()):
        for path in sorted(folder.glob("*.nestml")):
            if not path.name.startswith("."):  # what editors leave behind
                found.setdefault(path.stem, []).append(path)
    return found


def find_model(name: str) -> Path:
    """File of a NESTML model.

    Raises
    ------
    FileNotFoundError
        With the names of the models there are.
    """
    models = list_models()
    if name not in models:
        folders = ", ".join(str(folder) for folder in nestml_dirs())
        raise FileNotFoundError(f"no NESTML model {name!r} in {folders}; models: {', '.join(models) or 'none'}")
    return models[name]
