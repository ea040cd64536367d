"""Figures of experiments show the numbers they are given."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from network.analysis import plots
from network.analysis.effects import Effects
from network.analysis.oscillations import PairResult
from network.analysis.statistics import run_table
from network.analysis.targets.windows import load_targets
from network.analysis.units import Coherence, PhaseDifferences
from network.experiment.presentation import load_presentation


def words(figure):
    return "\n".join(text.get_text() for text in figure.findobj(mpl.text.Text))


def fits(figure):
    assert figure.get_figwidth() * 25.4 == pytest.approx(180, abs=0.01)
    assert figure.get_figheight() * 25.4 <= 240
    sizes = [t.get_fontsize() for t in figure.findobj(mpl.text.Text) if t.get_text()]
    assert min(sizes) >= 5 and max(sizes) <= 8


@pytest.fixture
def pairs():
    rng = np.random.default_rng(1)
    f = np.arange(0.0, 65.0)
    peak = Coherence(f, 0.1 + 0.5 * np.exp(-((f - 20.0) ** 2)), np.zeros(65), 300, 11, 0.2)
    flat = Coherence(f, np.full(65, 0.09), np.zeros(65), 300, 11, 0.2)
    against = PhaseDifferences(np.pi + rng.normal(0, 0.1, 300), np.full(300, 0.8), 0.05)
    none = PhaseDifferences(np.linspace(-np.pi, np.pi, 300, endpoint=False), np.full(300, 0.3), 0.02)
    return {
        "control": {("GPe_TI", "GPe_TA"): PairResult(flat, none)},
        "depleted": {("GPe_TI", "GPe_TA"): PairResult(peak, against), ("STN", "STN"): PairResult(None, none)},
    }


def test_phase_circles_name_phase_and_concentration(pairs):
    figure = plots.phase_circles(pairs)
    fits(figure)
    assert "GPe TI - GPe TA" in words(figure) and "control: R = 0.00" in words(figure)
    assert "depleted: R = 0.80" in words(figure) and "180°" in words(figure)
    # no phase is claimed where there is none
    assert not any("control" in line and "°" in line for line in words(figure).splitlines())


def test_coherence_has_a_panel_for_each_pair_that_has_one(pairs):
    figure = plots.coherence(pairs)
    fits(figure)
    assert len(figure.axes) == 1
    (axes,) = figure.axes
    curves = {line.get_label(): line.get_ydata() for line in axes.lines if not line.get_label().startswith("_")}
    assert curves["depleted"].max() == pytest.approx(0.6) and curves["control"].max() == pytest.approx(0.09)
    assert "frequency (Hz)" in words(figure)


@pytest.mark.parametrize("quantity", ["rate", "cv"])
def test_states_stand_beside_all_references(run, quantity):
    names = ("activation_control", "activation_depleted")
    targets = {name: load_targets("lindahl2016", name) for name in names}
    with plots.presented(load_presentation("lindahl2016")):
        figure = plots.states(dict.fromkeys(names, run_table(run)), targets, quantity=quantity)
    fits(figure)
    assert "Mallet et al. 2008" in words(figure) and "re-simulation" in words(figure)
    assert ("(spikes/s)" if quantity == "rate" else "dimensionless") in words(figure)


def test_effects_write_every_number():
    rows, columns = ["intact", "cut"], ["STN", "MSN_D2"]
    mean = pd.DataFrame([[10.0, 0.25], [40.0, 0.0042]], rows, columns)
    change = pd.DataFrame([[0.0, 0.0], [2.0, -5.9]], rows, columns)
    clear = pd.DataFrame([[False, False], [True, False]], rows, columns)
    panels = {
        "rate (spikes/s)": Effects(mean, change, clear, 2),
        "synchrony (spikes/s)": Effects(mean, change, clear, 2),
    }
    figure = plots.effects(panels, reference="intact", titles={"cut": "without STN"})
    fits(figure)
    for text in ("intact", "without STN", "40", ".25", ".004", "MSN D2", "rate (spikes/s)", "synchrony (spikes/s)"):
        assert text in words(figure)
    image = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(image, [[0.0, 0.0], [2.0, -2.0]])
    bold = [t.get_text() for t in figure.axes[0].texts if t.get_fontweight() == "bold"]
    assert bold == ["40"]


def test_effects_leave_noise_without_colour():
    rows, columns = ["intact", "cut"], ["STN"]
    mean = pd.DataFrame([[40.0], [10.0]], rows, columns)
    change = pd.DataFrame([[0.0], [-2.0]], rows, columns)
    clear = pd.DataFrame([[False], [False]], rows, columns)
    noise = pd.DataFrame([[True], [True]], rows, columns)
    panels = {
        "power (%)": Effects(mean, change, clear, 1, noise),
        "rate (spikes/s)": Effects(mean, change, clear, 1),
    }
    figure = plots.effects(panels, reference="intact")
    fits(figure)
    first, second = (axes.images[0].get_array() for axes in figure.axes[:2])
    assert np.ma.getmaskarray(first).all() and not np.ma.getmaskarray(second).any()
    assert "no rhythm beyond chance" in words(figure)


def test_courses_share_their_time_and_show_the_level():
    time = pd.Index(np.arange(0.0, 500.0, 50.0), name="time")
    table = pd.DataFrame({"dopamine": 0.8, "STN": np.arange(10.0), "SNr": 5.0}, index=time)
    table.loc[200:, "dopamine"] = 0.2
    figure = plots.courses({"dip": table, "none": table}, rows=(("STN",), ("SNr",)), titles={"dip": "a dip"})
    fits(figure)
    level = figure.axes[0].lines[0].get_ydata()
    assert level.min() == 0.2 and level.max() == 0.8
    for text in ("a dip", "dopamine level", "time (ms)", "rate (spikes/s)", "STN"):
        assert text in words(figure)


def test_selection_is_below_the_threshold():
    low, high = np.array([[30.0, 5.0], [30.0, 5.0]]), np.array([[30.0, 30.0], [5.0, 5.0]])
    figure = plots.selection_maps({"control": (low, high)}, [1.0, 3.0], population="SNr", threshold=14.0)
    fits(figure)
    image = np.asarray(figure.axes[0].images[0].get_array())
    neither, one, two, both = image[0, 0], image[0, 1], image[1, 0], image[1, 1]
    assert len({tuple(c) for c in (neither, one, two, both)}) == 4
    assert "14 spikes/s" in words(figure)


def test_courses_around_a_pulse_mark_it():
    table = pd.DataFrame({"action 1": [20.0, 5.0, 20.0], "action 2": [20.0, 20.0, 20.0]}, index=[-10.0, 10.0, 30.0])
    figure = plots.pulse_courses(
        {"control": {"1 x 3": table}, "depleted": {"1 x 3": table}}, duration=20.0, threshold=14.0
    )
    fits(figure)
    for text in ("control", "1 x 3", "time since pulse (ms)", "action 2", "dashed: 14 spikes/s", "rate (spikes/s)"):
        assert text in words(figure)


def test_dose_response_has_a_line_per_variant():
    x = np.linspace(0.8, 1.5, 4)
    curve = pd.DataFrame({"strength": x, "rate": x, "error": 0.1})
    figure = plots.dose_response({"MSN_D1": {"all": curve, "none": 2 * curve}}, xlabel="rate (x base)")
    fits(figure)
    assert [bars.get_label() for bars in figure.axes[0].containers] == ["all", "none"]
