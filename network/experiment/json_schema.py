"""JSON schemas of files for editors, which complete keys, explain them and underline what cannot be.

A schema is looser than `bgnest validate`, which it does not replace: a file may be a part or an overlay, so that no key
is required, ``null`` removes what is below, a number may be an operation on another one, and names may be patterns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from .files import EDITORS
from .reference import sections
from .schema import Experiment

DRAFT = "http://json-schema.org/draft-07/schema#"
COMMENT = f"# {EDITORS} $schema="
"""How a YAML file says by which schema editors shall read it; the name of a file, relative to it, or an address."""

_SOURCED = {
    "unit": {"type": ["string", "integer"], "description": "As in `nS`; 1 for a plain number."},
    "source": {"type": "string", "description": "Key of the bibliography, a file sources.yaml."},
    "assumed": {"type": "string", "description": "Reason, where there is no source."},
    "note": {"type": "string", "description": "Free text for readers."},
    "set_by": {"type": "string", "description": "Who set it without a source; written by the program."},
}
_OPERATIONS = {
    "scale": {"type": ["number", "string"], "description": "Factor on the value below this overlay."},
    "add": {"type": ["number", "string"], "description": "Added to the value below this overlay."},
}
_REPLACED = ("discriminator", "oneOf", "properties", "required", "propertyNames", "patternProperties", "title")
_NUMBER = {"type": "number"}
_TEXT = {"type": "string", "description": "A number with its unit, as in `1.1 nS`."}


def experiment_schema() -> dict[str, Any]:
    """Schema of an experiment, of an overlay, and of files that they include."""
    made = schema_of(Experiment, "An experiment of bgnest, an overlay, or a part of one")
    changes = {"type": "object", "description": "Changes, as an overlay has them."}
    made["properties"] |= {
        "overlay_of": {
            "type": "string",
            "description": "Experiment that this file changes: a name or a file beside it.",
        },
        "include": {
            "type": ["string", "array"],
            "items": {"type": "string"},
            "description": "Files beside this one that belong to it.",
        },
        "variants": {
            "type": ["object", "null"],
            "description": "Named variants, run as EXPERIMENT@NAME.",
            "additionalProperties": {
                "type": ["object", "null"],
                "properties": {"title": {"type": ["string", "null"]}, "changes": changes},
                "additionalProperties": False,
            },
        },
    }
    return made


def schema_of(
    model: type[BaseModel], title: str, *, required: bool = False, short: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Schema of files with the content of a model, every key with what it means.

    Parameters
    ----------
    model : type of BaseModel
    title : str
        What the file is.
    required : bool
        Whether required keys have to be there: not so in files that are laid over others.
    short : mapping, optional
        By the name of a model the schema of a short form that may stand in its place.
    """
    raw = model.model_json_schema()
    texts = {section.model.__name__: {key.name: key.text for key in section.keys} for section in sections(model)}
    definitions = {name: _loose(node, texts, required) for name, node in raw.pop("$defs", {}).items()}
    if "Quantity" in definitions:
        definitions["Quantity"] = _quantity(_NUMBER)
        definitions["QuantityList"] = _quantity({"type": "array", "items": {"type": ["number", "string"]}})
    for name, form in (short or {}).items():
        definitions[name] = {"anyOf": [definitions[name], form]}
    body = _loose(raw, texts, required)
    return {"$schema": DRAFT, "title": title, **{k: v for k, v in body.items() if k != "title"}, "$defs": definitions}


def _quantity(value: dict[str, Any]) -> dict[str, Any]:
    """Form of a number: bare, with its unit, with all that is known of it, or as an operation on another one."""
    properties = {"value": {"anyOf": [value, _TEXT]}, **_SOURCED, **_OPERATIONS}
    return {"anyOf": [value, _TEXT, {"type": "object", "properties": properties, "additionalProperties": False}]}


def _loose(node: Any, texts: dict[str, dict[str, str]], required: bool) -> Any:
    """Schema in which everything may be left out or removed; the first form that fits counts."""
    if isinstance(node, list):
        return [_loose(item, texts, required) for item in node]
    if not isinstance(node, dict):
        return node
    made = {
        key: value if key in ("enum", "const", "default") else _loose(value, texts, required)
        for key, value in node.items()
        if key not in _REPLACED
    }
    if "oneOf" in node:
        made["anyOf"] = [*made.get("anyOf", ()), *_loose(node["oneOf"], texts, required)]
    if "properties" in node:
        known = texts.get(node.get("title", ""), {})
        made["properties"] = {
            key: _described(_removable(_loose(value, texts, required)), known.get(key))
            for key, value in node["properties"].items()
        }
        if required and node.get("required"):
            made["required"] = node["required"]
    if "patternProperties" in node:  # names, for which a pattern such as `*` may stand
        made["additionalProperties"] = _removable(
            _loose(next(iter(node["patternProperties"].values())), texts, required)
        )
    elif isinstance(node.get("additionalProperties"), dict):
        made["additionalProperties"] = _removable(made["additionalProperties"])
    elif node.get("additionalProperties") is False:
        made["additionalProperties"] = {"type": "null"}  # removes a key of another kind
    items = made.get("items", {})
    one_will_do = items.get("type") == "string" or "$ref" in items  # in place of a list of one
    return {"anyOf": [made, items]} if one_will_do else made


def _removable(node: dict[str, Any]) -> dict[str, Any]:
    """Schema of a value that may also be ``null``."""
    choices = node.get("anyOf", [])
    if set(node) <= {"anyOf", "default", "description"} and choices:
        return node if {"type": "null"} in choices else {**node, "anyOf": [*choices, {"type": "null"}]}
    return {"anyOf": [node, {"type": "null"}]}


def _described(node: dict[str, Any], text: str | None) -> dict[str, Any]:
    return {**node, "description": text} if text else node
