"""Neurons that NESTML installs in a network, by their own names: the fast code and NESTML's fire the same spikes.

The network is that of ``scripts/neurons/in_network.py``, which ``scripts/table_of_models.py`` runs for all of them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts" / "neurons"))
import in_network

from network.experiment.nestml import model_interfaces

pytestmark = [pytest.mark.nest, pytest.mark.nestml]
MODELS = ("iaf_psc_exp_neuron", "iaf_cond_alpha_neuron", "aeif_cond_alpha_alt_neuron")
"""Currents and a delta port; conductances; an explosive upstroke with an update block of its own."""


@pytest.mark.parametrize("name", MODELS)
def test_both_codes_fire_the_same_spikes_in_a_network(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (in_network.INSTALLED / f"{name}.nestml").is_file():
        pytest.skip("not installed with this NESTML")
    monkeypatch.setenv("BGNEST_MODELS", str(in_network.INSTALLED))
    found = in_network.difference(name)
    assert min(found.spikes) > 20, "a network that does not fire shows nothing"
    assert found.steps is not None and found.steps <= 1.0 and found.mV < 0.05, found


def test_the_network_uses_every_port_and_nothing_that_is_random(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if not in_network.INSTALLED.is_dir():
        pytest.skip("NESTML's models are not installed")
    monkeypatch.setenv("BGNEST_MODELS", str(in_network.INSTALLED))
    models = {
        name: model for name, model in model_interfaces().items() if Path(model.file).parent == in_network.INSTALLED
    }
    assert len(models) >= 29
    for name, model in models.items():
        content = in_network.experiment(name, model, tmp_path)
        assert {p["receptor"] for p in content["projections"].values()} == set(model.ports)
        assert {port for one in content["spike_inputs"].values() for port in one["weights"]} == set(model.ports)
        assert "inputs" not in content and all("in_degree" not in p for p in content["projections"].values())
