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


SHAPES = """
model shapes:
    state:
        V_m mV = 0 mV
        g real = 0
        g$ real = 1
        I_in pA = 0 pA
        x mmol = 2 mmol
        fired boolean = false
    equations:
        kernel g' = g$ - g / tau,
               g$' = -g$ / tau
        inline I nS = 1 nS * convolve(g, exc)
        V_m' = -V_m / tau + (I_in - I * V_m) / C
    parameters:
        tau ms = 5 ms
        C pF = 1 pF
        rate Bq = 20 Bq
        k pF/mV/ms = 0.7 pF/mV/ms
    input:
        exc <- spike
        taken <- spike
    output:
        spike
    onReceive(taken):
        I_in -= taken * 1 pA * 1 s
    update:
        integrate_odes()
"""


def test_the_shape_of_a_kernel_is_no_state_of_the_cell():
    model = parse_nestml(SHAPES)
    assert list(model.states) == ["V_m", "I_in", "x", "fired"] and model.recordables == ("V_m", "I_in", "x")
    assert model.uses["exc"].unit == "nS"


def test_what_a_spike_takes_away_is_subtracted():
    use = parse_nestml(SHAPES).uses["taken"]
    assert use.unit == "pA" and use.subtracted


def test_units_of_installed_models_are_known():
    model = parse_nestml(SHAPES)
    assert [model.unit(name) for name in ("x", "rate", "k")] == ["mmol", "Bq", "pF/mV/ms"]
    assert model.defaults["k"][:2] == (0.7, "pF/mV/ms") and model.recorded_unit("x") == "mmol"


@pytest.mark.parametrize("word", ["int", "lambda", "real", "class"])
def test_a_port_is_not_called_by_a_word_of_the_languages_that_code_is_generated_in(word):
    """NESTML sees it late, and fails in words of its own."""
    text = SHAPES.replace("exc", word)
    line = next(k for k, line in enumerate(text.splitlines(), start=1) if line.strip() == f"{word} <- spike")
    with pytest.raises(SpecError, match=f"^model:{line}: the port '{word}' is a word of C"):
        parse_nestml(text)
