"""A network described: nothing is left out, the languages are well formed, and the diagram can be read."""

from __future__ import annotations

import json
import re
from itertools import combinations, pairwise
from pathlib import Path

import bgnest
import numpy as np
import pytest
from bgnest.analysis.plots.circuits import arranged
from bgnest.describe.links import Link
from bgnest.door.values import Value, Values, leaves
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.bezier import BezierSegment
from matplotlib.patches import Ellipse, FancyArrowPatch
from typer.testing import CliRunner

from network.cli.main import app

NETWORKS = sorted({name.partition("/")[0] for name in bgnest.list_experiments()} - {"stn_gpe"})
FIRST = {"two_cells": "two_cells/half_centre", "corticostriatal": "corticostriatal/reward"}


CROWDED = """
overlay_of: lindahl2016/activation_control
populations:
  cholinergic_interneuron: {cell: chin, n_neurons: 400}
  parafascicular_nucleus: {cell: stn, n_neurons: 400}
  GPi: {cell: gpi_pv, n_neurons: 300}
  lts: {cell: lts, n_neurons: 300}
projections:
  a: {source: parafascicular_nucleus, target: cholinergic_interneuron, receptor: exc, in_degree: 9, weight: 1, delay: 2}
  b: {source: STN, target: GPi, receptor: exc, in_degree: 10, weight: 1, delay: 4.6}
  c: {source: GPe_TA, target: lts, receptor: inh, in_degree: 10, weight: 1, delay: 4.6}
currents:
  step: {target: STN, times: {value: [1200], unit: ms, assumed: x}, amplitudes: {value: [100], unit: pA, assumed: x}}
stimulations:
  dbs: {target: STN, frequency: 130, width: 0.3, amplitude: -200}
"""


def loaded(network: str) -> bgnest.door.Experiment:
    return bgnest.load(FIRST.get(network, network))


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """Description of every network, made once, and of a crowded one."""
    file = tmp_path_factory.mktemp("crowded") / "crowded.yaml"
    file.write_text(CROWDED, encoding="utf-8")
    return {network: loaded(network).describe() for network in NETWORKS} | {"crowded": bgnest.load(file).describe()}


def test_there_are_networks():
    assert len(NETWORKS) >= 5


def rows_of(description, first: str) -> list[dict[str, str]]:
    """Rows of all tables of the first section whose title begins so."""
    section = next(s for s in description.document.sections if s.title.startswith(first))
    tables = [block for block in section.blocks if hasattr(block, "rows")]
    return [dict(zip(t.header, row, strict=True)) | {"of": t.title} for t in tables for row in t.rows]


@pytest.mark.parametrize("network", NETWORKS)
def test_every_number_is_there_with_its_unit_and_a_source(described, network):
    experiment = loaded(network)
    numbers = {path: value for path, value in leaves(experiment.spec) if isinstance(value, Value | Values)}
    rows = {}
    for row in rows_of(described[network], "G:"):
        rows[f"{row['of']}.{row['parameter']}"] = row
    assert set(numbers) <= set(rows) and len(numbers) > 20
    for path, value in numbers.items():
        row = rows[path]
        assert row["unit"] == value.unit and row["source"] and re.search(r":\d+$", row["written in"])
        told = [float(part) for part in row["value"].replace(",", "" if isinstance(value, Value) else " ").split()]
        if isinstance(value, Value):
            assert told == [pytest.approx(float(value), rel=1e-9)]
    known = {row["key"] for row in rows_of(described[network], "References")}
    used = {row["source"] for row in rows.values()}
    assert {key for key in used if re.fullmatch(r"\w+", key)} <= known


def test_tables_say_what_the_plan_builds(described):
    plan = loaded("lindahl2016").plan()
    sizes = {row["name"]: int(row["size"].replace(",", "")) for row in rows_of(described["lindahl2016"], "B:")}
    assert sizes == {p.name: p.n_neurons for p in plan.populations}
    projections = {row["name"]: row for row in rows_of(described["lindahl2016"], "C:")}
    assert set(projections) == {p.name for p in plan.projections}
    assert projections["STN_to_SNr"]["receptor"].endswith("(excites)")
    assert projections["MSN_D1_to_SNr"]["receptor"].endswith("(inhibits)")
    assert "500 sources per cell" in projections["MSN_D1_to_SNr"]["pattern"]
    text = str(described["lindahl2016"])
    assert "dopamine 0.8" in text and "integrate_odes()" in text and "tsodyks" in text


def test_parameters_are_those_at_the_level_of_dopamine():
    def threshold(**changes: float) -> str:
        found = rows_of(bgnest.load("chakravarty2022", **changes).describe(), "D:")
        return next(row["D1"] for row in found if row.get("parameter") == "V_th" and "D1" in row)

    assert threshold() == "-45"
    assert float(threshold(dopamine=0.0)) == pytest.approx(-45.0 * (1 + 0.205 * -0.8))


def test_units_of_what_graded_synapses_add_are_known(described):
    units = {row["parameter"]: row["unit"] for row in rows_of(described["two_cells"], "D:") if "unit" in row}
    assert units["E_rev_inh"] == "mV" and units["C_m"] == "pF" and units["s_abbott_marder at first"] == "1"
    assert units["v_th_abbott_marder"] == "mV"


@pytest.mark.parametrize("network", NETWORKS)
def test_latex_is_well_formed(described, network):
    text = described[network].text("latex", "circuit.pdf")
    assert text.isascii()
    open_now: list[str] = []
    plain = []
    for line in text.splitlines():
        if open_now[-1:] != ["verbatim"] or r"\end{verbatim}" in line:
            for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", line):
                if kind == "begin":
                    open_now.append(name)
                else:
                    assert open_now.pop() == name
            plain.append(line)
    assert open_now == []
    body = "\n".join(plain)
    assert r"\includegraphics[width=\linewidth]{circuit.pdf}" in body
    depth = 0
    for sign in re.sub(r"\\[{}]", "", body):
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0
    assert depth == 0
    in_text = re.sub(r"\\[_#%&$]", "", body.partition(r"\begin{document}")[2])
    assert not re.search(r"[_#%~^]", re.sub(r"\\(includegraphics.*|\W)", "", in_text))
    for table in re.findall(r"\\begin\{longtable\}.*?\\end\{longtable\}", body, re.DOTALL):
        head, *lines = table.splitlines()
        columns = head.count("L{")
        rows = [line for line in lines if line.endswith(r"\\")]
        assert rows and all(len(re.findall(r"(?<!\\)&", row)) == columns - 1 for row in rows)
        assert sum(map(float, re.findall(r"L\{([\d.]+)", head))) < 1.0


def test_letters_of_other_alphabets_can_be_set():
    from bgnest.describe.latex import escaped

    assert escaped("á Ü ç 50 % a_b μ Σ") == r"\'{a} \"{U} \c{c} 50 \% a\_\allowbreak{}b $\mu$ $\Sigma$"
    assert escaped("Α (ALPHA), ∞").startswith("A (")


@pytest.mark.parametrize("network", NETWORKS)
def test_markdown_has_whole_tables(described, network):
    lines = str(described[network]).splitlines()
    for before, line in pairwise(lines):
        if before.startswith("| ") and line.startswith("| "):
            assert len(re.findall(r"(?<!\\)\|", before)) == len(re.findall(r"(?<!\\)\|", line))
    assert lines[0].startswith("# ") and sum(line.startswith("## ") for line in lines) >= 7


def drawn(description):
    figure = description.figure()
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return figure.axes[0], canvas.get_renderer()


@pytest.mark.parametrize("network", [*NETWORKS, "crowded"])
def test_no_line_passes_behind_a_population_and_no_words_overlap(described, network):
    axes, renderer = drawn(described[network])
    ellipses = [patch for patch in axes.patches if isinstance(patch, Ellipse)]
    lines = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    assert len(ellipses) == 2 * len(described[network].circuit.sizes)
    assert len(lines) >= len(described[network].circuit.links)
    for line in lines:
        points = BezierSegment(line._path_original.vertices)(np.linspace(0, 1, 61))
        for e in ellipses:
            inside = np.hypot(*((points - e.center) / (e.width / 2, e.height / 2)).T) < 0.98
            assert not inside[2:-2].any()
    boxes = [text.get_window_extent(renderer) for text in axes.texts]
    page = axes.figure.bbox
    assert all(page.x0 <= b.x0 and b.x1 <= page.x1 and page.y0 <= b.y0 and b.y1 <= page.y1 for b in boxes)
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]


def test_what_comes_from_outside_is_drawn_with_its_sign(described):
    found = {
        entry.label.partition("\n")[0]: (entry.target, entry.sign) for entry in described["crowded"].circuit.entries
    }
    assert found["step"] == ("STN", 1) and found["dbs"] == ("STN", -1)
    text = str(described["crowded"])
    assert "100 pA from 1,200 ms" in text and "130 Hz, regular" in text and "-200 pA for 0.3 ms" in text


def test_signs_and_strengths_of_links():
    circuit = loaded("lindahl2016").describe().circuit
    links = {(link.source, link.target): link for link in circuit.links}
    assert {link.sign for link in circuit.links if link.source == "STN"} == {1}
    assert {link.sign for link in circuit.links if link.source != "STN"} == {-1}
    plan = loaded("lindahl2016").plan()
    (one,) = (p for p in plan.projections if p.name == "MSN_D2_to_MSN_D1")
    mean = (one.weight.low + one.weight.high) / 2
    assert links["MSN_D2", "MSN_D1"].strength == pytest.approx(one.in_degree * mean * one.synapse.rested)
    assert {entry.sign for entry in circuit.entries} == {1}
    modulated = [link for link in loaded("corticostriatal").describe().circuit.links if link.sign == 0]
    assert [(link.source, link.target) for link in modulated] == [("SNc", "MSN")]


def test_populations_that_are_linked_stand_side_by_side():
    names = [f"P{k}" for k in range(9)]
    chain = ["P0", "P5", "P2", "P7", "P1", "P8", "P3", "P6", "P4"]
    links = [Link(a, b, 1, 1.0, "nS") for a, b in pairwise(chain)]
    order = arranged(names, links)
    assert sorted(order) == names and order == arranged(names, links)
    place = {name: k for k, name in enumerate(order)}
    gaps = [abs(place[link.source] - place[link.target]) for link in links]
    assert all(min(gap, 9 - gap) == 1 for gap in gaps)


def test_command_writes_files_and_says_what_is_wrong(tmp_path):
    runner = CliRunner()
    words = ["describe", "two_cells/half_centre", "--format", "latex", "--out", str(tmp_path / "paper")]
    done = runner.invoke(app, words, catch_exceptions=False)
    files = {Path(line).suffix: Path(line) for line in done.output.split()}
    assert set(files) == {".tex", ".png", ".svg", ".pdf"} and all(path.stat().st_size > 1000 for path in files.values())
    assert files[".pdf"].name in files[".tex"].read_text(encoding="utf-8")
    assert "excites" in files[".svg"].read_text(encoding="utf-8")
    before = files[".svg"].read_bytes()
    runner.invoke(app, words, catch_exceptions=False)
    assert files[".svg"].read_bytes() == before
    printed = runner.invoke(app, ["describe", "two_cells/half_centre", "--format", "json"], catch_exceptions=False)
    assert json.loads(printed.output)["circuit"]["populations"] == {"left": 1, "right": 1}
    with pytest.raises(bgnest.Error, match="did you mean 'latex'"):
        runner.invoke(app, ["describe", "two_cells/half_centre", "--format", "latx"], catch_exceptions=False)


def test_a_run_and_a_folder_can_be_described(run, tmp_path):
    done = CliRunner().invoke(app, ["describe", str(run.path)], catch_exceptions=False)
    assert "params.yaml:" in done.output and "Code of Lindahl and Hellgren" in done.output
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "base.yaml").write_text("overlay_of: ortone2023/base\nmeta: {title: mine}\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["describe", str(folder)], catch_exceptions=False)
    assert done.output.startswith("# mine\n") and "generator" in done.output  # of the network's own bibliography
    (folder / "base.yaml").rename(folder / "one.yaml")
    (folder / "two.yaml").write_text("overlay_of: ortone2023/base\nmeta: {title: two}\n", encoding="utf-8")
    with pytest.raises(bgnest.Error, match=r"which experiment is meant\? .*one.yaml, .*two.yaml"):
        bgnest.load(folder)


def test_a_run_carries_the_bibliography_of_its_network(tmp_path, monkeypatch):
    network = tmp_path / "mine"
    network.mkdir()
    entry = "my_lab: {what: 'Notebook 7, page 3', doi: 10.1/x}\nunused: {what: nothing}\n"
    (network / "sources.yaml").write_text(entry, encoding="utf-8")
    text = "overlay_of: two_cells/half_centre\npopulations: {left: {n_neurons: {value: 3, unit: 1, source: my_lab}},"
    text += " right: {n_neurons: {value: 3, unit: 1, source: my_lab}}}\nsimulation: {mock: {rate: 5}, t_sim: 100}\n"
    (network / "base.yaml").write_text(text, encoding="utf-8")
    over = tmp_path / "over.yaml"
    over.write_text("overlay_of: mine/base\nsimulation: {seed: 2}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    run = bgnest.run(over, out=tmp_path / "run", progress=False)
    (network / "sources.yaml").unlink()
    again = run.experiment()
    assert {"my_lab", "wang1992"} <= set(again.spec.sources)
    assert "unused" not in (run.path / "sources.yaml").read_text(encoding="utf-8")
    assert "Notebook 7, page 3" in str(again.describe())


def test_a_run_tells_how_it_was_made(tmp_path):
    mock = {"simulation.mock": {"rate": 5}, "simulation.t_sim": 100, "simulation.seed": 7}
    run = bgnest.run(bgnest.load("two_cells/half_centre", changes=mock), out=tmp_path / "run", progress=False)
    first, second = run.describe().document.sections[:2]
    assert (first.title, second.title) == ("How it was run", "A: Model summary")
    facts, costs, files = (block for block in first.blocks if hasattr(block, "rows"))
    told = dict(facts.rows)
    assert told["seed"] == "7"
    assert told["digest of the code"] == run.record["code"]
    assert told["hash of the simulation"] == run.record["simulation_hash"]
    assert {"memory", "disk"} <= {row[0] for row in costs.rows}
    manifest = json.loads((run.path / "manifest.json").read_text(encoding="utf-8"))["files"]
    assert {row[0]: row[2] for row in files.rows} == {name: entry["sha256"] for name, entry in manifest.items()}

    shown = CliRunner().invoke(app, ["describe", str(run.path), "--format", "json"])
    assert shown.exit_code == 0
    assert json.loads(shown.stdout)["sections"][0]["title"] == "How it was run"
    only_network = CliRunner().invoke(app, ["describe", str(run.path), "--seed", "8"])
    assert "How it was run" not in only_network.stdout
