"""From NESTML files to a NEST extension module: generate and compile models in parallel, link, cache."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import BuildError, NoCompilerError
from ..experiment.graded_cells import GradedCells
from ..processes import family
from . import prebuilt, targets, toolchain
from .cache import Cache, read_module
from .graded import graded_sources
from .info import BuiltModule, ModelInfo
from .linking import common_source, link
from .objects import build_objects
from .pairs import Pair, pair_sources
from .recipe import WORKER, Progress, Recipe, digest_of
from .sources import find_sources, refuse_what_nestml_cannot

MARCH_VARIABLE = "BGNEST_MARCH"


def build(
    models: Sequence[Path | str],
    target: str = "vectorised",
    *,
    march: str | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
    cache: Path | None = None,
    pairs: Sequence[Pair] = (),
    graded: Sequence[GradedCells] = (),
) -> BuiltModule:
    """Compile NESTML models to one NEST module, or find it in the cache.

    Where nothing can be compiled the cache is searched for a module of the same models, target, NEST and
    NESTML that was compiled elsewhere and fits this processor.

    Parameters
    ----------
    models : sequence of Path or str
        NESTML files, or names of models in the folders of models (:mod:`network.resources`). Order does not
        matter.
    target : str
        What C++ to make of them: ``vectorised``, ``plain`` or ``reference``.
    march : str, optional
        CPU to compile for: ``native`` (this machine), ``portable`` (x86-64-v3, for clusters with mixed nodes)
        or a name that GCC knows; by default ``$BGNEST_MARCH``, else ``native``. Code for another CPU lies
        elsewhere in the cache.
    jobs : int, optional
        How many models to work on at a time; by default as many as there are cores.
    progress : callable, optional
        Called with a line of text whenever something begins or ends; from several threads, one at a time.
    cache : Path, optional
        Cache folder instead of ``$BGNEST_CACHE`` or ``~/.cache/bgnest``.
    pairs : sequence of Pair
        Models together with NESTML synapses onto them.
    graded : sequence of GradedCells
        Models with what graded synapses need.

    Returns
    -------
    BuiltModule
        Load it with ``nest.Install(str(module.path))``.

    Raises
    ------
    BuildError
        If a tool is missing or unsupported, a model is wrong, or compiling fails. One message with the
        remedy.
    """
    tell = progress or (lambda note: None)
    chosen, nest = targets.get(target), toolchain.find_nest()
    plain = find_sources(models, chosen, nest) if models or not (pairs or graded) else []
    sources = [*plain, *pair_sources(pairs, chosen, nest), *graded_sources(graded, chosen, nest)]
    refuse_what_nestml_cannot(sources, chosen)
    march = march or os.environ.get(MARCH_VARIABLE) or "native"
    store = Cache(cache)
    about = [
        chosen.fingerprint(),
        chosen.module_fingerprint(),
        nest.fingerprint,
        toolchain.nestml_fingerprint(),
        WORKER.read_text(),
    ]
    kind, contents = digest_of(*about), [digest_of(*source.identity) for source in sources]
    try:
        recipe = Recipe.find(chosen, nest, march)
    except NoCompilerError as problem:
        key, manifest = prebuilt.find(store, kind, contents, march, problem)
        tell("no compiler here: found in the cache what was compiled elsewhere")
        return _described(store.entry("modules", key), key, manifest, ())
    keys = {source: digest_of(recipe.key, *source.identity) for source in sources}
    chosen_parts = (chosen.name, chosen.module_fingerprint(), common_source(chosen) or "", *chosen.link_flags)
    key = digest_of("module", *chosen_parts, *sorted(keys.values()))
    folder = store.entry("modules", key)
    ready = read_module(folder)
    compiled: tuple[str, ...] = ()
    if ready is not None:
        tell("found in the cache")
    else:
        with store.lock(f"module-{key}", lambda: tell("waiting for another process")):
            ready = read_module(folder, quiet=True)
            if ready is None:
                store.clean()
                with family() as programs:
                    recipe = replace(recipe, environment=programs.environment)
                    compiled = build_objects(recipe, store, keys, jobs, tell)
                    link(recipe, store, key, keys, prebuilt.about(contents, march), tell)
                ready = read_module(folder)
        if ready is None:
            raise BuildError(f"{folder}: cannot be read back; is the disk in order?")
    prebuilt.leave_note(store, kind, key, ready)
    return _described(folder, key, ready, compiled)


def _described(folder: Path, key: str, manifest: dict[str, Any], compiled: tuple[str, ...]) -> BuiltModule:
    models = {name: ModelInfo.from_json(data) for name, data in manifest["models"].items()}
    name = manifest["name"]
    return BuiltModule(
        folder / name,
        name,
        models,
        key,
        manifest["target"],
        folder / "log.txt",
        compiled,
        manifest["synapses"],
        manifest["files"][f"{name}.so"]["sha256"],
        manifest["carrier"],
    )
