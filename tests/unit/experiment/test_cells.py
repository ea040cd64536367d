"""The catalogue of cells: its files, and what `cell: NAME` makes of a population."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from network.door.catalogue import _alone, cells
from network.errors import SpecError
from network.experiment import dump_experiment, load_experiment
from network.experiment.cells import find_cell, list_cells
from network.experiment.sources import load_sources
from network.plans import make_plan

CELLS = list_cells()
DOCS = Path(__file__).resolve().parents[3] / "docs"
MEASURED = json.loads((DOCS / "data" / "cells.json").read_text())
FIELD = (
    *("MSN D1", "MSN D2", "FSN", "GPe prototypic", "GPe arkypallidal", "STN PV+", "STN PV-"),
    *("GPi PV+", "GPi SST+", "SNr PV+", "SNr SST+", "SNc GABAergic", "SNc dopaminergic", "ChIN", "LTS"),
)
NETWORK = "lindahl2016/activation_control"
OF_NETWORK = {
    **{"msn_d1": "MSN_D1", "msn_d2": "MSN_D2", "fsn": "FSN", "gpe_prototypic": "GPe_TI_N"},
    **{"gpe_arkypallidal": "GPe_TA", "stn": "STN", "snr_pv": "SNr"},
}


def write(folder, monkeypatch, **files: str):
    """Cells of a user."""
    (folder / "cells").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "cells" / f"{name}.yaml").write_text(text)
    monkeypatch.setenv("BGNEST_PARAMS", str(folder))


ABOUT = "about: {type: t, region: r, certainty: assumed, reason: a test}\n"
OWN = ABOUT + "model: adex_cond_exp\ndefaults: model\nneuron: {b: 10}\n"


def network(folder, text: str):
    (folder / "net.yaml").write_text(f"overlay_of: {NETWORK}\npopulations:\n{text}\n")
    return load_experiment(folder / "net.yaml")


@pytest.mark.parametrize("name", CELLS)
def test_every_cell_is_a_population(name):
    cell, draft, population, title = _alone(name)
    experiment = draft.experiment()
    plan = make_plan(experiment)
    assert plan.population(population).model == cell.model
    assert title
    assert all(origin for path, origin in experiment.origins.items() if ".neuron." in path)
    assert cell.about.source is None or cell.about.source in load_sources(cell.path.parent)
    for known in cell.about.rates:
        assert known.rate.source or known.rate.assumed


def test_the_types_of_the_field_are_there():
    types = {cell.about.type for cell in CELLS.values()}
    assert types >= set(FIELD)
    assert repr(cells()).count("\n") == len(CELLS) + 1


@pytest.mark.parametrize(("name", "population"), OF_NETWORK.items())
def test_cells_of_a_network_have_its_numbers(name, population):
    """They are written down twice, for readers; a change of one alone would be a fault."""
    there = load_experiment(NETWORK).populations[population]
    _cell, draft, alone, _ = _alone(name)
    here = draft.experiment().populations[alone]
    assert here.model == there.model
    assert {key: value.value for key, value in here.neuron.items()} == {k: v.value for k, v in there.neuron.items()}
    values = [
        {r: {key: q.value for key, q in receptor.named()} for r, receptor in one.receptors.items()}
        for one in (here, there)
    ]
    assert values[0] == values[1]


def test_one_line_makes_a_population(tmp_path):
    experiment = network(tmp_path, "  X: {cell: stn, n_neurons: 5, neuron: {I_e: 3}}")
    made = experiment.populations["X"]
    assert (made.model, made.neuron["C_m"].value, made.neuron["I_e"].value) == ("aeif_stn", 60.0, 3.0)
    line = next(n for n, text in enumerate(CELLS["stn"].path.read_text().splitlines(), 1) if "C_m:" in text)
    assert str(experiment.origin("populations.X.neuron.C_m")) == f"cells/stn.yaml:{line}"
    assert str(experiment.origin("populations.X.neuron.I_e")) == "net.yaml:3"
    assert made.label == "subthalamic nucleus"
    assert make_plan(experiment).population("X").n_neurons == 5


def test_a_population_that_becomes_another_cell_keeps_its_size_and_name(tmp_path):
    before = load_experiment(NETWORK).populations["SNr"]
    after = load_experiment(NETWORK, overrides=["populations.SNr.cell=snr_sst"]).populations["SNr"]
    assert (after.label, after.n_anatomical) == (before.label, before.n_anatomical)
    assert after.neuron["I_e"].value == 5.0
    assert "I_e" in after.heterogeneity  # of the cell, which starts from another one
    assert "V_th" not in after.heterogeneity  # of the population before
    assert not after.dopamine


def test_what_is_dumped_needs_no_catalogue(tmp_path, monkeypatch):
    write(tmp_path, monkeypatch, mine=OWN)
    experiment = network(tmp_path, "  X: {cell: mine, label: x, n_neurons: 5}")
    assert experiment.populations["X"].neuron["b"].value == 10.0
    (tmp_path / "again.yaml").write_text(dump_experiment(experiment))
    (tmp_path / "cells" / "mine.yaml").unlink()
    again = load_experiment(tmp_path / "again.yaml")
    assert make_plan(again).simulation_hash == make_plan(experiment).simulation_hash


def test_a_file_beside_the_network_will_do(tmp_path):
    (tmp_path / "my_cell.yaml").write_text(OWN)
    made = network(tmp_path, "  X: {cell: my_cell.yaml, label: x, n_neurons: 5}").populations["X"]
    assert made.neuron["b"].value == 10.0
    assert made.neuron["C_m"].value == 281.0  # as the model declares it


@pytest.mark.parametrize(
    ("files", "line", "message"),
    [
        ({}, "cell: chim", r"net\.yaml:3: populations\.X\.cell: no cell 'chim'; .*cells: chin"),
        ({}, "cell: 3", r"net\.yaml:3: populations\.X\.cell: must be the name of a cell, not 3"),
        ({}, "cell: other.yaml", r"net\.yaml:3: populations\.X\.cell: no file 'other\.yaml'"),
        ({"a": ABOUT + "cell: b", "b": ABOUT + "cell: a"}, "cell: a", "in a circle: a -> b -> a"),
        ({"a": ABOUT + "modle: x"}, "cell: a", r"a\.yaml:2: modle: unknown key of a cell; did you mean 'model'"),
        ({"a": ABOUT}, "cell: a", "needs 'model: NAME'"),
        ({"a": "model: adex_cond_exp"}, "cell: a", r"about\.type: is missing"),
        ({"a": OWN.replace(", reason: a test", "")}, "cell: a", "say why in 'reason'"),
        ({"a": OWN.replace("assumed", "guessed")}, "cell: a", r"about\.certainty: .*published"),
        ({"a": OWN.replace("b: 10", "bb: 10")}, "cell: a", r"a\.yaml:4: populations\.X\.neuron\.bb: not a parameter"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, monkeypatch, files, line, message):
    write(tmp_path, monkeypatch, **files)
    with pytest.raises(SpecError, match=message):
        network(tmp_path, f"  X: {{{line}, n_neurons: 5}}")


def test_an_unknown_cell_is_told_beside_the_other_problems(tmp_path):
    """What a population lacks because its cell is not known is not told, what is wrong elsewhere is."""
    (tmp_path / "net.yaml").write_text(
        f"""overlay_of: {NETWORK}
populations:
  X: {{cell: chim, label: x, n_neurons: 5}}
projections:
  STN_to_X: {{source: STN, target: X, receptor: ampa, in_degree: 3, weight: 1, delay: 1.5}}
  X_to_STN: {{source: X, target: STN, receptor: nope, in_degree: 3, weight: 1, delay: 1.5}}
"""
    )
    with pytest.raises(SpecError) as caught:
        load_experiment(tmp_path / "net.yaml", overrides=["simulation.t_sim=-5"])
    cell, port, time = sorted(caught.value.problems, key=lambda problem: "net.yaml" not in problem)
    assert "net.yaml:3: populations.X.cell: no cell 'chim'" in cell
    assert "net.yaml:6: projections.X_to_STN.receptor: 'nope' is not a port of aeif_stn" in port
    assert "simulation.t_sim: -5 ms must be greater than 0" in time
    with pytest.raises(SpecError, match="no cell 'chim'"):
        _alone("chim")


def test_values_of_the_catalogue_have_sources(tmp_path):
    """As those of published networks: what is bare is refused."""
    text = CELLS["stn"].path.read_text()
    assert find_cell("stn").path == CELLS["stn"].path
    assert text.count("source:") + text.count("assumed:") >= text.count("value:")


@pytest.mark.parametrize("name", MEASURED)
def test_rates_of_the_page_are_those_that_are_known(name):
    """What `scripts/characterise_cells.py` has measured; a cell that is changed is measured again."""
    found = MEASURED[name]
    assert found["model"] == CELLS[name].model
    assert [(one["current_pA"], one["known"]) for one in found["known"]] == [
        (one.current.value, one.rate.value) for one in CELLS[name].about.rates
    ]
    assert [one["verdict"] for one in found["known"]] == ["agrees"] * len(found["known"])
    assert (DOCS / "figures" / "cells" / f"{name}.png").is_file()
    assert f"### {name}\n" in (DOCS / "reference" / "cell_catalogue.md").read_text()
