"""YAML files read with the line of every key; what no file of ours needs is refused with its place.

The parser's events are turned into mappings and lists here, so that limits (depth, number of values with all aliases
written out) hold while the file is read, and a value that cannot be converted has a line and a key.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from ..errors import SpecError
from .limits import MAX_BYTES, MAX_DEPTH, MAX_DIGITS, MAX_VALUES, beyond, is_number, shown

KeyPath = tuple[str, ...]

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_SCALARS = {f"{_CORE}{name}": name for name in ("str", "int", "float", "bool", "null")}
_NUMBERS = (f"{_CORE}int", f"{_CORE}float")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
MAX_PROBLEMS = 100


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
        If the file is not readable, is not YAML, repeats a key, is beyond a limit or is not a mapping of names.
    """
    data, lines = _parsed(_text(path, label), label)
    if data is None:
        return {}, {}
    if not isinstance(data, dict):
        raise SpecError([f"{label}: the file must be a mapping of sections, not a {type(data).__name__}"])
    return copied(data), dict(lines)


@lru_cache(maxsize=64)  # the states of a network and the runs of a scan read the same texts again
def _parsed(text: str, label: str) -> tuple[Any, dict[KeyPath, int]]:
    return parse_yaml(text, label)


def copied(node: Any) -> Any:
    """Copy of mappings and lists; `copy.deepcopy` takes ten times as long."""
    if isinstance(node, dict):
        return {key: copied(value) for key, value in node.items()}
    return [copied(item) for item in node] if isinstance(node, list) else node


def parse_yaml(text: str, label: str, at: KeyPath = (), *, numbered: bool = True) -> tuple[Any, dict[KeyPath, int]]:
    """Value of a YAML text, and the line of every key path in it.

    Parameters
    ----------
    text : str
    label : str
        Where it was written, for messages.
    at : tuple of str
        Key path that the value belongs to.
    numbered : bool
        Whether messages give the line.

    Raises
    ------
    NotYamlError
        If it is not YAML.
    SpecError
        If it is, but a key is repeated, a value cannot be converted or a limit is exceeded.
    """
    return _Reader(label, at, numbered).read(text)


class NotYamlError(SpecError):
    """The text does not follow the grammar of YAML."""


def _text(path: Path, label: str) -> str:
    try:
        size = path.stat().st_size
        is_file, is_folder = path.is_file(), path.is_dir()
        raw = path.read_bytes() if is_file and size <= MAX_BYTES else b""
    except OSError as error:
        raise SpecError([f"{label}: cannot be read ({error.strerror})"]) from error
    if not is_file:
        raise SpecError([f"{label}: is {'a folder' if is_folder else 'not a file'}"])
    if size > MAX_BYTES:
        limit = f"a file of parameters has {MAX_BYTES / 1e6:.0f} at most"
        raise SpecError([f"{label}: has {size / 1e6:.0f} MB; {limit}"])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        line = raw.count(b"\n", 0, error.start) + 1
        reason = "it starts as UTF-16 does" if wide else f"byte {raw[error.start]:#04x} in line {line}"
        raise SpecError([f"{label}: is not a text file (UTF-8): {reason}; save it as UTF-8"]) from error


@dataclass
class _Open:
    """A mapping or list that is being read."""

    value: dict[str, Any] | list[Any]
    path: KeyPath
    anchor: str | None
    n_lines: int
    n_values: int
    key: str | None = None
    merging: bool = False
    seen: set[str | object] = field(default_factory=set)
    merged: list[tuple[dict[str, Any], list[tuple[KeyPath, int]]]] = field(default_factory=list)

    @property
    def below(self) -> KeyPath:
        """Path of the value that comes next."""
        if isinstance(self.value, list):
            return (*self.path, str(len(self.value)))
        return self.path if self.key is None else (*self.path, self.key)


@dataclass(frozen=True)
class _Anchored:
    """What an alias stands for: the value, the lines of its keys, and how many values it has."""

    value: Any
    lines: list[tuple[KeyPath, int]]
    n_values: int


class _Reader:
    """Builds the value of one text; one object per text."""

    def __init__(self, label: str, at: KeyPath, numbered: bool) -> None:
        self.label, self.at, self.numbered = label, at, numbered
        self.problems: list[str] = []
        self.open: list[_Open] = []
        self.anchors: dict[str, _Anchored] = {}
        self.lines: list[tuple[KeyPath, int]] = []
        self.n_values = 0
        self.n_documents = 0
        self.result: Any = None
        self.resolver, self.constructor = Resolver(), SafeConstructor()

    def read(self, text: str) -> tuple[Any, dict[KeyPath, int]]:
        if wrong := _FORBIDDEN.search(text):
            line = text.count("\n", 0, wrong.start()) + 1
            raise SpecError([self._placed(line, (), f"not YAML: a control character, {wrong.group()!r}")])
        try:
            for event in yaml.parse(text, Loader=_Loader):
                self._event(event)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            message = f"not YAML: {getattr(error, 'problem', None) or error}"
            if mark is not None and "\t" in "".join(text.splitlines()[mark.line : mark.line + 1]):
                message += " (the line has a tab; YAML is indented with blanks)"
            raise NotYamlError([self._placed(None if mark is None else mark.line + 1, (), message)]) from error
        if self.problems:
            raise SpecError(self.problems)
        return self.result, dict(self.lines)

    def _placed(self, line: int | None, path: KeyPath, message: str) -> str:
        where = f"{self.label}:{line}" if self.numbered and line is not None else self.label
        keys = ".".join((*self.at, *path))
        return f"{where}: {keys}: {message}" if keys else f"{where}: {message}"

    def _problem(self, line: int, path: KeyPath, message: str) -> None:
        self.problems.append(self._placed(line, path, message))
        if len(self.problems) >= MAX_PROBLEMS:
            raise SpecError(self.problems)

    def _stop(self, line: int, path: KeyPath, message: str) -> SpecError:
        return SpecError([*self.problems, self._placed(line, path, message)])

    def _count(self, n: int, line: int, path: KeyPath) -> None:
        self.n_values += n
        if self.n_values > MAX_VALUES:
            raise self._stop(line, path, f"more than {MAX_VALUES:,} values up to here (aliases written out)")

    # --- events -------------------------------------------------------------------------------------------

    def _event(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self.n_documents += 1
            if self.n_documents > 1:
                raise self._stop(line, (), "a second document starts here (---); a file holds one")
            return
        if not isinstance(event, yaml.NodeEvent):
            if isinstance(event, yaml.CollectionEndEvent):
                self._close(line)
            return
        top = self.open[-1] if self.open else None
        if top is not None and isinstance(top.value, dict) and top.key is None:
            self._key(top, event, line)
            return
        path = () if top is None else top.below
        if isinstance(event, yaml.AliasEvent):
            self._alias(event.anchor, line, path)
            return
        self._count(1, line, path)
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, line, path)
            if event.anchor is not None:
                self.anchors[event.anchor] = _Anchored(value, [], 1)
            self._place(value, line, [])
            return
        if len(self.open) >= MAX_DEPTH:
            raise self._stop(line, path[:6], f"more than {MAX_DEPTH} mappings and lists inside one another")
        kind: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        tag, wanted = getattr(event, "tag", None), f"{_CORE}{'map' if kind == {} else 'seq'}"
        if tag not in (None, "!", wanted):
            self._problem(line, path, f"the tag {_tag(tag)} is not known here; leave it out")
        if event.anchor is not None:
            self.anchors.pop(event.anchor, None)
        self.open.append(_Open(kind, path, event.anchor, len(self.lines), self.n_values - 1))

    def _key(self, top: _Open, event: Any, line: int) -> None:
        if not isinstance(event, yaml.ScalarEvent):
            what = "an alias" if isinstance(event, yaml.AliasEvent) else "a mapping or a list"
            raise self._stop(line, top.path, f"a key must be a name, not {what}")
        self._count(1, line, top.path)
        # every key of ours is a name; `on`, `off`, `yes`, `1` as keys keep the text that was written
        key = str(event.value)
        top.key, top.merging = key, key == "<<" and event.implicit[0]
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchored(key, [], 1)
        if top.merging:
            if _MERGE in top.seen:
                self._problem(line, (*top.path, key), "the key is given twice; write <<: [*one, *other]")
            top.seen.add(_MERGE)
            return
        path = (*top.path, key)
        if _FORBIDDEN.search(key):
            self._problem(line, top.path, f"a control character in the key {shown(key)}")
        if key in top.seen:
            self._problem(line, path, "the key is given twice")
        top.seen.add(key)
        self.lines.append((path, line))

    def _alias(self, name: str | None, line: int, path: KeyPath) -> None:
        if any(entry.anchor == name for entry in self.open):
            raise self._stop(line, path, f"*{name} stands for a value that contains it")
        if name is None or name not in self.anchors:
            raise self._stop(line, path, f"*{name}: no value before is called &{name}")
        found = self.anchors[name]
        self._count(found.n_values, line, path)
        if not self.open[-1].merging:
            self.lines += [((*path, *keys), at) for keys, at in found.lines]
        self._place(found.value, line, found.lines)

    def _close(self, line: int) -> None:
        done = self.open.pop()
        if isinstance(done.value, dict):
            self._merge(done)
        n = len(done.path)
        below = [(keys[n:], at) for keys, at in self.lines[done.n_lines :]]
        if done.anchor is not None:
            self.anchors[done.anchor] = _Anchored(done.value, below, self.n_values - done.n_values)
        self._place(done.value, line, below if self.open and self.open[-1].merging else [])

    def _place(self, value: Any, line: int, below: list[tuple[KeyPath, int]]) -> None:
        """Put a value where it belongs; ``below`` are the lines of its keys, for merging."""
        if not self.open:
            self.result = value
            return
        top = self.open[-1]
        if isinstance(top.value, list):
            top.value.append(value)
            return
        assert top.key is not None
        if top.merging:
            parts = value if isinstance(value, list) else [value]
            for k, part in enumerate(parts):
                if not isinstance(part, dict):
                    self._problem(line, (*top.path, "<<"), "only mappings can be merged (<<: *name)")
                    continue
                own = below if part is value else [(keys[1:], at) for keys, at in below if keys[0] == str(k)]
                top.merged.append((part, [(keys, at) for keys, at in own if keys]))
        else:
            top.value[top.key] = value
        top.key, top.merging = None, False

    def _merge(self, done: _Open) -> None:
        """Add what ``<<`` brings along; the mapping's own keys count, then the first that has a key."""
        assert isinstance(done.value, dict)
        for part, lines in done.merged:
            new = part.keys() - done.value.keys()
            done.value.update({key: value for key, value in part.items() if key in new})
            self.lines += [((*done.path, *keys), at) for keys, at in lines if keys[0] in new]

    # --- scalars ------------------------------------------------------------------------------------------

    def _scalar(self, event: Any, line: int, path: KeyPath) -> Any:
        text = str(event.value)
        tag = event.tag
        if tag in (None, "!"):
            tag = self.resolver.resolve(yaml.ScalarNode, text, event.implicit)
            if tag in (f"{_CORE}merge", f"{_CORE}value"):
                tag = f"{_CORE}str"
        if tag == f"{_CORE}timestamp":
            self._problem(line, path, f"{text} is a date for YAML; put text into quotes: '{text}'")
            return None
        if tag not in _SCALARS:
            self._problem(line, path, f"the tag {_tag(tag)} is not known here; leave it out")
            return None
        value = self._converted(_SCALARS[tag], text) if len(text) <= MAX_DIGITS or tag not in _NUMBERS else _MISSING
        if value is _MISSING and len(text) > MAX_DIGITS:
            self._problem(line, path, f"a number of {len(text):,} characters is too long")
        elif value is _MISSING:
            self._problem(line, path, f"{shown(text)} is not {_WORDS[_SCALARS[tag]]}")
        elif is_number(value) and (wrong := beyond(value)):
            self._problem(line, path, wrong)
        elif is_number(value) and _OTHER_BASE.fullmatch(text):
            self._problem(line, path, f"{text} is {value:g} for YAML (base 8 or 60); write the number as it is meant")
        elif isinstance(value, str) and (control := _FORBIDDEN.search(value)):
            self._problem(line, path, f"a control character in the text, {control.group()!r}")
        else:
            return value
        return None

    def _converted(self, kind: str, text: str) -> Any:
        """Value of a scalar as YAML has it; `_MISSING` if the text is none of its kind."""
        if kind in ("str", "null"):
            return text if kind == "str" else None
        if kind == "bool":
            return SafeConstructor.bool_values.get(text.lower(), _MISSING)
        node = yaml.ScalarNode(f"{_CORE}{kind}", text)
        try:
            return getattr(self.constructor, f"construct_yaml_{kind}")(node)
        except (ValueError, IndexError, OverflowError):
            return _MISSING


_MISSING = object()
_MERGE = object()
_OTHER_BASE = re.compile(r"[-+]?(0[0-9_]+|[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?)")
_WORDS = {"int": "a whole number", "float": "a number", "bool": "true or false"}


def _tag(tag: Any) -> str:
    return str(tag).replace(_CORE, "!!")
