"""Figure 6: selection between two actions in control and depleted networks, with and without an STN pulse.

python scripts/figure_6.py                             10,000 neurons, 3 x 3 strengths, once
python scripts/figure_6.py --n-neurons 80000 --levels 7 --repetitions 10     as published
python scripts/figure_6.py --fraction 0.5              pulses to half of the cells
"""

from itertools import product

import numpy as np
from figure_options import options, run_variants

from network.analysis import plots
from network.results import Run

EXPERIMENT = "lindahl2016/action_selection"
INTERVAL, DURATION, START = 1007.0, 100.0, 1907.0


def grid(levels: np.ndarray, repetitions: int) -> tuple[list[float], list[float]]:
    """Strengths of both actions for every pulse of a run."""
    pairs = list(product(levels, levels)) * repetitions
    return [float(a) for a, _ in pairs], [float(b) for _, b in pairs]


def changes(first: list[float], second: list[float], fraction: float, burst: bool) -> list[str]:
    """Overrides that put the strengths into the experiment."""

    def factors(values: list[float]) -> str:
        return f"{{value: [{', '.join(f'{v:.6g}' for v in values)}], unit: 1}}"

    stimuli = {"CTX_to_MSN_D1": ("action_1", "action_2"), "CTX_to_MSN_D2": ("action_1", "action_2")}
    strengths = {"action_1": first, "action_2": second}
    made = [f"simulation.t_sim={INTERVAL * len(first)}"]
    for name, actions in stimuli.items():
        for action in actions:
            made.append(f"inputs.{name}.stimuli.{action}.modulation.factors={factors(strengths[action])}")
            made.append(f"inputs.{name}.stimuli.{action}.fraction={fraction}")
    mean = [(a + b) / 2 for a, b in zip(first, second, strict=True)]
    made.append(f"inputs.CTX_to_FSN.stimuli.both.modulation.factors={factors(mean)}")
    made.append(f"inputs.CTX_to_FSN.stimuli.both.fraction={fraction}")
    if burst:
        made.append(f"inputs.CTX_to_STN.modulation.factors={factors([5.0] * len(first))}")
    return made


def selection(run: Run, n_levels: int, n_pulses: int) -> tuple[np.ndarray, np.ndarray]:
    """SNr rates of both actions during the pulses (spikes/s), means over repetitions: [action 2, action 1]."""
    spikes = run.spikes("SNr")
    rates = np.empty((2, n_pulses))
    for pulse in range(n_pulses):
        start = START + pulse * INTERVAL
        ids = spikes.between(start, start + DURATION).node_ids
        for action in range(2):
            size = len(range(action, spikes.n_neurons, 2))
            rates[action, pulse] = np.count_nonzero(ids % 2 == action) / size / DURATION * 1000.0
    mean = rates.reshape(2, -1, n_levels, n_levels).mean(axis=1)
    return mean[0].T, mean[1].T


def main() -> None:
    parser = options("figure_6")
    parser.add_argument("--levels", type=int, default=3, help="strengths from 1 to 3 per action; 7 as published")
    parser.add_argument("--repetitions", type=int, default=1, help="10 as published")
    parser.add_argument("--fraction", type=float, default=0.2, help="share of the cells that get the pulses")
    given = parser.parse_args()
    if not given.overlay and given.n_neurons is None:
        given.n_neurons = 10_000
    levels = np.linspace(1.0, 3.0, given.levels)
    first, second = grid(levels, given.repetitions)
    maps = {}
    variants = given.only or ["control", "depleted", "control_STN_pulse", "depleted_STN_pulse"]
    for variant in variants:
        given.only = [variant]
        burst = variant.endswith("STN_pulse")
        run = run_variants(EXPERIMENT, given, *changes(first, second, given.fraction, burst))[variant]
        maps[variant] = selection(run, given.levels, len(first))
    figure = plots.selection_maps(maps, levels.tolist(), title="Action selection")
    print(*plots.save(figure, given.out / "selection"), sep="\n")


if __name__ == "__main__":
    main()
