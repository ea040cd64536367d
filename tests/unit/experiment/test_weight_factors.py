"""Weights of an input that differ from cell to cell: between 1 - s and 1 + s, evenly."""

from __future__ import annotations

import numpy as np
from scipy import stats

from network.plans.cells import weight_factors
from network.plans.parts import InputPlan


def test_factors_are_even_between_their_limits_and_belong_to_seed_and_names():
    source = InputPlan("in", "STN", 100.0, {"ampa": 1.0}, 1.0, None, weight_spread=0.3)
    drawn = weight_factors(source, 20_000, 1)
    assert drawn.min() >= 0.7 and drawn.max() <= 1.3
    assert stats.kstest(drawn, stats.uniform(0.7, 0.6).cdf).pvalue > 1e-4
    assert np.array_equal(drawn, weight_factors(source, 20_000, 1))
    assert not np.array_equal(drawn, weight_factors(source, 20_000, 2))
