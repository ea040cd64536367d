"""The scans that come with bgnest, and what the command line says about scans."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from network.cli.main import app
from network.scans import Scan, list_scans
from network.scans.planning import Planner
from network.scans.points import make_points

READY = {
    "dopamine_level": 30,
    "dopamine_knockouts": 60,
    "cortical_rate": 36,
    "stn_gpe_coupling": 25,
    "network_size": 12,
    "stn_stimulation": 30,
}
OTHERS = {
    "bahuguna2015/cortical_rate": 50,
    "bahuguna2015/dopamine": 90,
    "kumaravelu2016/stimulation": 55,
    "mccarthy2011/m_current": 15,
    "ortone2023/d2_drive": 27,
    "ortone2023/size": 8,
    "techzzt2026/dopamine": 25,
}


def test_all_are_listed_with_what_they_are():
    listed = list_scans()
    assert set(listed) == {f"lindahl2016/{name}" for name in READY} | set(OTHERS)
    assert all(listed.values())


@pytest.mark.parametrize(("name", "n_points"), READY.items())
def test_ready_scan_plans(name, n_points):
    plan = Scan.load(f"lindahl2016/{name}").plan(local=False)
    assert len(plan.points) == n_points == len({point.label for point in plan.points})


@pytest.mark.parametrize(("name", "n_points"), OTHERS.items())
def test_scans_of_other_networks_have_their_points(name, n_points):
    assert len(make_points(Scan.load(name).spec)) == n_points


def test_dopamine_level_reaches_in_degrees_and_potentials():
    scan = Scan.load("lindahl2016/dopamine_level")
    planner = Planner("test", scan.spec.execution)
    plans = {p.values["dopamine"]: planner.plan(p) for p in make_points(scan.spec) if p.values["seed"] == 1}
    degrees = [{p.name: p for p in plan.projections}["FSN_to_MSN_D2"].in_degree for plan in plans.values()]
    assert degrees == sorted(degrees, reverse=True) and degrees[0] > degrees[-1]
    assert len({plan.population("SNr").params["E_L"] for plan in plans.values()}) == len(plans)


def test_mechanisms_are_the_19_of_the_paper_and_the_network_with_all():
    points = make_points(Scan.load("lindahl2016/dopamine_knockouts").spec)
    mechanisms = {point.values["mechanism"] for point in points}
    assert len(mechanisms - {"intact"}) == 19 and "intact" in mechanisms


def test_plan_on_the_command_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(app, ["scan", "plan", "lindahl2016/dopamine_level", "--cores", "4", "--memory", "8G"])
    assert said.exit_code == 0
    assert "30 points" in said.output and "at once: 4 of them in 4 cores" in said.output
    said = CliRunner().invoke(app, ["scan", "plan", "lindahl2016/dopamine_level", "--json"])
    assert json.loads(said.output)["n_points"] == 30
    assert not list(tmp_path.iterdir())


def test_status_and_collect_of_a_scan_that_has_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two.yaml").write_text("scan_of: lindahl2016/activation_control\naxes: {seed: [1, 2]}\n")
    said = CliRunner().invoke(app, ["scan", "status", "two.yaml"])
    assert said.exit_code == 0 and "2 missing" in said.output
    said = CliRunner().invoke(app, ["scan", "collect", "two.yaml"])
    assert said.exit_code == 0 and "2 rows: 2 missing" in said.output
    assert (tmp_path / "scans" / "two" / "table.csv").is_file()
