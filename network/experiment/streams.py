"""Streams of random numbers, one for each purpose."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def stream(seed: int, *purpose: str) -> np.random.Generator:
    """Random numbers for one purpose, the same on every rank and independent of all other purposes.

    Examples
    --------
    >>> float(stream(1, "A", "C_m").random()) == float(stream(1, "A", "C_m").random())
    True
    """
    import numpy as np

    return np.random.default_rng(np.random.SeedSequence([seed, *(zlib.crc32(part.encode()) for part in purpose)]))
