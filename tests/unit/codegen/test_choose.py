"""Which code a model gets when only the generator could tell, what is said before compiling, what is remembered."""

import hashlib
from pathlib import Path

import pytest

from network.codegen import Modules, choose
from network.codegen.cache import Cache
from network.codegen.expected import announcement, note_seconds
from network.codegen.info import BuiltModule, ModelInfo
from network.engine import run as engine_run
from network.engine.progress import SilentReporter
from network.errors import BuildError, RefusedError
from network.experiment import load_experiment
from network.experiment.example import example_of
from network.experiment.nestml import model_interfaces
from network.memo import remembered
from network.plans import make_plan
from network.refusals import note_refusal

CELL = """model {name}:
    state:
        V_m mV = -65 mV
    equations:
        kernel K = exp(-t / tau_s)
        V_m' = -V_m / tau_m + convolve(K, spikes) * 1 pA / C_m
    parameters:
        tau_m ms = 20 ms
        tau_s ms = 2 ms
        C_m pF = 200 pF
    input:
        spikes <- spike
    output:
        spike
    update:
        integrate_odes()
    onCondition(V_m > 10 mV):
        emit_spike()
"""
WHAT = "linear equations whose coefficients depend on the state"


@pytest.fixture
def cells(tmp_path, monkeypatch):
    """Two models, ``hard`` of which the generator will refuse although its text does not tell."""
    monkeypatch.setenv("BGNEST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BGNEST_MODELS", str(tmp_path))
    for name in ("easy", "hard"):
        (tmp_path / f"{name}.nestml").write_text(CELL.format(name=name))
    return tmp_path


def refuse(path):
    note_refusal(hashlib.sha256(path.read_bytes()).hexdigest(), 6, WHAT)
    return RefusedError(f"{path}:6: the vectorised target does not support {WHAT}", 6, WHAT)


def built(names, target):
    models = {name: ModelInfo(name, {}, {}, {}, ()) for name in names}
    return BuiltModule(Path(target), target, models, f"key of {target}", target, Path("log"))


@pytest.fixture
def compiler(cells, monkeypatch):
    """Stands for the build of one module; refuses ``hard`` when it gets to it."""
    asked = []

    def build(models, target="vectorised", **options):
        names = [Path(model).stem for model in models]
        asked.append((target, names))
        if target == "vectorised" and "hard" in names:
            raise refuse(cells / "hard.nestml")
        return built(names, target)

    monkeypatch.setattr(choose, "build", build)
    return asked


def test_a_model_that_the_generator_refuses_gets_the_general_code_with_one_sentence(compiler, cells):
    told = []
    modules = choose.build_all(["easy", "hard"], tell=told.append)
    assert {part.target: sorted(part.models) for part in modules.parts} == {"vectorised": ["easy"], "plain": ["hard"]}
    reason = f"{cells}/hard.nestml:6: the vectorised target does not support {WHAT}"
    assert told == [f"hard is built with `plain` ({reason})"]
    assert compiler == [("vectorised", ["easy", "hard"]), ("vectorised", ["easy"]), ("plain", ["hard"])]
    compiler.clear()
    choose.build_all(["easy", "hard"])
    assert compiler == [("vectorised", ["easy"]), ("plain", ["hard"])]  # known now


def test_who_insists_gets_the_refusal(compiler):
    with pytest.raises(RefusedError, match=r"hard\.nestml:6"):
        choose.build_all(["easy", "hard"], "vectorised")


def test_modules_of_a_network_are_one_for_those_who_use_them():
    modules = Modules((built(["easy"], "vectorised"), built(["hard"], "plain")))
    assert set(modules.models) == {"easy", "hard"} and modules.of("hard").target == "plain"
    assert modules.key == "key of vectorised+key of plain" and modules.parts[0].of("easy") is modules.parts[0]


class Engine:
    """Compiles nothing, but refuses what the fast code shall express."""

    def __init__(self, path):
        self.path = path

    def compile(self, plan, reporter):
        if "hard" in plan.models_by_target.get("vectorised", ()):
            raise refuse(self.path)
        return built(["hard"], plan.target)


def test_a_run_whose_model_is_refused_while_it_compiles_goes_on_with_the_general_code(cells):
    (cells / "net.yaml").write_text(example_of("hard", model_interfaces()["hard"]))
    experiment = load_experiment(cells / "net.yaml")
    plan = make_plan(experiment)
    assert plan.target == "vectorised"
    engine = Engine(cells / "hard.nestml")
    insisting = load_experiment(cells / "net.yaml", overrides=["simulation.target=vectorised"])
    with pytest.raises(RefusedError):
        engine_run._compile(engine, insisting, make_plan(insisting), SilentReporter())
    now, module = engine_run._compile(engine, experiment, plan, SilentReporter())
    assert (now.target, now.drive, module.target) == ("plain", "device", "plain") and WHAT in now.reasons["hard"]
    for note in (cells / "cache" / "refused").rglob("*.json"):
        note.unlink()
    several = make_plan(experiment, ranks=2)
    with pytest.raises(BuildError, match="start again"):
        engine_run._compile(engine, experiment, several, SilentReporter())


def test_how_long_compiling_takes_is_said_as_it_was_before(tmp_path):
    store = Cache(tmp_path)
    assert announcement(store, "plain", ["a", "b", "c"], 2) == (
        "compiling a, b, c (plain): about 60 s, 30 s each by the cost model"
    )
    note_seconds(store, "plain", 10.0)
    note_seconds(store, "plain", 18.0)
    assert announcement(store, "plain", ["b", "a"], 2) == "compiling a, b (plain): about 11 s, 11 s each as before"
    assert "5 models (vectorised): about 90 s" in announcement(store, "vectorised", list("abcde"), 2)


def test_an_answer_is_remembered_as_long_as_its_files_are_the_same(tmp_path, monkeypatch):
    monkeypatch.setenv("BGNEST_CACHE", str(tmp_path / "cache"))
    file, asked = tmp_path / "header.h", []

    def work():
        asked.append(file.read_text())
        return file.read_text()

    file.write_text("one")
    assert [remembered("what", [file], work) for _ in range(3)] == ["one"] * 3 and asked == ["one"]
    assert remembered("another question", [file], work) == "one" and len(asked) == 2
    file.write_text("three")
    assert remembered("what", [file], work) == "three"
    monkeypatch.setenv("BGNEST_CACHE", "/proc/nowhere")
    assert remembered("what", [file], work) == "three"  # a cache that cannot be written
