"""What Neo reads, beside tables, SONATA and NWB (Garcia et al. 2014, doi 10.3389/fninf.2014.00010)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .spike_tables import SpikeTableError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEO = (".mat", ".pkl", ".nix", ".abf", ".smr", ".smrx", ".plx", ".nex", ".nev", ".ns5", ".ns6", ".rhd", ".rhs", ".edf")
"""Ends of names of files that are handed to Neo."""


def neo_block(path: str) -> Any:
    """First block of a file.

    Raises
    ------
    SpikeTableError
        If Neo is not installed, or does not read it.
    """
    try:
        import neo
    except ImportError as error:
        raise SpikeTableError("files of this kind are read by Neo, which is not installed: pip install neo") from error
    try:
        blocks = neo.io.get_io(path).read(lazy=False)
    except Exception as error:
        raise SpikeTableError(f"Neo does not read it: {str(error) or type(error).__name__}") from error
    if not blocks or not blocks[0].segments:
        raise SpikeTableError("Neo finds no segment in it")
    return blocks[0]


def read_neo(path: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Times (ms) and trains of the spike trains of the first segment; train i of the segment is train i."""
    import numpy as np

    trains = neo_block(path).segments[0].spiketrains
    if not trains:
        raise SpikeTableError("Neo finds no spike trains in it")
    times = [np.asarray(train.rescale("ms"), float).reshape(-1) for train in trains]
    return np.concatenate(times), np.repeat(np.arange(len(times)), [len(one) for one in times])
