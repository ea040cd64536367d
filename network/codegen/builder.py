"""From NESTML files to a NEST extension module: generate and compile models in parallel, link, cache."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import json
import os
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import BuildError, NoCompilerError, RefusedError
from ..experiment.nestml_support import Unsupported
from ..processes import family
from ..refusals import note_refusal
from . import headers, prebuilt, targets, toolchain
from . import pairs as pairing
from .cache import FORMAT, Cache, read_manifest, read_module, write_manifest
from .expected import announcement, note_seconds
from .info import BuiltModule, ModelInfo
from .jobs import Jobs
from .pairs import Pair, pair_sources
from .sources import Source, find_sources
from .targets import Target

REFUSAL = "UnsupportedModelError"
"""Name of the error of a target's plug-in that says that it cannot express a model."""
REFUSED_IN_WORDS = r"(?:\w+: )?the vectorised target does not support (.*?)\. Build"
WORKER = Path(__file__).resolve().parent / "worker.py"
MARCH_VARIABLE = "BGNEST_MARCH"
CARRIER = "bgnest_row_carrier"
SHOWN_LINES = 12  # of a compiler's complaint

Progress = Callable[[str], None]


@dataclass(frozen=True)
class _Recipe:
    """Everything but the models themselves that decides what a build makes."""

    target: Target
    nest: toolchain.Nest
    compiler: toolchain.Compiler
    flags: tuple[str, ...]
    key: str
    environment: Mapping[str, str] = field(default_factory=dict)  # of the programs that it starts

    @classmethod
    def find(cls, target: Target, nest: toolchain.Nest, march: str) -> _Recipe:
        nestml = toolchain.nestml_fingerprint()
        compiler = toolchain.find_compiler()
        cpu = toolchain.march_flags(march)
        flags = (*toolchain.nest_flags(nest), *target.flags, *cpu)
        parts = [
            FORMAT,
            target.fingerprint(),
            nest.fingerprint,
            nestml,
            compiler.version,
            *(flag for flag in flags if not flag.startswith("-I")),  # headers count by content, not by place
            toolchain.resolved_cpu(compiler, cpu),
            WORKER.read_text(),
        ]
        all_flags = (*flags, *target.include_flags(), *headers.environment_flags())
        return cls(target, nest, compiler, all_flags, _digest(*parts))


def _digest(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()[:24]


def build(
    models: Sequence[Path | str],
    target: str = "vectorised",
    *,
    march: str | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
    cache: Path | None = None,
    pairs: Sequence[Pair] = (),
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
    sources = [*(find_sources(models, chosen, nest) if models or not pairs else []), *pair_sources(pairs, chosen, nest)]
    march = march or os.environ.get(MARCH_VARIABLE) or "native"
    store = Cache(cache)
    about = [
        chosen.fingerprint(),
        chosen.module_fingerprint(),
        nest.fingerprint,
        toolchain.nestml_fingerprint(),
        WORKER.read_text(),
    ]
    kind, contents = _digest(*about), [_digest(*source.identity) for source in sources]
    try:
        recipe = _Recipe.find(chosen, nest, march)
    except NoCompilerError as problem:
        key, manifest = prebuilt.find(store, kind, contents, march, problem)
        tell("no compiler here: found in the cache what was compiled elsewhere")
        return _described(store.entry("modules", key), key, manifest, ())
    keys = {source: _digest(recipe.key, *source.identity) for source in sources}
    target_parts = (recipe.target.name, recipe.target.module_fingerprint(), *recipe.target.link_flags)
    key = _digest("module", *target_parts, *sorted(keys.values()))
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
                    compiled = _build_objects(recipe, store, keys, jobs, tell)
                    _link(recipe, store, key, keys, prebuilt.about(contents, march), tell)
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


def _build_objects(
    recipe: _Recipe, store: Cache, keys: dict[Source, str], jobs: int | None, tell: Progress
) -> tuple[str, ...]:
    """Make the objects that are missing, several at a time; returns the names of the compiled models."""
    missing = [source for source in keys if read_manifest(store.entry("objects", keys[source])) is None]
    if not missing:
        return ()
    headers.require_boost(recipe.compiler, recipe.flags)
    if recipe.target.needs_gsl:
        _require_gsl(recipe)
    n_jobs, jobs_here = jobs or len(os.sched_getaffinity(0)), Jobs()
    tell(announcement(store, recipe.target.name, [source.name for source in missing], n_jobs))
    with _templates(recipe.target, store) as templates, ThreadPoolExecutor(max_workers=n_jobs) as pool:
        tasks = []
        try:
            for source in missing:
                job = functools.partial(_build_object, recipe, store, source, keys[source], templates, tell)
                tasks.append(pool.submit(jobs_here.do, job))
            failures = [error for task in tasks if (error := task.exception()) is not None]
        except (KeyboardInterrupt, SystemExit):
            pool.shutdown(wait=False, cancel_futures=True)
            jobs_here.stop()
            raise
    if failures:
        for error in failures:
            if not isinstance(error, BuildError):
                raise error
        kind = RefusedError if all(isinstance(error, RefusedError) for error in failures) else BuildError
        raise kind("\n".join(str(error) for error in failures)) from failures[0]
    return tuple(name for task in tasks for name in task.result())


def _require_gsl(recipe: _Recipe) -> None:
    if not toolchain.has_header(recipe.compiler, "gsl/gsl_odeiv.h", recipe.flags):
        raise BuildError(
            f"the target {recipe.target.name!r} needs the GNU Scientific Library. Install its headers "
            "with `apt install libgsl-dev` (Debian), `dnf install gsl-devel` (Fedora, RHEL) or `conda "
            "install -c conda-forge gsl`, or take the target 'vectorised' or 'plain', which need none."
        )


@contextlib.contextmanager
def _templates(target: Target, store: Cache) -> Iterator[Path]:
    """Folder of a target's templates: its own, or those of the installed NESTML with some replaced."""
    if target.templates is not None:
        yield target.templates
        return
    spec = importlib.util.find_spec("pynestml")
    assert spec is not None and spec.submodule_search_locations  # nestml_version() has found it
    installed = Path(next(iter(spec.submodule_search_locations))) / "codegeneration/resources_nest/point_neuron"
    if target.overlay is None:
        yield installed
        return
    for path in target.overlay.rglob("*.jinja2"):
        if not (installed / path.relative_to(target.overlay)).is_file():
            raise BuildError(
                f"the installed NESTML has no template {path.relative_to(target.overlay)}, which the target "
                f"{target.name!r} replaces. Install it again: `pip install --force-reinstall nestml==9.0.0`."
            )
    with tempfile.TemporaryDirectory(prefix="templates-", dir=store.root / "tmp") as folder:
        shutil.copytree(installed, folder, dirs_exist_ok=True)
        shutil.copytree(target.overlay, folder, dirs_exist_ok=True)
        yield Path(folder)


def _build_object(
    recipe: _Recipe, store: Cache, source: Source, key: str, templates: Path, tell: Progress
) -> tuple[str, ...]:
    """Generate and compile one file; returns its models, or nothing if they had appeared meanwhile."""
    name = source.name
    final = store.entry("objects", key)
    with store.lock(f"object-{key}", lambda: tell(f"{name}: waiting for another process that compiles it")):
        if read_manifest(final, quiet=True) is not None:
            return ()
        start = time.monotonic()
        with store.building("objects", key) as folder:
            log = folder / "log.txt"
            try:
                tell(f"{name}: generating C++")
                models = _generate(recipe, source, folder, templates, log)
                tell(f"{name}: compiling")
                for name_of_part in pairing.parts(models):
                    _compile(recipe, folder, name_of_part, log)
            except BuildError as error:
                if isinstance(error, RefusedError):
                    note_refusal(source.digest, error.line, error.what, store.root)
                if log.is_file():
                    shutil.copy(log, store.failure_log(key))
                raise
            write_manifest(folder, {"source": source.path.name, "models": models})
    note_seconds(store, recipe.target.name, time.monotonic() - start)
    tell(f"{name}: ready")
    return (name,)


def _generate(recipe: _Recipe, source: Source, folder: Path, templates: Path, log: Path) -> list[dict[str, Any]]:
    """Run NESTML; returns the description of every model in the file."""
    target = recipe.target
    text = source.path
    if source.renamed:
        text = folder / f"{source.nest_name}.nestml"
        text.write_text(source.text_for_nest())
    paired = bool(source.partners)
    plugin = pairing.PLUGIN if paired else target.plugin
    templates = pairing.templates(templates, folder) if paired else templates
    options = {
        **target.nestml_options,
        "nest_version": f"v{recipe.nest.version}",
        "templates": {
            "path": str(templates),
            "model_templates": {
                "neuron": list(target.model_templates),
                "synapse": [pairing.TEMPLATE] if paired else [],
            },
            "module_templates": [],
        },
        **(pairing.options(source) if paired else {}),
    }
    job = {
        "source": [str(text), *(str(partner.path) for partner in source.partners)] if paired else str(text),
        "folder": str(folder / "cpp"),
        "options": options,
        "plugin": None if plugin is None else str(plugin),
        "nest_version": recipe.nest.version,
        "result": str(folder / "nestml.json"),
    }
    (folder / "job.json").write_text(json.dumps(job, indent=1))
    # -P: files beside the worker must not hide modules of the same name
    command = [sys.executable, "-P", str(WORKER), str(folder / "job.json")]
    answer = toolchain.run(command, recipe.environment, cwd=folder)
    _append(log, command, answer.stdout + answer.stderr)
    try:
        result = json.loads((folder / "nestml.json").read_text())
    except (FileNotFoundError, ValueError) as error:  # none, or half of it
        raise BuildError(f"{source.path}: NESTML broke down.\n{_tail(answer.stderr)}") from error
    if result["failure"] and str(result["failure"]).startswith(REFUSAL):
        raise _refusal(source, str(result["failure"]).partition(": ")[2], result["line"] or 0)
    if result["errors"] or result["failure"]:
        raise BuildError(_model_errors(source.path, result))
    models: list[dict[str, Any]] = result["models"]
    if paired:
        models = pairing.describe(source, folder, _tail(answer.stderr))
    for model in models:
        if not (folder / "cpp" / f"{model['name']}.cpp").is_file():
            raise BuildError(
                f"{source.path}: NESTML has left out the model {model['name']} without an error.\n"
                + _tail(answer.stderr)
            )
    return models


def _refusal(source: Source, reason: str, line: int) -> RefusedError:
    """Error for a model that a target cannot express."""
    found = re.match(REFUSED_IN_WORDS, reason, re.DOTALL)
    refused = Unsupported(line, found.group(1) if found else reason)
    message = refused.message(str(source.path), "build it with `--target auto`")
    return RefusedError(message, refused.line, refused.what)


def _model_errors(source: Path, result: dict[str, list[dict[str, Any]]]) -> str:
    """Errors in a model as lines that an editor understands: file, line, column."""
    lines = [
        f"{source}:{error['line']}:{error['column']}: {error['message']}"
        if error["line"] is not None
        else f"{source}: {error['message']}"
        for error in result["errors"]
    ]
    if result["failure"] and not lines:
        reason = str(result["failure"]).partition(": ")[2]
        lines.append(f"{source}: NESTML cannot work with this model: {reason}")
    return "\n".join(dict.fromkeys(lines))


def _compile(recipe: _Recipe, folder: Path, model: str, log: Path) -> None:
    source, output = folder / "cpp" / f"{model}.cpp", folder / f"{model}.o"
    command = [*recipe.compiler.command, *recipe.flags, "-c", str(source), "-o", str(output)]
    _call_compiler(recipe, command, f"compiling the C++ of {model} (target {recipe.target.name}) failed", log)


def _call_compiler(recipe: _Recipe, command: list[str], complaint: str, log: Path) -> None:
    answer = toolchain.run(command, recipe.environment)
    _append(log, command, answer.stdout + answer.stderr)
    if answer.returncode:
        errors = [line for line in answer.stderr.splitlines() if "error" in line or "undefined" in line]
        shown = "\n".join(errors[:SHOWN_LINES]) or _tail(answer.stderr)
        raise BuildError(f"{complaint}:\n{shown}\nThe command was: {shlex.join(command)}")


def _append(log: Path, command: Sequence[str], output: str) -> None:
    with log.open("a") as file:
        file.write(f"$ {shlex.join(command)}\n{output}\n")


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-SHOWN_LINES:])


def _link(
    recipe: _Recipe, store: Cache, key: str, keys: dict[Source, str], about: dict[str, Any], tell: Progress
) -> None:
    """Link objects to a module that registers all their models."""
    tell("linking")
    name = f"bgnest_{recipe.target.name}_{key[:10]}"
    models: dict[str, dict[str, Any]] = {}
    objects: list[str] = []
    for one, object_key in keys.items():
        folder = store.entry("objects", object_key)
        made = read_manifest(folder)
        if made is None:
            raise BuildError(f"{folder}: damaged as soon as it was made; is the disk in order?")
        for model in made["models"]:
            models[one.name] = model
            objects += [str(folder / f"{part}.o") for part in pairing.parts([model])]
    with store.building("modules", key) as folder:
        log = folder / "log.txt"
        log.write_text("".join((store.entry("objects", one) / "log.txt").read_text() for one in keys.values()))
        source = folder / f"{name}.cpp"
        source.write_text(_module_source(name, sorted(pairing.parts(models.values())), recipe.target))
        complaint = "linking the NEST module failed"
        command = [*recipe.compiler.command, *recipe.flags, "-c", str(source), "-o", str(folder / "module.o")]
        _call_compiler(recipe, command, complaint, log)
        # Without -fopenmp: NEST has loaded its OpenMP library already, and a second one would be harmful.
        shared = [
            *recipe.compiler.command,
            "-shared",
            "-o",
            str(folder / f"{name}.so"),
            str(folder / "module.o"),
        ]
        _call_compiler(recipe, [*shared, *objects, *recipe.target.link_flags], complaint, log)
        toolchain.write_nest_config(folder, recipe.nest, recipe.compiler, includes=headers.environment_flags())
        manifest = {
            "name": name,
            "target": recipe.target.name,
            "nest": recipe.nest.version,
            "models": models,
            "synapses": {base: f"{base}_lane" for base in recipe.target.synapses},
            "carrier": CARRIER if recipe.target.carrier else None,
            **about,
        }
        write_manifest(folder, manifest)


def _module_source(name: str, models: Sequence[str], target: Target) -> str:
    """Text of the module itself: NEST looks for an object ``<name>_LTX_module`` and initializes it."""
    headers_of_ours = [header for header in (target.synapse_header, target.interface_header) if header]
    include = "".join(f'#include "{header}"\n' for header in headers_of_ours)
    declarations = "\n".join(f"void register_{model}( const std::string& name );" for model in models)
    calls = [f'    register_{model}( "{model}" );' for model in models]
    calls += [f'    bgnest::register_synapse< {cpp} >( "{base}_lane" );' for base, cpp in target.synapses.items()]
    if target.carrier:
        calls.append(f'    bgnest::register_synapse< {target.carrier} >( "{CARRIER}" );')
    body = "\n".join(calls)
    return f"""#include <string>

#include "nest_extension_interface.h"
{include}
{declarations}

struct {name} : public nest::NESTExtensionInterface
{{
  void
  initialize() override
  {{
{body}
  }}
}};

{name} {name}_LTX_module;
"""
