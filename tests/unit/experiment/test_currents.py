"""Currents of receptors, read off the equations of NESTML models."""

from __future__ import annotations

import numpy as np
import pytest

from network import resources
from network.engine.sums import evaluate
from network.errors import SpecError
from network.experiment.currents import names_in, receptor_current
from network.experiment.nestml import model_interfaces, parse_nestml

MODEL = """model cell:
    state:
        V_m mV = -70 mV
        g_on_off real = 0
    equations:
        kernel K = exp(-t / tau)
        {inlines}
        V_m' = {equation}
        g_on_off' = -g_on_off / tau
    parameters:
        C_m pF = 100 pF
        E_exc mV = 0 mV
        tau ms = 2 ms
    input:
        exc <- spike
        inh <- spike
    update:
        integrate_odes()
"""
LINES = "recordable inline g_exc nS = convolve(K, exc) * 1 nS"


def formula(tmp_path, monkeypatch, equation, inlines=LINES, port="exc"):
    path = tmp_path / "cell.nestml"
    path.write_text(MODEL.format(inlines=inlines, equation=equation))
    monkeypatch.setattr(resources, "list_models", lambda: {"cell": path})
    return receptor_current(parse_nestml(path.read_text()), port)


def test_every_receptor_of_every_model_has_a_current_that_is_proportional_to_what_it_receives():
    rng = np.random.default_rng(1)
    found = 0
    for model in model_interfaces().values():
        for port in model.ports:
            text = receptor_current(model, port)
            values = {name: rng.uniform(0.5, 2.0) for name in names_in(text)}
            (carrier,) = set(model.uses[port].carriers) & set(values)
            reversal = model.uses[port].reversal
            if reversal:
                values |= {"V_m": -65.0, "V_peak": 20.0, reversal: -20.0}
            current = evaluate(text, values)
            assert np.isfinite(current) and abs(current) > 0.0
            assert evaluate(text, {**values, carrier: 3.0 * values[carrier]}) == pytest.approx(3.0 * current)
            if reversal:
                assert current > 0.0
                assert evaluate(text, {**values, reversal: -65.0}) == pytest.approx(0.0, abs=1e-12)
                assert evaluate(text, {**values, reversal: -90.0}) < 0.0
            found += 1
    assert found > 40


def test_a_block_by_magnesium_is_part_of_the_current():
    text = receptor_current(model_interfaces()["aeif_stn"], "nmda")
    values = {"C_m": 60.0, "gain_nmda": 0.5, "g_nmda": 4.0, "V_m": -60.0, "V_peak": 15.0}
    values |= {"E_rev_nmda": 0.0, "V_act_nmda": -20.0, "S_act_nmda": 16.0}
    assert evaluate(text, values) == pytest.approx(0.5 * 4.0 * 60.0 / (1.0 + np.exp(40.0 / 16.0)))


@pytest.mark.parametrize(
    ("equation", "inlines", "current"),
    [
        ("(I_e - g_exc * (V_m - E_exc)) / C_m", LINES, 2.0 * 60.0),
        ("g_exc * (E_exc - V_m) / (2 * C_m) - V_m / tau", LINES, 60.0),
        ("(V_m > 0 mV) ? 0 : -(g_exc * (V_m - E_exc)) / C_m", LINES, 2.0 * 60.0),
        ("I / C_m", LINES + "\n        inline I pA = 3 nA + g_exc * (0.02 V - V_m)", 2.0 * 80.0),
        ("(g_exc + 0.5 * g_exc) * (E_exc - V_m) / C_m", LINES, 3.0 * 60.0),
    ],
)
def test_the_part_of_one_receptor_is_found_wherever_it_stands(tmp_path, monkeypatch, equation, inlines, current):
    text = formula(tmp_path, monkeypatch, equation, inlines)
    values = {"g_exc": 2.0, "V_m": -60.0, "E_exc": 0.0, "C_m": 100.0}
    assert evaluate(text, values) == pytest.approx(current)


@pytest.mark.parametrize(
    ("equation", "inlines", "problem"),
    [
        ("exp(g_exc) / C_m", LINES, "g_exc is in exp()"),
        ("g_exc * g_exc / C_m", LINES, "it is multiplied by itself"),
        ("-V_m / tau", LINES, "g_exc is not in the equation of V_m"),
        ("g_exc / C_m", LINES.replace("recordable ", ""), "write 'recordable' before its 'inline'"),
        ("convolve(K, exc) * 1 pA / C_m", "", "what exc receives has no name of its own"),
        ("I / C_m", "recordable inline I pA = convolve(K, exc) * 1 pA - convolve(K, inh) * 1 pA", "of several ports"),
    ],
)
def test_what_the_text_does_not_tell_is_said_in_one_sentence(tmp_path, monkeypatch, equation, inlines, problem):
    with pytest.raises(SpecError) as refused:
        formula(tmp_path, monkeypatch, equation, inlines)
    assert problem in str(refused.value) and "\n" not in str(refused.value)
