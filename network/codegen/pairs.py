"""Cells together with NESTML synapses onto them that look at them, and NESTML synapses that do not.

NESTML makes C++ of such a pair only together: the cell keeps traces of its own spikes for the synapse. A pair is a
source like any other (`network.codegen.sources.Source`), whose object holds the cell and its synapses. A synapse that
sees nothing but the spikes of its source is made without a cell, and fits to all.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BuildError
from ..experiment.nestml import read_nestml
from .pairing import mend
from .sources import Partner, Source, find_sources
from .targets import Target
from .targets.base import TEMPLATES
from .toolchain import Nest

PLUGIN = Path(__file__).resolve().parent / "pairing" / "plugin.py"
TARGETS = ("plain", "reference")
"""Targets whose cells have a history of spikes that NEST's synapses can read."""
UNMENDED = "reference"
"""The target whose synapses have the weights of NESTML's own code, faults included."""
ANY_CELL = "__with_any_cell"
"""End of the C++ name of a synapse without a cell: NESTML looks for the model before it, and NEST has no such name."""
LONGEST_NAME = 255
TEMPLATE = "@SYNAPSE_NAME@.h.jinja2"
STEP = Path("directives_cpp") / "GSLIntegrationStep.jinja2"
STEP_OF_PAIR = TEMPLATES / "pairs" / "step_of_pair.jinja2"


@dataclass(frozen=True)
class Pair:
    """A model of cells and the synapses onto it, or a synapse for any cell.

    Attributes
    ----------
    neuron : str
        Name of the model; empty for a synapse alone.
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
    making = (PLUGIN.read_text(), STEP_OF_PAIR.read_text(), *mend.fingerprint())
    found = []
    for pair in sorted(set(pairs), key=lambda one: one.name):
        if pair.neuron:
            (source,) = find_sources([pair.neuron], target, nest)
            _check_names(source.nest_name, pair.synapses)
        else:
            (only,) = pair.synapses
            source = Source(only.path, only.text, pair.name, only.name, f"{only.name}{ANY_CELL}")
        found.append(source.with_partners(pair.name, pair.synapses, making))
    return found


def _check_names(neuron: str, synapses: Sequence[Partner]) -> None:
    """Refuse so many synapses that NESTML's names for them are too long for files."""
    names = [partner.name for partner in synapses]
    longest = max((len(f"{name}__with_{neuron}__with_{'_and_'.join(names)}.cpp") for name in names), default=0)
    if longest > LONGEST_NAME:
        message = f"{neuron}: too many NESTML synapses onto it ({', '.join(names)}): NESTML's names for them together"
        raise BuildError(f"{message} are {longest} characters long, a file's can have {LONGEST_NAME}")


def alone(source: Source) -> bool:
    """Whether a source is a synapse without a cell."""
    return bool(source.partners) and source.path == source.partners[0].path


def inputs(source: Source, text: Path) -> list[str]:
    """Files for NESTML: ``text``, which is the source's own, and those of its synapses."""
    return [str(text), *(str(partner.path) for partner in source.partners if not alone(source))]


def templates(of_target: Path, folder: Path, target: Target) -> Path:
    """Templates of a target, changed for cells with synapses; a folder of its own within ``folder``."""
    own = folder / "templates"
    shutil.copytree(of_target, own)
    mend.mend(own, times=target.name != UNMENDED)
    (own / STEP).rename(own / STEP.with_name("step_of_target.jinja2"))
    shutil.copy(STEP_OF_PAIR, own / STEP)
    return own


def options(source: Source) -> dict[str, Any]:
    """Options for NESTML's code generator."""
    synapses = {
        partner.name: {
            "post_ports": [*partner.post_ports, *(list(read) for read in partner.reads)],
            "vt_ports": list(partner.modulator_ports),
        }
        for partner in source.partners
    }
    pairs = [] if alone(source) else [{"neuron": source.nest_name, "synapses": synapses}]
    return {
        "neuron_synapse_pairs": pairs,
        "weight_variable": {partner.name: partner.weight for partner in source.partners},
        "synapse_models": [partner.name for partner in source.partners],
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
    if alone(source):
        (folder / "cpp" / f"{source.nest_name}.cpp").write_text(_registration(source.nest_name))
        return [synapses[source.partners[0].name]]
    cells = [model for model in made if model["name"].startswith(f"{source.nest_name}__with_")]
    (cell,) = cells
    for synapse in synapses.values():
        (folder / "cpp" / f"{synapse['name']}.cpp").write_text(_registration(synapse["name"], cell["name"]))
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


def _registration(synapse: str, *cells: str) -> str:
    included = "\n".join(f'#include "{model}.h"' for model in (*cells, synapse))
    return f"""#include "nest_extension_interface.h"

#include <string>

{included}

void
register_{synapse}( const std::string& name )
{{
  nest::{synapse}::register_{synapse}( name );
}}
"""


def partner(
    path: Path,
    *,
    post_ports: Sequence[str],
    modulator_ports: Sequence[str],
    weight: str,
    reads: Mapping[str, str] | None = None,
) -> Partner:
    """Synapse of a file."""
    read = tuple(sorted((reads or {}).items()))
    return Partner(path.stem, path, read_nestml(path), tuple(post_ports), tuple(modulator_ports), weight, read)
