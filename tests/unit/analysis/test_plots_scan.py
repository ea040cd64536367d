"""Figures of scans show means, spreads and gaps of the table they are given."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from network.analysis import plots


def words(figure):
    return "\n".join(text.get_text() for text in figure.findobj(mpl.text.Text))


def table(**axes):
    """Rates 10 x + seed for STN and ten times that for SNr, over a grid of axes."""
    grid = pd.MultiIndex.from_product(axes.values(), names=axes).to_frame(index=False)
    rows = []
    for k, point in grid.iterrows():
        rate = 10.0 * (point["g"] if isinstance(point["g"], int | float) else 1.0) + point.get("seed", 0)
        for name, factor in (("STN", 1.0), ("SNr", 10.0)):
            rows.append({"point": f"p{k}", **point, "population": name, "status": "done", "rate": factor * rate})
    return pd.DataFrame(rows).assign(cv=0.5, verdict="pass", size=10)


def lost(data, status, **where):
    """Take the numbers of a point away, as collect does."""
    chosen = np.logical_and.reduce([data[axis] == value for axis, value in where.items()])
    data.loc[chosen, ["rate", "cv"]] = np.nan
    data.loc[chosen, ["status", "verdict"]] = [status, "-"]
    return data


def curves(axes):
    """Data of the lines with marks in a panel (crosses have a place and no data)."""
    return [line for line in axes.lines if line.get_marker() == "o"]


def test_lines_are_means_over_seeds_with_their_range():
    figure = plots.scan_lines(table(g=[1.0, 2.0, 3.0], seed=[1, 2, 3]), x="g", bands={"STN": (15.0, 25.0)})
    stn, snr = figure.axes
    (line,) = curves(stn)
    np.testing.assert_allclose(line.get_ydata(), [12.0, 22.0, 32.0])
    np.testing.assert_allclose(curves(snr)[0].get_ydata(), [120.0, 220.0, 320.0])
    (area,) = stn.collections
    assert area.get_paths()[0].get_extents().ymin == pytest.approx(11.0)
    assert area.get_paths()[0].get_extents().ymax == pytest.approx(33.0)
    assert "mean of 3 seeds; band: smallest to largest" in words(figure)
    assert "target band" in words(figure) and "mean rate (spikes/s)" in words(figure)
    assert stn.get_xscale() == "linear"


def test_points_without_a_result_are_gaps_that_are_told():
    data = lost(lost(table(g=[1.0, 2.0, 3.0, 4.0], seed=[1, 2]), "exploded", g=3.0), "failed", g=2.0, seed=2)
    figure = plots.scan_lines(data, x="g")
    np.testing.assert_allclose(curves(figure.axes[0])[0].get_ydata(), [11.5, 21.0, np.nan, 41.5])
    (crosses,) = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    np.testing.assert_allclose(np.sort(crosses.get_xdata()), [2.0, 3.0])
    assert "3 of 8 points without a result (2 exploded, 1 failed)" in words(figure)
    image = plots.scan_map(data, x="g", y="seed").axes[0].images[0].get_array()
    np.testing.assert_array_equal(image.mask, [[False, False, True, False], [False, True, True, False]])


def test_a_second_axis_has_a_colour_each_and_log_axes_are_found():
    figure = plots.scan_lines(table(g=[1.0, 10.0, 100.0], state=["control", "depleted"]), x="g", group="state")
    lines = curves(figure.axes[0])
    assert len(lines) == 2 and lines[0].get_color() != lines[1].get_color()
    assert "state: control" in words(figure) and "state: depleted" in words(figure)
    assert figure.axes[0].get_xscale() == "log"
    assert plots.scan_lines(table(g=[1.0, 2.0, 3.0]), x="g", log_x=True).axes[0].get_xscale() == "log"


def test_words_on_an_axis_stand_one_below_the_other():
    figure = plots.scan_lines(table(g=["none", "SNr_beta", "all"], seed=[1, 2]), x="g")
    assert [tick.get_text() for tick in figure.axes[0].get_yticklabels()] == ["none", "SNr beta", "all"]
    np.testing.assert_allclose(curves(figure.axes[0])[0].get_xdata(), [11.5, 11.5, 11.5])


def test_a_map_has_a_field_per_point():
    figure = plots.scan_map(table(g=[1.0, 2.0, 3.0], h=[0.1, 0.2], seed=[1, 3]), x="g", y="h", title="map")
    panels = [axes for axes in figure.axes if axes.images]
    assert len(panels) == 2
    np.testing.assert_allclose(panels[0].images[0].get_array(), [[12.0, 22.0, 32.0]] * 2)
    assert "colour: mean rate (spikes/s); mean of 2 seeds" in words(figure)


def test_axes_that_are_not_drawn_are_not_averaged_silently():
    data = table(g=[1.0, 2.0], h=[0.1, 0.2])
    with pytest.raises(ValueError, match="h vary besides"):
        plots.scan_lines(data, x="g")
    with pytest.raises(ValueError, match="no column 'k'; axes: g, h"):
        plots.scan_lines(data, x="k")
    with pytest.raises(ValueError, match="quantities: rate, cv"):
        plots.scan_map(data, x="g", y="h", quantity="speed")


def test_an_optimisation_shows_lost_trials_and_where_the_best_stands():
    trials = pd.DataFrame(
        {
            "trial": [0, 1, 2, 3],
            "status": ["exploded", "done", "done", "failed"],
            "distance": [np.nan, 2.0, 0.5, np.nan],
            "g": [9.0, 3.0, 1.0, 2.0],
        }
    )
    best = pd.DataFrame(
        [
            ["activation_control", "rate", "STN", 14.0, 10.0, 14.0, "pass"],
            ["activation_control", "cv", "STN", np.nan, 0.1, 0.2, "missing"],
        ],
        columns=["state", "quantity", "population", "value", "low", "high", "verdict"],
    )
    figure = plots.optimisation(trials, {"g": True}, best, labels={"g": "g (factor)"}, title="study")
    course, windows, search = figure.axes
    np.testing.assert_allclose(next(line for line in course.lines if line.get_marker() == "x").get_xdata(), [0, 3])
    np.testing.assert_allclose(course.lines[-1].get_ydata(), [np.nan, 2.0, 0.5, 0.5])
    assert "cross: 1 exploded; cross: 1 failed" in course.get_title(loc="left")
    assert windows.lines[0].get_xdata()[0] == pytest.approx(1.0)  # at the upper edge of its window
    assert search.get_xscale() == "log" and search.lines[-1].get_xdata()[0] == 1.0
    for text in ("rate (1/s) STN", "14.0", "distance (dimensionless)\nlinear below 0.1", "g (factor)", "study"):
        assert text in words(figure)
