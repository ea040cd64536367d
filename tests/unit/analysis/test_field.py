"""Proxies of the local field potential from currents that are known."""

from __future__ import annotations

import numpy as np
import pytest

from network.analysis.field import Field
from network.analysis.targets.measures import NotMeasuredError, RunData, find
from network.analysis.targets.measures import fields as field_measures

TIMES = np.arange(1.0, 2001.0)
EXC = 100.0 + 10.0 * np.sin(2.0 * np.pi * 20.0 * TIMES / 1000.0)
INH = -50.0 - 5.0 * np.sin(2.0 * np.pi * 35.0 * TIMES / 1000.0)
FIELD = Field("lfp", "STN", TIMES, {"I_ampa": EXC, "I_gaba": INH}, EXC + INH)


def test_proxies_are_what_they_say():
    np.testing.assert_allclose(FIELD.proxy(), EXC + INH)
    np.testing.assert_allclose(FIELD.proxy("absolute"), EXC - INH)
    weighted = FIELD.proxy("weighted")
    np.testing.assert_allclose(weighted[6:], EXC[:-6] - 1.65 * INH[6:])  # excitation comes 6 ms late
    np.testing.assert_allclose(weighted[:6], EXC[0] - 1.65 * INH[:6])
    with pytest.raises(ValueError, match="no proxy 'rms'"):
        FIELD.proxy("rms")


def test_the_spectrum_has_the_power_of_both_rhythms():
    frequencies, power = FIELD.spectrum()
    step = frequencies[1]
    for centre, amplitude in ((20.0, 10.0), (35.0, 5.0)):
        near = np.abs(frequencies - centre) < 4.0
        assert power[near].sum() * step == pytest.approx(amplitude**2 / 2.0, rel=0.02)


class Beta:
    low, high = 12.0, 30.0
    limits = (low, high)


class Look:
    beta = Beta


def data_of(monkeypatch, field):
    """A run of which the measures see this field."""
    monkeypatch.setattr(field_measures, "read_field", lambda run, name: field)
    data = RunData.__new__(RunData)
    data.run = None
    data.presentation = Look
    return data


def test_measures_are_those_of_the_weighted_proxy(monkeypatch):
    data = data_of(monkeypatch, FIELD)
    excitation, inhibition = 10.0**2 / 2.0, (1.65 * 5.0) ** 2 / 2.0
    assert find("field_peak_frequency").value(data, "lfp") == pytest.approx(20.0)
    assert find("field_beta_power").value(data, "lfp") == pytest.approx(excitation, rel=0.02)
    share = find("field_beta_share").value(data, "lfp")
    assert share == pytest.approx(excitation / (excitation + inhibition), rel=0.02)


def test_a_still_field_has_no_peak_and_a_coarse_one_is_not_judged(monkeypatch):
    still = Field("lfp", "STN", TIMES, {"I_ampa": np.full(2000, 2.0)}, np.full(2000, 2.0))
    assert np.isnan(find("field_peak_frequency").value(data_of(monkeypatch, still), "lfp"))
    coarse = Field("lfp", "STN", TIMES[::6], {"I_ampa": EXC[::6]}, EXC[::6])
    with pytest.raises(NotMeasuredError, match="samples every 5 ms"):
        find("field_beta_power").value(data_of(monkeypatch, coarse), "lfp")
