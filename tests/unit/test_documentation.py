"""The examples of README and docs work: files are planned, command lines are understood, and cheap ones run.

An example that cannot be run as it stands is mended in the text, not here.
"""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import typer
import yaml
from typer.testing import CliRunner

from network.cli.main import app
from network.door.starting import new_network
from network.experiment import load_experiment
from network.plans import make_plan
from network.runs.sonata import spike_populations
from network.scans import load_scan, make_points
from network.scans.planning import Planner

ROOT = Path(__file__).resolve().parents[2]
NOT_READ = {"tutorials", "generated", "_build"}
"""Tutorials are executed (tests/docs), the others are made when the site is built."""
PAGES = [
    ROOT / "README.md",
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if not NOT_READ & set(path.parts)),
]
PLACEHOLDER = "…"
SCAN = "scan_of: lindahl2016/activation_control\noverlays: [laptop]\n"


class Block(NamedTuple):
    """Fenced block: where it stands, its language, its text."""

    where: str
    language: str
    text: str


def blocks() -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(r"^```([\w{}-]*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            line = text[: match.start()].count("\n") + 1
            found.append(Block(f"{page.relative_to(ROOT)}:{line}", match[1], match[2]))
    return found


BLOCKS = blocks()
YAML = [block for block in BLOCKS if block.language == "yaml"]
PYTHON = [block for block in BLOCKS if block.language == "python"]


class Line(NamedTuple):
    """Command line of bgnest in a text: where it stands, and its words."""

    where: str
    words: tuple[str, ...]


def shell_commands(text: str) -> list[list[str]]:
    """Words of every command in some lines of shell; comments are left out."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";|&()<>")
    lexer.whitespace_split, lexer.whitespace = True, " \t"
    commands: list[list[str]] = [[]]
    for word in lexer:
        if set(word) <= set(";|&()<>"):
            commands.append([])
        else:
            commands[-1].append(word)
    return commands


def typed(block: Block) -> list[str]:
    """What is typed at the prompts of a block; lines that are continued are one."""
    text = re.sub(r"\\\n(> )?", " ", block.text)
    return [match[1] for match in re.finditer(r"^[$>] (.*)$", text, re.MULTILINE)]


def command_lines() -> list[Line]:
    """Every call of bgnest: at prompts, and in running text between backticks."""
    said = [(block.where, text) for block in BLOCKS for text in typed(block)]
    for page in PAGES:
        text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        said += [(page.name, " ".join(match.split())) for match in re.findall(r"`(bgnest [^`]+)`", text)]
    found = []
    for where, text in said:
        for words in shell_commands(text):
            for place, word in enumerate(words):
                if Path(word).name in ("bgnest", "bgnest.sif") and (place == 0 or words[place - 1] != "build"):
                    found.append(Line(where, tuple(w for w in words[place + 1 :] if w != PLACEHOLDER)))
                    break
    return list(dict.fromkeys(line for line in found if line.words))


LINES = command_lines()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Working directory with all files that the texts name and show."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BGNEST_MODELS", str(Path(sys.prefix) / "models" / "neurons"))  # NESTML's own, as the texts say
    monkeypatch.setenv("BGNEST_PARAMS", str(tmp_path))
    for name in ("my_network", "mine"):
        new_network(name)
    for block in YAML:
        if name := re.match(r"# (\w+\.yaml)\n", block.text):
            (tmp_path / name[1]).write_text(block.text, encoding="utf-8")
    for block in PYTHON:
        if any(word in block.text for word in ("h5py.File", "to_csv", "write_text")):
            exec(compile(block.text, block.where, "exec"), {})
    return tmp_path


def plan_some(path: Path) -> int:
    """Plan the first and the last point of a scan; returns how many there are."""
    spec, label, _ = load_scan(path)
    points = make_points(spec, label)
    planner = Planner(label, spec.execution)
    for point in (points[0], points[-1]):
        planner.plan(point)
    return len(points)


@pytest.mark.parametrize("block", YAML, ids=[block.where for block in YAML])
def test_yaml_is_valid(folder, block):
    path = folder / "example.yaml"
    content = yaml.safe_load(block.text)
    assert PLACEHOLDER not in block.text
    if "optimise" in content:
        study = pytest.importorskip("network.scans.optimise").Study
        path.write_text(block.text, encoding="utf-8")
        assert study.load(path).spec.search
    elif "fit" in content:
        fits = pytest.importorskip("network.door.fits")
        columns = [name for target in content["targets"].values() for name in target.get("columns", ())]
        rows = [f"{time}," + ",".join("-60" for _ in columns) for time in (100, 200, 300)]
        (folder / "recorded.csv").write_text("\n".join([",".join(["time_ms", *columns]), *rows]))
        path.write_text(block.text, encoding="utf-8")
        assert fits.fit(path).study.aims[0].changes
    elif "scan_of" in content or "axes" in content:
        path.write_text(block.text if "scan_of" in content else SCAN + block.text, encoding="utf-8")
        assert plan_some(path) > 1
    else:
        path.write_text(block.text, encoding="utf-8")
        own = "meta" in content or str(content.get("overlay_of")).startswith("mine/")
        assert make_plan(load_experiment(path)).n_neurons >= (1 if own else 80_000)


def test_the_population_of_the_readme_is_in_its_network(folder):
    plan = make_plan(load_experiment(folder / "my_population.yaml"))
    assert plan.population("GPi").n_neurons == 200
    synapses = {p.name: p.n_synapses for p in plan.projections if p.target == "GPi"}
    assert synapses == {"STN_to_GPi": 6000, "MSN_D1_to_GPi": 100_000, "GPe_TI_N_to_GPi": 6400}


def test_the_scan_of_the_readme_has_as_many_points_as_it_says(folder):
    (said,) = re.findall(r"scan plan my_scan\.yaml +# (\d+) points", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert plan_some(folder / "my_scan.yaml") == int(said)


def test_the_spike_file_that_is_written_by_hand_can_be_read(folder):
    assert spike_populations(folder / "trains.h5") == ["thalamus"]


def test_there_are_command_lines():
    assert len(LINES) > 50
    assert {"run", "plan", "validate", "scan", "submit", "models", "check", "batch"} <= {
        line.words[0] for line in LINES
    }


@pytest.mark.parametrize("line", LINES, ids=[f"{line.where} {' '.join(line.words)}" for line in LINES])
def test_command_lines_are_understood(line):
    """Every subcommand and option exists, and takes the value that is given; a mention may leave arguments out."""
    name, command, context = "bgnest", typer.main.get_command(app), None
    words = ["1" if re.fullmatch("[A-Z]", word) else word for word in line.words]
    while True:
        try:
            context = command.make_context(name, words, parent=context)
        except Exception as error:
            if type(error).__name__ not in ("MissingParameter", "NoArgsIsHelpError"):
                raise
            return
        if not hasattr(command, "commands"):
            return
        name, command, words = command.resolve_command(context, [*context._protected_args, *context.args])


@pytest.mark.parametrize(
    "words", ["run --thread 2", "runn", "scan plot s --y 1 --z 2", "plan --threads two", "models x"]
)
def test_command_lines_that_do_not_exist_would_be_found(words):
    with pytest.raises(Exception, match=r"[Nn]o such|valid integer|Got unexpected"):
        test_command_lines_are_understood(Line("", tuple(words.split())))


def cheap(line: Line) -> bool:
    """Whether a command takes a second, needs no simulator and writes nothing."""
    words = line.words
    if (words[0] == "submit" and "--dry-run" not in words) or any(
        w.isupper() or "$" in w or w.split("@")[-1].isupper() for w in words
    ):
        return False
    return words[0] in ("plan", "list", "validate", "submit") or words[:2] == ("scan", "list")


CHEAP = [line for line in LINES if cheap(line)]


@pytest.mark.parametrize("line", CHEAP, ids=[" ".join(line.words) for line in CHEAP])
def test_cheap_commands_run(folder, line):
    done = CliRunner().invoke(app, list(line.words))
    assert done.exit_code == 0, (done.output, done.exception)


@pytest.mark.parametrize("block", PYTHON, ids=[block.where for block in PYTHON])
def test_python_can_be_imported(block):
    compile(block.text, block.where, "exec")
    for statement in re.findall(r"^(?:from|import) .*$", block.text, re.MULTILINE):
        exec(statement, {})


def test_scripts_and_targets_of_make_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {"script": set(), "target": set()}
    for block in BLOCKS:
        for words in (words for text in typed(block) for words in shell_commands(text)):
            named["script"] |= {word for word in words if word.startswith("scripts/")}
            named["target"] |= set(words[1:2]) if words[:1] == ["make"] else set()
    assert len(named["script"]) > 5 and {"run", "test", "mpi"} <= named["target"]
    assert all((ROOT / script).is_file() for script in named["script"])
    assert all(re.search(rf"^{re.escape(target)}\b.*:", makefile, re.MULTILINE) for target in named["target"])
