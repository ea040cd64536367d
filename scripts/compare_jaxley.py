"""Graded synapses beside Jaxley: the same circuits, voltages compared, and the time that both take on one core.

Jaxley gets an environment of its own, made at the first call; `scripts/jaxley_circuits.py` is what runs in it.
Its cells are single compartments with its channels `HH`; ours are `hh_squid`, which has the same rates. Jaxley's
synapses act without a delay, ours after one step at least: for the comparison Jaxley's go through as many states as
make the same delay.

    python scripts/compare_jaxley.py                       voltages and speed
    python scripts/compare_jaxley.py --only pair ring      some circuits
    python scripts/compare_jaxley.py --scipy               SciPy in place of ours: is the Jaxley side right?
    python scripts/compare_jaxley.py --json jaxley.json

Jaxley's method is of first order in the step: its errors halve with the step. What it would give with a step of zero is
extrapolated from steps of a twentieth, a fortieth and an eightieth of ours (Richardson), and is what ours are held
against.

Columns of the first table, largest differences from ours in mV, over all cells and times:
    same step   Jaxley with our step of 0.025 ms
    tenth       Jaxley with a tenth of it
    limit       Jaxley extrapolated to a step of zero
    > 0.1       how many of all potentials differ from that by more than 0.1 mV
    ours fine   the same, ours with a step of 0.005 ms
    spikes      of all cells here and in Jaxley's limit, and the largest differences of their times in ms: of Jaxley
                with our step, and of Jaxley's limit
Of the second, seconds of the processor per second of biological time, without building; Jaxley with double and with
single precision, and with a tenth of the step, its compiling apart; all bound to one core. Medians of rounds in which
they take turns. The ratio is that of Jaxley, with double precision and our step, to bgnest.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from network.refusals import cache_root  # noqa: E402

PACKAGES = ("jaxley==0.14.0", "jax[cpu]==0.10.2")
STEP = 0.025  # ms; Jaxley's default
ROUNDS = 3
FINE = 5  # parts of it
LIMIT = {20: 1 / 3, 40: -2.0, 80: 8 / 3}
"""Parts of the step, and the weights with which errors of first and second order cancel out."""
AREA = 10_000.0  # um2: 100 pF at 1 uF/cm2
NS = 100_000.0  # nS of such a cell at 1 S/cm2
REST = {"m": 0.0529325, "h": 0.5961208, "n": 0.3176769}
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Circuit:
    """Cells and graded synapses, in Jaxley's units.

    Attributes
    ----------
    g_Na, g_K, g_L : float
        In S/cm2, of all cells.
    V : tuple of float
        Potential of each cell at the start.
    steps : dict of int to list of (float, float)
        Cell -> times (ms) and amplitudes (nA) of its current.
    pre, post : tuple of int
    gS, e_syn, k_minus, v_th, delta, s : float
        Of all synapses.
    """

    name: str
    t: float
    V: tuple[float, ...]
    pre: tuple[int, ...]
    post: tuple[int, ...]
    gS: float
    steps: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    g_Na: float = 0.12
    g_K: float = 0.036
    g_L: float = 0.0003
    E_L: float = -54.3
    e_syn: float = -80.0
    k_minus: float = 0.025
    v_th: float = -35.0
    delta: float = 10.0
    s: float = 0.2

    def current(self, dt: float) -> Floats:
        """Current of every cell in every step, in nA."""
        found = np.zeros((len(self.V), round(self.t / dt)))
        for cell, changes in self.steps.items():
            for start, amplitude in changes:
                found[cell, round(start / dt) :] = amplitude
        return found


def circuits() -> list[Circuit]:
    """Those whose voltages are compared."""
    passive: dict[str, Any] = {"g_Na": 0.0, "g_K": 0.0, "g_L": 1e-4, "E_L": -60.0}
    inhibition: dict[str, Any] = {"pre": (0, 1), "post": (1, 0)}
    steps = {0: [(10.0, 0.3), (120.0, 0.0)], 1: [(60.0, 0.5)]}
    ring = tuple(range(10))
    return [
        Circuit("pair", 200.0, (-65.0, -60.0), **inhibition, gS=2e-2, steps=steps, v_th=-50.0, delta=5.0, **passive),
        Circuit("pair_HH", 100.0, (-65.0, -60.0), **inhibition, gS=5e-3, steps={0: [(0.0, 0.9)], 1: [(0.0, 0.8)]}),
        Circuit(
            "ring", 200.0, tuple(-60.0 - k for k in ring), ring, (*ring[1:], 0), gS=1e-2, v_th=-55.0, delta=4.0,
            steps={k: [(5.0 * k, 0.2 + 0.05 * k)] for k in ring}, **passive,
        ),
        Circuit(
            "ring_HH", 100.0, (-65.0,) * 10, ring, (*ring[1:], 0), gS=2e-3, e_syn=0.0,
            steps={0: [(5.0, 1.0), (8.0, 0.0)]},
        ),
    ]  # fmt: skip


def random_circuit(cells: int, in_degree: int, t: float) -> Circuit:
    """HH cells with different currents that inhibit each other at random."""
    rng = np.random.default_rng(1)
    post = np.repeat(np.arange(cells), in_degree)
    pre = np.concatenate([rng.choice(np.delete(np.arange(cells), k), in_degree, replace=False) for k in range(cells)])
    steps = {k: [(0.0, float(i))] for k, i in enumerate(rng.uniform(0.5, 1.5, cells))}
    V = tuple(rng.uniform(-70.0, -60.0, cells).tolist())
    return Circuit(f"random_{cells}", t, V, tuple(pre.tolist()), tuple(post.tolist()), gS=5e-3 / in_degree, steps=steps)


def jaxley_python() -> Path:
    """Python of the environment with Jaxley; made if it is not there."""
    folder = cache_root() / "jaxley"
    python = folder / "bin" / "python"
    if not (folder / "complete").is_file():
        print("making an environment for Jaxley (once) ...", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PACKAGES], check=True)
        (folder / "complete").touch()
    return python


def jaxley(circuit: Circuit, dt: float, *, delay: float = 0.0, repeat: int = 0, x64: bool = True) -> dict[str, Any]:
    """Voltages and seconds of Jaxley, on one core."""
    n = len(circuit.V)
    cell = {name: np.full(n, getattr(circuit, name)) for name in ("g_Na", "g_K", "g_L", "E_L")}
    cell |= {"E_Na": np.full(n, 50.0), "E_K": np.full(n, -77.0), "V": np.asarray(circuit.V)}
    cell |= {gate: np.full(n, value) for gate, value in REST.items()}
    common = {
        name: getattr(circuit, name) for name in ("gS", "e_syn", "k_minus", "v_th", "delta", "s", "pre", "post", "t")
    }
    how = {"dt": dt, "delay": round(delay / dt), "repeat": repeat, "x64": x64, "area": AREA}
    record = np.arange(min(n, 10))
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder) / "circuit.npz", Path(folder) / "answer.npz"
        np.savez(given, **cell, **common, **how, record=record, current=circuit.current(dt))
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        environment["OMP_NUM_THREADS"] = "1"
        command = [str(jaxley_python()), str(HERE / "jaxley_circuits.py"), str(given), str(answer)]
        _checked(on_one_core(command), env=environment)
        return dict(np.load(answer))


def on_one_core(command: list[str]) -> list[str]:
    """The command bound to one of the cores that we may use."""
    core = min(os.sched_getaffinity(0))
    return ["taskset", "-c", str(core), *command] if shutil.which("taskset") else command


def scipy(circuit: Circuit, delay: float = STEP) -> dict[str, Any]:
    """The same by SciPy, with s as it was a delay before: an interpolated history, solved piece by piece."""
    from scipy.integrate import solve_ivp

    n, pre, post = len(circuit.V), np.asarray(circuit.pre), np.asarray(circuit.post)
    current = circuit.current(STEP)
    C, g_syn = AREA * 1e-2, circuit.gS * 1e3

    def rates(x: Floats) -> Floats:
        return np.where(np.abs(x) < 1e-7, 1.0 + x / 2, x / -np.expm1(-np.where(x == 0, 1.0, x)))

    def derivative(t: float, y: Floats, late: Any, k: int) -> Floats:
        V, m, h, gate, s = y.reshape(5, n)
        a_m, b_m = rates((V + 40) / 10), 4 * np.exp(-(V + 65) / 18)
        a_h, b_h = 0.07 * np.exp(-(V + 65) / 20), 1 / (np.exp(-(V + 35) / 10) + 1)
        a_n, b_n = 0.1 * rates((V + 55) / 10), 0.125 * np.exp(-(V + 65) / 80)
        ionic = circuit.g_Na * m**3 * h * (V - 50) + circuit.g_K * gate**4 * (V + 77) + circuit.g_L * (V - circuit.E_L)
        opened = np.bincount(post, late(t - delay)[pre], n)
        flow = -ionic * NS - g_syn * opened * (V - circuit.e_syn) + 1e3 * current[:, k]
        s_inf = 1 / (1 + np.exp((circuit.v_th - V) / circuit.delta))
        slope = (s_inf - s) * circuit.k_minus / (1 - s_inf)
        gates = [a_m * (1 - m) - b_m * m, a_h * (1 - h) - b_h * h, a_n * (1 - gate) - b_n * gate]
        return np.concatenate([flow / C, *gates, slope])

    y = np.concatenate([circuit.V, *(np.full(n, REST[gate]) for gate in "mhn"), np.full(n, circuit.s)])
    late, found = (lambda t: np.full(n, circuit.s)), [y[:n]]
    for k in range(current.shape[1]):
        done = solve_ivp(
            derivative, (k * STEP, (k + 1) * STEP), y, "RK45", args=(late, k), rtol=1e-8, atol=1e-9, dense_output=True
        )
        y = done.y[:, -1]
        late = lambda t, solution=done.sol: solution(t)[4 * n :]  # noqa: E731
        found.append(y[:n])
    return {"V": np.stack(found, axis=1)}


def quantity(value: float, unit: str) -> dict[str, Any]:
    """Number as an experiment has it."""
    return {"value": value, "unit": unit, "assumed": "as Jaxley has it"}


def experiment(circuit: Circuit, step: float = STEP) -> dict[str, Any]:
    """Experiment of a small circuit: a population per cell."""
    synapse = {
        name: quantity(getattr(circuit, name), unit)
        for name, unit in {"k_minus": "1/ms", "v_th": "mV", "delta": "mV"}.items()
    }
    cells = {f"cell_{k}": k for k in range(len(circuit.V))}
    return {
        "meta": {"model": "jaxley", "title": circuit.name},
        "network": {},
        "populations": {
            name: {
                "label": name,
                "model": "hh_squid",
                "n_neurons": quantity(1, "1"),
                "defaults": "model",
                "neuron": {
                    "g_Na": quantity(circuit.g_Na * NS, "nS"),
                    "g_K": quantity(circuit.g_K * NS, "nS"),
                    "g_L": quantity(circuit.g_L * NS, "nS"),
                    "E_L": quantity(circuit.E_L, "mV"),
                },
                "initial": {"V_m": quantity(circuit.V[k], "mV")},
                "receptors": {"inh": {"kind": "graded", "E_rev": quantity(circuit.e_syn, "mV")}},
            }
            for name, k in cells.items()
        },
        "projections": {
            f"from_{a}_to_{b}": {
                "source": f"cell_{a}",
                "target": f"cell_{b}",
                "receptor": "inh",
                "connect": {"rule": "one_to_one"},
                "weight": quantity(circuit.gS, "uS"),
                "delay": quantity(STEP, "ms"),
                "synapse": {"kind": "graded", **synapse, "s0": quantity(circuit.s, "1")},
            }
            for a, b in zip(circuit.pre, circuit.post, strict=True)
        },
        "currents": {
            f"step_{k}": {
                "target": f"cell_{k}",
                "times": {"value": [t for t, _ in changes], "unit": "ms", "assumed": "step"},
                "amplitudes": {"value": [1e3 * i for _, i in changes], "unit": "pA", "assumed": "step"},
            }
            for k, changes in circuit.steps.items()
        },
        "simulation": {
            "resolution": quantity(step, "ms"),
            "t_presim": quantity(0.0, "ms"),
            "t_sim": quantity(circuit.t, "ms"),
        },
        "recording": {
            "traces": {
                name: {"population": name, "variables": ["V_m"], "interval": quantity(STEP, "ms")} for name in cells
            }
        },
    }  # fmt: skip


def ours(circuit: Circuit, parts: int = 1) -> dict[str, Any]:
    """Voltages of bgnest every 0.025 ms, with steps of a part of that."""
    run = run_here(experiment(circuit, STEP / parts))
    start = np.asarray(circuit.V)[:, None]
    values = np.stack([run.traces(f"cell_{k}", "V_m")["V_m"].to_numpy() for k in range(len(circuit.V))])
    return {"V": np.concatenate([start, values], axis=1)}


def run_here(content: dict[str, Any]) -> Any:
    """Run an experiment in a process of its own, on one core; the run."""
    import network as bgnest

    folder = Path(tempfile.mkdtemp(prefix="bgnest-jaxley-"))
    (folder / "circuit.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    command = [sys.executable, "-P", str(HERE.parent / "network" / "__main__.py"), "run", str(folder / "circuit.yaml")]
    _checked(on_one_core([*command, "--out", str(folder / "run"), "--no-figures", "--quiet"]))
    return bgnest.open_run(folder / "run")


def many(circuit: Circuit, in_degree: int) -> dict[str, Any]:
    """Experiment of a large circuit: one population, wired at random with as many synapses."""
    content = experiment(replace(circuit, V=circuit.V[:1], pre=(), post=(), steps={}))
    cell = content["populations"]["cell_0"]
    n = len(circuit.V)
    cell["n_neurons"]["value"] = n
    cell["heterogeneity"] = {"I_e": {"distribution": "uniform", "spread": quantity(0.5, "1")}}
    cell["neuron"]["I_e"] = quantity(1000.0, "pA")
    first = next(
        iter(experiment(replace(circuit, V=circuit.V[:2], pre=(0,), post=(1,), steps={}))["projections"].values())
    )
    rule = {"rule": "fixed_in_degree", "in_degree": in_degree}
    content["projections"] = {
        "inhibition": {**first, "source": "cell_0", "target": "cell_0", "connect": rule, "autapses": False}
    }
    content["currents"] = {}
    content["recording"]["traces"]["cell_0"]["cells"] = min(n, 10)
    return content


def _checked(command: list[str], **options: Any) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")


def spike_times(V: Floats, dt: float) -> list[Floats]:
    """Times at which each cell passes 0 mV on its way up, linear between samples."""
    found = []
    for trace in V:
        k = np.flatnonzero((trace[:-1] < 0) & (trace[1:] >= 0))
        found.append(dt * (k - trace[k] / (trace[k + 1] - trace[k])))
    return found


def compare(circuit: Circuit, with_scipy: bool) -> dict[str, Any]:
    """Differences of one circuit."""
    mine = (scipy if with_scipy else ours)(circuit)["V"]
    theirs = {parts: jaxley(circuit, STEP / parts, delay=STEP)["V"][:, ::parts] for parts in (1, 10, *LIMIT)}
    n = min(mine.shape[1], *(V.shape[1] for V in theirs.values()))
    mine, theirs = mine[:, :n], {parts: V[:, :n] for parts, V in theirs.items()}
    limit = sum(weight * theirs[parts] for parts, weight in LIMIT.items())
    row = {"circuit": circuit.name, "same_step": _apart(mine, theirs[1]), "tenth": _apart(mine, theirs[10])}
    row |= {"limit": _apart(mine, limit), "rms": float(np.sqrt(np.mean((mine - limit) ** 2)))}
    row |= {"above": int(np.sum(np.abs(mine - limit) > 0.1)), "values": mine.size}
    row["ours_fine"] = float("nan") if with_scipy else _apart(ours(circuit, FINE)["V"][:, :n], limit)
    times = [spike_times(V, STEP) for V in (mine, limit, theirs[1])]
    row["spikes"], row["spikes_jaxley"] = (sum(map(len, found)) for found in times[:2])
    row["late_same_step"], row["late"] = _late(times[0], times[2]), _late(times[0], times[1])
    return row


def _apart(a: Floats, b: Floats) -> float:
    return float(np.abs(a - b).max())


def _late(a: list[Floats], b: list[Floats]) -> float:
    """Largest difference of times; nan if there are not as many spikes."""
    if any(len(one) != len(other) for one, other in zip(a, b, strict=True)):
        return float("nan")
    return max((float(np.abs(one - other).max()) for one, other in zip(a, b, strict=True) if len(one)), default=0.0)


def speed(cells: int, in_degree: int, t: float) -> dict[str, Any]:
    """Seconds per second of biological time, ours and Jaxley's: medians of rounds in which they take turns."""
    circuit = random_circuit(cells, in_degree, t)
    content = many(circuit, in_degree)
    found: dict[str, list[float]] = {"ours": [], "double": [], "single": [], "tenth": []}
    for _ in range(ROUNDS):
        run = run_here(content)
        found["ours"].append(json.loads((run.path / "timers.json").read_text())["nest_timers"]["simulate_cpu"])
        for name, parts, x64 in (("double", 1, True), ("single", 1, False), ("tenth", 10, True)):
            theirs = jaxley(circuit, STEP / parts, repeat=1 if parts > 1 else 3, x64=x64)
            found[name].append(float(np.median(theirs["seconds"])))
    per = 1e3 / t
    medians = {name: float(np.median(seconds)) * per for name, seconds in found.items()}
    return {"cells": cells, "synapses": cells * in_degree, **medians, "rounds": found}


def print_voltages(row: dict[str, Any]) -> None:
    """A line of the first table."""
    numbers = "".join(f"{row[key]:>11.4f}" for key in ("same_step", "tenth", "limit"))
    numbers += f"{row['above']:>7} of{row['values']:>6}{row['ours_fine']:>11.4f}"
    spikes = f"{row['spikes']:>8}{row['spikes_jaxley']:>8}{row['late_same_step']:>10.5f}{row['late']:>10.5f}"
    print(f"{row['circuit']:<9}{numbers}{spikes}", flush=True)


def print_speed(row: dict[str, Any]) -> None:
    """A line of the second table."""
    numbers = "".join(f"{row[key]:>9.3g}" for key in ("ours", "double", "single", "tenth"))
    print(f"{row['cells']:>6}{row['synapses']:>10,}{numbers}{row['double'] / row['ours']:>8.3g}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = {circuit.name: circuit for circuit in circuits()}
    sizes = {"100_synapses": (100, 1, 500.0), "10000_synapses": (1000, 10, 100.0)}
    parser.add_argument("--only", nargs="+", choices=[*known, *sizes], help="some circuits")
    parser.add_argument("--scipy", action="store_true", help="SciPy in place of bgnest; no speed")
    parser.add_argument("--json", type=Path, help="write all numbers to this file")
    args = parser.parse_args()
    chosen = args.only or [*known, *sizes]
    voltages, times = [], []
    names = [name for name in known if name in chosen]
    if names:
        heads = "".join(f"{text:>11}" for text in ("same step", "tenth", "limit")) + f"{'> 0.1':>16}{'ours fine':>11}"
        print(f"{'circuit':<9}{heads}{'spikes':>8}{'Jaxley':>8}{'late':>10}{'limit':>10}")
    for name in names:
        voltages.append(compare(known[name], args.scipy))
        print_voltages(voltages[-1])
    names = [name for name in sizes if name in chosen and not args.scipy]
    if names:
        print(f"\n{'cells':>6}{'synapses':>10}{'bgnest':>9}{'Jaxley':>9}{'single':>9}{'tenth':>9}{'ratio':>8}")
    for name in names:
        times.append(speed(*sizes[name]))
        print_speed(times[-1])
    if args.json:
        args.json.write_text(json.dumps({"voltages": voltages, "speed": times}, indent=1) + "\n")


if __name__ == "__main__":
    main()
