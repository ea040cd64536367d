"""YAML files read with the line of every key, duplicate keys refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from network.spec.errors import SpecError

KeyPath = tuple[str, ...]

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path, label: str) -> tuple[dict[str, Any], dict[KeyPath, int]]:
    """Content of a YAML file whose top level is a mapping, and the line of every key path.

    Parameters
    ----------
    path : Path
    label : str
        Name of the file in messages.

    Raises
    ------
    SpecError
        If the file is not readable, is not YAML, repeats a key or is not a mapping of names.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SpecError([f"{label}: cannot be read ({error.strerror})"]) from error
    except UnicodeDecodeError as error:
        raise SpecError([f"{label}: is not a text file (UTF-8)"]) from error
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return {}, {}
        lines: dict[KeyPath, int] = {}
        problems: list[str] = []
        data = _construct(loader, node, (), lines, problems, label)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{label}:{mark.line + 1}" if mark is not None else label
        raise SpecError([f"{place}: not YAML: {getattr(error, 'problem', None) or error}"]) from error
    finally:
        loader.dispose()
    if problems:
        raise SpecError(problems)
    if not isinstance(data, dict):
        raise SpecError([f"{label}: the file must be a mapping of sections, not a {type(data).__name__}"])
    return data, lines


def _construct(
    loader: Any, node: Any, path: KeyPath, lines: dict[KeyPath, int], problems: list[str], label: str
) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [_construct(loader, item, path, lines, problems, label) for item in node.value]
    if not isinstance(node, yaml.MappingNode):
        return loader.construct_object(node)
    seen: set[str] = set()
    for key_node, _ in node.value:
        key = str(key_node.value)
        if key in seen and key != "<<":
            where = ".".join((*path, key))
            problems.append(f"{label}:{key_node.start_mark.line + 1}: {where}: the key is given twice")
        seen.add(key)
    loader.flatten_mapping(node)
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        # every key of ours is a name; `on`, `off`, `yes`, `1` as keys keep the text that was written
        key = str(key_node.value)
        lines[(*path, key)] = key_node.start_mark.line + 1
        result[key] = _construct(loader, value_node, (*path, key), lines, problems, label)
    return result
