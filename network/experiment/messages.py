"""Problems that pydantic finds, in the words of a user: file, key path, what is wrong, what is valid."""

from __future__ import annotations

import types
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from ..errors import choices
from .distributions import NAMES as DISTRIBUTIONS
from .origins import Tree, number_hint
from .quantities import Check, Spec
from .schema import Experiment
from .units import accepted
from .yamlfile import KeyPath

if TYPE_CHECKING:
    from pydantic import ValidationError

_KINDS = ("kind", "rule", "distribution", "shape")
"""Keys by which alternatives are told apart."""


def structural_problems(error: ValidationError, tree: Tree, explained: Collection[KeyPath] = ()) -> list[str]:
    """One line per problem in a pydantic error, but for those at or below the key paths that are explained."""
    lines: list[str] = []
    items = [(*_walk(item["loc"]), item) for item in error.errors()]
    # of alternatives (a number or a list) that is told which the value was meant to be
    meant = {path for path, _, _, item in items if not item["type"].endswith("_type")}
    for path, annotation, check, item in items:
        if path in meant and item["type"] in ("tuple_type", "int_type"):
            continue
        if path and path[-1] == "[key]":
            path = path[:-1]
        if any(path[: len(known)] == known for known in explained):
            continue
        origin = tree.origin(path)
        where = f"{origin}: " if origin else ""
        lines.append(f"{where}{'.'.join(path) or 'experiment'}: {_message(item, path, annotation, check)}")
    return lines


def _message(item: Any, path: KeyPath, parent: Any, check: Check | None) -> str:
    kind, given, context = item["type"], item.get("input"), item.get("ctx", {})
    if kind == "extra_forbidden":
        known = list(parent.model_fields) if _is_spec(parent) else []
        return f"unknown key; {choices(path[-1], known, 'keys')}"
    if kind == "missing" and path[-1] == "unit" and check is not None and check.unit is not None:
        return f"the unit is missing; accepted: {', '.join(accepted(check.unit))}"
    if kind in ("float_type", "int_type", "float_parsing"):
        return in_words(item) + number_hint(given)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        tags = str(context.get("expected_tags", "")).replace("'", "")
        key = _discriminator(context)
        tags = tags.removeprefix("constant, ")
        given = f", not {context['tag']!r}" if "tag" in context else ""
        if key == "distribution":
            return f"{key} must be one of: {tags or ', '.join(DISTRIBUTIONS)}{given}; or a number: value, unit, source"
        return f"{key} must be one of: {tags}{given}" if tags else f"{key} is missing"
    if kind in ("model_type", "dict_type", "model_attributes_type") and check is not None and isinstance(given, str):
        return f"must be a number with its unit, not {given!r}{number_hint(given)}"
    if kind == "string_pattern_mismatch":
        return f"{given!r} is not a name (letters, digits and underscores)"
    if kind == "string_too_long":
        return f"a name of {len(given):,} characters, at most {context['max_length']} are possible"
    return in_words(item)


def _discriminator(context: Mapping[str, Any]) -> str:
    """Key that tells alternatives apart; pydantic quotes it, or names the function that does it."""
    name = str(context.get("discriminator", "kind")).strip("'")
    return "kind" if name == "_kind_of()" else "distribution" if name.endswith("()") else name


def _is_spec(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Spec)


def _strip(annotation: Any, check: Check | None) -> tuple[list[Any], Check | None]:
    """Alternatives of an annotation without Annotated, Optional and Union; the Check of a quantity."""
    if get_origin(annotation) is Annotated:
        base, *metadata = get_args(annotation)
        for entry in metadata:
            owner = getattr(getattr(entry, "func", None), "__self__", None)
            check = owner if isinstance(owner, Check) else check
        return _strip(base, check)
    if get_origin(annotation) in (Union, types.UnionType):
        found: list[Any] = []
        for option in get_args(annotation):
            options, check = _strip(option, check)
            found += options
        return found, check
    return [annotation], check


def _walk(loc: tuple[int | str, ...]) -> tuple[KeyPath, Any, Check | None]:
    """Key path without pydantic's union tags, the model around the last key, and the check on the way."""
    path: list[str] = []
    options: list[Any] = [Experiment]
    parent: Any = Experiment
    check: Check | None = None
    for part in loc:
        key = str(part)
        tagged = [o for o in options if _is_spec(o) and _tag(o) == key]
        if tagged and len(options) > 1:
            options = tagged
            continue
        if key == "constant" and len(options) > 1:
            options = [o for o in options if _is_spec(o) and "value" in o.model_fields]
            continue
        models = [o for o in options if _is_spec(o)]
        dicts = [o for o in options if get_origin(o) is dict]
        if not models and not dicts and not isinstance(part, int):
            continue  # a pydantic label of a union branch, not a key
        path.append(key)
        parent = models[0] if models else None
        if models and key in models[0].model_fields:
            info = models[0].model_fields[key]
            annotation = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
            options, check = _strip(annotation, None if key not in ("unit", "value") else check)
        elif dicts:
            options, check = _strip(get_args(dicts[0])[1], None)
        else:
            options = []
    return tuple(path), parent, check


def _tag(model: type[Spec]) -> str | None:
    for key in _KINDS:
        if (kind := model.model_fields.get(key)) is not None and (values := get_args(kind.annotation)):
            return str(values[0])
    return None


def placed_problems(
    error: ValidationError,
    model: type[BaseModel],
    label: str,
    lines: Mapping[tuple[str, ...], int],
    at: tuple[str, ...] = (),
) -> list[str]:
    """One line per problem that pydantic found in a file: file, line, key path, what is wrong, known keys."""
    found = []
    for item in error.errors():
        path = (*at, *(str(part) for part in item["loc"]))
        line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)
        where = label if line is None else f"{label}:{line}"
        unknown = item["type"] == "extra_forbidden"
        what = (
            f"unknown key; {choices(path[-1], _keys(model, item['loc'][:-1]), 'keys')}" if unknown else in_words(item)
        )
        found.append(f"{where}: {'.'.join(path)}: {what}")
    return found


def _keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> list[str]:
    """Keys that may be written at a place of a file."""
    options: list[Any] = [model]
    for part in loc:
        below: list[Any] = []
        for option in options:
            if isinstance(option, type) and issubclass(option, BaseModel):
                info = option.model_fields.get(str(part))
                below += [] if info is None else _strip(info.annotation, None)[0]
            elif get_origin(option) is not None:  # a mapping or a list: of its values
                below += _strip(get_args(option)[-1 if get_origin(option) is dict else 0], None)[0]
        options = below or options  # a label of pydantic's, not a key
    models = [option for option in options if isinstance(option, type) and issubclass(option, BaseModel)]
    return list(dict.fromkeys(name for option in models for name in option.model_fields))


_FORMS = (
    ("KMGT", "a number with K, M, G or T behind it, such as 16G"),
    ("#[0-9A-Fa-f]", "a colour such as '#1f77b4'"),
    ("osD", "a mark: one of o s D ^ v P X * _ |"),
    ("._+-", "a name (letters, digits and . _ + -)"),
    ("_.]", "a name (letters, digits, _ and .)"),
    ("", "a name (letters, digits and underscores)"),
)
"""What texts must look like, by a part of the pattern."""

_LIMITS = {
    "greater_than": ("greater than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


def in_words(item: Mapping[str, Any]) -> str:
    """Say in the words of a user what one of pydantic's errors (an entry of ``errors()``) is about."""
    kind, given, context = item["type"], item.get("input"), item.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind == "finite_number":
        return f"must be a finite number, not {given!r}"
    if kind in ("int_type", "int_parsing", "int_from_float") and not isinstance(given, bool):
        return f"must be a whole number, not {given!r}"
    if kind in ("float_type", "int_type", "float_parsing"):
        return f"must be a number, not {given!r}"
    if kind in _LIMITS:
        word, key = _LIMITS[kind]
        return f"{given!r} must be {word} {context[key]}"
    if kind == "too_short":
        return f"must have at least {context['min_length']} of them, not {context['actual_length']}"
    if kind == "literal_error":
        valid = str(context.get("expected", "")).replace(" or ", ", ").replace("'", "").split(", ")
        return f"{given!r} is not a choice; {choices(given, valid, 'choices')}"
    if kind == "string_type":
        yes_no = " (YAML reads on, off, yes, no as true and false: use quotes)" if isinstance(given, bool) else ""
        return f"must be text, not {given!r}{yes_no}"
    if kind in ("tuple_type", "list_type"):
        return f"must be a list, not {given!r}"
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return f"must be a mapping, not {given!r}"
    if kind == "string_pattern_mismatch":
        return f"must be {next(form for part, form in _FORMS if part in context['pattern'])}, not {given!r}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        tags, tag = str(context.get("expected_tags", "")).replace("'", "").split(", "), context.get("tag", "None")
        given = "is missing" if tag == "None" else f"{tag!r} is not a choice"
        return f"{_discriminator(context)}: {given}; {choices(tag, tags, 'choices')}"
    message = str(item["msg"]).removeprefix("Value error, ")
    if kind == "value_error" or isinstance(given, dict | list) or f"{given}" in message:
        return message
    return f"{message}, not {given!r}"
