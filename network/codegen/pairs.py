"""Cells together with NESTML synapses onto them that look at their spikes, and NESTML synapses that do not.

NESTML makes C++ of such a pair only together: the cell keeps traces of its own spikes for the synapse. A pair is a
source like any other (`network.codegen.sources.Source`), whose object holds the cell and its synapses.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BuildError
from ..experiment.nestml import read_nestml
from .sources import Partner, Source, find_sources
from .targets import Target
from .targets.base import TEMPLATES
from .toolchain import Nest

PLUGIN = Path(__file__).resolve().parent / "pairing" / "plugin.py"
TARGETS = ("plain", "reference")
"""Targets whose cells have a history of spikes that NEST's synapses can read."""
TEMPLATE = "@SYNAPSE_NAME@.h.jinja2"
STEP = Path("directives_cpp") / "GSLIntegrationStep.jinja2"
STEP_OF_PAIR = TEMPLATES / "pairs" / "step_of_pair.jinja2"


@dataclass(frozen=True)
class Pair:
    """A model of cells and the synapses onto it.

    Attributes
    ----------
    neuron : str
        Name of the model.
    synapses : tuple of Partner
    """

    neuron: str
    synapses: tuple[Partner, ...]

    @property
    def name(self) -> str:
        """By which `BuiltModule.models` knows the pair."""
        return "+".join((self.neuron, *(partner.name for partner in self.synapses)))


def pair_sources(pairs: Sequence[Pair], target: Target, nest: Nest) -> list[Source]:
    """Sources of pairs, in an order that does not depend on that of the pairs.

    Raises
    ------
    BuildError
        If the target has no such synapses, or a file cannot be used.
    """
    if pairs and target.name not in TARGETS:
        names = ", ".join(sorted({partner.name for pair in pairs for partner in pair.synapses}))
        message = f"cells of target {target.name!r} take no NESTML synapses ({names})"
        raise BuildError(f"{message}; build with `--target plain`")
    found = []
    for pair in sorted(set(pairs), key=lambda one: one.name):
        (source,) = find_sources([pair.neuron], target, nest)
        found.append(source.with_partners(pair.name, pair.synapses, (PLUGIN.read_text(), STEP_OF_PAIR.read_text())))
    return found


def templates(of_target: Path, folder: Path) -> Path:
    """Templates of a target, changed for cells with synapses; a folder of its own within ``folder``."""
    own = folder / "templates"
    shutil.copytree(of_target, own)
    (own / STEP).rename(own / STEP.with_name("step_of_target.jinja2"))
    shutil.copy(STEP_OF_PAIR, own / STEP)
    return own


def options(source: Source) -> dict[str, Any]:
    """Options for NESTML's code generator."""
    synapses = {
        partner.name: {"post_ports": list(partner.post_ports), "vt_ports": list(partner.modulator_ports)}
        for partner in source.partners
    }
    return {
        "neuron_synapse_pairs": [{"neuron": source.nest_name, "synapses": synapses}],
        "weight_variable": {partner.name: partner.weight for partner in source.partners},
    }


def describe(source: Source, folder: Path, log: str) -> list[dict[str, Any]]:
    """Descriptions of what was made in a folder: the cell, with its synapses below ``extra``.

    A file that registers them with NEST is written for each synapse.
    """
    try:
        made = json.loads((folder / "pairs.json").read_text())
    except (FileNotFoundError, ValueError) as error:
        raise BuildError(f"{source.path}: NESTML could not pair it with {_names(source)}.\n{log}") from error
    synapses = {}
    for partner in source.partners:
        found = [model for model in made if model["name"].split("__with_")[0] == partner.name]
        if not found or not (folder / "cpp" / f"{found[0]['name']}.h").is_file():
            raise BuildError(f"{source.path}: NESTML has left out the synapse {partner.name} without an error.\n{log}")
        synapses[partner.name] = found[0]
    cells = [model for model in made if model["name"].startswith(f"{source.nest_name}__with_")]
    (cell,) = cells
    for synapse in synapses.values():
        (folder / "cpp" / f"{synapse['name']}.cpp").write_text(_registration(cell["name"], synapse["name"]))
    cell["extra"]["synapses"] = synapses
    return [cell]


def parts(models: Iterable[dict[str, Any]]) -> list[str]:
    """Names of everything that is compiled of some models: cells, and the synapses that belong to them."""
    found = []
    for model in models:
        found += [model["name"], *(synapse["name"] for synapse in model["extra"].get("synapses", {}).values())]
    return found


def _names(source: Source) -> str:
    return ", ".join(partner.name for partner in source.partners)


def _registration(cell: str, synapse: str) -> str:
    return f"""#include "nest_extension_interface.h"

#include <string>

#include "{cell}.h"
#include "{synapse}.h"

void
register_{synapse}( const std::string& name )
{{
  nest::{synapse}::register_{synapse}( name );
}}
"""


def partner(path: Path, *, post_ports: Sequence[str], modulator_ports: Sequence[str], weight: str) -> Partner:
    """Synapse of a file."""
    return Partner(path.stem, path, read_nestml(path), tuple(post_ports), tuple(modulator_ports), weight)
