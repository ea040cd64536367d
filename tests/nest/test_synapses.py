"""The vectorised target's own synapses mean the same as NEST's, spike for spike and bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from network.codegen import BuiltModule
from network.engine.nest import kernel

N_SOURCES, N_CELLS = 30, 19  # cells: two full blocks of eight and three cells, on one thread
T = 150.0  # ms
PLASTIC = {"U": 0.3, "tau_psc": 3.0, "tau_rec": 120.0, "tau_fac": 40.0}


@pytest.fixture(params=[1, 2], ids=["1 thread", "2 threads"])
def nest(request: pytest.FixtureRequest, module: BuiltModule) -> Any:
    """NEST, empty, with the module."""
    return fresh(module, threads=request.param)


def fresh(module: BuiltModule, threads: int = 1) -> Any:
    nest = kernel.import_nest()
    nest.ResetKernel()
    nest.set(resolution=0.1, local_num_threads=threads, rng_seed=7)
    nest.set(min_delay=0.5, max_delay=20.0)
    nest.Install(str(module.path))
    return nest


def sources(nest: Any) -> Any:
    """Parrots that repeat irregular trains, often several in a step and now and then several spikes at once."""
    parrots = nest.Create("parrot_neuron", N_SOURCES)
    rng = np.random.default_rng(5)
    for parrot in parrots:
        times = np.unique(np.round(rng.uniform(1.0, T - 25.0, 25), 1))
        multiplicities = rng.integers(1, 4, times.size).tolist()
        train = {"spike_times": times.tolist(), "spike_multiplicities": multiplicities}
        nest.Connect(nest.Create("spike_generator", params=train), parrot)
    return parrots


def connect(nest: Any, module: BuiltModule, model: str, receptor: str, first: Any, cells: Any) -> Any:
    """All to all; weights and delays the same for every kind of synapse."""
    rng = np.random.default_rng(11)
    shape = (len(cells), len(first))
    synapse = {
        "synapse_model": model,
        "weight": rng.uniform(0.01, 0.3, shape),
        "delay": np.round(rng.uniform(0.5, 19.0, shape), 1),
        "receptor_type": module.models["qif_msn"].ports[receptor],
    }
    nest.Connect(first, cells, "all_to_all", synapse)


def traces(nest: Any, cells: Any, duration: float = T) -> dict[str, NDArray[np.float64]]:
    """What the cells do: potential and conductances, sorted by cell and time."""
    meter = nest.Create(
        "multimeter", params={"interval": 0.1, "record_from": ["V_m", "g_ampa", "g_nmda", "g_gaba_fsn"]}
    )
    nest.Connect(meter, cells)
    nest.Simulate(duration)
    events = meter.events
    order = np.lexsort((events["times"], events["senders"]))
    return {name: values[order] for name, values in events.items() if name != "senders"}


@pytest.mark.parametrize("base", ["static_synapse", "tsodyks_synapse"])
def test_same_as_nest(nest: Any, module: BuiltModule, base: str) -> None:
    """Equal to the last bit, although the input lists are written to in another order of events."""
    result = {}
    threads = nest.local_num_threads
    for name in (base, module.synapses[base]):
        nest = fresh(module, threads)
        nest.CopyModel(name, "chosen", PLASTIC if base == "tsodyks_synapse" else {})
        cells, parrots = nest.Create("qif_msn", N_CELLS), sources(nest)
        for receptor in ("ampa", "nmda", "gaba_fsn"):
            connect(nest, module, "chosen", receptor, parrots, cells)
        result[name] = traces(nest, cells)
    expected, found = result.values()
    assert expected["g_ampa"].max() > 0.5
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-12, atol=1e-12, err_msg=name)


def test_reads_back_what_was_set(nest: Any, module: BuiltModule) -> None:
    """Weights, delays, receptors and ends of every synapse, and a weight that is changed later."""
    cells, parrots = nest.Create("qif_msn", 3), nest.Create("parrot_neuron", 2)
    model = module.synapses["static_synapse"]
    nest.Connect(
        parrots,
        cells,
        "all_to_all",
        {"synapse_model": model, "weight": 0.25, "delay": 1.5, "receptor_type": module.models["qif_msn"].ports["nmda"]},
    )
    found = nest.GetConnections(synapse_model=model)
    data = found.get(["source", "target", "weight", "delay", "receptor"])
    assert sorted(zip(data["source"], data["target"], strict=True)) == [
        (s, t) for s in parrots.tolist() for t in cells.tolist()
    ]
    assert set(data["weight"]) == {0.25}
    assert set(data["delay"]) == {1.5}
    assert set(data["receptor"]) == {module.models["qif_msn"].ports["nmda"] - 1}
    found[0].weight = 0.75
    assert sorted(nest.GetConnections(synapse_model=model).weight) == [0.25] * 5 + [0.75]


def test_cells_made_later(module: BuiltModule) -> None:
    """Synapses onto cells that come after a first run, and onto those of before."""
    nest = fresh(module)
    early, parrots = nest.Create("qif_msn", 5), sources(nest)
    connect(nest, module, module.synapses["static_synapse"], "ampa", parrots, early)
    nest.Simulate(20.0)
    late = nest.Create("qif_msn", 12)
    connect(nest, module, module.synapses["static_synapse"], "ampa", parrots, late)
    found = traces(nest, early + late, T - 20.0)

    nest = fresh(module)
    early, parrots = nest.Create("qif_msn", 5), sources(nest)
    connect(nest, module, "static_synapse", "ampa", parrots, early)
    nest.Simulate(20.0)
    late = nest.Create("qif_msn", 12)
    connect(nest, module, "static_synapse", "ampa", parrots, late)
    expected = traces(nest, early + late, T - 20.0)
    np.testing.assert_allclose(found["V_m"], expected["V_m"], rtol=1e-12)


def test_other_cells_are_refused(module: BuiltModule) -> None:
    """A target that has no block gets a clear answer, and NEST's synapses still reach every cell."""
    nest = fresh(module)
    cell, parrot = nest.Create("qif_msn"), nest.Create("parrot_neuron")
    model = module.synapses["static_synapse"]
    with pytest.raises(nest.NESTError, match="no cell of the target vectorised"):
        nest.Connect(parrot, parrot, syn_spec={"synapse_model": model})
    with pytest.raises(nest.NESTError, match="77"):
        nest.Connect(parrot, cell, syn_spec={"synapse_model": model, "receptor_type": 77})
    assert nest.num_connections == 0


@pytest.mark.parametrize(
    "wrong",
    [{"U": 1.5}, {"U": float("nan")}, {"tau_rec": 0.0}, {"tau_psc": -1.0}, {"tau_fac": -1.0}, {"x": 0.8, "y": 0.7}],
    ids=str,
)
def test_impossible_plasticity_is_refused(module: BuiltModule, wrong: dict[str, float]) -> None:
    nest = fresh(module)
    with pytest.raises(nest.NESTError):
        nest.CopyModel(module.synapses["tsodyks_synapse"], "wrong", wrong)


def test_plasticity_is_common(module: BuiltModule) -> None:
    """U and the time constants belong to the model; giving them per synapse is an error, not a silent loss."""
    nest = fresh(module)
    cell, parrot = nest.Create("qif_msn"), nest.Create("parrot_neuron")
    model = module.synapses["tsodyks_synapse"]
    with pytest.raises(nest.NESTError, match="CopyModel"):
        nest.Connect(parrot, cell, syn_spec={"synapse_model": model, "U": 0.1, "receptor_type": 1})
    nest.CopyModel(model, "facilitating", {"tau_fac": 300.0})
    assert nest.GetDefaults("facilitating", "tau_fac") == 300.0
    assert nest.GetDefaults(model, "tau_fac") == 0.0
