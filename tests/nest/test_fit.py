"""A fit finds a parameter of a cell again from a trace of its potential; runs are simulated."""

from __future__ import annotations

import pytest

import network as bgnest

CELL = """
meta: {model: own, title: one cell}
network: {}
populations:
  STN:
    label: STN
    model: aeif_stn
    n_neurons: {value: 1, unit: 1, assumed: test}
    defaults: model
    neuron: {C_m: {value: 80, unit: pF, assumed: to be found again}}
currents:
  step:
    target: STN
    times: {value: [5], unit: ms, assumed: test}
    amplitudes: {value: [30], unit: pA, assumed: below the threshold}
simulation:
  resolution: {value: 0.1, unit: ms, assumed: test}
  t_presim: {value: 0, unit: ms, assumed: test}
  t_sim: {value: 30, unit: ms, assumed: test}
recording:
  traces:
    STN: {population: STN, variables: [V_m], interval: {value: 0.5, unit: ms, assumed: test}}
"""


def test_a_capacitance_is_found_again_from_a_trace(tmp_path):
    pytest.importorskip("optuna")
    (tmp_path / "cell.yaml").write_text(CELL)
    cell = bgnest.load(tmp_path / "cell.yaml")
    recorded = cell.run(out=tmp_path / "true", progress=False).traces("STN", "V_m")
    table = recorded[["time_ms", "V_m"]].rename(columns={"V_m": "STN.V_m[0]"})

    path = "populations.STN.neuron.C_m"
    fit = bgnest.fit(cell, {path: (40, 120)}, {"soma": {"traces": table}}, trials=7, folder=tmp_path / "fit")
    fit.run(progress=False)
    assert fit.best[path] == pytest.approx(80.0, rel=0.06)
    assert fit.loss == fit.terms["soma"] < 0.5  # mV
    losses = fit.table().set_index(path)["loss"]
    assert losses[losses.index < 60].min() > 1.0  # mV: a wrong capacitance shows

    again = bgnest.load(tmp_path / "cell.yaml", [fit.write()[0]])
    assert again[path] == pytest.approx(fit.best[path], rel=1e-6) == fit.experiment()[path]
    run = again.run(out=tmp_path / "again", progress=False)
    difference = run.traces("STN", "V_m")["V_m"] - recorded["V_m"]
    assert (difference**2).mean() ** 0.5 == pytest.approx(fit.loss, rel=0.02)
