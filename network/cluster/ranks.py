"""Which rank of an MPI job this process is, from its launcher's variables, before MPI is started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

# (rank, size) as Open MPI, then MPICH, Intel and Cray MPI, then Slurm's srun set them for every process.
# A Slurm *batch script* has SLURM_PROCID too, but no SLURM_STEP_NUM_TASKS: it is not a rank.
_VARIABLES = (
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "PMI_SIZE"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
)

_SIBLINGS = ("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS")
"""Ranks on the same machine, as Open MPI and as MPICH and Intel MPI set it."""
LAUNCHER_PREFIXES = ("OMPI_", "PMI_", "PMIX_", "HYDRA_", "HYDI_", "MPI_LOCAL")
"""Variables with which a child process would believe that it is a rank of its parent's job."""


@dataclass(frozen=True)
class Ranks:
    """Place of this process in an MPI job; rank 0 of 1 outside of one.

    Attributes
    ----------
    rank, size : int
    on_this_machine : int
        Ranks of the job on the machine of this one; 1 where the launcher does not say.
    """

    rank: int = 0
    size: int = 1
    on_this_machine: int = 1

    @property
    def name(self) -> str:
        """Name of this rank in file names, sortable up to a million ranks."""
        return rank_name(self.rank)

    @property
    def first(self) -> bool:
        """Whether this process is the one that talks and writes what all share."""
        return self.rank == 0


def rank_name(rank: int) -> str:
    """Name of a rank in file names.

    >>> rank_name(3)
    'rank-000003'
    """
    return f"rank-{rank:06d}"


def present(environment: Mapping[str, str] | None = None) -> Ranks:
    """Rank and size of the job that this process belongs to.

    Parameters
    ----------
    environment : mapping, optional
        By default that of this process.
    """
    variables = os.environ if environment is None else environment
    for rank, size in _VARIABLES:
        try:
            found = Ranks(int(variables[rank]), int(variables[size]))
        except (KeyError, ValueError):
            continue
        if 0 <= found.rank < found.size:
            beside = next((variables[name] for name in _SIBLINGS if variables.get(name, "").isdigit()), "1")
            return replace(found, on_this_machine=max(1, int(beside)))
    return Ranks()


def without_launcher(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment for programs that must not take part in the job: compilers, another ``mpirun``."""
    variables = os.environ if environment is None else environment
    return {name: value for name, value in variables.items() if not name.startswith(LAUNCHER_PREFIXES)}
