"""What may be written in a file, read off the models that validate it: every key with meaning, unit, default, limits.

The reference of the documentation and the schemas for editors are made of it, so that they cannot go stale. The meaning
of a key is the text below its field; of a key that a kind gives (:mod:`network.experiment.kinds`) that below the field
of its class.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import textwrap
import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from .distributions.places import Place, WeightPlace
from .quantities import Check, QuantityList, WeightCheck

LIMITS = ((Gt, "gt", ">"), (Ge, "ge", "≥"), (Lt, "lt", "<"), (Le, "le", "≤"))
SOURCED = "with `source`"


@dataclass(frozen=True)
class Form:
    """What one value looks like.

    Attributes
    ----------
    words : str
        Markdown.
    limits : tuple of str
    parts : tuple of type
        Models of mappings that may stand there, in the order in which they are named.
    """

    words: str
    limits: tuple[str, ...] = ()
    parts: tuple[type[BaseModel], ...] = ()


@dataclass(frozen=True)
class Key:
    """A key that may be written.

    Attributes
    ----------
    name : str
    text : str
        What it means; empty if nobody has said it.
    form : Form
    default : str or None
        As it would be written; None where the key is required or left out by default.
    required : bool
    """

    name: str
    text: str
    form: Form
    default: str | None
    required: bool


@dataclass(frozen=True)
class Section:
    """A mapping of a file: its model, the places where it may stand, its keys."""

    model: type[BaseModel]
    places: tuple[str, ...]
    keys: tuple[Key, ...]

    @property
    def text(self) -> str:
        """What the mapping is."""
        return inspect.cleandoc(self.model.__doc__ or "")

    @property
    def kind(self) -> tuple[str, str] | None:
        """Key and value that tell it from others that may stand at its places."""
        for name, field in self.model.model_fields.items():
            if get_origin(field.annotation) is Literal and len(values := get_args(field.annotation)) == 1:
                return name, str(values[0])
        return None


def sections(root: type[BaseModel], place: str = "") -> list[Section]:
    """All mappings of a file whose content is ``root``, from the outermost to the innermost, each once."""
    places: dict[type[BaseModel], list[str]] = {}
    found: dict[type[BaseModel], tuple[Key, ...]] = {}
    waiting = [(root, place)]
    while waiting:
        model, where = waiting.pop(0)
        if where in places.setdefault(model, []):
            continue
        places[model].append(where)
        if model in found:
            continue  # what is in it has been told
        found[model] = tuple(_keys(model))
        for key in found[model]:
            below = f"{where}.{key.name}" if where else key.name
            below += ".NAME" if "for every name" in key.form.words else ""
            waiting += [(part, below) for part in key.form.parts]
    return [Section(model, tuple(places[model]), keys) for model, keys in found.items()]


def undocumented(root: type[BaseModel]) -> list[str]:
    """Keys of which nobody has said what they mean, as ``Model.key``."""
    return [
        f"{section.model.__name__}.{key.name}" for section in sections(root) for key in section.keys if not key.text
    ]


def _keys(model: type[BaseModel]) -> Iterator[Key]:
    texts = _texts(model)
    model.model_rebuild()  # names that were not known when it was made
    for name, field in model.model_fields.items():
        form = _form(field.annotation, field.metadata)
        text = " ".join((texts.get(name) or field.description or "").split())
        if not text and get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1:
            text = "Says which kind is meant."
        yield Key(field.alias or name, text, form, _default(model, name, field), field.is_required())


def _default(model: type[BaseModel], name: str, field: FieldInfo) -> str | None:
    """Default as it would be written; that of a kind stands in its class."""
    value = None if field.is_required() else field.get_default(call_default_factory=True)
    kind = getattr(model, "KIND", None)
    if value is None and kind is not None and is_dataclass(kind):
        value = next((one.default for one in fields(kind) if one.name == name and one.default is not MISSING), None)
    if value is None or value == "" or isinstance(value, BaseModel | Mapping | tuple | list):
        return None
    return json.dumps(value).strip('"')


def _form(annotation: Any, metadata: Any = ()) -> Form:
    """What a value of this type looks like."""
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _form(args[0], (*args[1:], *metadata))
    metadata = [one for given in metadata for one in (given.metadata if isinstance(given, FieldInfo) else (given,))]
    for validator in metadata:
        owner = getattr(getattr(validator, "func", None), "__self__", None)
        if isinstance(owner, Check):
            return _number(owner, annotation)
        if isinstance(owner, Place):
            return _drawn(owner, annotation)
    if origin in (Union, types.UnionType):
        return _either([_form(one, metadata) for one in args if one is not type(None)])
    if origin is Literal:
        return Form(" or ".join(f"`{value}`" for value in args))
    if origin is dict:
        inner = _form(args[1])
        return Form(f"for every name: {inner.words}", inner.limits, inner.parts)
    if origin is tuple:
        return _sequence(args, metadata)
    return _plain(annotation, metadata)


def _number(check: Check, annotation: Any) -> Form:
    several = annotation is QuantityList
    what = "list of numbers" if several else "whole number" if check.integer else "number"
    if isinstance(check, WeightCheck):
        return Form(f"number in {' or '.join(check.SIGNED)} {SOURCED}", ("≥ 0 in nS",))
    unit = " in any unit" if check.unit is None else "" if check.unit == "1" else f" in {check.unit}"
    return Form(f"{what}{unit} {SOURCED}", _limits(check))


def _drawn(place: Place, annotation: Any) -> Form:
    """A number, or a distribution that one is drawn from."""
    inner = _form(annotation)
    if isinstance(place, WeightPlace):
        return Form(
            f"number in {' or '.join(WeightCheck.SIGNED)} {SOURCED}, or distribution", ("≥ 0 in nS",), inner.parts
        )
    unit = "" if place.unit is None else f" in {place.unit}"
    return Form(
        "distribution" if place.around else f"number{unit} {SOURCED}, or distribution", _limits(place), inner.parts
    )


def _limits(owner: Check | Place) -> tuple[str, ...]:
    limits = (getattr(owner, "gt", None), ">"), (getattr(owner, "ge", None), "≥"), (getattr(owner, "le", None), "≤")
    return tuple(f"{sign} {limit:g}" for limit, sign in limits if limit is not None)


def _either(forms: list[Form]) -> Form:
    words = list(dict.fromkeys(form.words for form in forms))
    if "whole number" in words and "number" in words:
        words.remove("whole number")
    limits = tuple(dict.fromkeys(limit for form in forms for limit in form.limits))
    return Form(", or ".join(words), limits, tuple(dict.fromkeys(part for form in forms for part in form.parts)))


def _sequence(args: tuple[Any, ...], metadata: Any) -> Form:
    inner = _form(args[0])
    if len(args) == 2 and args[1] is Ellipsis:
        least = [f"at least {one.min_length}" for one in metadata if isinstance(one, MinLen)]
        return Form(f"list of {_plural(inner.words)}", (*least, *inner.limits), inner.parts)
    return Form(f"list of {len(args)} {_plural(inner.words)}", inner.limits, inner.parts)


def _plural(words: str) -> str:
    return {"number": "numbers", "name": "names", "text": "texts", "whole number": "whole numbers"}.get(words, words)


def _plain(annotation: Any, metadata: Any) -> Form:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return Form("mapping", (), (annotation,))
    limits = [
        f"{sign} {getattr(one, name):,}" for one in metadata for kind, name, sign in LIMITS if isinstance(one, kind)
    ]
    named = any(getattr(one, "pattern", None) for one in metadata)
    words = {bool: "`true` or `false`", int: "whole number", float: "number", str: "name" if named else "text"}
    return Form(words.get(annotation, "any value"), tuple(limits))


@cache
def _texts(model: type[BaseModel]) -> dict[str, str]:
    """Text below every field, of a model, of those it is made from, and of the kind that it is the form of."""
    found: dict[str, str] = {}
    kind = getattr(model, "KIND", None)
    for one in (*reversed(model.__mro__), *(reversed(kind.__mro__) if kind is not None else ())):
        if one.__module__.partition(".")[0] not in ("builtins", "pydantic", "abc"):
            found |= _texts_of(one)
    return found


def _texts_of(model: type) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(model)))
    except (OSError, TypeError, IndentationError):  # made when the program runs
        return {}
    (body,) = [node.body for node in tree.body if isinstance(node, ast.ClassDef)]
    found = {}
    for field, after in itertools.pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            text = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else None
            if isinstance(text, str):
                found[field.target.id] = inspect.cleandoc(text)
    return found
