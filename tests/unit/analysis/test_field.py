"""Proxies of the local field potential from currents that are known."""

from __future__ import annotations

import numpy as np
import pytest

from network.analysis.field import Field

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
