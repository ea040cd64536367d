"""Cells and synapses in SONATA files, read back by libsonata: nothing is lost, and both indices find every edge."""

from __future__ import annotations

import h5py
import libsonata
import numpy as np
import pytest

from network.runs.circuit import write_edges, write_nodes, write_types

N_SOURCE, N_TARGET = 7, 5


@pytest.fixture(scope="module")
def edges():
    """Random synapses, some pairs with several; source 2 and target 3 have none. Sorted by target, then source."""
    rng = np.random.default_rng(2)
    source = rng.choice([0, 1, 3, 4, 5, 6], 60)
    target = rng.choice([0, 1, 2, 4], 60)
    order = np.lexsort((source, target))
    return source[order], target[order], rng.uniform(1.0, 2.0, 60).astype(np.float32)


@pytest.fixture(scope="module")
def population(edges, tmp_path_factory):
    source, target, weight = edges
    path, told = tmp_path_factory.mktemp("circuit") / "edges.h5", []
    ends = {"source": ("A", N_SOURCE, source), "target": ("B", N_TARGET, target)}
    columns = {"syn_weight": (weight, "nS"), "delay": (1.7, "ms"), "dynamics_params/U": (0.35, "")}
    write_edges(path, "A_to_B", 3, ends, columns, progress=told.append)
    assert sum(told) == 60
    return libsonata.EdgePopulation(str(path), "", "A_to_B")


def test_edges_have_their_ends_and_values(population, edges):
    source, target, weight = edges
    every = population.select_all()
    assert (population.source, population.target, population.size) == ("A", "B", 60)
    np.testing.assert_array_equal(population.source_nodes(every), source)
    np.testing.assert_array_equal(population.target_nodes(every), target)
    np.testing.assert_array_equal(population.get_attribute("syn_weight", every), weight)
    assert set(population.get_attribute("delay", every)) == {1.7}
    assert set(population.get_dynamics_attribute("U", every)) == {0.35}


def test_indices_find_the_edges_of_every_cell(population, edges):
    source, target, _ = edges
    for cell in range(N_SOURCE):
        np.testing.assert_array_equal(population.efferent_edges([cell]).flatten(), np.flatnonzero(source == cell))
    for cell in range(N_TARGET):
        np.testing.assert_array_equal(population.afferent_edges([cell]).flatten(), np.flatnonzero(target == cell))


def test_indices_are_those_of_libsonata(edges, tmp_path):
    source, target, _ = edges
    ends = {"source": ("A", N_SOURCE, source), "target": ("B", N_TARGET, target)}
    path = tmp_path / "edges.h5"
    write_edges(path, "A_to_B", 0, ends, {})
    names = [
        f"{way}/{part}"
        for way in ("source_to_target", "target_to_source")
        for part in ("node_id_to_ranges", "range_to_edge_id")
    ]
    with h5py.File(path, "a") as file:
        ours = {name: file[f"edges/A_to_B/indices/{name}"][()] for name in names}
        del file["edges/A_to_B/indices"]
    libsonata.EdgePopulation.write_indices(str(path), "A_to_B", N_SOURCE, N_TARGET, True)
    with h5py.File(path) as file:
        theirs = {name: file[f"edges/A_to_B/indices/{name}"][()] for name in names}
    for way in ("source_to_target", "target_to_source"):
        for cell in range(N_SOURCE if way == "source_to_target" else N_TARGET):
            np.testing.assert_array_equal(ranges(ours, way, cell), ranges(theirs, way, cell), err_msg=f"{way} {cell}")


def ranges(index, way, cell):
    first, stop = index[f"{way}/node_id_to_ranges"][cell]
    return index[f"{way}/range_to_edge_id"][first:stop]


def test_what_all_have_in_common_takes_no_room(tmp_path):
    cells = np.zeros(500_000, dtype=np.int64)
    sizes = []
    for columns in ({}, {"syn_weight": (2.5, "nS"), "delay": (1.0, "ms")}):
        path = tmp_path / f"{len(columns)}.h5"
        write_edges(path, "A_to_B", 0, {"source": ("A", 1, cells), "target": ("A", 1, cells)}, columns)
        sizes.append(path.stat().st_size)
    assert sizes[1] - sizes[0] < 20_000


def test_nodes_have_parameters_and_positions(tmp_path):
    path = tmp_path / "nodes.h5"
    varied, positions = np.array([60.0, 61.5, 59.25]), np.arange(6.0).reshape(3, 2)
    write_nodes(path, [("A", 3, {"C_m": varied, "E_L": -80.0}, positions), ("B", 2, {"E_L": -70.0}, None)])
    storage = libsonata.NodeStorage(str(path))
    assert storage.population_names == {"A", "B"}
    nodes = storage.open_population("A")
    every = nodes.select_all()
    np.testing.assert_array_equal(nodes.get_dynamics_attribute("C_m", every), varied)
    assert set(nodes.get_dynamics_attribute("E_L", every)) == {-80.0}
    np.testing.assert_array_equal(nodes.get_attribute("y", every), positions[:, 1])
    assert storage.open_population("B").size == 2 and not storage.open_population("B").attribute_names
    with h5py.File(path) as file:
        assert [file[f"nodes/{name}/node_type_id"][0] for name in "AB"] == [0, 1]


def test_types_are_apart_by_spaces(tmp_path):
    write_types(
        tmp_path / "types.csv", [{"edge_type_id": 0, "pop_name": "A_to_B", "what": "two words"}, {"edge_type_id": 1}]
    )
    lines = (tmp_path / "types.csv").read_text().splitlines()
    assert lines == ["edge_type_id pop_name what", '0 A_to_B "two words"', "1 NULL NULL"]
