"""Families of kinds: one class per kind, which says what may be written and what it means in plain numbers.

The classes of a family are those in the modules of its folder (:mod:`network.experiment.rules`,
:mod:`network.experiment.receptors`, :mod:`network.experiment.synapses`): a kind is added by a file with a class.
Rules and synapses are frozen dataclasses of plain numbers, as a plan keeps them; `written` says of each field how it
is written, and :func:`form_of` makes the pydantic model of it, so that nothing is said twice.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from dataclasses import MISSING, Field, field, fields
from typing import Annotated, Any, Literal, Union

from pydantic import Field as FieldInfo
from pydantic import create_model

from .quantities import Count, Quantity, QuantityList, Spec


def written(form: Any, *, modulated: bool = False, identity: bool = True, **default: Any) -> Any:
    """Field of a kind that is written as ``form``, a type of :mod:`network.experiment.quantities`.

    ``modulated`` values are multiplied by the effects of modulators that stand beside them. A ``default`` (or
    ``default_factory``) is that of the plain number; such a field can be left out. What is not ``identity`` is a label:
    a simulation is the same whatever it says.
    """
    return field(metadata={"written": form, "modulated": modulated, "identity": identity}, **default)


def read_folder(name: str, path: Iterable[str]) -> None:
    """Import all modules of a family's folder."""
    for module in pkgutil.iter_modules(path):
        importlib.import_module(f"{name}.{module.name}")


def kinds_of(base: type) -> list[type[Any]]:
    """Classes of a family that have a name (``TAG``), in the order in which they were read."""
    found: list[type[Any]] = []
    kind: type[Any]
    for kind in base.__subclasses__():
        found += ([kind] if kind.__dict__.get("TAG") else []) + kinds_of(kind)
    return list(dict.fromkeys(found))


def form_of(kind: type[Any], base: type[Spec], *, tagged: bool = True) -> type[Spec]:
    """What may be written of a kind, derived from its fields; its name, too, unless it goes without saying."""
    ((key, tag),) = kind.TAG.items()
    given: dict[str, Any] = {key: (Literal[tag], ...)} if tagged else {}
    for one in _written_of(kind):
        form = one.metadata["written"]
        optional = one.default is not MISSING or one.default_factory is not MISSING
        given[one.name] = (form | None, None) if optional else (form, ...)
    return create_model(kind.__name__, __base__=base, __doc__=kind.__doc__, __module__=kind.__module__, **given)


def _written_of(kind: type[Any]) -> list[Field[Any]]:
    """Fields that are written; others are worked out."""
    return [one for one in fields(kind) if "written" in one.metadata]


def union_of(forms: Iterable[type[Spec]], key: str) -> Any:
    """Type of a field that takes any of these, told apart by ``key``."""
    return Annotated[Union[tuple(forms)], FieldInfo(discriminator=key)]  # noqa: UP007 - made when the program runs


def plain_fields(kind: type[Any], form: Spec) -> dict[str, Any]:
    """Fields of a kind in plain numbers, from what was written; those that were left out are not there."""
    given = {one.name: (one.metadata["written"], getattr(form, one.name)) for one in _written_of(kind)}
    return {
        name: round(value.value) if written_as is Count else plain_value(value)
        for name, (written_as, value) in given.items()
        if value is not None
    }


def plain_value(value: Any) -> Any:
    """Number of a quantity (in NEST's units), numbers of several; anything else as it is."""
    if isinstance(value, Quantity | QuantityList):
        return value.value
    if isinstance(value, dict):
        return {key: plain_value(item) for key, item in value.items()}
    return value


def kind_named(base: type, key: str, name: str) -> type[Any]:
    """Class of a family by its name."""
    (found,) = (kind for kind in kinds_of(base) if kind.TAG[key] == name)
    return found
