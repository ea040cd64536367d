"""Where the cells of a population are, as it is written: one class per shape, told apart by ``shape:``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from . import space
from .quantities import Coordinates, Length, Lengths, Spec


class _Placed(Spec):
    arrangement: Literal["random", "even"] = "random"
    """At random, or as regular as can be."""


class BoxShape(_Placed):
    """Line, rectangle or box, by the number of its extents."""

    shape: Literal["box"]
    extent: Lengths
    centre: Coordinates | None = None
    periodic: bool = False
    """Opposite sides are neighbours."""

    def plain(self) -> space.Shape:  # noqa: D102
        extent = tuple(self.extent.value)
        centre = (0.0,) * len(extent) if self.centre is None else tuple(self.centre.value)
        return space.Box(extent, centre, self.periodic, self.arrangement == "even")

    @model_validator(mode="after")
    def _consistent(self) -> BoxShape:
        n = len(self.extent.value)
        if not 1 <= n <= 3 or min(self.extent.value) <= 0.0:
            raise PydanticCustomError("shape", "extent must have 1 to 3 lengths greater than 0")
        if self.centre is not None and len(self.centre.value) != n:
            raise PydanticCustomError("shape", "centre must have as many coordinates as extent")
        return self


class SphereShape(Spec):
    """Ball, or a disc where the centre has two coordinates; cells are anywhere within."""

    shape: Literal["sphere"]
    radius: Length
    centre: Coordinates | None = None
    """(0, 0, 0) if not given."""

    def plain(self) -> space.Shape:  # noqa: D102
        return space.Sphere(self.radius.value, (0.0,) * 3 if self.centre is None else tuple(self.centre.value))

    @model_validator(mode="after")
    def _consistent(self) -> SphereShape:
        if self.centre is not None and len(self.centre.value) not in (2, 3):
            raise PydanticCustomError("shape", "centre must have 3 coordinates, or 2 for a disc")
        return self


class RingShape(_Placed):
    """Circle, along which distances are measured."""

    shape: Literal["ring"]
    radius: Length

    def plain(self) -> space.Shape:  # noqa: D102
        return space.Ring(self.radius.value, self.arrangement == "even")


Positions = Annotated[BoxShape | SphereShape | RingShape, Field(discriminator="shape")]


def shape_from_dict(data: dict[str, Any] | None) -> space.Shape | None:
    """Shape of a population from its JSON form in a plan."""
    if data is None:
        return None
    (kind,) = (kind for kind in space.SHAPES if kind.TAG["shape"] == data["shape"])
    fields: Any = {
        key: tuple(value) if isinstance(value, list) else value for key, value in data.items() if key != "shape"
    }
    return kind(**fields)
