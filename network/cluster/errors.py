"""The one exception of this layer: what is missing or went wrong on the way to an MPI job, and the remedy."""


class ClusterError(RuntimeError):
    """An MPI job cannot be prepared, started or submitted."""
