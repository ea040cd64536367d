"""Building and caching modules, with a small model of our own."""

from __future__ import annotations

import errno
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from network.codegen import BuiltModule, build, prebuilt, targets, toolchain
from network.errors import BuildError

pytestmark = pytest.mark.nestml

MODEL = """# A leaky cell with two receptors.
model {name}:

    state:
        V_m mV = -70 mV
        n_spikes integer = 0

    equations:
        kernel K_fast = exp(-t / tau_syn_fast)
        kernel K_slow = exp(-t / tau_syn_slow)
        recordable inline g_fast nS = convolve(K_fast, fast) * 1 nS
        inline g_slow nS = convolve(K_slow, slow) * 1 nS
        V_m' = (-g_L * (V_m - E_L) - (g_fast + g_slow) * V_m + I_e) / C_m

    parameters:
        C_m pF = {C_m} pF
        g_L nS = 10 nS
        E_L mV = -70 mV
        V_th mV = -50 mV
        I_e pA = 0 pA
        repeats integer = 2
        tau_syn_fast ms = 2 ms
        tau_syn_slow ms = 20 ms

    input:
        slow <- spike
        fast <- spike

    output:
        spike

    update:
        integrate_odes()

    onCondition(V_m >= V_th):
        V_m = E_L
        n_spikes += 1
        emit_spike()

"""


@pytest.fixture(scope="module", autouse=True)
def remembering_compiler():
    """Compile what these tests compile once per machine."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bgnest-tests"
    cache.mkdir(parents=True, exist_ok=True)
    chosen = targets.get("plain")
    salt = f"{toolchain.find_nest().fingerprint}-{chosen.fingerprint()}-{toolchain.find_compiler().version}"
    command = [sys.executable, "-IS", str(Path(__file__).with_name("remembering_compiler.py")), str(cache), salt]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CXX", shlex.join(command))
        yield


@pytest.fixture(scope="module")
def workplace(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    (folder / "leaky.nestml").write_text(MODEL.format(name="leaky", C_m=200))
    return folder


@pytest.fixture(scope="module")
def leaky(workplace) -> BuiltModule:
    return build([workplace / "leaky.nestml"], target="plain", cache=workplace / "cache")


def ask_nest(module: BuiltModule, code: str) -> dict:
    """Run code in a process with the module loaded; it leaves its answer in ``answer``."""
    script = (
        "import json, os, sys\n"
        "os.environ['PYNEST_QUIET'] = '1'\n"
        "import nest\n"
        f"nest.Install({str(module.path)!r})\n"
        f"{code}\n"
        "print('ANSWER', json.dumps(answer))\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.split("ANSWER ")[1])


def test_information_agrees_with_nest(leaky):
    code = (
        "defaults = nest.GetDefaults('leaky')\n"
        "answer = {'ports': defaults['receptor_types'], 'names': sorted(defaults), "
        "'recordables': [str(name) for name in defaults['recordables']]}"
    )
    answer = ask_nest(leaky, code)
    info = leaky.models["leaky"]
    assert info.ports == {"slow": 1, "fast": 2}
    assert {name.upper(): number for name, number in info.ports.items()} == answer["ports"]
    assert set(info.recordables) == {"V_m", "n_spikes", "g_fast"}
    assert set(info.recordables) <= set(answer["recordables"])
    assert {*info.parameters, *info.states} <= set(answer["names"])
    assert info.parameters["C_m"] == "pF"
    assert info.integer_parameters == ("repeats",)


def test_module_of_the_project_agrees_with_nest(module, target):
    built = module(target)
    code = f"answer = {{name: nest.GetDefaults(name, 'receptor_types') for name in {sorted(built.models)!r}}}"
    answer = ask_nest(built, code)
    for name, info in built.models.items():
        assert {port.upper(): number for port, number in info.ports.items()} == {
            str(port).upper(): number for port, number in answer[name].items()
        }
    assert min(built.models["qif_msn"].ports, key=built.models["qif_msn"].ports.get) == "gaba_msn"


def test_spikes_inside_a_step_and_counting_once(leaky):
    """The condition's body runs once per spike, at the crossing: the interval is not rounded up to whole steps."""
    code = (
        "nest.resolution = 0.1\n"
        "cell = nest.Create('leaky', params={'I_e': 1000.0})\n"
        "recorder = nest.Create('spike_recorder')\n"
        "nest.Connect(cell, recorder)\n"
        "nest.Simulate(1000.0)\n"
        "answer = {'times': list(recorder.get('events', 'times')), 'counted': cell.n_spikes}"
    )
    answer = ask_nest(leaky, code)
    times = answer["times"]
    assert answer["counted"] == len(times) > 50
    interval = 20.0 * 1.6094379124341003 - 20.0 * 1.3862943611198906  # tau_m log(I / (I - g_L (V_th - E_L)))
    assert (times[-1] - times[0]) / (len(times) - 1) == pytest.approx(interval, abs=0.1 / (len(times) - 1))


def test_a_state_that_is_not_finite_is_an_error(leaky):
    code = (
        "cell = nest.Create('leaky', params={'V_m': float('nan')})\n"
        "try:\n    nest.Simulate(1.0)\n    answer = 'went on'\n"
        "except nest.NESTErrors.NumericalInstability as error:\n    answer = str(error)"
    )
    assert "instability" in ask_nest(leaky, code)


def test_a_reset_above_the_threshold_ends(leaky):
    """The cell fires in every step, but a step is not spent on it for ever."""
    code = (
        "cell = nest.Create('leaky', params={'E_L': -40.0, 'V_m': -40.0})\nnest.Simulate(10.0)\nanswer = cell.n_spikes"
    )
    assert 90 <= ask_nest(leaky, code) <= 300


def test_no_gsl_in_the_plain_target(leaky, workplace):
    files = [*workplace.glob("cache/objects/*/cpp/leaky.*")]
    assert len(files) == 2
    for path in files:
        assert "gsl_odeiv" not in path.read_text()


def test_cache_hit_compiles_nothing(leaky, workplace):
    files = {path: path.stat().st_mtime_ns for path in (workplace / "cache").rglob("*") if path.suffix in (".o", ".so")}
    again = build([workplace / "leaky.nestml"], target="plain", cache=workplace / "cache")
    assert again.compiled == ()
    assert again.path == leaky.path
    assert {path: path.stat().st_mtime_ns for path in (workplace / "cache").rglob("*") if path in files} == files
    assert leaky.compiled == ("leaky",)


def test_key_follows_source_and_flags(leaky, workplace, monkeypatch):
    """A changed source or CPU makes another module; with the compiler out of reach the cache stays untouched."""
    changed = workplace / "changed" / "leaky.nestml"
    changed.parent.mkdir()
    changed.write_text(MODEL.format(name="leaky", C_m=250))
    monkeypatch.setattr("network.codegen.builder.build_objects", lambda *args: pytest.fail("compiles"))
    with pytest.raises(pytest.fail.Exception, match="compiles"):
        build([changed], target="plain", cache=workplace / "cache")
    with pytest.raises(pytest.fail.Exception, match="compiles"):
        build([workplace / "leaky.nestml"], target="plain", march="x86-64-v2", cache=workplace / "cache")
    with pytest.raises(pytest.fail.Exception, match="compiles"):
        build([workplace / "leaky.nestml"], target="reference", cache=workplace / "cache")


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "flipped": flip,
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "emptied": lambda path: path.write_bytes(b""),
    "missing": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.fixture
def copy_of_the_cache(leaky, workplace, tmp_path):
    shutil.copytree(workplace / "cache", tmp_path / "cache")
    return tmp_path / "cache"


class BuiltAgainError(Exception):
    """Instead of compiling."""


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("file", ["*.so", "manifest.json"])
def test_a_damaged_module_is_named_and_not_loaded(
    copy_of_the_cache, workplace, leaky, file, kind, monkeypatch, no_compiler, caplog
):
    (place,) = (copy_of_the_cache / "modules" / leaky.key).glob(file)
    DAMAGES[kind](place)
    with pytest.raises(BuildError, match="names no program"):  # what was compiled elsewhere is not used either
        build([workplace / "leaky.nestml"], target="plain", cache=copy_of_the_cache)
    monkeypatch.setenv("CXX", "g++")
    monkeypatch.setattr("network.codegen.builder.link", raise_built_again)
    with pytest.raises(BuiltAgainError):
        build([workplace / "leaky.nestml"], target="plain", cache=copy_of_the_cache)
    assert f"{leaky.key} is damaged ({place.name}: " in caplog.text


def raise_built_again(*args):
    raise BuiltAgainError


@pytest.mark.parametrize("file", ["leaky.o", "manifest.json", "log.txt", "cpp/leaky.h"])
def test_a_damaged_object_is_not_linked(copy_of_the_cache, workplace, leaky, file, monkeypatch):
    (folder,) = (copy_of_the_cache / "objects").iterdir()
    flip(folder / file)
    shutil.rmtree(copy_of_the_cache / "modules" / leaky.key)
    monkeypatch.setattr("network.codegen.objects._generate", raise_built_again)
    with pytest.raises(BuiltAgainError):
        build([workplace / "leaky.nestml"], target="plain", cache=copy_of_the_cache)


def test_whatever_is_damaged_the_next_build_is_the_same_again(copy_of_the_cache, workplace, leaky):
    """Half a module, a lock that is a folder, half a note: the objects are whole, so that only linking is needed."""
    for place in copy_of_the_cache.glob("*/*/*.so"):
        DAMAGES["truncated"](place)
    for lock in (copy_of_the_cache / "locks").iterdir():
        DAMAGES["a folder"](lock)
    for note in copy_of_the_cache.glob("ready/*/*.json"):
        DAMAGES["truncated"](note)
    again = build([workplace / "leaky.nestml"], target="plain", cache=copy_of_the_cache)
    assert (again.name, again.models) == (leaky.name, leaky.models)
    again.check()
    assert ask_nest(again, "answer = 'leaky' in nest.node_models") is True
    assert build([workplace / "leaky.nestml"], target="plain", cache=copy_of_the_cache).sha256 == again.sha256


def test_a_module_that_is_damaged_after_it_was_found_is_not_loaded(copy_of_the_cache, workplace):
    module = build([workplace / "leaky.nestml"], target="plain", cache=copy_of_the_cache)
    DAMAGES["truncated"](module.library)
    with pytest.raises(BuildError, match=r"\.so: content differs"):
        module.check()


def test_a_full_disk_is_named(workplace, tmp_path, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("network.codegen.objects._generate", full)
    with pytest.raises(BuildError, match=r"cannot be written: No space left on device.*BGNEST_CACHE"):
        build([workplace / "leaky.nestml"], target="plain", cache=tmp_path / "cache")
    assert not list((tmp_path / "cache" / "tmp").iterdir())


@pytest.fixture(scope="module")
def two_processes(leaky, workplace) -> list[list[str]]:
    """Name of the module of two models, of which one was compiled, and what each of two processes then compiled."""
    # called like one of NEST's, and by its author like the first
    (workplace / "iaf_psc_exp.nestml").write_text(MODEL.format(name="leaky", C_m=100))
    code = (
        "import sys; from pathlib import Path; from network.codegen import build\n"
        "found = build([Path(name) for name in sys.argv[2:]], target='plain', cache=Path(sys.argv[1]))\n"
        "print(found.name, *found.compiled)"
    )
    command = [sys.executable, "-c", code, str(workplace / "cache")]
    command += [str(workplace / "leaky.nestml"), str(workplace / "iaf_psc_exp.nestml")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    return [process.communicate(timeout=600)[0].split() for process in processes]


def test_a_second_model_compiles_alone_and_two_processes_compile_once(leaky, two_processes, workplace):
    names = {output[0] for output in two_processes}
    assert len(names) == 1
    assert leaky.name not in names
    assert sorted(output[1:] for output in two_processes) == [[], ["iaf_psc_exp"]]
    assert not list((workplace / "cache" / "tmp").iterdir())
    both = build(
        [workplace / "leaky.nestml", workplace / "iaf_psc_exp.nestml"], target="plain", cache=workplace / "cache"
    )
    assert both.compiled == () and {name: info.name for name, info in both.models.items()} == {
        "leaky": "leaky",
        "iaf_psc_exp": "iaf_psc_exp_nestml",
    }
    answer = ask_nest(both, "answer = [nest.GetDefaults(name, 'C_m') for name in ('leaky', 'iaf_psc_exp_nestml')]")
    assert answer == [200.0, 100.0]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("        V_m' = -V_m / tau_syn_fast +\n", r"broken\.nestml:\d+:\d+: .*parsing"),
        ("        V_m' = -V_m / tau_m\n", r"broken\.nestml:\d+:\d+: .*tau_m"),
        ("        V_m' = -V_m / (2 * ms)\n", r"broken\.nestml:\d+:\d+: No free-standing .*\(ms\); write 1 ms$"),
        ("        V_m' = -sqrt(V_m**2) / (2 ms)\n", r"broken\.nestml:\d+:\d+: .*; write x\*\*0\.5"),
    ],
    ids=["syntax", "undefined", "unit", "root"],
)
def test_errors_in_a_model_say_where(tmp_path, line, message):
    text = MODEL.format(name="broken", C_m=200)
    start = text.index("        V_m' =")
    (tmp_path / "broken.nestml").write_text(text[:start] + line + text[text.index("\n", start) + 1 :])
    with pytest.raises(BuildError, match=message):
        build([tmp_path / "broken.nestml"], target="plain", cache=tmp_path / "cache")
    assert not list((tmp_path / "cache" / "modules").iterdir())


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"(K_slow, slow)": "(K_slow, dopamine)", "slow <-": "dopamine <-"}, "a name that does not begin with d"),
        ({"-t / tau_syn_fast)": "-t / 2 ms)"}, "a kernel has parameters in place of numbers with units"),
    ],
    ids=["port", "kernel"],
)
def test_what_nestml_itself_cannot_work_with_comes_with_a_remedy(tmp_path, changes, remedy):
    text = MODEL.format(name="broken", C_m=200)
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "broken.nestml").write_text(text)
    with pytest.raises(BuildError, match=rf"broken\.nestml: .*; .*{remedy}$"):
        build([tmp_path / "broken.nestml"], target="plain", cache=tmp_path / "cache")


def test_time_in_an_equation_is_refused_where_nestml_makes_code_that_does_not_compile(tmp_path):
    text = MODEL.format(name="timed", C_m=200)
    start = text.index("        V_m' =")
    kernel = "        kernel K2 = exp(-t / 2 ms)\n"
    (tmp_path / "timed.nestml").write_text(text[:start] + kernel + "        V_m' = -V_m * sin(t / 1 ms) / 1 ms\n")
    line = text[:start].count("\n") + 2
    with pytest.raises(BuildError, match=rf"timed\.nestml:{line}: .*time t.*--target auto"):
        build([tmp_path / "timed.nestml"], target="plain", cache=tmp_path / "cache")


def test_a_file_without_a_model(tmp_path):
    (tmp_path / "empty.nestml").write_text("# nothing here\n\n")
    with pytest.raises(BuildError, match=r"empty\.nestml"):
        build([tmp_path / "empty.nestml"], target="plain", cache=tmp_path / "cache")


def test_the_compilers_complaint_is_shown(workplace, tmp_path, monkeypatch):
    compiler = tmp_path / "g++"
    compiler.write_text(
        '#!/bin/sh\ncase "$*" in *-c*) echo "x.cpp:3: error: disk full" >&2; exit 1 ;; *) exec g++ "$@" ;; esac\n'
    )
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    with pytest.raises(BuildError, match=r"compiling .* failed:\nx\.cpp:3: error: disk full") as caught:
        build([workplace / "leaky.nestml"], target="plain", march="x86-64", cache=tmp_path / "cache")
    assert "The command was: " in str(caught.value)
    assert list((tmp_path / "cache" / "logs").iterdir())


@pytest.fixture
def no_compiler(monkeypatch):
    """A compute node: what the login node has compiled, and no compiler."""
    monkeypatch.setenv("CXX", "/nowhere/g++")


def test_without_a_compiler_a_module_compiled_elsewhere_is_used(leaky, workplace, no_compiler):
    notes = []
    found = build([workplace / "leaky.nestml"], target="plain", cache=workplace / "cache", progress=notes.append)
    assert (found.key, found.path, found.compiled) == (leaky.key, leaky.path, ())
    assert any("no compiler here" in note for note in notes)


def test_without_a_compiler_a_module_with_more_models_serves(leaky, two_processes, workplace, no_compiler):
    """There is no module of the other model alone, only that of both."""
    one = build([workplace / "iaf_psc_exp.nestml"], target="plain", cache=workplace / "cache")
    assert one.name == two_processes[0][0] and {"leaky", "iaf_psc_exp"} == set(one.models)


def test_without_a_compiler_other_models_are_refused(leaky, workplace, tmp_path, no_compiler):
    changed = tmp_path / "leaky.nestml"
    changed.write_text(MODEL.format(name="leaky", C_m=250))
    with pytest.raises(BuildError, match=r"CXX=/nowhere/g\+\+ names no program[^$]*bgnest models build"):
        build([changed], target="plain", cache=workplace / "cache")
    with pytest.raises(BuildError, match="names no program"):
        build([workplace / "leaky.nestml"], target="vectorised", cache=workplace / "cache")


def test_a_module_for_another_processor_is_refused(leaky, workplace, no_compiler, monkeypatch):
    mine = prebuilt.instruction_sets()
    lost = max(mine)
    monkeypatch.setattr(prebuilt, "instruction_sets", lambda: mine - {lost})
    with pytest.raises(BuildError, match=f"compiled for a processor with {lost}, which this one lacks.*portable"):
        build([workplace / "leaky.nestml"], target="plain", cache=workplace / "cache")


def test_the_processor_to_compile_for_can_be_set_for_all_commands(leaky, workplace, monkeypatch):
    monkeypatch.setattr("network.codegen.builder.build_objects", lambda *args: pytest.fail("compiles"))
    monkeypatch.setenv("BGNEST_MARCH", "x86-64-v2")
    with pytest.raises(pytest.fail.Exception, match="compiles"):
        build([workplace / "leaky.nestml"], target="plain", cache=workplace / "cache")
    monkeypatch.setenv("BGNEST_MARCH", "native")
    assert build([workplace / "leaky.nestml"], target="plain", cache=workplace / "cache").key == leaky.key


def test_this_processor_has_what_the_compiler_uses(leaky):
    """The names of Linux are those looked for: any x86-64 or ARM processor of today has some."""
    assert prebuilt.instruction_sets() & {"sse4_2", "avx2", "asimd"}


def test_ctrl_c_ends_the_compilation_and_begins_no_other(start_bgnest, tmp_path, monkeypatch):
    monkeypatch.setenv("BGNEST_CACHE", str(tmp_path))
    process = start_bgnest("models", "build")
    assert any("generating C++" in line for line in iter(process.stderr.readline, ""))
    _, errors = process.interrupt()
    assert process.returncode == 130
    assert "bgnest: interrupted" in errors and "Traceback" not in errors
    assert not list(tmp_path.rglob("manifest.json"))
