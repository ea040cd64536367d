"""Drive the cells and record them: Poisson input inside the cells or from devices, recorders and readout.

A plan says *what* a cell receives (one Poisson train, its rate over time, the weight per receptor).  There
are two ways to produce it.  ``internal``: the cells of the vectorised target draw their own train, which
costs a few nanoseconds.  ``device``: NEST's generators, the reference, ten times slower; a train that
reaches several receptors passes through one parrot neuron per cell, so that AMPA and NMDA see the same
spikes.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import EngineError
from ...experiment.courses import Waveform
from ...plans.cells import weight_factors
from ...plans.parts import CurrentPlan, InputPlan, RecorderPlan
from . import drives, kernel
from .axons import connect_axons
from .network import Network
from .spike_log import LoggedSpikes, SpikeLog, ids_of, in_order
from .spike_trains import connect_spike_trains
from .trace_log import LoggedStates, first_sample

RECORDER_SYNAPSE = "bgnest.to_recorder"
"""A connection to a recorder needs neither weight nor delay; the default one costs 30 kB per neuron."""


def connect_inputs(network: Network) -> None:
    """Give every target population of the plan its Poisson input."""
    for kept in (network.generators, network.parrots, network.played):
        kept.clear()
    drives.tell(network)
    for source in network.plan.inputs:
        if network.plan.drive != "internal" or source.device:
            _connect_generator(network, source)
    for trains in network.plan.spike_inputs:
        connect_spike_trains(network, trains)
    for number, current in enumerate(network.plan.currents):
        _connect_current(network, current, number)
    for pulses in network.plan.pulses:
        connect_axons(network, pulses)


def _cells(network: Network, source: InputPlan | CurrentPlan) -> Any:
    """Cells that an input reaches, as a NEST node collection."""
    cells = network.populations[source.target]
    return cells if source.cells is None else cells[slice(*astuple(source.cells))]


def _connect_current(network: Network, current: CurrentPlan, number: int) -> None:
    """One generator of steps for all cells, or for some of them.

    What it sends takes the shortest delay to arrive, so it starts that much earlier. The first value that it can send
    arrives one delay and one step after the start of the simulation.
    """
    nest = kernel.import_nest()
    plan, port = network.plan, network.model(current.target).continuous_ports[current.port]
    sent = [max(plan.resolution, round(time - plan.min_delay, 9)) for time in current.times]
    steps = dict(zip(sent, current.amplitudes, strict=True))  # of several that come too early the last one counts
    generator = nest.Create("step_current_generator")
    generator.set(amplitude_times=list(steps), amplitude_values=list(steps.values()))
    network.generators[f"current {number}"] = generator
    synapse = {"weight": 1.0, "delay": plan.min_delay, "receptor_type": port}
    nest.Connect(generator, _cells(network, current), "all_to_all", synapse)


def _connect_generator(network: Network, source: InputPlan) -> None:
    """One shared generator, which draws an independent train for each of its targets."""
    nest = kernel.import_nest()
    plan = network.plan
    if source.waveform is None:
        generator = nest.Create("poisson_generator", params={"rate": source.rate})
    else:
        times, rates = sample_waveform(source, plan.resolution, plan.t_presim + plan.t_sim)
        generator = nest.Create("inhomogeneous_poisson_generator", params={"rate_times": times, "rate_values": rates})
    network.generators[source.name] = generator
    cells = _cells(network, source)
    ports = {receptor: network.receptor_type(source.target, receptor) for receptor in source.weights}
    weights = _weights(network, source)
    if len(ports) == 1:
        ((receptor, port),) = ports.items()
        synapse = {"weight": weights[receptor], "delay": source.delay, "receptor_type": port}
        nest.Connect(generator, cells, "all_to_all", synapse)
        return
    parrots = network.parrots[source.name] = nest.Create("parrot_neuron", len(cells))
    nest.Connect(generator, parrots, "all_to_all", {"weight": 1.0, "delay": plan.min_delay})
    delay = source.delay - plan.min_delay  # long enough: the plan has chosen the smallest delay for it
    for receptor, port in ports.items():
        weight = weights[receptor]
        of_each = weight[:, 0] if isinstance(weight, np.ndarray) else weight
        nest.Connect(parrots, cells, "one_to_one", {"weight": of_each, "delay": delay, "receptor_type": port})


def _weights(network: Network, source: InputPlan) -> dict[str, float | NDArray[np.float64]]:
    """Weights by receptor: a number for all cells, or a column with one for each."""
    if not source.weight_spread:
        return dict(source.weights)
    factors = weight_factors(source, len(network.populations[source.target]), network.plan.seed)
    own = factors if source.cells is None else factors[slice(*astuple(source.cells))]
    return {receptor: weight * own[:, None] for receptor, weight in source.weights.items()}


def sample_waveform(source: InputPlan, resolution: float, stop: float) -> tuple[list[float], list[float]]:
    """Rate of an input as steps for NEST's inhomogeneous generator: times (ms) and rates (spikes/s).

    The rate of a step is the waveform's exact mean over it, so that no spikes are lost or gained at a jump.
    """
    waveform = source.waveform or Waveform((0.0,), (1.0,))
    edges = np.arange(round(stop / resolution) + 1) * resolution
    # rounded, so that a rate that stays the same is not a million of rates that differ in their last digit
    means = np.round(np.diff(_integral(waveform, edges)) / resolution, 9)
    changed = np.flatnonzero(np.diff(means, prepend=np.inf))
    # for NEST a time names the step that ends then; the rate given for it holds from that step on
    return edges[changed + 1].tolist(), (source.rate * means[changed]).tolist()


def _integral(waveform: Waveform, times: NDArray[Any]) -> NDArray[Any]:
    """Integral of a waveform from 0 to each of the times (ms), as `Waveform.mean` has it for one window."""
    period = waveform.period or np.inf
    cycles = np.floor(times / period)
    within = times - cycles * period if waveform.period else times
    end = max(waveform.times[-1], float(within.max())) + 1.0
    knots = np.array([0.0, *waveform.times, end])
    values = np.array([waveform.values[0], *waveform.values, waveform.values[-1]])
    widths = np.diff(knots)
    areas = np.append(0.0, np.cumsum(0.5 * widths * (values[1:] + values[:-1])))
    slopes = np.diff(values) / np.where(widths > 0.0, widths, np.inf)
    at = np.searchsorted(knots, within, side="right") - 1
    since = within - knots[at]
    of_period = float(np.interp(waveform.period or 0.0, knots, areas))  # a period ends at a knot
    return cycles * of_period + areas[at] + since * (values[at] + 0.5 * slopes[at] * since)


@dataclass
class SpikeRecorder:
    """Spikes of one population, read out (and forgotten by NEST) chunk by chunk.

    Attributes
    ----------
    window : (float, float)
        Times in ms, right-open, of the spikes that are kept. A recorder of a run that is watched sees more.
    """

    population: str
    device: Any
    first: int
    window: tuple[float, float]
    n_collected: int = 0

    @property
    def count(self) -> int:
        """Spikes that the recorder of this rank has seen so far, those outside of the window included."""
        return self.n_collected + int(self.device.n_events)

    def collect(self, *, whole: bool = False) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
        """Spikes since the last call: times in ms and 0-based node ids, sorted by time and id.

        With ``whole`` also those that NEST still holds from before the window.
        """
        events = self.device.events
        times = np.asarray(events["times"], dtype=np.float64)
        ids = np.asarray(events["senders"], dtype=np.uint64) - np.uint64(self.first)
        if times.size:
            self.device.n_events = 0
            self.n_collected += times.size
        return in_order(times, ids, None if whole else self.window)


@dataclass
class StateRecorder:
    """State variables of chosen cells, read out chunk by chunk.

    Attributes
    ----------
    node_ids : ndarray of int64
        Those of the plan's cells that this rank holds; may be none.
    """

    plan: RecorderPlan
    device: Any
    first: int
    node_ids: NDArray[np.int64]
    n_frames: int = 0

    @property
    def first_time(self) -> float:
        """Time of the first sample in ms."""
        return first_sample(self.plan)

    def collect(self, *, torn: bool = False) -> tuple[NDArray[np.float64], dict[str, NDArray[np.float64]]]:
        """Samples since the last call: times (ms); per variable (n_times, n_cells), columns as `node_ids`.

        ``torn``: what only some of the cells have got is left out.
        """
        events = dict(self.device.events)
        times = np.asarray(events["times"], dtype=np.float64)
        ids = np.asarray(events["senders"], dtype=np.int64) - self.first
        n_cells = len(self.node_ids)
        if not n_cells:
            nothing: NDArray[np.float64] = np.empty((0, 0))
            return times, dict.fromkeys(self.plan.variables, nothing)
        if torn and times.size:
            _, which, numbers = np.unique(times, return_inverse=True, return_counts=True)
            whole = numbers[which] == n_cells
            times, ids = times[whole], ids[whole]
            events |= {name: np.asarray(events[name])[whole] for name in self.plan.variables}
        if times.size % n_cells:
            raise EngineError(f"recorder on {self.plan.population}: {times.size} samples of {n_cells} cells")
        if times.size:
            self.device.n_events = 0
        order = np.lexsort((np.searchsorted(self.node_ids, ids), times))
        values: dict[str, NDArray[np.float64]] = {
            name: np.asarray(events[name], dtype=np.float64)[order].reshape(-1, n_cells) for name in self.plan.variables
        }
        frames = times[order].reshape(-1, n_cells)
        steps = self.n_frames + np.arange(len(frames), dtype=np.float64)
        expected: NDArray[np.float64] = np.asarray(self.first_time + self.plan.interval * steps, dtype=np.float64)
        if not np.allclose(frames, expected[:, None], rtol=0.0, atol=1e-6):
            raise EngineError(f"recorder on {self.plan.population}: samples are missing or out of order")
        self.n_frames += len(frames)
        return expected, values


def connect_recorders(
    network: Network,
) -> tuple[list[SpikeRecorder | LoggedSpikes], list[StateRecorder | LoggedStates]]:
    """Attach the recorders of the plan; nothing is kept that is outside of their windows.

    In a run that is watched (`network.engine.guard`) the spike recorders listen all the time.
    """
    plan = network.plan
    spikes: list[SpikeRecorder | LoggedSpikes] = []
    inside = [name for name in plan.spike_populations if plan.writes_itself(name)]
    log = SpikeLog(network.runtime, plan.resolution) if inside and network.runtime is not None else None
    for name in plan.spike_populations:
        if log is not None and name in inside:
            spikes.append(log.source(name, ids_of(network, name), (plan.spike_start, plan.spike_stop)))
        else:
            spikes.append(_spike_recorder(network, name))
    return spikes, [_state_recorder(network, recorder) for recorder in plan.recorders]


def _state_recorder(network: Network, recorder: RecorderPlan) -> StateRecorder | LoggedStates:
    """A trace that cells write down by themselves, or NEST's multimeter."""
    nest, plan = kernel.import_nest(), network.plan
    known = network.model(recorder.population).recordables
    unknown = [name for name in recorder.variables if name not in known]
    if unknown:
        raise EngineError(
            f"recording of {recorder.population}: {', '.join(unknown)} cannot be recorded from "
            f"{plan.population(recorder.population).model}; recordables: {', '.join(known)}"
        )
    cells = network.populations[recorder.population]
    first = cells[0].global_id
    node_ids = np.sort(np.asarray(recorder.node_ids, dtype=np.int64))
    here = node_ids[kernel.is_local(node_ids + first)]
    if network.runtime is not None and plan.writes_itself(recorder.population):
        return LoggedStates(network.runtime, recorder, first, here, plan.resolution)
    device = nest.Create(
        "multimeter",
        params={
            "record_from": list(recorder.variables),
            "interval": recorder.interval,
            "start": max(0.0, recorder.start - plan.resolution),
            "stop": recorder.stop - plan.resolution,
        },
    )
    nest.Connect(device, cells[sorted(recorder.node_ids)], "all_to_all", {"delay": plan.min_delay})
    return StateRecorder(recorder, device, first, here)


def _spike_recorder(network: Network, population: str) -> SpikeRecorder:
    """NEST's recorder, with a connection from every cell."""
    nest, plan = kernel.import_nest(), network.plan
    # NEST records after start up to and including stop; our windows are [start, stop)
    window = {
        "start": max(0.0, plan.spike_start - plan.resolution),
        "stop": plan.spike_stop - plan.resolution,
    }
    if RECORDER_SYNAPSE not in nest.synapse_models:
        # not only the cells of the plan count: devices that drive them come with a parrot neuron per cell
        small = kernel.hpc_synapses_fit(nest.network_size)
        base = "static_synapse_hom_w_hpc" if small else "static_synapse_hom_w"
        nest.CopyModel(base, RECORDER_SYNAPSE, {"delay": plan.min_delay})
    cells = network.populations[population]
    device = nest.Create("spike_recorder", params=window if plan.guard is None else {})
    nest.Connect(cells, device, "all_to_all", {"synapse_model": RECORDER_SYNAPSE})
    return SpikeRecorder(population, device, cells[0].global_id, (plan.spike_start, plan.spike_stop))
