"""Mistakes of users end with a message that names the place and the choices, and never with a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from network import program

BASE = "overlay_of: lindahl2016/activation_control\n"
SCAN = "scan_of: lindahl2016/activation_control\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("run lindahl2016/activation_contrl", "did you mean 'lindahl2016/activation_control'?"),
        ("plan --overlay laptp", "did you mean 'laptop'?"),
        ("plan --set network.dopamin=0.2", "network.dopamin: unknown key; did you mean 'dopamine'?"),
        ("plan --set projections.FSN_to_MSN_D9.weight=1", "did you mean 'FSN_to_MSN_D2'?"),
        ("plan --set projections.FSN_to_MSN_D9.weight={scale:2}", "did you mean 'FSN_to_MSN_D2'?"),
        ("plan --set network.dopamine=.nan", "network.dopamine.value: must be a finite number, not nan"),
        ("plan --n-neurons 0", "network.n_neurons: 0 must be at least 1"),
        ("plan --t-sim -100", "simulation.t_sim: -100 ms must be greater than 0"),
        ("plan --t-sim inf", "simulation.t_sim.value: must be a finite number, not inf"),
        ("plan --seed 0", "simulation.seed: 0 must be at least 1"),
        ("submit --dry-run --launcher mpirun-{rank}", "names: {ranks}, {ranks_per_node}, {threads}"),
        ("submit --dry-run --account x\ntouch", "--account 'x\\ntouch': a job script takes no line breaks"),
        ("submit --dry-run --out a\ntouch", "takes no line breaks"),
        ("rates nosuch", "nosuch: no such folder"),
        ("plot empty", "empty: not a run folder (no record.json"),
        ("plot started --partial", "started/plan.json: no such file"),
        ("verdict started", "started: the run is not complete (status: failed)"),
        ("run --out file/run", "file/run: Not a directory"),
        ("run --out file", "file: exists and is not a run folder"),
    ],
)
def test_one_line_says_what_is_wrong(bgnest, tmp_path, words, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "started").mkdir()
    (tmp_path / "started" / "record.json").write_text('{"format": "bgnest-run", "status": "failed"}')
    done = bgnest(*words.split(" "), cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("bgnest: ") and message in line


@pytest.mark.parametrize(
    ("command", "content", "message"),
    [
        ("validate", "", "odd.yaml: no populations; changes of another experiment start with `overlay_of: "),
        ("validate", "network: {dopamine: 0.3}\n", "a network of its own needs: meta, network, populations"),
        ("validate", b"\xff\xfe\x00", "odd.yaml: is not a text file (UTF-8)"),
        ("validate", BASE + "netwrk: {}\n", "odd.yaml:2: netwrk: unknown key; did you mean 'network'?"),
        ("validate", "overlay_of: lindahl2016/base2\n", "did you mean 'lindahl2016/base'?"),
        ("scan plan", b"\xff\xfe\x00", "odd.yaml: is not a text file (UTF-8)"),
        ("scan plan", SCAN + "axs: {seed: [1]}\n", "odd.yaml:2: axs: unknown key; did you mean 'axes'?"),
        ("scan plan", SCAN + "axes: {seed: []}\n", "odd.yaml:2: axes.seed.values: must have at least 1"),
        ("scan plan", SCAN + "axes: {dopamine: [.nan]}\n", "axes.dopamine.values.0: must be a finite number, not nan"),
        (
            "scan plan",
            SCAN + "axes: {seed: [1]}\nname: a/b\n",
            "odd.yaml:3: name: must be a name (letters, digits and . _",
        ),
        (
            "scan plan",
            SCAN + "axes: {seed: [1]}\nexecution: {memory: 1e9}\n",
            "must be a number with K, M, G or T behind",
        ),
        (
            "scan plan",
            SCAN + "axes: {seed: [1]}\nreferences: {a: {label: a}}\n",
            "odd.yaml:3: references.a.axis: is missing",
        ),
        (
            "scan plan",
            SCAN + "axes: {seed: [1]}\nfeatures: {a: {kind: crosing}}\n",
            "kind: 'crosing' is not a choice; did you mean",
        ),
        (
            "scan plan",
            SCAN + "axes: {seed: [1]}\nfeatures: {a: {kind: crossing, of: [STM], level: [1]}}\n",
            "odd.yaml:3: features.a.level: ",
        ),
        (
            "scan plan",
            SCAN + "axes: {seed: [1]}\nfeatures: {a: {kind: crossing, of: [STM], level: 1}}\n",
            "odd.yaml: features.a.of: no population 'STM'; did you mean 'STN'?",
        ),
        ("run", SCAN + "axes: {seed: [1]}\n", "odd.yaml: a scan, not an experiment: bgnest scan run odd.yaml"),
        ("scan plan", SCAN + "axes: {seed: [1]}\ncombine: gird\n", "combine: 'gird' is not a choice; did you mean"),
        (
            "scan plan",
            SCAN + "axes: {seed: [1]}\nexecution: {memory: 1M}\n",
            "the memory budget of 0.000977G",
        ),
    ],
)
def test_a_bad_file_is_named_with_line_key_and_choices(bgnest, tmp_path, command, content, message):
    (tmp_path / "odd.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    done = bgnest(*command.split(), "odd.yaml", cwd=tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("bgnest: ")
    assert message in done.stderr and "Traceback" not in done.stderr


def test_a_working_directory_that_was_removed_is_told(tmp_path):
    (tmp_path / "gone").mkdir()
    line = 'cd "$1" && rmdir "$1" && exec "$0" "$2" doctor 2>&1'
    words = [
        "sh",
        "-c",
        line,
        sys.executable,
        str(tmp_path / "gone"),
        str(Path(program.__file__).parent / "__main__.py"),
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "bgnest: the working directory is gone; change to one that there is"


def test_what_a_terminal_would_obey_is_spelled_out(bgnest, tmp_path):
    for command in (("list",), ("rates",), ("report",)):
        done = bgnest(*command, "runs/\x1b[31mred", cwd=tmp_path)
        assert done.returncode == 1
        assert "\\x1b[31mred" in done.stderr and "\x1b" not in done.stderr


def test_ctrl_c_ends_any_command_with_one_line(start_bgnest, tmp_path):
    process = start_bgnest("scan", "status", "lindahl2016/dopamine_level", "--watch", cwd=tmp_path)
    assert "30 missing" in process.stdout.readline()
    _, errors = process.interrupt()
    assert process.returncode == 130
    assert errors == "\nbgnest: interrupted\n"
