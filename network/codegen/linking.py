"""Link objects to a module that registers their models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import BuildError
from . import headers, toolchain
from . import pairs as pairing
from .cache import Cache, read_manifest, write_manifest
from .graded import CLOCK
from .recipe import Progress, Recipe, call_compiler, digest_of
from .sources import Source
from .targets import Target

CARRIER = "bgnest_row_carrier"
COMMON = "bgnest_register_synapses"


def link(
    recipe: Recipe, store: Cache, key: str, keys: dict[Source, str], about: dict[str, Any], tell: Progress
) -> None:
    """Link objects to a module that registers all their models."""
    name = f"bgnest_{recipe.target.name}_{key[:10]}"
    models: dict[str, dict[str, Any]] = {}
    objects = common_objects(recipe, store, tell)
    tell("linking")
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
        source.write_text(module_source(name, sorted(pairing.parts(models.values())), recipe.target))
        complaint = "linking the NEST module failed"
        command = [*recipe.compiler.command, *recipe.flags, "-c", str(source), "-o", str(folder / "module.o")]
        call_compiler(recipe, command, complaint, log)
        # Without -fopenmp: NEST has loaded its OpenMP library already, and a second one would be harmful.
        shared = [
            *recipe.compiler.command,
            "-shared",
            "-o",
            str(folder / f"{name}.so"),
            str(folder / "module.o"),
        ]
        call_compiler(
            recipe, [*shared, *objects, *recipe.target.module_link_flags, *recipe.target.link_flags], complaint, log
        )
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


def common_objects(recipe: Recipe, store: Cache, tell: Progress) -> list[str]:
    """Object file of what all modules of a target have in common, if there is anything; compiled once.

    NEST's templates for synapses take half a minute, whatever the models are.
    """
    text = common_source(recipe.target)
    if text is None:
        return []
    key = digest_of("part", recipe.key, recipe.target.module_fingerprint(), text)
    final = store.entry("parts", key)
    with store.lock(f"part-{key}", lambda: tell("waiting for another process that compiles what all modules share")):
        if read_manifest(final) is None:
            tell("compiling what all modules share (once, half a minute)")
            with store.building("parts", key) as folder:
                source, output = folder / "common.cpp", folder / "common.o"
                source.write_text(text)
                command = [*recipe.compiler.command, *recipe.flags, "-c", str(source), "-o", str(output)]
                complaint = f"compiling the synapses of the target {recipe.target.name} failed"
                call_compiler(recipe, command, complaint, folder / "log.txt")
                write_manifest(folder, {"target": recipe.target.name})
    return [str(final / "common.o")]


def common_source(target: Target) -> str | None:
    """Text of what registers the synapses of a target, and of its interface for Python; None without either."""
    headers_of_ours = [header for header in (target.synapse_header, target.interface_header) if header]
    if not headers_of_ours:
        return None
    include = "".join(f'#include "{header}"\n' for header in headers_of_ours)
    calls = [f'  bgnest::register_synapse< {cpp} >( "{base}_lane" );' for base, cpp in target.synapses.items()]
    if target.carrier:
        calls.append(f'  bgnest::register_synapse< {target.carrier} >( "{CARRIER}" );')
        calls.append(f'  bgnest::register_graded_clock( "{CLOCK}" );')
    body = "\n".join(calls)
    return f"""#include <string>

#include "nest_extension_interface.h"
{include}
void
{COMMON}()
{{
{body}
}}
"""


def module_source(name: str, models: Sequence[str], target: Target) -> str:
    """Text of the module itself: NEST looks for an object ``<name>_LTX_module`` and initializes it."""
    declarations = [f"void register_{model}( const std::string& name );" for model in models]
    calls = [f'    register_{model}( "{model}" );' for model in models]
    if common_source(target) is not None:
        declarations.append(f"void {COMMON}();")
        calls.append(f"    {COMMON}();")
    before, body = "\n".join(declarations), "\n".join(calls)
    return f"""#include <string>

#include "nest_extension_interface.h"

{before}

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
