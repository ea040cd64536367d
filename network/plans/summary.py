"""Plain-text summary of a plan for the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..experiment import derive
from ..experiment.cell_code import FAST
from ..experiment.courses import Waveform
from ..experiment.distributions import Drawn, Listed, Uniform, bounds
from ..experiment.nest_limits import MAX_RANKS, MAX_THREADS
from ..experiment.schema import Experiment, Recording
from ..text import human_bytes
from .cost import Estimate, estimate, load_cost_model, seconds_per_step
from .limits import fullest
from .parts import InputPlan, ProjectionPlan, PulsesPlan, RecorderPlan, SpikeInputPlan
from .plan import Plan
from .pulses import beside_pulses


def plan_summary(plan: Plan, cost: Estimate | None = None) -> str:
    """Neurons, synapses per projection, input, memory and expected time of a plan, as text."""
    cost = estimate(plan) if cost is None else cost
    parts = (_populations, _projections, _inputs, _spike_inputs, _pulses, _segments)
    blocks = [_head(plan), *(part(plan) for part in parts), _costs(plan, cost)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def table(header: list[str], rows: list[list[str]], right: str) -> str:
    """Text table; ``right`` has an ``r`` for every column that is aligned right, else ``l``."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = []
    for row in [header, ["-" * width for width in widths], *rows]:
        cells = (c.rjust(w) if side == "r" else c.ljust(w) for c, w, side in zip(row, widths, right, strict=True))
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _head(plan: Plan) -> str:
    lines = [
        f"{plan.name}: {plan.meta.get('title', '')}".rstrip(": "),
        f"{plan.n_neurons:,} neurons, {plan.n_synapses:,} recurrent synapses" + _levels(plan.dopamine, plan.modulators),
        f"warm-up {plan.t_presim:g} ms, recording {plan.t_sim:g} ms, step {plan.resolution:g} ms, "
        f"delays {plan.min_delay:g} to {plan.max_delay:g} ms, seed {plan.seed}",
        f"{plan.ranks} rank(s) x {plan.threads} thread(s), code {_code(plan)}, "
        f"drive {plan.drive}, wiring {plan.wiring}",
        f"network {plan.network_hash[:12]}, simulation {plan.simulation_hash[:12]}",
    ]
    return "\n".join(lines)


def _code(plan: Plan) -> str:
    """Code of the cells, with the models that have another one."""
    others = ", ".join(f"{model} {target}" for model, target in plan.targets.items())
    return f"{plan.target} ({others})" if others else plan.target


def code_notes(plan: Plan, asked_drive: str = "internal") -> list[str]:
    """What to tell a user whose cells do not get the fast code or the drive that could be expected, and what it costs.

    Parameters
    ----------
    plan : Plan
    asked_drive : str
        ``simulation.drive`` of the experiment.
    """
    notes: list[str] = []
    driven = {plan.population(source.target).model for source in plan.inputs}
    for model, reason in plan.reasons.items():
        target = plan.targets.get(model, plan.target)
        slow, fast = (seconds_per_step(load_cost_model(), code, model) for code in (target, FAST))
        price = f"a cell takes about {slow / fast:.0f} times as long ({1e9 * slow:.0f} ns a step)"
        also = ", and its Poisson input comes from NEST's generators" if model in driven else ""
        notes.append(f"{model} is built with `{target}` ({reason}): {price}{also}")
    if not notes and plan.drive != asked_drive:
        which = f"cells of target {plan.target} cannot draw their input themselves"
        notes.append(f"{which}: generators of NEST do (drive {plan.drive})")
    return notes


def recording_notes(plan: Plan, recording: Recording) -> list[str]:
    """What to tell of traces and fields with fewer cells than asked for, as the network is so small, or no sample."""
    asked = {name: trace.cells for name, trace in recording.traces.items()}
    asked |= {name: field.cells for name, field in recording.fields.items() if field.cells is not None}
    fewer = [
        f"{recorder.name} {len(recorder.node_ids)} of {cells}"
        for recorder in plan.recorders
        if isinstance(cells := asked.get(recorder.name), int) and len(recorder.node_ids) < cells
    ]
    empty = [one.name for one in plan.recorders if _first_sample(one) > one.stop + 1e-6]
    told = {
        "recordings with fewer cells than asked for, as there are no more": fewer,
        "recordings without a sample, as no multiple of their interval is in their window": empty,
    }
    return [f"{what}: {', '.join(names)}" for what, names in told.items() if names]


def late_notes(experiment: Experiment) -> list[str]:
    """What to tell of pulses, currents and stimulations that begin when the simulation has ended."""
    stop = experiment.simulation.t_presim.value + experiment.simulation.t_sim.value
    starts: dict[str, float] = {}
    for name, entry in experiment.inputs.items():
        parts = {f"inputs.{name}": entry.modulation}
        parts |= {f"inputs.{name}.stimuli.{key}": stimulus.modulation for key, stimulus in entry.stimuli.items()}
        starts |= {key: start.value for key, one in parts.items() if (start := getattr(one, "start", None)) is not None}
    for name, current in experiment.currents.items():
        if current.enabled and current.times is not None:
            starts[f"currents.{name}"] = current.times.value[0]
    for name, stimulation in experiment.stimulations.items():
        if stimulation.start is not None:
            starts[f"stimulations.{name}"] = stimulation.start.value
    late = [name for name, start in starts.items() if start >= stop]
    return [f"begins when the simulation has ended, at {stop:g} ms: {', '.join(late)}"] if late else []


def _first_sample(recorder: RecorderPlan) -> float:
    """In ms; samples are taken at multiples of the interval."""
    return max(1, math.ceil(recorder.start / recorder.interval - 1e-9)) * recorder.interval


def _levels(dopamine: float | None, others: Mapping[str, float]) -> str:
    """Levels of all modulators as the end of a line; nothing for a network without."""
    levels = {**({} if dopamine is None else {"dopamine": dopamine}), **others}
    return "".join(f", {name} {level:g}" for name, level in levels.items())


def _populations(plan: Plan) -> str:
    rows = [[p.name, p.model, f"{p.n_neurons:,}"] for p in plan.populations]
    return table(["population", "model", "neurons"], rows, "llr")


def drawn_text(value: Drawn | float) -> str:
    """Distribution of a value in a few words, or the value."""
    if isinstance(value, int | float):
        return f"{value:g}"
    if isinstance(value, Uniform):
        return f"{value.low:g}-{value.high:g}"
    if isinstance(value, Listed):
        return f"{value.mean:g} ({value.low:g}-{value.high:g})"
    high = "" if value.high is None else f", {value.low:g}-{value.high:g}"
    return f"{value.TAG['distribution']} {value.mean:g} (sd {value.sd:g}{high})"


def delay_text(plan: Plan, projection: ProjectionPlan) -> str:
    """Delays as NEST will use them: what is drawn is rounded to the nearest step."""
    low, high = bounds(projection.delay)
    high += projection.rule.longest_lag(plan.ends(projection))
    if low == high:
        return f"{low:g}"
    low, high = derive.on_grid(low, high, plan.resolution)
    return f"{low:g}-{high:g}"


def _units(plan: Plan) -> list[str]:
    """Units of all weights, each once."""
    pairs = [(p.target, p.receptor) for p in plan.projections]
    given: list[InputPlan | SpikeInputPlan] = [*plan.inputs, *plan.spike_inputs]
    pairs += [(i.target, receptor) for i in given for receptor in i.weights]
    return list(dict.fromkeys(plan.population(target).unit(receptor) for target, receptor in pairs)) or ["nS"]


def _weights(plan: Plan, given: InputPlan | SpikeInputPlan) -> str:
    mixed = len(_units(plan)) > 1
    unit = {r: f" {plan.population(given.target).unit(r)}" if mixed else "" for r in given.weights}
    return ", ".join(f"{receptor} {weight:g}{unit[receptor]}" for receptor, weight in given.weights.items())


def _heading(plan: Plan) -> str:
    only, *others = _units(plan)
    return "weights" if others else f"weights ({only})"


def _projections(plan: Plan) -> str:
    only, *mixed = _units(plan)

    def row(p: ProjectionPlan) -> list[str]:
        kind = p.synapse.describe()
        kind += ", multapses" if p.allow_multapses else ""
        return [
            p.name,
            p.receptor,
            f"{p.in_degree}" if p.in_degree is not None else p.rule.describe(),
            f"{p.n_synapses:,}",
            drawn_text(p.weight) + (f" {plan.population(p.target).unit(p.receptor)}" if mixed else ""),
            delay_text(plan, p),
            kind,
        ]

    if not plan.projections:
        return ""
    degrees = all(p.in_degree is not None for p in plan.projections)
    header = [
        "projection",
        "receptor",
        "in-degree" if degrees else "in-degree or rule",
        "synapses",
        "weight" if mixed else f"weight ({only})",
        "delay (ms)",
        "kind",
    ]
    return table(header, [row(p) for p in plan.projections], "llrrrrl")


def _wave(waveform: Waveform | None) -> str:
    if waveform is None:
        return "constant"
    span = f"x {min(waveform.values):.3g} to {max(waveform.values):.3g}"
    return f"{span}, period {waveform.period:g} ms" if waveform.period else span


def _inputs(plan: Plan) -> str:
    if not plan.inputs:
        return ""
    spreads = {i.name: f", +- {100 * i.weight_spread:.3g} %" if i.weight_spread else "" for i in plan.inputs}
    rows = [[i.name, _weights(plan, i) + spreads[i.name], f"{i.rate:g}", _wave(i.waveform)] for i in plan.inputs]
    return table(["input", _heading(plan), "rate (spikes/s)", "time course"], rows, "llrl")


def _spike_inputs(plan: Plan) -> str:
    rows = [
        [
            i.name,
            i.file,
            _weights(plan, i),
            str(i.in_degree or "one to one"),
        ]
        for i in plan.spike_inputs
    ]
    return table(["spikes from a file", "file", _heading(plan), "in-degree"], rows, "lllr") if rows else ""


def _pulses(plan: Plan) -> str:
    """Trains of pulses."""

    def row(p: PulsesPlan) -> list[str]:
        span, mean = "none", "0"
        if p.onsets:
            span = f"{p.onsets[0]:g} - {p.onsets[-1]:g}"
            mean = f"{1000 * (len(p.onsets) - 1) / max(p.onsets[-1] - p.onsets[0], plan.resolution):.4g}"
        axons = "" if p.axons is None else f"{100 * p.axons:g} %"
        return [p.name, p.target, f"{len(p.onsets):,}", mean, f"{p.width:g}", f"{p.amplitude:g}", span, axons]

    header = ["stimulation", "target", "pulses", "per s", "width (ms)", "pA", "from - to (ms)", "axons"]
    return table(header, [row(p) for p in plan.pulses], "llrrrrrr") if plan.pulses else ""


def _segments(plan: Plan) -> str:
    """Name the first changes; a slow ramp has hundreds. Edges of pulses are not among them."""
    changes = beside_pulses(plan)
    shown = changes[:12]
    rows = [
        [f"{s.time:g}", _levels(s.dopamine, s.levels)[2:], ", ".join(dict.fromkeys((*s.params, *s.cells)))]
        for s in shown
    ]
    if len(changes) > len(shown):
        rows.append(["...", "", f"{len(changes) - len(shown)} more"])
    return table(["change at (ms)", "modulators", "populations"], rows, "rrl") if rows else ""


def _costs(plan: Plan, cost: Estimate) -> str:
    t_bio = (plan.t_presim + plan.t_sim) / 1000.0
    parts = f"update {cost.update:.1f} s, deliver {cost.deliver:.1f} s"
    parts += f", exchange {cost.exchange:.1f} s" if plan.ranks > 1 else ""
    limits = f"limits of NEST: {plan.threads} of {MAX_THREADS} threads, {plan.ranks:,} of {MAX_RANKS:,} ranks"
    if (full := fullest(plan)) is not None:
        name, synapses, most = full
        limits += f"; {synapses:,.0f} of {most:,} synapses of {name} per virtual process"
    return "\n".join(
        [
            f"memory about {human_bytes(cost.memory_bytes)}"
            + (f" ({human_bytes(cost.memory_per_rank)} per rank)" if plan.ranks > 1 else "")
            + f", about {cost.spikes:,.0f} spikes",
            f"memory besides: {human_bytes(cost.memory_of_table)} for the table of rates at the end; before and after: "
            f"{human_bytes(cost.memory_per_compilation)} per model that is compiled at a time, "
            f"{human_bytes(cost.memory_of_figures)} for the figures",
            f"expected: start {cost.startup:.1f} s, create {cost.create:.1f} s, connect {cost.connect:.1f} s, "
            f"prepare {cost.prepare:.1f} s, simulate {cost.simulate:.1f} s, in all {cost.total:.0f} s; "
            f"real-time factor {cost.simulate / t_bio:.2g} ({parts})",
            f"compiling the models for the first time adds about {cost.compile_cold:.0f} s of one core",
            f"disk about {human_bytes(cost.disk_bytes)}; {limits}",
        ]
    )
