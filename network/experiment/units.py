"""The closed table of units, and the conversion of a value to the unit NEST uses for its dimension."""

from __future__ import annotations

NEST_UNITS = (
    "ms",
    "mV",
    "pA",
    "nS",
    "pF",
    "spikes/s",
    "Hz",
    "1",
    "1/ms",
    "nS/mV",
    "pA/mV",
    "pA/mV^2",
    "pA/mV^3",
    "mV/pA",
    "um",
    "um/ms",
    "1/mm3",
    "mmol",
    "mmol/pA",
)
"""Units of the values in a plan. Hz is for oscillations only; rates of spikes are in spikes/s."""

UNITS: dict[str, tuple[str, float]] = {
    **{unit: (unit, 1.0) for unit in NEST_UNITS},
    "us": ("ms", 1e-3),
    "s": ("ms", 1e3),
    "uV": ("mV", 1e-3),
    "V": ("mV", 1e3),
    "nA": ("pA", 1e3),
    "uA": ("pA", 1e6),
    "pS": ("nS", 1e-3),
    "uS": ("nS", 1e3),
    "mS": ("nS", 1e6),
    "nF": ("pF", 1e3),
    "uF": ("pF", 1e6),
    "kHz": ("Hz", 1e3),
    "Bq": ("spikes/s", 1.0),  # NESTML's unit of events per second
    "pF/mV/ms": ("nS/mV", 1.0),
    "1/s": ("1/ms", 1e-3),
    "nS/V": ("nS/mV", 1e-3),
    "mm": ("um", 1e3),
    "mm/ms": ("um/ms", 1e3),
    "m/s": ("um/ms", 1e3),
}
"""Accepted spelling -> (NEST's unit of the same dimension, factor)."""

# An experimenter reads these as equal; a conductance times a potential is a current.
_SAME_DIMENSION = {"pA/mV": "nS", "nS": "nS", "nS/mV": "nS/mV", "pA/mV^2": "nS/mV"}


def convert(value: float, unit: str) -> tuple[float, str]:
    """Value in NEST's unit, and that unit.

    Raises
    ------
    KeyError
        If the unit is not in the table.

    Examples
    --------
    >>> convert(1.5, "s")
    (1500.0, 'ms')
    """
    canonical, factor = UNITS[unit]
    if factor == 1.0:
        return value, canonical
    # dividing by the whole number keeps decimal input exact: 1.7 us -> 0.0017 ms
    return (value * factor if factor > 1.0 else value / round(1.0 / factor)), canonical


def canonical(unit: str) -> str:
    """NEST's unit of the same dimension; KeyError if the unit is not in the table."""
    return UNITS[unit][0]


def compatible(unit: str, expected: str) -> bool:
    """Whether a value in ``unit`` can stand where ``expected`` is asked for (both in the table)."""
    ours, theirs = canonical(unit), canonical(expected)
    return _SAME_DIMENSION.get(ours, ours) == _SAME_DIMENSION.get(theirs, theirs)


def accepted(expected: str) -> list[str]:
    """Spellings that are accepted where ``expected`` is asked for."""
    return [unit for unit in UNITS if compatible(unit, expected)]
