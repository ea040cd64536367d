"""Errors of the specification: one exception that lists every problem found, and the did-you-mean helper."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class SpecError(ValueError):
    """The specification is wrong; the message has one line per problem.

    Parameters
    ----------
    problems : sequence of str
        Each names the file, the key path, what is wrong and, where there are any, the valid choices.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems: tuple[str, ...] = tuple(problems)
        super().__init__(self._message())

    def _message(self) -> str:
        if len(self.problems) == 1:
            return self.problems[0]
        head = f"{len(self.problems)} problems in the specification:"
        return "\n".join([head, *(f"  {problem}" for problem in self.problems)])


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
