"""Plans of the inputs: which cells get which rate over time, and spike trains from files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from ..errors import SpecError
from ..experiment import derive
from ..experiment.modulators import factor
from ..experiment.schema import Input
from ..experiment.spike_files import MOST_TRAINS, SpikeFileError, read_trains
from ..experiment.stimuli import Modulation, SpikeInput
from .parts import Cells, InputPlan, SpikeInputPlan


def share_drive(inputs: Iterable[InputPlan]) -> tuple[InputPlan, ...]:
    """Mark the inputs that cells cannot draw themselves, as they draw those of an input before: one train each."""
    taken: list[InputPlan] = []
    shared = []
    for made in inputs:
        clash = any(made.target == other.target and _overlap(made.cells, other.cells) for other in taken)
        shared.append(replace(made, device=clash))
        if not clash:
            taken.append(made)
    return tuple(shared)


def _overlap(a: Cells | None, b: Cells | None) -> bool:
    """Whether two sets of cells have one in common; by arithmetic, as there may be 1e11 of them."""
    if a is None or b is None:
        return True
    if not a.ids or not b.ids:
        return False
    common = math.gcd(a.step, b.step)
    if (b.start - a.start) % common:
        return False
    # Chinese remainder theorem: the first number from the later start on that both steps reach
    k = (b.start - a.start) // common * pow(a.step // common, -1, b.step // common) if b.step > common else 0
    both, meets = math.lcm(a.step, b.step), a.start + k * a.step
    first = max(a.start, b.start)
    return first + (meets - first) % both < min(a.stop, b.stop)


def plan_input(
    name: str, given: Input, n_cells: int, n_actions: int = 1, phis: Mapping[str, float] = MappingProxyType({})
) -> list[InputPlan]:
    """One plan per group of cells with a common course of the rate.

    Together they cover all cells once, or the cells of the input's ``fraction``.

    Parameters
    ----------
    name : str
        Of the input.
    given : Input
    n_cells : int
        Cells of the target population.
    n_actions : int
        Number of interleaved sets that the target is split into.
    phis : mapping of str to float
        Deviations of modulators from their reference levels.

    Raises
    ------
    SpecError
        If stimuli claim more cells than there are.
    """
    stimuli = {key: s for key, s in given.stimuli.items() if s.enabled}
    if given.fraction is not None:
        return [_part(name, given, given.modulation, _first_cells(name, given.fraction.value, n_cells), phis)]
    if not stimuli:
        return [_part(name, given, given.modulation, None, phis)]
    by_action = any(s.action is not None for s in stimuli.values())
    if by_action and any(s.action is None for s in stimuli.values()):
        raise SpecError([f"inputs.{name}.stimuli: either all or none must name an action"])
    step = n_actions if by_action else 1
    sizes = [len(range(first, n_cells, step)) for first in range(step)]
    used = [0] * step
    parts = []
    for key, stimulus in stimuli.items():
        action = (stimulus.action or 1) - 1
        share = 1.0 if stimulus.fraction is None else stimulus.fraction.value
        count = derive.round_half_away(share * sizes[action])
        if used[action] + count > sizes[action] or count == 0:
            raise SpecError(
                [
                    f"inputs.{name}.stimuli.{key}: {count} cells wanted, {sizes[action] - used[action]} of "
                    f"{sizes[action]} are left"
                ]
            )
        begin = action + used[action] * step
        used[action] += count
        cells = Cells(begin, min(begin + count * step, n_cells), step)
        parts.append(_part(f"{name}_{key}", given, stimulus.modulation, cells, phis))
    for action, (taken, size) in enumerate(zip(used, sizes, strict=True)):
        if taken < size:
            suffix = f"_{action + 1}" if step > 1 else ""
            cells = Cells(action + taken * step, n_cells, step)
            parts.append(_part(f"{name}_rest{suffix}", given, given.modulation, cells, phis))
    return parts


def _first_cells(name: str, fraction: float, n_cells: int) -> Cells:
    count = derive.round_half_away(fraction * n_cells)
    if count == 0:
        raise SpecError([f"inputs.{name}.fraction: {fraction:g} of {n_cells} cells is no cell"])
    return Cells(0, count)


def _part(
    name: str, given: Input, modulation: Modulation | None, cells: Cells | None, phis: Mapping[str, float]
) -> InputPlan:
    level = 1.0 if given.level is None else given.level.value
    scale = factor(given.effects.get("weight", ()), given.weight_beta, phis)
    # the waveform is relative to the mean level, so that `rate` is the mean rate of a modulated input, too
    reference = level if level > 0.0 or modulation is None else 1.0
    return InputPlan(
        name=name,
        target=given.target,
        rate=given.rate.value * reference,
        weights={receptor: w.value * scale for receptor, w in given.weights.items()},
        delay=given.delay.value,
        waveform=None if modulation is None else modulation.waveform(level, reference),
        cells=cells,
        weight_spread=0.0 if given.weight_spread is None else given.weight_spread.value,
    )


def plan_spike_input(name: str, given: SpikeInput, n_cells: int) -> SpikeInputPlan:
    """Spike trains from a file.

    Raises
    ------
    SpikeFileError
        If the file cannot be read, or has more trains than the target has cells (without ``in_degree``).
    """
    trains = read_trains(given.file, given.population)
    last = trains.n_trains - 1
    if given.in_degree is None and last >= n_cells:
        raise SpikeFileError(
            f"trains up to number {last}, {given.target} has {n_cells} cells; give in_degree to draw trains at random"
        )
    if last >= MOST_TRAINS:
        raise SpikeFileError(f"node ids up to {last}; they number the trains, from 0 on, at most {MOST_TRAINS:,}")
    return SpikeInputPlan(
        name=name,
        target=given.target,
        file=str(Path(given.file)),
        population=trains.population,
        digest=trains.digest,
        weights={receptor: weight.value for receptor, weight in given.weights.items()},
        delay=given.delay.value,
        shift=0.0 if given.shift is None else given.shift.value,
        in_degree=None if given.in_degree is None else int(given.in_degree.value),
    )
