"""What Neo reads, beside tables, SONATA and NWB (Garcia et al. 2014, doi 10.3389/fninf.2014.00010)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .spike_tables import SpikeTableError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

READ = (".mat", ".nix", ".abf", ".smr", ".smrx", ".plx", ".nex", ".nev", ".ns5", ".ns6", ".rhd", ".rhs", ".edf")
"""Ends of names of files that are handed to Neo."""
PICKLES = (".pkl", ".pickle")
"""Neo reads these, too, but to read one is to run whatever program is in it."""
NEO = (*READ, *PICKLES)


def neo_block(path: str) -> Any:
    """First block of a file.

    Raises
    ------
    SpikeTableError
        If Neo is not installed, or does not read it; if it is a pickle.
    """
    ending = Path(path).suffix.lower()
    if ending in PICKLES:
        raise SpikeTableError("a pickle is not read, as that runs what is in it; let Neo write .mat or .nix")
    if ending not in (*READ, ".h5"):
        raise SpikeTableError(f"neither NWB nor a kind of file that is read by Neo ({', '.join(READ)})")
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
