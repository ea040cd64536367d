"""Scans of small networks in NEST: those that come with bgnest, and points that share a build."""

from __future__ import annotations

import pandas as pd
import pytest

from network.engine.batch import run_all
from network.experiment import load_experiment
from network.scans import Scan, list_scans
from network.scans.points import make_points
from network.scans.workflow import write_points, write_workflow

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

SMALL = {
    "network.n_neurons": 1200,
    "network.small_network": "multapses",
    "simulation.t_presim": 0,
    "recording.traces": None,
}


def run_here(scan: Scan) -> pd.DataFrame:
    """Run the files that a scan writes for its points, one after the other in this process, and collect.

    What Snakemake makes of them is the same for all scans and told by tests/unit/scan/test_story.py.
    """
    plan = scan.plan()
    write_points(scan.folder, scan.spec, scan.label, plan)
    todo = list(zip(make_points(scan.spec, scan.label), plan.points, strict=True))
    write_workflow(scan.folder, plan, todo, scan.label)
    files = {planned.label: scan.folder / "points" / f"{planned.label}.yaml" for planned in plan.points}
    run_all({label: load_experiment(file) for label, file in files.items()}, scan.folder / "runs")
    return scan.collect()


def has_one_size(name):
    """Whether a scan is of a network whose size is one number; others have sizes of their own, or as an axis."""
    spec = Scan.load(name).spec
    axes = spec.model_dump(mode="json", exclude_defaults=True)["axes"].values()
    if not spec.set or not all({"values", "range", "variants"} & set(axis) for axis in axes):
        return False
    return load_experiment(spec.scan_of).network.n_neurons is not None


@pytest.mark.parametrize("name", sorted(name for name in list_scans() if has_one_size(name)))
def test_a_small_version_of_a_ready_scan_runs(name, tmp_path, module):
    data = Scan.load(name).spec.model_dump(mode="json", exclude_defaults=True)
    small = {"network.small_network": "multapses", "simulation.t_presim": 0, "simulation.t_sim": 50}
    data["set"] |= small
    if "n_neurons" in data["axes"]:
        data["axes"]["n_neurons"] = {"values": [1200]}
    else:
        data["set"]["network.n_neurons"] = 1200
    for axis in data["axes"].values():  # the last value of each: what differs most from the experiment itself
        if "range" in axis:
            axis["values"] = [axis.pop("range")["stop"]]
        key = next(key for key in ("values", "variants") if key in axis)
        axis[key] = axis[key][-1:]
    scan = Scan(data.pop("scan_of"), data.pop("axes"), folder=tmp_path / "s", overrides=data.pop("set"), **data)
    table = run_here(scan)
    assert set(table["status"]) == {"done"} and table["rate"].notna().all()


def test_points_that_share_a_build_have_the_spikes_of_points_that_do_not(tmp_path, module):
    axes = {"cortex": {"path": "inputs.CTX_to_*.rate", "operation": "scale", "values": [1, 1.5]}}
    options = {"overrides": SMALL | {"simulation.t_sim": 100}}
    shared, alone = (
        Scan("lindahl2016/activation_control", axes, folder=tmp_path / name, execution=how, **options)
        for name, how in (("shared", {"share_builds": True}), ("alone", {}))
    )
    tables = [table.drop(columns=["seconds", "rtf"]) for table in (shared.run().collect(), run_here(alone))]
    assert list((shared.folder / "log").glob("share_*.log"))
    pd.testing.assert_frame_equal(*tables)
    assert set(tables[0]["status"]) == {"done"}
