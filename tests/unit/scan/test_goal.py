"""What an optimisation is to reach: windows of states, limits of parameters, readable refusals."""

from __future__ import annotations

import pytest

from network.errors import SpecError
from network.scans.goal import goals_of, list_optimisations, load_optimisation, parse_optimisation
from network.scans.optimise import Study

BASE = {
    "optimise": "lindahl2016/activation_control",
    "search": {
        "STN": {
            "path": "inputs.CTX_to_STN.rate",
            "operation": "scale",
            "distribution": {"low": 0.5, "high": 2.0, "log": True},
        }
    },
}


def spec(**changes):
    return parse_optimisation({**BASE, **changes})


def windows(state="activation_control", **changes):
    return goals_of(spec(**changes), "lindahl2016", state, "test")


def test_windows_are_the_acceptance_bands_of_what_has_a_weight():
    rates = windows()
    assert rates.bands["STN"] == (10.5, 14.5) and set(rates.windows) == {"rate"}
    both = windows(weights={"cv": 1.0, "resultant": 0.5}, targets={"populations": ["STN", "GPe_TI/GPe_TI"]})
    assert both.windows == {"cv": {"STN": (0.18, 0.42)}, "resultant": {"GPe_TI/GPe_TI": (0.0, 0.05)}}


def test_a_reference_becomes_windows_around_its_values():
    found = windows(targets={"reference": "mallet2008", "tolerance": 0.1})
    assert found.bands["STN"] == pytest.approx((13.41, 16.39)) and set(found.bands) == {"GPe", "STN"}
    own = {"activation_control": {"rate": {"STN": [1, 2]}}}
    assert windows(targets={"reference": "mallet2008", "windows": own}).bands["STN"] == (1, 2)


def test_values_of_parameters_become_changes_of_every_experiment():
    states = ["lindahl2016/activation_control", "lindahl2016/activation_depleted"]
    points = spec(optimise=states, set={"simulation.seed": 3}).points({"STN": 1.5})
    assert [point.experiment for point in points] == states
    assert points[0].overrides == {"simulation.seed": 3, "inputs.CTX_to_STN.rate": {"scale": 1.5}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"search": {"STN": {"path": "inputs.CTX_to_STN.rate"}}}, "search.STN: give its limits"),
        ({"start": {"STN": 3.0}}, "start.STN: 3.0 is not within 0.5 and 2"),
        ({"start": {"FSN": 1.0}}, "give a value for each of STN"),
        ({"weights": {"rate": 0.0}}, "all are 0"),
        ({"weights": {"speed": 1.0}}, "weights"),
        ({"trails": 10}, "unknown key; did you mean 'trials'"),
    ],
)
def test_mistakes_are_named(changes, message):
    with pytest.raises(SpecError) as found:
        spec(**changes)
    assert message in str(found.value)


def test_targets_that_do_not_exist_are_refused():
    with pytest.raises(SpecError, match="no 'malet2008'"):
        windows(targets={"reference": "malet2008"})
    with pytest.raises(SpecError, match="no window of 'ST'"):
        windows(targets={"populations": ["ST"]})
    with pytest.raises(SpecError, match="no target window of what has a weight"):
        windows(weights={"coherence": 1.0})


def test_parameters_are_tried_at_their_limits_before_anything_runs(tmp_path):
    search = {"x": {"path": "inputs.CTX_to_STM.rate", "operation": "scale", "distribution": {"low": 1, "high": 2}}}
    with pytest.raises(SpecError, match="CTX_to_STM"):
        Study(spec(search=search), tmp_path / "study")
    assert not (tmp_path / "study").exists()


def test_built_in_optimisations_are_valid(tmp_path):
    assert "lindahl2016/drive_mallet" in list_optimisations()
    for name in list_optimisations():
        Study(load_optimisation(name)[0], tmp_path / "study", name)
    with pytest.raises(SpecError, match="drive_mallet"):
        load_optimisation("lindahl2016/drive_malet")
