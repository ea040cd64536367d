"""Generate and compile the models that the cache does not have, several at a time."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ..errors import BuildError, RefusedError
from ..experiment.nestml_support import Unsupported
from ..refusals import note_refusal, note_scheme
from . import graded, headers, toolchain
from . import pairs as pairing
from .cache import Cache, full_disk_said, read_manifest, write_manifest
from .expected import announcement, note_seconds
from .jobs import Jobs
from .recipe import WORKER, Progress, Recipe, append, call_compiler, tail
from .sources import Source
from .targets import Target

REFUSAL = "UnsupportedModelError"
"""Name of the error of a target's plug-in that says that it cannot express a model."""
REFUSED_IN_WORDS = r"(?:\w+: )?the vectorised target does not support (.*?)\. Build"


def build_objects(
    recipe: Recipe, store: Cache, keys: dict[Source, str], jobs: int | None, tell: Progress
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


def _require_gsl(recipe: Recipe) -> None:
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
        with full_disk_said(store.root):
            shutil.copytree(installed, folder, dirs_exist_ok=True)
            shutil.copytree(target.overlay, folder, dirs_exist_ok=True)
        yield Path(folder)


def _build_object(
    recipe: Recipe, store: Cache, source: Source, key: str, templates: Path, tell: Progress
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
        scheme = models[0]["extra"].get("scheme")
        if scheme is not None and not source.partners and source.graded is None:
            note_scheme(source.digest, scheme, store.root)
    note_seconds(store, recipe.target.name, time.monotonic() - start)
    tell(f"{name}: ready")
    return (name,)


def _generate(recipe: Recipe, source: Source, folder: Path, templates: Path, log: Path) -> list[dict[str, Any]]:
    """Run NESTML; returns the description of every model in the file."""
    target = recipe.target
    text = folder / f"{source.nest_name}.nestml"
    text.write_text(source.text_for_nest(), encoding="utf-8")
    paired = bool(source.partners)
    plugin = pairing.PLUGIN if paired else target.plugin
    templates = pairing.templates(templates, folder, target) if paired else templates
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
        **graded.options(source),
    }
    job = {
        "source": pairing.inputs(source, text) if paired else str(text),
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
    append(log, command, answer.stdout + answer.stderr)
    try:
        result = json.loads((folder / "nestml.json").read_text())
    except (FileNotFoundError, ValueError) as error:  # none, or half of it
        raise BuildError(f"{source.path}: NESTML broke down.\n{tail(answer.stderr)}") from error
    if result["failure"] and str(result["failure"]).startswith(REFUSAL):
        raise _refusal(source, str(result["failure"]).partition(": ")[2], result["line"] or 0)
    if result["errors"] or result["failure"]:
        raise BuildError(_model_errors(source.path, result))
    models: list[dict[str, Any]] = result["models"]
    if paired:
        models = pairing.describe(source, folder, tail(answer.stderr))
    for model in models:
        if not (folder / "cpp" / f"{model['name']}.cpp").is_file():
            raise BuildError(
                f"{source.path}: NESTML has left out the model {model['name']} without an error.\n"
                + tail(answer.stderr)
            )
    return models


def _refusal(source: Source, reason: str, line: int) -> RefusedError:
    """Error for a model that a target cannot express."""
    found = re.match(REFUSED_IN_WORDS, reason, re.DOTALL)
    refused = Unsupported(line, found.group(1) if found else reason)
    other = "no other target has graded synapses" if source.graded is not None else "build it with `--target auto`"
    message = refused.message(str(source.path), other)
    return RefusedError(message, refused.line, refused.what)


_REMEDIES = (
    (re.compile(r"No free-standing physical units allowed \((.+)\)$"), r"write 1 \1"),
    (re.compile(r'Function "sqrt" is not declared'), "write x**0.5"),
    (re.compile(r'Function "pow" is not declared'), "write x**y"),
    (
        re.compile(r'__X__d\w*" should not contain the string "__d"'),
        "call the port by a name that does not begin with d",
    ),
    (
        re.compile(r"^Variable .* used before declaration"),
        "if it is not, give the convolution beside it an inline of its own",
    ),
    (re.compile(r"^invalid syntax"), "a kernel has parameters in place of numbers with units"),
)
"""What to do about messages of NESTML that do not say it."""


def _with_remedy(message: str) -> str:
    for pattern, remedy in _REMEDIES:
        if found := pattern.search(message):
            return f"{message}; {found.expand(remedy)}"
    return message


def _model_errors(source: Path, result: dict[str, list[dict[str, Any]]]) -> str:
    """Errors in a model as lines that an editor understands: file, line, column."""
    lines = [
        f"{source}:{error['line']}:{error['column']}: {_with_remedy(error['message'])}"
        if error["line"] is not None and error["line"] > 0
        else f"{source}: {_with_remedy(error['message'])}"
        for error in result["errors"]
    ]
    if result["failure"] and not lines:
        reason = _with_remedy(str(result["failure"]).partition(": ")[2])
        lines.append(f"{source}: NESTML cannot work with this model: {reason}")
    return "\n".join(dict.fromkeys(lines))


def _compile(recipe: Recipe, folder: Path, model: str, log: Path) -> None:
    source, output = folder / "cpp" / f"{model}.cpp", folder / f"{model}.o"
    command = [*recipe.compiler.command, *recipe.flags, "-c", str(source), "-o", str(output)]
    call_compiler(recipe, command, f"compiling the C++ of {model} (target {recipe.target.name}) failed", log)
