from pathlib import Path

import pytest

from network import resources
from network.errors import SpecError
from network.experiment.nestml import parse_nestml

TINY = (Path(__file__).parent / "data" / "models" / "tiny.nestml").read_text()


def test_interface_of_the_tiny_model():
    model = parse_nestml(TINY)
    assert model.name == "tiny"
    assert model.ports == ("exc", "inh")
    assert list(model.states) == ["V_m", "w"]
    assert model.recordables == ("V_m", "w", "g_exc")
    assert {"C_m", "tau_syn_exc", "tau_syn_inh", "p"} <= set(model.parameters)
    assert model.unit("C_m") == "pF"
    assert model.unit("a") == "1/ms"
    assert model.unit("tau_syn_inh") == "ms"
    assert model.unit("p") is None
    assert model.unit("gain_exc") is None


def test_digest_follows_the_text():
    assert parse_nestml(TINY).digest != parse_nestml(TINY + "\n").digest


def test_a_file_without_model_is_refused():
    with pytest.raises(SpecError, match=r"x\.nestml: no line 'model NAME:'"):
        parse_nestml("neuron\n", "x.nestml")


def test_own_models_come_first(tmp_path, monkeypatch):
    own = tmp_path / "qif_msn.nestml"
    own.write_text(TINY)
    monkeypatch.setenv("BGNEST_MODELS", str(tmp_path))
    assert resources.find_model("qif_msn") == own


def test_unknown_model_lists_the_models(tiny_params):
    with pytest.raises(FileNotFoundError, match=r"no NESTML model 'huge'.*models: tiny"):
        resources.find_model("huge")
