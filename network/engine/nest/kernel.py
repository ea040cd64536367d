"""The one place that imports, sets and reads the NEST kernel: threads, seed, delays, rank, memory, timers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from ...cluster import ranks
from ...codegen.toolchain import find_nest
from ...errors import KernelError
from ...plans.plan import Plan

# A synapse of the `_hpc` family stores its target as a 16-bit index on its thread (NEST: nest_types.h).
MAX_HPC_NODES_PER_THREAD = 65_000

UNUSED_BY_US = ("pandas", "matplotlib")
"""What NEST imports where it is installed, for tables and figures of its own: 90 MB and a second in every run."""

_most_threads = 1
WAITING = {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}
"""How threads wait for one another is left to whoever says so by one of these.

Else a thread sleeps after a thousand turns, some microseconds. By default OpenMP keeps the cores busy for a millisecond
or more: where another program needs one of them, all threads then wait for the one that has to share its own.
"""


FEWER_THREADS = ("OMP_THREAD_LIMIT", "OMP_DYNAMIC", "OMP_MAX_ACTIVE_LEVELS")
"""What lets OpenMP begin fewer threads than NEST has asked for, which NEST does not notice and cannot go on with."""


def import_nest() -> ModuleType:
    """Return the ``nest`` module, imported without its banner and without it reading our command line.

    Raises
    ------
    KernelError
        If NEST cannot be imported.
    """
    if "nest" in sys.modules:
        return sys.modules["nest"]
    os.environ.setdefault("PYNEST_QUIET", "1")
    if not os.environ.keys() & WAITING:
        os.environ["GOMP_SPINCOUNT"] = "1000"  # OpenMP reads it when NEST loads it
    argv, sys.argv = sys.argv, sys.argv[:1]  # NEST takes --quiet and --debug from argv
    try:
        with _hidden(*UNUSED_BY_US), _without(*FEWER_THREADS):
            import nest
    except ImportError as error:
        raise KernelError(
            f"NEST cannot be imported ({error}). Install it with `pip install 'bgnest[nest]'`, from "
            "conda-forge (environment.yml), or load your cluster's NEST 3.10 module."
        ) from error
    finally:
        sys.argv = argv
    nest.verbosity = nest.VerbosityLevel.ERROR
    _end_job_on_error()
    return nest


@contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Let packages look as if they were not installed, those that are loaded already excepted.

    The way in which libraries are opened is that of before at the end: NEST makes the symbols of all that come later
    global, and has them looked up at once, which takes long.
    """
    absent = [name for name in names if name not in sys.modules]
    flags = sys.getdlopenflags()
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None: an import fails
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
        sys.setdlopenflags(flags)


@contextmanager
def _without(*names: str) -> Iterator[None]:
    """Take variables out of the environment: OpenMP reads them when it is loaded."""
    given = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(given)


def _end_job_on_error() -> None:
    """Let an error that nobody catches end all ranks.

    The usual end of Python would wait in MPI for the other ranks, which wait for this one.
    """
    if ranks.present().size == 1:
        return
    usual = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if trace is not None and trace.tb_frame.f_code.co_filename.endswith(".pyx"):
            return  # Cython comes here, too, when it lets go of an object with an error; the program goes on
        usual(kind, error, trace)
        sys.stderr.flush()
        os._exit(130 if issubclass(kind, KeyboardInterrupt) else 1)

    sys.excepthook = hook


def version() -> str:
    """NEST's version, for provenance."""
    return str(import_nest().build_info["version"])


def has_mpi() -> bool:
    """Whether this NEST was built with MPI."""
    return bool(import_nest().build_info["have_mpi"])


def found_with_mpi() -> bool:
    """Whether the NEST that would be imported has MPI; does not import it, which would start MPI."""
    return find_nest().mpi


def has_used_threads() -> bool:
    """Whether NEST has had several threads in this process. They wait for work, and would be lost in a fork."""
    return _most_threads > 1


def rank() -> int:
    """Rank of this process; 0 without MPI."""
    return int(import_nest().Rank())


def num_processes() -> int:
    """Number of MPI processes of this simulation; 1 without MPI."""
    return int(import_nest().NumProcesses())


def synchronise() -> None:
    """Wait until all ranks have come here; what they have written before is written then."""
    if num_processes() > 1:
        import_nest().SyncProcesses()


def can_sum() -> bool:
    """Whether `summed` works: on one rank always, on several with the package mpi4py."""
    if num_processes() == 1:
        return True
    try:
        _communicator()
    except ImportError:
        return False
    return True


def summed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of an array over all ranks, on all ranks; NEST has no such call, so several ranks need mpi4py."""
    return values if num_processes() == 1 else np.asarray(_communicator().allreduce(values))


def _communicator() -> Any:
    """World of the MPI that NEST has started, and that NEST will end."""
    import mpi4py

    mpi4py.rc.initialize = mpi4py.rc.finalize = False
    from mpi4py import MPI

    return MPI.COMM_WORLD


def is_local(nest_ids: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Which nodes this rank holds: node i is on virtual process (i mod VPs), so on rank (i mod ranks)."""
    return np.asarray(nest_ids) % num_processes() == rank()


def set_arrays(nodes: Any, values: Mapping[str, NDArray[np.float64]]) -> None:
    """Give every node of a population its own values, one array per parameter, the same on all ranks.

    NEST's ``set`` takes arrays only for nodes that are all on this rank; what other ranks hold they set.
    """
    if (local := local_nodes(nodes)) is not None:
        chosen = is_local(nodes[0].global_id + np.arange(len(nodes)))
        local.set({name: array[chosen] for name, array in values.items()})


def local_nodes(nodes: Any, limit: int | None = None) -> Any:
    """Nodes of a population that this rank holds, the first few or all.

    None if it holds none: NEST has no empty slices. (It has no slices of slices either, hence the limit.)
    """
    stride = num_processes()
    first = (rank() - nodes[0].global_id) % stride
    stop = len(nodes) if limit is None else min(len(nodes), first + limit * stride)
    return nodes[first:stop:stride] if first < len(nodes) else None


def count_local(nodes: Any) -> int:
    """Return how many nodes of a population this rank holds."""
    local = local_nodes(nodes)
    return 0 if local is None else len(local)


def reset(plan: Plan, *modules: Path) -> ModuleType:
    """Bring the kernel into the state a plan asks for, empty, with its models loaded.

    The delay extrema are fixed to the network's own: NEST updates cells in slices of the minimum delay, and
    every ring buffer is as long as the maximum, so that no device may widen them by accident.

    Parameters
    ----------
    plan : Plan
    *modules : Path
        Compiled NESTML modules without suffix, absolute.
    """
    global _most_threads
    nest = import_nest()
    if plan.ranks != num_processes():
        raise KernelError(
            f"the plan is for {plan.ranks} MPI process(es), but this job has {num_processes()}. "
            + ("Start it with mpirun." if has_mpi() else "This NEST has no MPI: run `make mpi`, or use --threads.")
        )
    nest.ResetKernel()
    _most_threads = max(_most_threads, plan.threads)
    nest.set(verbosity=nest.VerbosityLevel.ERROR, local_num_threads=plan.threads)
    nest.set(resolution=plan.resolution, rng_seed=plan.seed, overwrite_files=True)
    nest.set(min_delay=plan.min_delay, max_delay=plan.max_delay)
    for module in modules:
        nest.Install(str(module))
    return nest


def hpc_synapses_fit(n_nodes: int) -> bool:
    """Whether NEST's small ``_hpc`` synapses can address every node that one thread holds."""
    return n_nodes / virtual_processes() < MAX_HPC_NODES_PER_THREAD


def virtual_processes() -> int:
    """Ranks times threads: what decides, with the seed, which random numbers a cell or synapse gets."""
    return int(import_nest().total_num_virtual_procs)


def memory_bytes() -> int:
    """Resident memory of this process in bytes."""
    return int(psutil.Process().memory_info().rss)


def native_timers() -> dict[str, float]:
    """NEST's own timers in seconds; more of them if NEST has detailed timers.

    Of threads that have a timer each the slowest counts, but processor time (names that end in ``_cpu``) is added up.
    """
    status: dict[str, Any] = import_nest().kernel_status
    timers: dict[str, float] = {}
    for key, value in status.items():
        if key.startswith("time_") and not isinstance(value, bool):
            try:
                times = [float(one) for one in value] if hasattr(value, "__len__") else [float(value)]
            except (TypeError, ValueError):
                continue
            timers[key.removeprefix("time_")] = sum(times) if key.endswith("_cpu") else max(times)
    return timers
