"""Errors of the specification: one exception that lists every problem found, and how to word a problem."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError


MAX_SHOWN = 100
"""Problems in the message; the attribute ``problems`` has all of them."""
MAX_LENGTH = 2000
"""Characters of one problem."""


class SpecError(ValueError):
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


def _one_line(problem: str) -> str:
    """Problem on one line of the terminal, whatever it quotes: line breaks and escapes are spelled out."""
    plain = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in problem)
    half = MAX_LENGTH // 2
    return plain if len(plain) <= MAX_LENGTH else f"{plain[:half]} [...] {plain[-half:]}"


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


def placed_problems(
    error: ValidationError, label: str, lines: Mapping[tuple[str, ...], int], at: tuple[str, ...] = ()
) -> list[str]:
    """One line per problem that pydantic found in a file: file, line, key path, what is wrong."""
    found = []
    for item in error.errors():
        path = (*at, *(str(part) for part in item["loc"]))
        line = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), None)
        where = label if line is None else f"{label}:{line}"
        found.append(f"{where}: {'.'.join(path)}: {in_words(item)}")
    return found


_LIMITS = {
    "greater_than": ("greater than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}


def in_words(item: Mapping[str, Any]) -> str:
    """Say in the words of a user what one of pydantic's errors (an entry of ``errors()``) is about."""
    kind, given, context = item["type"], item.get("input"), item.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind == "finite_number":
        return f"must be a finite number, not {given!r}"
    if kind in ("float_type", "int_type", "float_parsing", "int_parsing"):
        return f"must be a number, not {given!r}"
    if kind in _LIMITS:
        word, key = _LIMITS[kind]
        return f"{given!r} must be {word} {context[key]}"
    if kind == "too_short":
        return f"must have at least {context['min_length']} of them, not {context['actual_length']}"
    if kind == "literal_error":
        valid = str(context.get("expected", "")).replace(" or ", ", ").replace("'", "").split(", ")
        return f"{given!r} is not a choice; {choices(given, valid, 'choices')}"
    if kind == "string_type":
        yes_no = " (YAML reads on, off, yes, no as true and false: use quotes)" if isinstance(given, bool) else ""
        return f"must be text, not {given!r}{yes_no}"
    if kind in ("tuple_type", "list_type"):
        return f"must be a list, not {given!r}"
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return f"must be a mapping, not {given!r}"
    message = str(item["msg"]).removeprefix("Value error, ")
    if kind == "value_error" or isinstance(given, dict | list) or f"{given}" in message:
        return message
    return f"{message}, not {given!r}"
