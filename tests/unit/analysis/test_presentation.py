"""How networks are shown: shipped ones by their files, others by defaults that tell kinds of cells apart."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from network.analysis.look import presentation_of
from network.cli.main import app
from network.errors import SpecError
from network.experiment import load_experiment
from network.experiment.presentation import BETA, EXCITATORY, INHIBITORY, load_presentation, unknown_names
from network.plans import make_plan
from network.plans.cost import expected_rates, load_cost_model


@pytest.mark.parametrize("state", ["lindahl2016/activation_control", "chakravarty2022/normal"])
def test_shipped_networks_say_everything(state):
    experiment = load_experiment(state)
    found = load_presentation(experiment.meta.model)
    names = [*experiment.populations, *experiment.groups]
    assert unknown_names(found, names) == []
    assert set(found.order) == set(names) and set(found.rates) == set(experiment.populations)
    assert all(found.looks[name].colour for name in names)
    plan = make_plan(experiment)
    assert expected_rates(plan, load_cost_model()) == found.rates
    assert presentation_of(plan.to_dict()).order == found.order


def test_states_have_their_frequency_bands():
    found = load_presentation("lindahl2016")
    assert found.band_of("slow_wave_control").limits == (0.5, 2.0)
    assert found.band_of("activation_depleted") == found.band_of(None) == found.beta == BETA


def own_plan():
    names = ("L4_E", "L4_I", "relay")
    params = {"V_th": -50.0, "E_rev_ampa": 0.0, "E_rev_gaba_a": -70.0}  # mV
    populations = [{"name": name, "model": "lif", "n_neurons": 10, "params": params} for name in names]
    wires = [("L4_E", "L4_I", "ampa"), ("L4_I", "L4_E", "gaba_a"), ("relay", "L4_E", "ampa")]
    projections = [
        {"name": f"{a}_to_{b}", "source": a, "target": b, "receptor": r, "in_degree": 3, "weight": 1.0, "delay": 1.0}
        for a, b, r in wires
    ]
    meta = {"model": "my_cortex", "state": "rest"}
    return {"populations": populations, "projections": projections, "groups": {"L4": ["L4_E", "L4_I"]}, "meta": meta}


def test_an_own_network_has_the_order_of_its_file_and_colours_by_what_its_cells_do():
    found = presentation_of(own_plan())
    assert found.order == ("L4_E", "L4_I", "relay", "L4") and found.label("L4_E") == "L4 E"
    colours = found.colours(found.order)
    assert len(set(colours.values())) == 4
    assert colours["L4_I"] in INHIBITORY and {colours["L4_E"], colours["relay"]} <= set(EXCITATORY)
    assert found.colours(["relay"])["relay"] == colours["relay"]  # the same in every figure
    assert found.band_of("rest") == BETA


BAD = {
    "colour": ({"populations": {"A": {"colour": "red"}}}, "ring/presentation.yaml:3: populations.A.colour"),
    "band": ({"bands": {"x": {"low": 9.0, "high": 3.0, "n_window": 8, "drive": 1.0}}}, "low must be below high"),
    "key": ({"colors": {}}, "ring/presentation.yaml:1: colors"),
    "source": (
        {"expected_rates": {"A": {"value": 3.0, "unit": "spikes/s", "source": "bok"}}},
        "expected_rates.A: unknown source 'bok'",
    ),
    "unit": ({"expected_rates": {"A": {"value": 3.0, "unit": "mV", "source": "book"}}}, "wrong unit 'mV'"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_mistakes_are_placed(tmp_path, monkeypatch, content, message):
    folder = tmp_path / "ring"
    folder.mkdir()
    (folder / "presentation.yaml").write_text(yaml.safe_dump(content))
    (folder / "sources.yaml").write_text("book: {what: a book}\n")
    monkeypatch.setenv("BGNEST_PARAMS", str(tmp_path))
    with pytest.raises(SpecError) as found:
        load_presentation("ring")
    assert message in str(found.value)


def test_validate_says_that_a_population_does_not_exist(tmp_path, monkeypatch):
    folder = tmp_path / "lindahl2016"  # a user's own way of showing a published network
    folder.mkdir()
    (folder / "presentation.yaml").write_text("order: [SNR, STN]\n")
    monkeypatch.setenv("BGNEST_PARAMS", str(tmp_path))
    shown = CliRunner().invoke(app, ["validate"])
    assert isinstance(shown.exception, SpecError)
    assert "lindahl2016/presentation.yaml: 'SNR' is no population; did you mean" in str(shown.exception)


def test_a_new_population_has_a_colour_that_is_like_none_of_the_network():
    network = load_presentation("lindahl2016")
    names = [*network.order, "ChIN", "GPi"]
    values = {name: np.array(list(bytes.fromhex(c[1:]))) for name, c in network.colours(names).items()}
    for new in ("ChIN", "GPi"):
        others = [value for name, value in values.items() if name != new]
        assert min(np.linalg.norm(values[new] - other) for other in others) > 50.0
    assert network.colours(["MSN_D2", "ChIN"])["ChIN"] == network.colours(names)["ChIN"]
