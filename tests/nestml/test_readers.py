"""Our reader of a model's interface and NESTML's own parser say the same; nothing is generated or compiled for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from network import resources
from network.experiment.nestml import parse_nestml, read_nestml

HARD = ("aeif_cond_alpha_alt_neuron", "iaf_cond_beta_neuron", "mat2_psc_exp_neuron", "traub_cond_multisyn_neuron")
"""Installed with NESTML: states with primes and dollars, several kinds of lines, vectors of ports."""
CHOSEN = os.environ.get("BGNEST_TEST_READERS", ",".join(HARD))
"""``all`` for every neuron that NESTML installs: a minute of processor time."""

PARSE = """
import json, sys
from pathlib import Path
from pynestml.frontend.pynestml_frontend import init_predefined
from pynestml.utils.logger import Logger, LoggingLevel
from pynestml.utils.model_parser import ModelParser
from network.codegen import worker

Logger.init_logger(LoggingLevel.NO)
init_predefined()
found = {}
for name in sys.argv[1:]:
    (model,) = ModelParser.parse_file(name).get_model_list()
    found[name] = described = worker.describe(model)
    # a shape of a kernel has first values among the states, but a cell has one for every port, by other names
    kernels = [kernel for block in model.get_equations_blocks() for kernel in block.get_kernels()]
    shapes = {variable.get_name() for kernel in kernels for variable in kernel.get_variables()}
    described["states"] = {key: unit for key, unit in described["states"].items() if key not in shapes}
    described["recordables"] = [key for key in described["recordables"] if key not in shapes]
print(json.dumps(found))
"""


def interface(path: Path) -> dict[str, object]:
    model = parse_nestml(read_nestml(path), str(path))
    return {
        "ports": list(model.ports),
        "parameters": dict(model.parameters),
        "states": dict(model.states),
        "recordables": sorted(model.recordables),
    }


def of_nestml(ports, parameters, states, recordables) -> dict[str, object]:
    """What NESTML says; states with a prime or a dollar have other names in NEST, by which they cannot be reached."""

    def plain(names):
        return [name for name in names if not set(name) & set("'$")]

    return {
        "ports": list(ports),
        "parameters": {name: unit.replace(" ", "") for name, unit in parameters.items()},
        "states": {name: states[name].replace(" ", "") for name in plain(states)},
        "recordables": sorted(plain(recordables)),
    }


def test_they_agree_for_the_models_of_the_package(module):
    for name, info in module("vectorised").models.items():
        own = [name for name in info.recordables if name != "drive_count"]  # what the target adds to every model
        theirs = of_nestml(info.ports, info.parameters, info.states, own)
        assert interface(resources.find_model(name)) == theirs, name


def test_they_agree_for_installed_neurons():
    folder = Path(sys.prefix) / "models" / "neurons"
    if not folder.is_dir():
        pytest.skip("NESTML's models are not installed")
    files = sorted(folder.glob("*.nestml")) if CHOSEN == "all" else [folder / f"{n}.nestml" for n in CHOSEN.split(",")]
    words = [sys.executable, "-c", PARSE, *map(str, files)]
    answer = subprocess.run(words, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    keys = ("ports", "parameters", "states", "recordables")
    found = {Path(name).stem: data for name, data in json.loads(answer.stdout.splitlines()[-1]).items()}
    assert {path.stem: interface(path) for path in files} == {
        name: of_nestml(*(data[key] for key in keys)) for name, data in found.items()
    }
