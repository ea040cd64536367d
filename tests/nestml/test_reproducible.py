"""The same model gives the same C++, whenever and wherever it is compiled: the last digits of a run depend on it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from network.codegen import targets, toolchain
from network.codegen.recipe import WORKER

pytestmark = pytest.mark.nestml

RECEPTORS = ("ampa", "nmda", "gaba", "glycine", "nicotinic")
CURRENT = " + ".join(f"convolve(K_{name}, {name}) * 1 nS * (E_{name} - V_m)" for name in RECEPTORS)


def text() -> str:
    kernels = "\n".join(f"        kernel K_{name} = exp(-t / tau_{name})" for name in RECEPTORS)
    parameters = "\n".join(
        f"        tau_{name} ms = {i + 2} ms\n        E_{name} mV = {-10 * i} mV" for i, name in enumerate(RECEPTORS)
    )
    ports = "\n".join(f"        {name} <- spike" for name in RECEPTORS)
    return f"""model several_receptors:
    state:
        V_m mV = -70 mV

    equations:
{kernels}
        V_m' = (0.5 nS / mV * (V_m - E_L) * (V_m - V_t) + {CURRENT}) / C_m

    parameters:
        C_m pF = 100 pF
        E_L mV = -70 mV
        V_t mV = -50 mV
        V_peak mV = 30 mV
{parameters}

    input:
{ports}

    output:
        spike

    update:
        integrate_odes()

    onCondition(V_m >= V_peak):
        V_m = E_L
        emit_spike()
"""


def generated(folder: Path) -> dict[str, str]:
    """Files that one process of NESTML writes for the model."""
    folder.mkdir()
    source = folder / "several_receptors.nestml"
    source.write_text(text())
    target = targets.get("vectorised")
    version = toolchain.find_nest().version
    templates = {
        "path": str(target.templates),
        "model_templates": {"neuron": list(target.model_templates), "synapse": []},
        "module_templates": [],
    }
    job = {
        "source": str(source),
        "folder": str(folder / "cpp"),
        "options": {**target.nestml_options, "nest_version": f"v{version}", "templates": templates},
        "plugin": str(target.plugin),
        "nest_version": version,
        "result": str(folder / "result.json"),
    }
    (folder / "job.json").write_text(json.dumps(job))
    # other addresses of NESTML's objects, whose sets are ordered by them: another environment moves the heap
    environment = {**toolchain.clean_environment(), "PADDING": "x" * random.randrange(100_000)}
    command = [sys.executable, str(WORKER), str(folder / "job.json")]
    subprocess.run(command, check=True, capture_output=True, env=environment)
    result = json.loads((folder / "result.json").read_text())
    assert result["failure"] is None and not result["errors"], result
    return {path.name: path.read_text() for path in (folder / "cpp").glob("several_receptors.*")}


def test_several_receptors_give_the_same_code_in_every_process(tmp_path):
    first, second, third = (generated(tmp_path / str(i)) for i in range(3))
    assert set(first) == {"several_receptors.cpp", "several_receptors.h"}
    assert first == second == third
