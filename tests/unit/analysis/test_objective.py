"""The distance of a run from its windows is 0 inside, smooth, and says what is worst."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from network.analysis.targets.distance import MISSING_DISTANCE, distance, window_distance


def test_inside_is_zero_and_outside_grows():
    assert [window_distance(x, 10.0, 14.0) for x in (10.0, 12.0, 14.0)] == [0.0, 0.0, 0.0]
    above = [window_distance(x, 10.0, 14.0) for x in (14.1, 15.0, 20.0, 100.0)]
    assert np.all(np.diff(above) > 0)
    assert window_distance(8.0, 10.0, 14.0) == pytest.approx(window_distance(16.0, 10.0, 14.0))
    # in half widths: a rate of 0.3 for a window of 0.1-0.2 is as far off as one of 30 for 10-20
    assert window_distance(0.3, 0.1, 0.2) == pytest.approx(window_distance(30.0, 10.0, 20.0))


def test_it_is_smooth_at_the_edge_and_linear_far_away():
    slope = (window_distance(14.0 + 2e-6, 10.0, 14.0) - window_distance(14.0, 10.0, 14.0)) / 2e-6
    assert abs(slope) < 1e-5
    far = [window_distance(14.0 + 2.0 * e, 10.0, 14.0) for e in (1000.0, 2000.0)]
    assert far[1] - far[0] == pytest.approx(1000.0, rel=1e-3)


def table(*rows):
    return pd.DataFrame(rows, columns=["quantity", "value", "low", "high"])


def test_quantities_are_weighted_and_missing_values_count():
    judged = table(("rate", 12.0, 10.0, 14.0), ("rate", 16.0, 10.0, 14.0), ("cv", 0.9, 0.2, 0.4))
    off = window_distance(16.0, 10.0, 14.0)
    assert distance(judged, {"rate": 1.0}) == pytest.approx(off / 2)
    assert distance(judged, {"rate": 1.0, "cv": 0.0}) == pytest.approx(off / 2)
    both = distance(judged, {"rate": 1.0, "cv": 2.0})
    assert both == pytest.approx((off + 2 * window_distance(0.9, 0.2, 0.4)) / 4)
    lost = table(("cv", np.nan, 0.2, 0.4))
    assert distance(lost, {"cv": 1.0}) == pytest.approx(np.sqrt(1 + MISSING_DISTANCE**2) - 1)


def test_nothing_to_compare_is_an_error_and_not_a_success():
    with pytest.raises(ValueError, match="no target window of coherence"):
        distance(table(("rate", 12.0, 10.0, 14.0)), {"coherence": 1.0})
    with pytest.raises(ValueError, match="low < high"):
        window_distance(1.0, 2.0, 2.0)
