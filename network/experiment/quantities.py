"""Quantities: a number with its unit and where it comes from, and the field types built on them."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from .limits import MAX_ACTIONS, MAX_CELLS, MAX_DELAY, MAX_TIME, beyond
from .units import UNITS, accepted, canonical, compatible, convert

NAME_UNITS: dict[str, str] = {
    **dict.fromkeys(("V_m", "E_L", "V_th", "V_reset", "V_peak", "V_a", "V_b", "Delta_T", "E_rev"), "mV"),
    **dict.fromkeys(("V_act", "S_act", "reset_max_neg", "reset_max_pos"), "mV"),
    **dict.fromkeys(("tau_syn", "tau_w", "tau_m", "t_ref"), "ms"),
    **dict.fromkeys(("I_e", "u", "w", "d"), "pA"),
    **dict.fromkeys(("g_L", "a1", "a2"), "nS"),
    **dict.fromkeys(("reset_slope_neg", "reset_slope_pos"), "mV/pA"),
    "C_m": "pF",
    "k": "nS/mV",
}
"""Units of the usual names of neuron parameters and states, where the NESTML model does not say more."""


class UserInt(int):
    """Bare integer from a command line or a user's overlay; ``set_by`` says which."""

    set_by = ""


class UserFloat(float):
    """Bare number from a command line or a user's overlay; ``set_by`` says which."""

    set_by = ""


def user_number(value: float, set_by: str) -> UserInt | UserFloat:
    """Mark a bare number as given by the user, so that it needs neither unit nor source."""
    marked = UserInt(value) if isinstance(value, int) else UserFloat(value)
    marked.set_by = set_by
    return marked


class Spec(BaseModel):
    """Base of all parts of the specification: no unknown keys, no change after validation, strict types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)


class _Sourced(Spec):
    unit: str
    """Spelling of the closed table in :mod:`network.experiment.units`; NEST's unit after validation."""
    source: str | None = None
    """Bibliography key, see ``params/sources.yaml``."""
    assumed: str | None = None
    """Reason, where there is no source."""
    set_by: str | None = None
    """'command line' or the user's file, for values that a user set without a source."""
    note: str | None = None
    """Free text for readers."""

    @model_validator(mode="before")
    @classmethod
    def _unit_is_text(cls, data: Any) -> Any:
        # `unit: 1` (dimensionless) is an integer for YAML
        if isinstance(data, dict) and data.get("unit") == 1 and not isinstance(data.get("unit"), bool):
            return {**data, "unit": "1"}
        return data

    @model_validator(mode="after")
    def _complete(self) -> _Sourced:
        if not (self.source or self.assumed or self.set_by):
            raise PydanticCustomError(
                "no_source", "no source: add 'source: KEY' (params/sources.yaml) or 'assumed: REASON'"
            )
        return self


class Quantity(_Sourced):
    """Number, unit and source."""

    value: float
    """The number."""


class QuantityList(_Sourced):
    """Several numbers with one unit and source."""

    value: tuple[float, ...] = Field(strict=False)
    """The numbers."""


class Check:
    """Validator of one field: unit against the expected one, conversion to NEST's unit, limits.

    Parameters
    ----------
    unit : str or None
        NEST's unit that is expected; None accepts every unit of the table.
    gt, ge, le : float or None
        Limits of the converted value.
    integer : bool
        Whether only whole numbers are valid.
    """

    def __init__(
        self,
        unit: str | None = None,
        *,
        gt: float | None = None,
        ge: float | None = None,
        le: float | None = None,
        integer: bool = False,
    ) -> None:
        self.unit, self.gt, self.ge, self.le, self.integer = unit, gt, ge, le, integer

    def before(self, value: Any) -> Any:
        """Complete a user's bare number; explain a bare number in a file."""
        if isinstance(value, UserInt | UserFloat) and self.unit is not None:
            plain = int(value) if isinstance(value, UserInt) else float(value)
            return {"value": plain, "unit": self.unit, "set_by": value.set_by}
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise PydanticCustomError(
                "bare_number",
                "{given} has no unit and no source: write {example}",
                {
                    "given": str(value),
                    "example": f"{{value: {value}, unit: {self.unit or 'UNIT'}, source: KEY}}",
                },
            )
        return value

    def after(self, quantity: Any) -> Any:
        """Check unit and limits; returns the quantity in NEST's unit."""
        unit = quantity.unit
        if unit not in UNITS or (self.unit is not None and not compatible(unit, self.unit)):
            valid = accepted(self.unit) if self.unit is not None else list(UNITS)
            raise PydanticCustomError(
                "unit",
                "wrong unit {unit}; accepted: {valid}",
                {"unit": repr(unit), "valid": ", ".join(valid)},
            )
        if isinstance(quantity, QuantityList):
            values = tuple(convert(item, unit)[0] for item in quantity.value)
            for item in values:
                self._limits(item)
            return quantity.model_copy(update={"value": values, "unit": canonical(unit)})
        converted, unit = convert(quantity.value, unit)
        self._limits(converted)
        return quantity.model_copy(update={"value": converted, "unit": self.unit or unit})

    def _limits(self, value: float) -> None:
        if problem := beyond(value):
            raise PydanticCustomError("magnitude", "{problem}", {"problem": problem})
        if self.integer and not math.isclose(value, round(value), abs_tol=1e-9):
            raise PydanticCustomError("integer", "{value} must be a whole number", {"value": value})
        for limit, wrong, word in (
            (self.gt, lambda x, y: x <= y, "greater than"),
            (self.ge, lambda x, y: x < y, "at least"),
            (self.le, lambda x, y: x > y, "at most"),
        ):
            if limit is not None and wrong(value, limit):
                raise PydanticCustomError(
                    "limit",
                    "{value} must be {word} {limit}",
                    {
                        "value": f"{value:g}" if self.unit in (None, "1") else f"{value:g} {self.unit}",
                        "word": word,
                        "limit": f"{limit:g}",
                    },
                )


class WeightCheck(Check):
    """Weight of a synapse: in the unit of any kind of receptor; which it must be, the receptor says."""

    SIGNED: ClassVar[dict[str, bool]] = {"nS": False, "pA": True, "mV": True}
    """Units of weights, and whether such a weight may be negative."""

    def __init__(self) -> None:
        super().__init__("nS")

    def after(self, quantity: Any) -> Any:
        """Check unit and sign; returns the quantity in NEST's unit."""
        for unit, signed in self.SIGNED.items():
            if quantity.unit in UNITS and compatible(quantity.unit, unit):
                return Check(unit, ge=None if signed else 0.0).after(quantity)
        valid = ", ".join(spelling for unit in self.SIGNED for spelling in accepted(unit))
        raise PydanticCustomError(
            "unit", "wrong unit {unit}; accepted: {valid}", {"unit": repr(quantity.unit), "valid": valid}
        )


def _field(check: Check, base: Any = Quantity) -> Any:
    return Annotated[base, AfterValidator(check.after), BeforeValidator(check.before)]


AnyQuantity = _field(Check())
AnyPositive = _field(Check(gt=0.0))
Milliseconds = _field(Check("ms"))
NonNegativeMilliseconds = _field(Check("ms", ge=0.0))
PositiveMilliseconds = _field(Check("ms", gt=0.0))
WarmUp = _field(Check("ms", ge=0.0, le=MAX_TIME))
Duration = _field(Check("ms", gt=0.0, le=MAX_TIME))
Delay = _field(Check("ms", gt=0.0, le=MAX_DELAY))
Millivolts = _field(Check("mV"))
Picoamperes = _field(Check("pA"))
PositiveMillivolts = _field(Check("mV", gt=0.0))
Weight = _field(WeightCheck())
RateConstant = _field(Check("1/ms", ge=0.0))
Rate = _field(Check("spikes/s", ge=0.0))
Frequency = _field(Check("Hz", gt=0.0))
PulseFrequency = _field(Check("Hz", ge=0.0))
Number = _field(Check("1"))
NonNegative = _field(Check("1", ge=0.0))
Positive = _field(Check("1", gt=0.0))
Fraction = _field(Check("1", ge=0.0, le=1.0))
PositiveFraction = _field(Check("1", gt=0.0, le=1.0))
Count = _field(Check("1", ge=1.0, le=MAX_CELLS, integer=True))
Sets = _field(Check("1", ge=1.0, le=MAX_ACTIONS, integer=True))
AnatomicalCount = _field(Check("1", gt=0.0, le=1e15))
Length = _field(Check("um", gt=0.0))
Lengths = _field(Check("um", ge=0.0), QuantityList)
Coordinates = _field(Check("um"), QuantityList)
Density = _field(Check("1/mm3", gt=0.0))
Velocity = _field(Check("um/ms", gt=0.0))
Times = _field(Check("ms", ge=0.0), QuantityList)
Factors = _field(Check("1", ge=0.0), QuantityList)
Offsets = _field(Check("1", integer=True), QuantityList)
Fractions = _field(Check("1", ge=0.0, le=1.0), QuantityList)
Currents = _field(Check("pA"), QuantityList)
