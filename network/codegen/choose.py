"""Modules of models that need different code: the fast target where it can express a model, else the general one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..errors import RefusedError
from ..experiment.cell_code import AUTO, FAST, GENERAL
from ..experiment.graded_cells import GradedCells
from ..experiment.nestml_support import Unsupported
from ..refusals import refused_before
from . import targets, toolchain
from .builder import Progress, build
from .info import BuiltModule, Modules
from .pairs import Pair
from .sources import Source, find_sources


def build_each(
    models: Mapping[str, Sequence[str]],
    *,
    pairs: Mapping[str, Sequence[Pair]] | None = None,
    graded: Sequence[GradedCells] = (),
    progress: Progress | None = None,
    cache: Path | None = None,
) -> BuiltModule | Modules:
    """Compile the models of a network, by target.

    ``pairs`` are models with NESTML synapses onto them, ``graded`` those with graded synapses.

    Raises
    ------
    BuildError
        See `network.codegen.build`.
    """
    paired = pairs or {}
    parts = tuple(
        build(
            models.get(target, ()),
            target,
            progress=progress,
            cache=cache,
            pairs=paired.get(target, ()),
            graded=graded if target == FAST else (),
        )
        for target in sorted({*models, *paired, *([FAST] if graded else [])})
    )
    return parts[0] if len(parts) == 1 else Modules(parts)


def build_all(
    models: Sequence[Path | str],
    target: str = AUTO,
    *,
    march: str | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
    cache: Path | None = None,
    tell: Callable[[str], None] = lambda note: None,
) -> Modules:
    """Compile models with one target, or with ``auto`` each with the best that can express it.

    Parameters
    ----------
    models : sequence of Path or str
        As for `network.codegen.build`.
    target : str
        ``auto`` or the name of a target.
    tell : callable
        Called with a sentence for every model that does not get the fast code.
    march, jobs, progress, cache
        See `network.codegen.build`.

    Raises
    ------
    BuildError
        See `network.codegen.build`.
    """

    def made(names: Sequence[Path | str], name: str) -> BuiltModule:
        return build(names, name, march=march, jobs=jobs, progress=progress, cache=cache)

    if target != AUTO:
        return Modules((made(models, target),))
    told: set[Path] = set()
    while True:
        fast: list[Path] = []
        general: list[Path] = []
        for source in find_sources(models, targets.get(GENERAL), toolchain.find_nest()):
            reason = _reason(source, cache)
            (fast if reason is None else general).append(source.path)
            if reason is not None and source.path not in told:
                told.add(source.path)
                tell(f"{source.name} is built with `{GENERAL}` ({reason.place(str(source.path))})")
        try:
            return Modules(tuple(made(names, name) for names, name in ((fast, FAST), (general, GENERAL)) if names))
        except RefusedError:  # of which there is a note now
            if all(_reason(source, cache) is None for source in _sources(fast)):
                raise


def _sources(paths: Sequence[Path]) -> list[Source]:
    return find_sources(paths, targets.get(GENERAL), toolchain.find_nest())


def _reason(source: Source, cache: Path | None) -> Unsupported | None:
    """First thing in a model that the fast target cannot express."""
    if source.unsupported:
        return source.unsupported[0]
    known = refused_before(source.digest, cache)
    return None if known is None else Unsupported(*known)
