"""Whatever the split of virtual processes into ranks and threads, the results are the same files."""

from __future__ import annotations

import json

import pytest

from network.runs.reader import Run
from network.runs.sonata import SpikeWriter

pytestmark = [pytest.mark.mpi, pytest.mark.nest]

SPLITS = ((1, 4), (2, 2), (4, 1))


# everything that can happen to a cell during a run
BUSY = """
overlay_of: lindahl2016/activation_control
network:
  dopamine_schedule:
    kind: pulse
    start: {value: 60, unit: ms, assumed: test}
    duration: {value: 30, unit: ms, assumed: test}
    level: {value: 0.2, unit: 1, assumed: test}
inputs:
  CTX_to_MSN_D1:
    stimuli:
      burst:
        fraction: {value: 0.2, unit: 1, assumed: test}
        modulation:
          kind: pulse
          start: {value: 40, unit: ms, assumed: test}
          duration: {value: 20, unit: ms, assumed: test}
          factor: {value: 6, unit: 1, assumed: test}
stimulations:
  of_STN:
    target: STN
    frequency: {value: 50, unit: Hz, assumed: test}
    width: {value: 0.3, unit: ms, assumed: test}
    amplitude: {value: 100, unit: pA, assumed: test}
    cv: {value: 0.5, unit: 1, assumed: test}
    axons: {probability: {value: 0.5, unit: 1, assumed: test}}
spike_inputs:
  thalamus:
    file: trains.h5
    population: thalamus
    target: MSN_D2
    weights: {ampa: {value: 4, unit: nS, assumed: test}, nmda: {value: 0.2, unit: nS, assumed: test}}
    delay: {value: 2.5, unit: ms, assumed: test}
    in_degree: {value: 5, unit: 1, assumed: test}
currents:
  step_into_STN:
    target: STN
    times: {value: [70, 120], unit: ms, assumed: test}
    amplitudes: {value: [200, 0], unit: pA, assumed: test}
"""


def split_runs(bgnest, folder, *arguments: str) -> dict[int, Run]:
    """Runs of one network with every split of four virtual processes, by their number of ranks."""
    made = {}
    for ranks, threads in SPLITS:
        out = folder / f"{ranks}x{threads}"
        split = ("--ranks", str(ranks), "--threads", str(threads), "--out", str(out))
        done = bgnest("run", *arguments, "--t-sim", "150", *split)
        assert done.returncode == 0, done.stderr
        made[ranks] = Run.open(out)
    return made


@pytest.fixture(scope="module")
def runs(bgnest, small, tmp_path_factory):
    """A network with its default recordings."""
    return split_runs(bgnest, tmp_path_factory.mktemp("splits"), *small)


@pytest.fixture(scope="module")
def busy_runs(bgnest, small, tmp_path_factory):
    """A network with changes of dopamine, stimuli, spikes from a file, currents, and pulses that excite axons, too."""
    folder = tmp_path_factory.mktemp("busy")
    (folder / "busy.yaml").write_text(BUSY)
    with SpikeWriter(folder / "trains.h5", {"thalamus": 20}) as file:
        file.append("thalamus", [30.0 + 4.0 * (i % 5) for i in range(20)], range(20))
    return split_runs(bgnest, folder, str(folder / "busy.yaml"), *small)


def assert_same_files(runs: dict[int, Run], ranks: int) -> None:
    alone = runs[1].path
    names = sorted(file.name for file in alone.glob("*.h5"))
    assert "spikes.h5" in names and any(name.startswith("report_") for name in names)
    assert names == sorted(file.name for file in runs[ranks].path.glob("*.h5"))
    for name in names:
        assert (runs[ranks].path / name).read_bytes() == (alone / name).read_bytes(), name


@pytest.mark.parametrize("ranks", [2, 4])
def test_files_of_spikes_and_states_are_equal_byte_for_byte(runs, ranks):
    assert_same_files(runs, ranks)


@pytest.mark.parametrize("ranks", [2, 4])
def test_what_changes_during_a_run_does_not_depend_on_the_split(busy_runs, ranks):
    assert_same_files(busy_runs, ranks)


def test_stimuli_currents_and_trains_had_an_effect(busy_runs, runs):
    """Cells that are driven fire more, so that the comparison of the files is about that, too."""
    for name in ("MSN_D1", "MSN_D2", "STN"):
        assert len(busy_runs[1].spikes(name)) > len(runs[1].spikes(name))


def test_the_network_was_not_silent(runs):
    run = runs[1]
    spikes = {name: len(run.spikes(name)) for name in run.recorded}
    assert spikes["GPe_TI_N"] > 5 and spikes["SNr"] > 5
    assert run.spikes("GPe").times.min() >= run.window[0]


def test_populations_smaller_than_the_number_of_ranks_are_whole(runs):
    sizes = runs[4].populations
    tiny = [name for name, size in sizes.items() if size < 4]
    assert tiny, sizes
    for name in tiny:
        report = runs[4].report(name, "V_m")
        assert report.values.shape[1] == min(sizes[name], len(report.node_ids)) > 0
        assert list(report.node_ids) == list(runs[1].report(name, "V_m").node_ids)


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_one_file_remains_and_its_counts_are_those_of_the_ranks(runs, ranks):
    run = runs[ranks]
    left = [path.name for path in run.path.rglob("*") if "rank-0" in path.name and path.suffix != ".log"]
    assert left == []
    run.verify()
    counts = run.manifest["files"]["spikes.h5"]["counts"]
    assert counts == run.record["n_spikes"] == {name: len(run.spikes(name)) for name in run.populations}


def test_every_rank_reports_its_memory_and_times(runs):
    ranks = runs[4].timers["ranks"]
    assert [rank["rank"] for rank in ranks] == [0, 1, 2, 3]
    assert all(rank["memory_bytes"]["peak"] > 50e6 for rank in ranks)
    assert runs[4].timers["memory_bytes"]["peak"] == sum(rank["memory_bytes"]["peak"] for rank in ranks)
    assert runs[4].timers["seconds"]["connect"] == max(rank["seconds"]["connect"] for rank in ranks)


def test_the_split_is_not_part_of_the_identity(runs):
    assert len({run.record["simulation_hash"] for run in runs.values()}) == 1
    assert [json.loads((runs[r].path / "record.json").read_text())["ranks"] for r in (1, 2, 4)] == [1, 2, 4]


def test_check_invariance_tells_the_user(bgnest):
    done = bgnest("check", "invariance", "--vps", "2", "--n-neurons", "300", "--t-sim", "20")
    assert done.returncode == 0, done.stderr
    assert "1 x 2" in done.stdout and "2 x 1" in done.stdout and "\npass: " in done.stdout


AUDIT = """
import sys
from network import codegen
from network.cluster.ranks import present
from network.engine.nest import audit, kernel
from network.engine.nest.build import build
from network.experiment import load_experiment
from network.plans import make_plan

overrides = ["network.small_network=multapses", "network.n_neurons=300"]
plan = make_plan(load_experiment("lindahl2016/activation_control", (), overrides), ranks=present().size)
module = codegen.build(sorted({population.model for population in plan.populations}))
kernel.reset(plan, module.path)
network = build(plan, module)
audit.audit(network)
cells = sum(kernel.count_local(nodes) for nodes in network.populations.values())
(__import__("pathlib").Path(sys.argv[1]) / f"cells-{present().rank}").write_text(str(cells))
"""


def test_every_rank_holds_what_was_planned(mpirun, tmp_path):
    """Parameters, in-degrees, weights, delays and receptors read back from NEST on each of four ranks."""
    path = tmp_path / "audit.py"
    path.write_text(AUDIT)
    done = mpirun(4, path, str(tmp_path))
    assert done.returncode == 0, done.stderr
    cells = [int((tmp_path / f"cells-{rank}").read_text()) for rank in range(4)]
    assert sum(cells) == 300 and max(cells) - min(cells) <= 1
