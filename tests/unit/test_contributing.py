"""The worked examples of CONTRIBUTING.md: each, added to a copy of the package as one file, does what it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = {
    match[1]: match[0].removeprefix("```python\n").removesuffix("```")
    for match in re.finditer(
        r"```python\n# (network/\S+\.py)\n.*?```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL
    )
}
DATA = ROOT / "tests" / "unit" / "experiment" / "data"

USE = """
import json
import sys

import numpy as np
import bgnest
from bgnest.analysis.targets.measures import RunData, find
from bgnest.experiment import load_experiment
from bgnest.experiment.streams import stream
from bgnest.plans import make_plan, plan_from_dict
from bgnest.plans.summary import plan_summary
from bgnest.runs.reader import Run

assert bgnest.__file__.startswith(sys.argv[1])
found = {}


def problems(**changes):
    try:
        bgnest.load("own.yaml", changes=changes)
    except bgnest.Error as error:
        return str(error)


connect = "projections.X_to_X.connect"
ring = load_experiment("own.yaml", overrides=[f"{connect}={{rule: neighbours, number: 4}}"])
plan = make_plan(ring)
assert plan_from_dict(plan.to_dict()) == plan
assert plan.network_hash != make_plan(load_experiment("own.yaml")).network_hash
(projection,) = plan.projections
source, target = projection.rule.pairs(plan.ends(projection), stream(1, "wiring"))
found["synapses"], found["sources"] = projection.n_synapses, sorted(source[target == 0].tolist())
found["described"] = "4 neighbours" in plan_summary(plan)
found["odd"] = problems(**{connect: {"rule": "neighbours", "number": 3}})
found["unknown"] = problems(**{connect: {"rule": "nowhere"}})

messenger = {"populations.X.receptors.a.kind": "messenger"}
found["wrong unit"] = problems(**messenger)
plan = make_plan(bgnest.load("own.yaml", changes={**messenger, "projections.X_to_X.weight": "0.5 1"}).spec)
found["unit"], found["summary"] = plan.population("X").unit("a"), plan_summary(plan)

mock = {"simulation.mock": {"rate": 50}, "populations.X.n_neurons": 100}
run = bgnest.load("own.yaml", changes=mock, t_sim=500).run(out="run", progress=False)
found["regular"] = find("regular").value(RunData(Run.open(run.path)), "X")
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What a script finds that uses the package with the files of all examples in it."""
    folder = tmp_path_factory.mktemp("contributor")
    shutil.copytree(ROOT / "network", folder / "network", ignore=shutil.ignore_patterns("__pycache__", "_data"))
    shutil.copytree(ROOT / "packaging" / "bgnest", folder / "bgnest")
    for name in ("params", "nestml_models"):
        (folder / name).symlink_to(ROOT / name)
    for name, text in EXAMPLES.items():
        assert not (folder / name).exists()
        (folder / name).write_text(text)
    (folder / "psc.nestml").write_text((DATA / "psc.nestml").read_text().format(sign="+ 0) * 1 pA +", qualifier=""))
    (folder / "own.yaml").write_text((DATA / "currents.yaml").read_text())
    (folder / "use.py").write_text(USE)
    environment = {**os.environ, "PYTHONPATH": str(folder), "BGNEST_MODELS": str(folder)}
    words = [sys.executable, "-P", "use.py", str(folder)]
    answer = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout.splitlines()[-1])


def test_each_example_is_one_file_with_one_class():
    assert [Path(name).stem for name in EXAMPLES] == ["neighbours", "messenger", "regular"]
    for name, text in EXAMPLES.items():
        assert len(re.findall(r"^class ", text, re.MULTILINE)) == 1, name


def test_a_rule_is_written_planned_and_connects(found):
    assert found["synapses"] == 20 and found["sources"] == [1, 2, 3, 4] and found["described"]
    assert "number must be even, not 3" in found["odd"]
    assert "one_to_one" in found["unknown"] and "neighbours" in found["unknown"]


def test_a_receptor_has_weights_in_its_unit(found):
    assert "X_to_X.weight: wrong unit 'nA'; accepted: 1" in found["wrong unit"]
    assert "a step of a concentration" in found["wrong unit"]
    assert found["unit"] == "1" and re.search(r"X_to_X +a .* 0\.4-0\.6 1 ", found["summary"])


def test_a_measure_measures_a_run(found):
    # spikes of a Poisson process with few intervals: on both sides of 1
    assert 0.2 < found["regular"] < 0.9
