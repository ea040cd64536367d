"""Axes become the points one would write down by hand."""

from __future__ import annotations

import pytest

from network.errors import SpecError
from network.scans import Scan, make_points
from network.scans.schema import parse_scan

DEPLETED = "lindahl2016/activation_depleted"


def points(**content):
    return make_points(parse_scan({"scan_of": DEPLETED, **content}, "test.yaml"))


def values(made):
    return [tuple(point.values.values()) for point in made]


def test_grid_is_all_with_all_and_the_last_axis_is_the_fastest():
    made = points(axes={"dopamine": [0, 0.4, 0.8], "seed": [1, 2]})
    assert values(made) == [(0, 1), (0, 2), (0.4, 1), (0.4, 2), (0.8, 1), (0.8, 2)]
    assert made[3].overrides == {"network.dopamine": 0.4, "simulation.seed": 2}


def test_zip_pairs_and_refuses_unequal_lengths():
    made = points(axes={"dopamine": [0, 0.8], "seed": [7, 8]}, combine="zip")
    assert values(made) == [(0, 7), (0.8, 8)]
    with pytest.raises(SpecError, match="one length, not dopamine 2, seed 3"):
        points(axes={"dopamine": [0, 0.8], "seed": [1, 2, 3]}, combine="zip")


def test_list_takes_rows():
    rows = [{"dopamine": 0, "seed": 3}, {"dopamine": 1, "seed": 9}]
    assert values(points(axes={"dopamine": {}, "seed": {}}, combine="list", points=rows)) == [(0, 3), (1, 9)]
    with pytest.raises(SpecError, match="point 2 has the axes dopamine"):
        points(axes={"dopamine": {}, "seed": {}}, combine="list", points=[rows[0], {"dopamine": 1}])


def test_seeds_are_crossed_with_a_zipped_block():
    block = {"combine": "zip", "axes": {"dopamine": [0, 0.8], "t_sim": [1000, 2000]}}
    assert values(points(axes={"pair": block, "seed": [1, 2]})) == [
        (0, 1000, 1),
        (0, 1000, 2),
        (0.8, 2000, 1),
        (0.8, 2000, 2),
    ]


@pytest.mark.parametrize("method", ["random", "latin_hypercube", "sobol"])
def test_samples_stay_inside_their_limits_and_depend_on_the_sample_seed_only(method):
    axes = {
        "dopamine": {"distribution": {"low": 0.2, "high": 0.6}},
        "cortex": {"path": "inputs.CTX_to_STN.rate", "distribution": {"low": 10, "high": 1000, "log": True}},
        "seed": {"distribution": {"low": 1, "high": 3, "integer": True}},
    }
    made = values(points(axes=axes, combine=method, n=16))
    assert len(made) == 16 and made == values(points(axes=axes, combine=method, n=16))
    assert made != values(points(axes=axes, combine=method, n=16, sample_seed=2))
    dopamine, rate, seed = zip(*made, strict=True)
    assert min(dopamine) >= 0.2 and max(dopamine) <= 0.6
    assert min(rate) >= 10 and max(rate) <= 1000
    assert set(seed) <= {1, 2, 3} and all(isinstance(s, int) for s in seed)


def test_latin_hypercube_has_one_sample_per_slice_and_sobol_is_balanced():
    axis = {"dopamine": {"distribution": {"low": 0, "high": 1}}, "other": _rate()}
    latin = values(points(axes=axis, combine="latin_hypercube", n=10))
    assert sorted(int(dopamine * 10) for dopamine, _ in latin) == list(range(10))
    sobol = values(points(axes=axis, combine="sobol", n=16))
    # a (0, 4, 2) net: each quarter by quarter of the plane holds exactly one of the 16 points
    assert len({(int(4 * dopamine), int(4 * (rate - 100) / 100)) for dopamine, rate in sobol}) == 16


def _rate():
    return {"path": "inputs.CTX_to_STN.rate", "distribution": {"low": 100, "high": 200}}


def test_samples_are_crossed_with_seeds():
    block = {"combine": "sobol", "n": 4, "axes": {"dopamine": {"distribution": {"low": 0, "high": 1}}}}
    made = points(axes={"sample": block, "seed": [1, 2, 3]})
    assert len(made) == 12 and len({point.values["dopamine"] for point in made}) == 4


def test_range_includes_both_ends_without_rounding_noise():
    made = points(axes={"dopamine": {"range": {"start": 0, "stop": 0.9, "n": 10}}})
    assert values(made) == [(0.1 * k if k not in (3, 6, 7) else k / 10,) for k in range(10)]
    logarithmic = {"path": "inputs.CTX_to_STN.rate", "range": {"start": 1, "stop": 100, "n": 3, "log": True}}
    assert values(points(axes={"cortex": logarithmic})) == [(1,), (10,), (100,)]
    whole = {"range": {"start": 10000, "stop": 40000, "n": 4}}
    assert values(points(axes={"n_neurons": whole})) == [(10000,), (20000,), (30000,), (40000,)]


def test_overlays_variants_experiments_and_changes_are_axes():
    made = points(axes={"rates": {"overlays": [[], ["laptop"], ["laptop", "published"]]}}, overlays=["laptop"])
    assert [(point.values["rates"], point.overlays) for point in made] == [
        ("none", ("laptop",)),
        ("laptop", ("laptop", "laptop")),
        ("laptop+published", ("laptop", "laptop", "published")),
    ]
    spec = parse_scan({"scan_of": "lindahl2016/dopamine_knockouts", "axes": {"mechanism": {"variants": "all"}}}, "t")
    mechanisms = make_points(spec)
    assert len(mechanisms) == 23 and mechanisms[0].experiment == "lindahl2016/dopamine_knockouts@intact"
    states = {"experiments": ["lindahl2016/activation_control", DEPLETED]}
    assert [point.experiment for point in points(axes={"state": states})] == states["experiments"]
    lesion = {"changes": {"intact": {}, "no_FSN": {"projections.FSN_to_*.enabled": False}}}
    made = points(axes={"lesion": lesion, "seed": [1]})
    assert made[1].overrides == {"projections.FSN_to_*.enabled": False, "simulation.seed": 1}


def test_one_value_goes_to_several_paths_as_a_factor():
    axis = {"path": ["projections.A.weight", "projections.B.weight"], "operation": "scale", "values": [0.5]}
    assert points(axes={"coupling": axis})[0].overrides == {
        "projections.A.weight": {"scale": 0.5},
        "projections.B.weight": {"scale": 0.5},
    }


def test_labels_do_not_depend_on_the_order_of_axes_or_on_other_points():
    axes = {"network.dopamine": [0, 0.4], "simulation.seed": [1, 2]}
    turned = {"simulation.seed": [5, 2], "network.dopamine": [0.4]}
    first = {point.label for point in Scan(DEPLETED, axes).plan().points}
    second = {point.label for point in Scan(DEPLETED, turned).plan().points}
    assert len(first) == 4 and len(first & second) == 1
    (label,) = first & second
    assert label.startswith("dopamine-0.4_seed-2_")
    changed = Scan(DEPLETED, {"network.dopamine": [0.4], "simulation.seed": [2]}, overrides={"simulation.t_sim": 500})
    assert changed.plan().points[0].label != label


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"axes": {"x": {"path": "network.dopamine", "vales": [1]}}},
            "axes.x.vales: unknown key; did you mean 'values'",
        ),
        ({"axes": {"x": [1, 2]}}, "axes.x: path is missing"),
        ({"axes": {"rate": {"path": "inputs.CTX_to_STN.rate", "values": [1]}}}, "column of that name"),
        ({"axes": {"dopamine": {}}}, "nothing varies"),
        (
            {"axes": {"dopamine": {"values": [1], "range": {"start": 0, "stop": 1, "n": 2}}}},
            "only one of values, range",
        ),
        ({"axes": {"dopamine": {"distribution": {"low": 0, "high": 1}}}}, "a distribution is for combine: random"),
        ({"axes": {"dopamine": [0]}, "combine": "sobol", "n": 4}, "needs a distribution"),
        ({"axes": {"dopamine": [0]}, "combine": "sobol"}, "needs n, the number of samples"),
        ({"axes": {"dopamine": [0]}, "combine": "gird"}, "combine"),
        ({"axes": {"mechanism": {"variants": ["intct"]}}}, "no variant 'intct'"),
        ({"axes": {"seed": [1]}, "set": {"simulation.seed": 2}}, "simulation.seed is set twice"),
        ({"axes": {"seed": []}}, "axes.seed"),
    ],
)
def test_what_makes_no_sense_is_refused(content, message):
    base = "lindahl2016/dopamine_knockouts" if "mechanism" in content["axes"] else DEPLETED
    with pytest.raises(SpecError, match=message):
        make_points(parse_scan({"scan_of": base, **content}, "test.yaml"))
