"""All exceptions of the package: one root, and below it one kind per layer.

Each message is for a person who wants to go on: what is wrong, where (file, line, key, population), and what can be
done. Whoever catches `Error` catches everything that a user can mend; anything else is a fault of ours.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

MAX_SHOWN = 100
"""Problems in the message; the attribute ``problems`` has all of them."""
MAX_LENGTH = 2000
"""Characters of one problem."""


class Error(Exception):
    """Something that the message explains and a user can mend."""

    exit_code = 1
    """Exit code of a command that ends with it."""


class SpecError(Error, ValueError):
    """The specification is wrong; the message has one line per problem.

    Parameters
    ----------
    problems : sequence of str
        Each names the file, the key path, what is wrong and, where there are any, the valid choices.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems: tuple[str, ...] = tuple(_one_line(problem) for problem in problems)
        super().__init__(self._message())

    def _message(self) -> str:
        if len(self.problems) == 1:
            return self.problems[0]
        head = f"{len(self.problems)} problems in the specification:"
        left = len(self.problems) - MAX_SHOWN
        more = [f"  ... and {left:,} more"] if left > 0 else []
        return "\n".join([head, *(f"  {problem}" for problem in self.problems[:MAX_SHOWN]), *more])


def spelled_out(text: str, keep: str = "") -> str:
    r"""Text without characters that a terminal would obey, or that are no characters, but for those to keep.

    >>> spelled_out("red: \x1b[31m")
    'red: \\x1b[31m'
    """
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode("ascii") for c in text)


def _one_line(problem: str) -> str:
    """Problem on one line of the terminal, whatever it quotes: line breaks and escapes are spelled out."""
    plain = spelled_out(problem)
    half = MAX_LENGTH // 2
    return plain if len(plain) <= MAX_LENGTH else f"{plain[:half]} [...] {plain[-half:]}"


class BuildError(Error, RuntimeError):
    """A model cannot be turned into a NEST module; the message names the cause and the remedy."""


class RefusedError(BuildError):
    """A code generation target cannot express a model; another one can.

    Parameters
    ----------
    line : int
        Of the construct, 0 if not known.
    what : str
        The construct.
    """

    def __init__(self, message: str, line: int = 0, what: str = "") -> None:
        super().__init__(message)
        self.line, self.what = line, what


class NoCompilerError(BuildError):
    """Nothing can be compiled on this machine."""


class EngineError(Error, RuntimeError):
    """Building or simulating failed; the message names the part of the plan that caused it."""


class KernelError(EngineError):
    """NEST is missing, too old, or cannot do what the plan asks of it."""


class RoomError(EngineError):
    """There is not enough memory or disk for a run; the message says what would fit."""


class RunawayError(EngineError):
    """Activity exploded and the run was stopped."""

    exit_code = 3


class NotFiniteError(RunawayError):
    """The state of a cell is not finite, and the run was stopped."""


class RunError(Error):
    """Something about a run on disk is not what it should be."""


class RunExistsError(RunError):
    """The folder is taken: a complete run, a run still going on, or something that is no run of ours."""


class RunBusyError(RunExistsError):
    """A run is going on in the folder."""


class RunMissingError(RunError):
    """There is no run, or no such file, population or report in the run."""


class RunIncompleteError(RunError):
    """The run was started but never finished."""


class RunCorruptError(RunError):
    """The files differ from what the manifest of the run says."""


class ClusterError(Error, RuntimeError):
    """An MPI job cannot be prepared, started or submitted."""


class ScanError(Error):
    """A scan cannot be run or read; the message says what can be done."""


def choices(given: object, valid: Iterable[str], what: str = "valid", limit: int = 24) -> str:
    """End of an error message: the closest valid name and the list of valid ones.

    >>> choices("nmad", ["ampa", "nmda"], "ports")
    "did you mean 'nmda'? ports: ampa, nmda"
    """
    names = [str(name) for name in valid]
    close = difflib.get_close_matches(str(given), names, n=1, cutoff=0.6)
    hint = f"did you mean {close[0]!r}? " if close else ""
    if not names:
        return f"{hint}{what}: none"
    shown = names if len(names) <= limit else [*names[:limit], f"... ({len(names)} in all)"]
    return f"{hint}{what}: {', '.join(shown)}"
