"""Random small models and a few of NESTML's own agree between the code generators, and with NEST's built-in models.

All models of a target are in one module. The protocol is that of docs/notes/models.md; scripts/neurons has it,
and more models.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts" / "neurons"))
import compare
import neuron_protocol as protocol
import random_models

from network import codegen
from network.experiment.nestml import ModelInterface, parse_nestml, read_nestml

pytestmark = pytest.mark.nestml

NEURONS = Path(sys.prefix) / "models" / "neurons"
WITH_TWINS = ("iaf_cond_alpha_neuron", "iaf_psc_exp_neuron")
RANDOM = tuple(f"random_{seed}" for seed in random_models.SEEDS)
Results = dict[str, compare.Result]


@pytest.fixture(scope="session")
def interfaces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ModelInterface]:
    paths = random_models.write(tmp_path_factory.mktemp("random"), random_models.SEEDS)
    paths += [path for name in WITH_TWINS if (path := NEURONS / f"{name}.nestml").is_file()]
    models = {path.stem: parse_nestml(read_nestml(path), str(path)) for path in paths}
    return {name: model for name, model in models.items() if not model.unsupported}


@pytest.fixture(scope="session")
def results(interfaces: dict[str, ModelInterface]) -> Results:
    """Recordings of both targets and of NEST's twins."""
    found: Results = {}
    for target in ("vectorised", "plain"):
        module = codegen.build([Path(model.file) for model in interfaces.values()], target=target)
        found[target] = compare.run(compare.job_of(interfaces, module))
    found["twin"] = compare.twins(interfaces, found["plain"])
    return found


@pytest.mark.parametrize("name", [*RANDOM, *WITH_TWINS])
def test_both_generators_make_the_same_cells(
    name: str, interfaces: dict[str, ModelInterface], results: Results
) -> None:
    if name not in interfaces:
        pytest.skip("not installed with this NESTML, or beyond the fast code")
    found = compare.difference(name, results["vectorised"], results["plain"])
    assert found.n_spikes > 20, "a model that does not fire shows nothing"
    assert found.steps <= 1 and found.potential < 0.01, found


@pytest.mark.parametrize("name", WITH_TWINS)
@pytest.mark.parametrize("target", ["vectorised", "plain"])
def test_cells_of_nestml_are_those_of_nest(
    name: str, target: str, interfaces: dict[str, ModelInterface], results: Results
) -> None:
    if name not in interfaces:
        pytest.skip("not installed with this NESTML, or beyond the fast code")
    found = compare.difference(name, results[target], results["twin"])
    assert found.n_spikes > 20
    assert found.steps <= 1 and found.potential < 0.01, found


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names of instructions are those of x86")
@pytest.mark.skipif(shutil.which("objdump") is None, reason="no objdump")
def test_the_equations_are_vector_instructions(interfaces: dict[str, ModelInterface]) -> None:
    """The loop over lanes of every model is vectorised; what looks harmless to a reader may prevent it."""
    module = codegen.build([Path(model.file) for model in interfaces.values()], target="vectorised")
    command = ["objdump", "-d", "-C", "--no-show-raw-insn", str(module.path.with_suffix(".so"))]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    counts: dict[str, dict[str, int]] = {}
    for function in re.split(r"\n\n(?=[0-9a-f]+ <)", listing):
        head = function.split("\n", 1)[0]
        if of := re.search(r"Lane(?:Slice<(\w+), .*::advance|Program<(\w+)_model, .*::(?:stage_|slopes_)<\d>)\(", head):
            found = counts.setdefault(of.group(1) or of.group(2), {"pd": 0, "sd": 0})
            for kind in re.findall(r"\sv?(?:mul|add|sub|fn?m(?:add|sub)\d+)(pd|sd)\s", function):
                found[kind] += 1
    assert set(counts) == set(interfaces)
    assert {name: n for name, n in counts.items() if n["pd"] < 5 * n["sd"]} == {}


def test_the_comparison_sees_a_step_a_spike_and_a_hundredth_of_a_millivolt(results: Results) -> None:
    name = RANDOM[0]
    ours = results["plain"]
    assert compare.difference(name, ours, ours) == compare.Difference(len(ours[f"{name}/spikes"]), 0.0, 0.0)
    late = {**ours, f"{name}/spikes": ours[f"{name}/spikes"] + protocol.RESOLUTION}
    assert compare.difference(name, late, ours).steps == 1.0
    fewer = {**ours, f"{name}/spikes": ours[f"{name}/spikes"][:-30], f"{name}/senders": ours[f"{name}/senders"][:-30]}
    assert compare.difference(name, fewer, ours).steps == np.inf
    higher = {**ours, f"{name}/V_m": ours[f"{name}/V_m"] + 0.01}
    assert compare.difference(name, higher, ours).potential == pytest.approx(0.01)
