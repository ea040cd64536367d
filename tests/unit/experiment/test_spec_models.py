"""Files in the folder of models: those that cannot be used, those called oddly, and whose parameter is whose."""

import hashlib
import shutil
from pathlib import Path

import pytest

from network import refusals, resources
from network.codegen import sources as code_sources
from network.codegen.sources import find_sources
from network.codegen.targets import get
from network.codegen.toolchain import find_nest
from network.errors import BuildError, RefusedError, SpecError
from network.experiment import load_experiment, nestml
from network.experiment.nestml import ModelInterface, model_interfaces, parse_nestml, read_nestml
from network.experiment.nestml_support import Unsupported
from network.plans import estimate, make_plan, plan_from_dict
from network.plans.cost import load_cost_model, seconds_per_step
from network.plans.summary import code_notes
from network.refusals import note_refusal

TINY = (Path(__file__).parent / "data" / "models" / "tiny.nestml").read_text()
REFRACTORY = TINY.replace(
    "        integrate_odes()\n",
    "        if w > 0 pA:\n            integrate_odes(w)\n        else:\n            integrate_odes(V_m)\n",
)


@pytest.fixture
def own(tiny_params, tmp_path, monkeypatch):
    shutil.copy(resources.data_root() / "params" / "cost_model.yaml", tiny_params)
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setenv("BGNEST_MODELS", str(folder))
    return folder


def unreadable(own, kind):
    path = own / "mine.nestml"
    if kind == "folder":
        path.mkdir()
    elif kind == "dangling link":
        path.symlink_to(own / "nowhere")
    else:
        path.write_bytes({"Latin-1": b"# Zelle\n# von M\374ller\n", "binary": b"\x7fELF\0\1", "empty": b""}[kind])
    return path


@pytest.mark.parametrize("kind", ["Latin-1", "binary", "empty", "folder", "dangling link"])
def test_a_file_that_cannot_be_used_matters_only_to_those_who_use_it(own, kind):
    path = unreadable(own, kind)
    load_experiment("tiny")
    assert model_interfaces()["mine"].problem.startswith(str(path))
    with pytest.raises(SpecError) as caught:
        load_experiment("tiny", overrides=["populations.P.model=mine", "populations.Q.model=mine"])
    (problem,) = caught.value.problems
    assert "populations.P.model: " in problem and str(path) in problem


def test_the_line_that_is_no_text_is_named(own):
    unreadable(own, "Latin-1")
    assert "mine.nestml:2: is not a text file in UTF-8" in model_interfaces()["mine"].problem


@pytest.mark.parametrize("mark", ["utf-8-sig", "crlf"])
def test_text_as_other_systems_write_it(own, mark):
    text = TINY
    before = model_interfaces()["tiny"]
    (own / "mine.nestml").write_bytes(text.encode(mark) if mark != "crlf" else text.replace("\n", "\r\n").encode())
    found = model_interfaces()["mine"]
    assert not found.problem and (found.ports, found.parameters) == (before.ports, before.parameters)
    assert read_nestml(own / "mine.nestml") == text


@pytest.mark.parametrize("name", ["my cell", "my-cell", "2cells", "zelle_ü"])
def test_a_file_whose_name_is_no_name_says_so(own, name):
    (own / f"{name}.nestml").write_text(TINY)
    problem = model_interfaces()[name].problem
    assert (
        problem.endswith(f"{name!r} is not a name (letters, digits and underscores)") and f"{name}.nestml: " in problem
    )
    load_experiment("tiny")


def test_a_folder_that_is_not_there_is_named_where_something_is_not_found(own, monkeypatch):
    monkeypatch.setenv("BGNEST_MODELS", f"{own}:/nowhere/models")
    load_experiment("tiny")
    with pytest.raises(
        SpecError, match=r"no NESTML model 'mine'; .*; BGNEST_MODELS names no folder: '/nowhere/models'"
    ):
        load_experiment("tiny", overrides=["populations.P.model=mine"])
    monkeypatch.setenv("BGNEST_PARAMS", "/nowhere/params")
    with pytest.raises(SpecError, match=r"no experiment 'tiny2'; .*; BGNEST_PARAMS names no folder: '/nowhere/params'"):
        load_experiment("tiny2")


def test_what_an_editor_leaves_behind_is_no_model(own):
    (own / ".#mine.nestml").symlink_to("user@host.1234")
    assert set(resources.list_models()) == {"tiny"}


def test_two_models_in_one_file_are_refused(own):
    (own / "tiny.nestml").write_text(TINY + TINY.replace("model tiny", "model other"))
    with pytest.raises(SpecError, match=r"tiny\.nestml: 2 models in one file \(tiny in line 2, other in line \d+\)"):
        load_experiment("tiny")


# --- names -----------------------------------------------------------------------------------------------


def sources(*paths, target="plain"):
    return find_sources(list(paths), get(target), find_nest())


@pytest.mark.parametrize(
    ("file", "called", "name", "nest_name"),
    [
        ("mine", "mine", "mine", "mine"),
        ("mine", "leaky", "mine", "mine_nestml"),
        ("iaf_psc_exp", "iaf_psc_exp", "iaf_psc_exp", "iaf_psc_exp_nestml"),
        ("state", "cell", "state", "state_nestml"),
        ("my-cell", "cell", "cell", "cell"),
    ],
)
def test_a_model_is_known_by_the_name_of_its_file(tmp_path, file, called, name, nest_name):
    path = tmp_path / f"{file}.nestml"
    path.write_text(TINY.replace("model tiny", f"model {called}"))
    (source,) = sources(path)
    assert (source.name, source.nest_name) == (name, nest_name)
    assert parse_nestml(source.text_for_nest()).name == nest_name
    assert len(source.text_for_nest().splitlines()) == len(source.text.splitlines())


def test_two_files_may_call_their_models_the_same(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.nestml").write_text(TINY)
    found = sources(tmp_path / "two.nestml", tmp_path / "one.nestml")
    assert [source.nest_name for source in found] == ["one_nestml", "two_nestml"]
    assert found[0].identity != found[1].identity


def test_two_files_of_one_name_are_refused_before_anything_is_compiled(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "tiny.nestml").write_text(TINY)
    with pytest.raises(BuildError, match=r"b/tiny\.nestml: .*a/tiny\.nestml has the name 'tiny', too"):
        sources(tmp_path / "a" / "tiny.nestml", tmp_path / "b" / "tiny.nestml")


def test_an_own_model_hides_one_of_ours(own):
    (own / "tiny.nestml").write_text(TINY)
    assert [path.parent for path in resources.model_files()["tiny"]] == [own, resources.nestml_dir()]
    assert model_interfaces()["tiny"].file == str(own / "tiny.nestml")


# --- ports -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ports", [("ext_stn", "stn"), ("stn", "ext_stn"), ("stn", "my_ext_stn", "ext_stn")])
def test_a_parameter_belongs_to_the_longest_port_that_fits(ports):
    names = ("tau_syn_stn", "tau_syn_ext_stn", "E_rev_ext_stn", "E_rev_stn", "tau_syn_my_ext_stn", "C_m")
    owned = ModelInterface("cell", ports, dict.fromkeys(names, "ms")).port_parameters
    assert owned["tau_syn_stn"] == ("stn", "tau_syn")
    assert owned["E_rev_ext_stn"] == ("ext_stn", "E_rev")
    assert owned["tau_syn_my_ext_stn"] == (("my_ext_stn", "tau_syn") if len(ports) == 3 else ("ext_stn", "tau_syn_my"))
    assert "C_m" not in owned


def test_what_every_cell_has_belongs_to_no_port():
    model = ModelInterface("cell", ("L", "m"), dict.fromkeys(("E_L", "g_L", "C_m", "tau_syn_L", "tau_syn_m"), "ms"))
    assert model.port_parameters == {"tau_syn_L": ("L", "tau_syn"), "tau_syn_m": ("m", "tau_syn")}


# --- what the default target refuses ---------------------------------------------------------------------


def test_the_usual_way_to_write_a_refractory_period_is_not_refused(own):
    (own / "tiny.nestml").write_text(REFRACTORY)
    load_experiment("tiny")
    assert sources(own / "tiny.nestml", target="vectorised")


@pytest.fixture
def beyond(own, monkeypatch):
    """The model ``tiny`` has something in line 3 that the fast code cannot express, whatever that can do today."""
    for module in (nestml, code_sources):
        monkeypatch.setattr(module, "unsupported", lambda text: [Unsupported(3, "loops", "unroll them")])
    (own / "tiny.nestml").write_text(TINY + "\n# beyond the fast code\n")
    return own / "tiny.nestml"


def test_a_model_beyond_the_fast_code_gets_the_general_one_and_is_told_why(beyond, capsys):
    plan = make_plan(load_experiment("tiny"))
    assert plan.target == "plain" and plan.drive == "device" and plan.models_by_target == {"plain": ("tiny",)}
    (note,) = code_notes(plan)
    assert f"tiny is built with `plain` ({beyond}:3: the vectorised target does not support loops)" in note
    slow, fast = (seconds_per_step(load_cost_model(), code, "tiny") for code in ("plain", "vectorised"))
    assert f"{slow / fast:.0f} times as long ({1e9 * slow:.0f} ns a step)" in note and "generators" in note
    assert plan_from_dict(plan.to_dict()) == plan


def test_of_a_network_only_the_models_beyond_the_fast_code_get_the_general_one(own, monkeypatch):
    (own / "slow.nestml").write_text(TINY.replace("model tiny", "model slow") + "# slow\n")
    found = lambda text: [Unsupported(3, "loops")] if "# slow" in text else []  # noqa: E731
    monkeypatch.setattr(nestml, "unsupported", found)
    plan = make_plan(load_experiment("tiny", overrides=["populations.P.model=slow"]))
    assert (plan.target, plan.targets, plan.drive) == ("vectorised", {"slow": "plain"}, "internal")
    assert plan.models_by_target == {"plain": ("slow",), "vectorised": ("tiny",)} and plan.build_target == "auto"
    assert [i.device for i in plan.inputs] == [True]  # of P, whose cells cannot draw
    as_before = make_plan(load_experiment("tiny"))
    assert as_before.targets == {} and as_before.build_identity != plan.build_identity
    assert estimate(plan).update > estimate(as_before).update


def test_who_insists_on_the_fast_code_is_refused_with_line_and_remedy(beyond):
    with pytest.raises(SpecError) as caught:
        load_experiment("tiny", overrides=["simulation.target=vectorised"])
    (problem,) = caught.value.problems
    assert f"populations.P.model: {beyond}:3: the vectorised target does not support loops: unroll them; or" in problem
    assert "--target auto" in problem
    load_experiment("tiny", overrides=["simulation.target=plain"])
    with pytest.raises(RefusedError, match=r"tiny\.nestml:3: .*loops.*--target auto"):
        sources(beyond, target="vectorised")
    assert sources(beyond, target="plain")


def test_what_only_the_generator_could_tell_is_known_to_the_next_plan(own, tmp_path, monkeypatch):
    monkeypatch.setenv("BGNEST_CACHE", str(tmp_path / "cache"))
    assert make_plan(load_experiment("tiny")).target == "vectorised"
    note_refusal(hashlib.sha256(TINY.encode()).hexdigest(), 0, "input whose effect depends on the state (V_m)")
    plan = make_plan(load_experiment("tiny"))
    assert plan.target == "plain" and "depends on the state" in plan.reasons["tiny"]
    monkeypatch.setattr(refusals, "_generator", lambda: "another generator")
    assert make_plan(load_experiment("tiny")).target == "vectorised"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("exc <- spike", "exc <- excitatory spike", "qualifiers"),
        ("w pA = 0 pA", "w[2] pA = 0 pA", "vectors (w)"),
        ("        emit_spike()", '        print("fired")\n        emit_spike()', "print()"),
        ("        emit_spike()", "        while w > 0 pA:\n            integrate_odes()", "integrate_odes() in an"),
        ("p integer = 1", "p integer = 7 // 2", "division of integers"),
        (
            "    onCondition",
            "    onReceive(exc):\n        integrate_odes()\n\n    onCondition",
            "in an onReceive block",
        ),
        (
            "        integrate_odes()\n",
            "        for p in 0 ... 3 step 1:\n            if w > 0 pA:\n                integrate_odes(w)\n",
            "integrate_odes() in a loop",
        ),
        (
            "    update:",
            "    function f(x real) real:\n        return x > 1 ? f(x - 1) : x\n\n    update:",
            "the function f(), which calls itself",
        ),
    ],
)
def test_what_is_refused_is_seen_in_the_text(old, new, what):
    assert old in TINY
    (found,) = parse_nestml(TINY.replace(old, new)).unsupported
    assert what in found.what


def test_what_stands_beside_a_loop_is_not_in_it():
    loop = "        while w > 0 pA:\n            w -= 1 pA\n        integrate_odes()\n"
    assert parse_nestml(TINY.replace("        integrate_odes()\n", loop)).unsupported == ()


def test_what_input_may_do_is_not_refused():
    text = TINY.replace("exc <- spike", "exc <- excitatory spike").replace("inh <- spike", "inh <- inhibitory spike")
    block = "    onReceive(exc, priority = 1):\n        V_m += jump(t) * random_normal(0, 1) * (V_m - 1 mV)\n\n"
    function = "    function jump(at ms) real:\n        return (at / 1 ms) * steps(2 ms) % 3\n\n"
    text = text.replace("    update:", block + function + "    update:")
    assert parse_nestml(text).unsupported == ()


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[3] / "nestml_models").glob("*.nestml")), ids=lambda p: p.stem
)
def test_our_own_models_are_not_refused(path):
    assert parse_nestml(path.read_text()).unsupported == ()
