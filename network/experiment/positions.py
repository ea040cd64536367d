"""Where the cells of a population are, as it is written: one class per shape, told apart by ``shape:``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from . import space
from .quantities import Coordinates, Density, Length, Lengths, Spec

UM_PER_MM = 1000.0


class _Placed(Spec):
    arrangement: Literal["random", "even"] = "random"
    """At random, or as regular as can be."""


class BoxShape(_Placed):
    """Line, rectangle or box, by the number of its extents; or a cube by the density of the whole network."""

    shape: Literal["box"]
    extent: Lengths | None = None
    """Length of each side, one to three of them."""
    density: Density | None = None
    """Cells of all populations together per volume of the cube, which grows with the network."""
    centre: Coordinates | None = None
    """Of the box; the origin if not given."""
    periodic: bool = False
    """Opposite sides are neighbours."""

    def plain(self, n_network: int) -> space.Shape:  # noqa: D102
        if self.extent is not None:
            extent = tuple(self.extent.value)
        else:
            assert self.density is not None
            extent = (UM_PER_MM * (n_network / self.density.value) ** (1.0 / 3.0),) * 3
        centre = (0.0,) * len(extent) if self.centre is None else tuple(self.centre.value)
        return space.Box(extent, centre, self.periodic, self.arrangement == "even")

    @model_validator(mode="after")
    def _consistent(self) -> BoxShape:
        if (self.extent is None) == (self.density is None):
            raise PydanticCustomError("shape", "exactly one of 'extent' and 'density' is needed")
        n = 3 if self.extent is None else len(self.extent.value)
        if not 1 <= n <= 3 or (self.extent is not None and min(self.extent.value) <= 0.0):
            raise PydanticCustomError("shape", "extent must have 1 to 3 lengths greater than 0")
        if self.centre is not None and len(self.centre.value) != n:
            raise PydanticCustomError("shape", "centre must have as many coordinates as the box")
        return self


class SphereShape(Spec):
    """Ball, or a disc where the centre has two coordinates; cells are anywhere within."""

    shape: Literal["sphere"]
    radius: Length
    """Of the ball."""
    centre: Coordinates | None = None
    """(0, 0, 0) if not given."""

    def plain(self, n_network: int) -> space.Shape:  # noqa: D102
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
    """Of the circle."""

    def plain(self, n_network: int) -> space.Shape:  # noqa: D102
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
