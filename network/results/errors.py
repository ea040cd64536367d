"""Errors of the results layer: each names the file or folder, what is wrong and what can be done about it."""

from __future__ import annotations


class ResultsError(Exception):
    """Something on disk is not what it should be."""


class RunExistsError(ResultsError):
    """The folder is taken: a complete run, a run still going on, or something that is no run of ours."""


class RunBusyError(RunExistsError):
    """A run is going on in the folder."""


class RunMissingError(ResultsError):
    """There is no run, or no such file, population or report in the run."""


class RunIncompleteError(ResultsError):
    """The run was started but never finished."""


class RunCorruptError(ResultsError):
    """The files differ from what the manifest of the run says."""
