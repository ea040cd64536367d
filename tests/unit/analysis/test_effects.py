"""Effects of variants over seeds: what is the same network, what is an effect, what is scatter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from network.analysis.effects import compare_variants, effects_table


def table(rates, seeds=(1, 2, 3)):
    """Rates of one population by variant and seed."""
    rows = [
        {"variant": variant, "seed": seed, "population": "STN", "rate": rate}
        for variant, values in rates.items()
        for seed, rate in zip(seeds, values, strict=True)
    ]
    return pd.DataFrame(rows)


def test_differences_between_seeds_cancel():
    """Seeds differ by a factor of two, the variant by 1.5 in each of them: that is a clear effect."""
    rates = {"intact": [10.0, 20.0, 15.0], "more": [15.1, 29.9, 22.4], "same": [10.05, 19.9, 15.1]}
    found = compare_variants(table(rates), "rate", "intact")
    assert found.mean.loc["intact", "STN"] == pytest.approx(15.0)
    assert found.change.loc["more", "STN"] == pytest.approx(np.log2(1.5), abs=0.02)
    assert found.clear["STN"].to_dict() == {"intact": False, "more": True, "same": False}
    assert list(found.mean.index) == list(rates) and found.n_seeds == 3


def test_a_single_seed_marks_nothing_as_clear():
    found = compare_variants(table({"intact": [10.0], "more": [40.0]}, seeds=(1,)), "rate", "intact")
    assert found.change.loc["more", "STN"] == pytest.approx(2.0)
    assert not found.clear.to_numpy().any()


def test_silence_is_the_largest_decrease():
    rates = {"intact": [10.0, 9.0, 8.0], "none": [0.0, 0.0, 0.0], "less": [8.0, 7.0, 6.5]}
    found = compare_variants(table(rates), "rate", "intact")
    assert found.mean.loc["none", "STN"] == 0.0
    assert found.change.loc["none", "STN"] == -np.inf
    assert found.clear["STN"].tolist() == [False, True, True]


def test_an_unknown_reference_lists_the_choices():
    with pytest.raises(ValueError, match=r"no variant 'x'.*intact"):
        compare_variants(table({"intact": [1.0, 2.0, 3.0]}), "rate", "x")


def test_the_table_has_a_row_per_run_and_population(run):
    found = effects_table({"intact": [run]}, ["STN", "GPe_TI"])
    assert found["population"].tolist() == ["STN", "GPe_TI"]
    stn, ti = found["rate"]
    assert stn == pytest.approx(12.4, rel=0.05) and ti == pytest.approx(37.0, rel=0.05)
    assert found["oscillation"].between(0, 1).all() and (found["synchrony"] > 0).all()
    assert found["beyond_chance"].notna().all()


def test_a_change_of_the_rhythm_is_noise_where_neither_network_has_one():
    rows = [
        {"variant": variant, "seed": seed, "population": name, "oscillation": 0.5, "beyond_chance": beyond[seed - 1]}
        for variant, values in {
            "intact": {"TI": (3.0, 2.0, 0.9), "FSN": (0.4, 1.2, 0.8)},
            "cut": {"TI": (0.5, 0.6, 0.4), "FSN": (0.9, 0.3, 0.2)},
            "more": {"TI": (4.0, 4.0, 5.0), "FSN": (2.0, 1.1, 3.0)},
        }.items()
        for name, beyond in values.items()
        for seed in (1, 2, 3)
    ]
    found = compare_variants(pd.DataFrame(rows), "oscillation", "intact", of_rhythm=True)
    # a rhythm that is lost, and one that appears, are changes
    assert found.noise.loc["cut"].to_dict() == {"TI": False, "FSN": True}
    assert found.noise.loc["more"].to_dict() == {"TI": False, "FSN": False}
    assert found.noise.loc["intact"].to_dict() == {"TI": False, "FSN": True}
    assert compare_variants(pd.DataFrame(rows), "oscillation", "intact").noise is None
