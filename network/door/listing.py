"""Which experiments there are, for people."""

from __future__ import annotations

from ..experiment import list_experiments as experiments
from ..experiment import list_variants
from .tables import html


class Listing(dict[str, str]):
    """Names of experiments and what they are; shown as a table."""

    def __repr__(self) -> str:
        width = max(map(len, self), default=0)
        return "\n".join(f"{name:<{width}}  {comment}" for name, comment in self.items())

    def _repr_html_(self) -> str:
        return html(f"{len(self)} experiments", [], ["name", "what it is"], list(self.items()))


def list_experiments(of: str | None = None) -> Listing:
    """Experiments that are built in or lie below ``BGNEST_PARAMS``: name and first line of each file.

    Parameters
    ----------
    of : str, optional
        An experiment: its variants instead, each by the name with which it is loaded.
    """
    if of is None:
        return Listing(experiments())
    return Listing({f"{of}@{name}": title for name, title in list_variants(of).items()})
