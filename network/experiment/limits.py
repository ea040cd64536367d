"""What a number, a list or a file may be at most: limits that keep mistakes from filling memory or overflowing.

They lie far beyond anything that can be simulated; a value beyond them is a slip of the keyboard, and is said to be one
before anything is computed with it.
"""

from __future__ import annotations

import math
from typing import Any, TypeGuard

LARGEST, SMALLEST = 1e18, 1e-18
"""Magnitudes of numbers other than 0, in files and in NEST's units; products and ratios of them never overflow."""
MAX_CELLS = 1e11
"""Neurons of a network, sources of a neuron: a human brain has 8.6e10 (Azevedo et al. 2009, doi 10.1002/cne.21974)."""
MAX_TIME, MAX_DELAY = 1e12, 10_000.0
"""Length of a simulation (30 years) and of an axon, ms; buffers of spikes grow with the delay."""
MAX_ACTIONS = 10_000
"""Sets of cells that a population is split into."""
MAX_PROCESSES = 10_000_000
"""Processes of a job, threads of a process."""
MAX_TRACED = 1_000_000
"""Cells whose state variables are recorded."""
MAX_CHANGES = 10_000
"""Changes of parameters during a run; the simulator stops and starts for each."""
MAX_CELL_VALUES = 20_000_000
"""Values of parameters that differ from cell to cell, over all changes of a run; a plan keeps each of them."""
MAX_POINTS = 1_000_000
"""Simulations of a scan, trials of a search."""
NAME_PATTERN = r"[A-Za-z_][A-Za-z0-9_]*"
"""Names of networks, and of what is in them."""
MAX_KEY = 80
"""Characters of the name of a population, trace and so on; up to three of them make the name of a file, of 255."""
MAX_NAME = 150
"""Characters of the name of a folder; file systems allow 255, and a hash is added."""
MAX_BYTES = 10_000_000
"""Size of a file of parameters."""
MAX_DIGITS = 400
"""Characters of a number."""
MAX_DEPTH = 40
"""Mappings and lists inside one another."""
MAX_VALUES = 500_000
"""Keys and values of a file, where what an alias stands for counts each time."""


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether a value is a finite number; true and false are none."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def beyond(value: float) -> str | None:
    """What is wrong with the magnitude of a finite number, None if nothing is."""
    size = abs(value)
    if size > LARGEST:
        return f"{shown(value)} is too large; numbers go up to {LARGEST:g}"
    return f"{shown(value)} is too small; numbers other than 0 start at {SMALLEST:g}" if 0 < size < SMALLEST else None


def shown(value: Any) -> str:
    """Short text of a value; of a number with thousands of digits its size."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST:
        digits = len(str(abs(value))) if value.bit_length() < 10_000 else value.bit_length() * 3 // 10
        return f"a number of {digits:,} digits"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}...{text[-12:]}"


def read_number(text: str) -> int | float | None:
    """Number in any usual spelling, 1e-3 too, None if the text is none; what is too large becomes infinite.

    >>> read_number("1e3"), read_number("12"), read_number("1_000"), read_number("9" * 5000)
    (1000.0, 12, None, inf)
    """
    if not text.isascii() or "_" in text:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    try:
        return int(text) if len(text) <= MAX_DIGITS else number
    except ValueError:
        return number
