"""How fast are the cells? Update time per neuron and step of every code generation target, and of Brian2.

Each measurement is a process of its own on one thread; the variants take turns, and what is printed is the
median with the ratio to NESTML's default code. A measurement is the fastest of three Simulate calls after a
warm-up of 50 ms, divided by neurons and steps.

    python scripts/bench_neuron.py                         the cells of the Lindahl network and of NESTML, all variants
    python scripts/bench_neuron.py --models qif_msn --rounds 5
    python scripts/bench_neuron.py --variants plain vectorised --json times.json
    python scripts/bench_neuron.py --models hh_traub lif_cond_exp     other models of nestml_models, as in FIELD

Variants:
    reference   NESTML's default code (rk45 of GSL, tolerance 1e-6) and a poisson_generator
    plain       our solver in NESTML's own node and a poisson_generator
    vectorised  blocks of cells by vector instructions, each cell draws its own Poisson input
    brian2      Brian2's C++ standalone mode, forward Euler, PoissonInput (striatal cell only)

Brian2 needs NumPy below 2 and gets an environment of its own in the cache folder, made at the first call.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RESOLUTION = 0.1  # ms
MIN_DELAY, MAX_DELAY = 0.5, 18.0  # ms, those of the network
DELAY = 2.5  # ms, of the generator's connections

# Drive of each population in the Lindahl network, activation/control: spikes/s and weights in nS per port.
CASES: dict[str, dict[str, Any]] = {
    "qif_msn": {"rate": 560.0, "weights": {"ampa": 0.5, "nmda": 0.11}, "params": {}},
    "qif_fsn": {"rate": 807.5, "weights": {"ampa": 0.25}, "params": {}},
    "aeif_stn": {"rate": 250.0, "weights": {"ampa": 0.25, "nmda": 0.00625}, "params": {}},
    "aeif_gpe": {"rate": 1430.0, "weights": {"ampa_ext": 0.167}, "params": {}},
    "snr": {
        "model": "aeif_gpe",
        "rate": 2000.0,
        "weights": {"ampa_ext": 0.5},
        "params": {
            "C_m": 80.0,
            "g_L": 3.0,
            "E_L": -55.8,
            "V_th": -55.2,
            "Delta_T": 1.8,
            "V_peak": 20.0,
            "V_reset": -65.0,
            "a1": 3.0,
            "a2": 3.0,
            "V_a": -55.8,
            "b": 200.0,
            "I_e": 19.2,
            "tau_syn_gaba_msn": 5.2,
            "tau_syn_gaba_gpe": 2.1,
            "E_rev_gaba_msn": -80.0,
            "E_rev_gaba_gpe": -72.0,
        },
    },
}
# NESTML's own, from the folder that it installs: their default parameters, driven to fire at about 10 spikes/s
INSTALLED = {
    "iaf_cond_alpha": {"rate": 8000.0, "weights": {"exc_spikes": 0.85}, "V_m": (-70.0, -55.0)},
    "aeif_cond_alpha": {"rate": 6000.0, "weights": {"exc_spikes": 3.5}, "V_m": (-70.0, -52.0)},
    "hh_psc_alpha": {"rate": 6000.0, "weights": {"exc_spikes": 170.0}, "V_m": (-65.0, -60.0)},
    "iaf_psc_exp": {"rate": 6000.0, "weights": {"exc_spikes": 32.0}, "V_m": (-70.0, -55.0)},
    "izhikevich": {"rate": 1000.0, "weights": {"spikes": 3.0}, "V_m": (-65.0, -55.0)},
}
CASES |= {
    name: {"model": f"{name}_neuron", "installed": True, "params": {}, **spec} for name, spec in INSTALLED.items()
}
# Other models of nestml_models: their default parameters, a constant current (pA) that most of them fire at, and random
# spikes at 1000/s of a weight at the first port of excitation. First potentials are within 5 mV of the default.
FIELD = {
    "lif_cond_alpha": (240.0, "exc", 0.2),
    "lif_cond_exp": (240.0, "exc", 0.5),
    "lif_psc_exp": (360.0, "exc", 10.0),
    "izhikevich_cond_alpha": (4.0, "exc", 0.005),
    "izhikevich_cond_exp": (4.0, "exc", 0.005),
    "izhikevich_two_recovery": (56.1, "ampa", 0.1),
    "qif_cond_exp": (100.0, "exc", 0.1),
    "qif_noise": (100.0, "ampa", 0.1),
    "adex_cond_exp": (600.0, "exc", 0.5),
    "hh_traub": (300.0, "exc", 0.5),
    "hh_squid": (700.0, "exc", 0.5),
    "hh_msn": (119.0, "exc", 0.1),
    "hh_subthalamic": (0.0, "ampa", 0.5),
    "hh_pallidal": (300.0, "ampa", 0.5),
    "hh_thalamic": (120.0, "exc", 0.5),
    "hh_midbrain_gaba": (0.0, "exc", 0.5),
    "hh_dopaminergic": (0.0, "exc", 0.5),
    "pir_thalamic": (0.0, "exc", 0.2),
}
CASES |= {
    name: {"rate": 1000.0, "weights": {port: weight}, "params": {"I_e": current}, "around": 5.0}
    for name, (current, port, weight) in FIELD.items()
}
# the same cell at its own rhythm, nearer to what it has in its network (18 spikes/s) than with the input above
CASES["hh_subthalamic_alone"] = {**CASES["hh_subthalamic"], "model": "hh_subthalamic", "weights": {"ampa": 0.0}}

VARIANTS = ("reference", "plain", "vectorised", "brian2")
SPREAD_C_M, SPREAD_V_TH = 0.2, 1.0  # as in the network: relative, and in mV; clamped at three of them

BRIAN2_PACKAGES = ("brian2==2.9.0", "numpy<2", "setuptools", "cython")

BRIAN2_CODE = """
import resource, sys
import numpy as np
from brian2 import *
n, t, folder = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
set_device("cpp_standalone", directory=folder, build_on_run=False)
prefs.devices.cpp_standalone.openmp_threads = 0
prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O3", "-ffast-math", "-march=native"]
defaultclock.dt = 0.1*ms
equations = '''
dV/dt = (k*(V - E_L)*(V - V_th) - u + g_ampa*(0*mV - V) + g_nmda*(0*mV - V)/(1 + exp((-20*mV - V)/(16*mV)))
         + (g_msn + g_fsn + g_ta)*(-74*mV - V))/C_m : volt
du/dt = a*(b*(V - E_L) - u) : amp
dg_ampa/dt = -g_ampa/(12*ms) : siemens
dg_nmda/dt = -g_nmda/(160*ms) : siemens
dg_msn/dt = -g_msn/(12*ms) : siemens
dg_fsn/dt = -g_fsn/(8*ms) : siemens
dg_ta/dt = -g_ta/(87*ms) : siemens
C_m : farad
V_th : volt
'''
namespace = dict(k=1*nS/mV, E_L=-81.85*mV, a=0.01/ms, b=-20*nS, d=66.9*pA)
options = dict(threshold="V >= 40*mV", reset="V = -55*mV; u += d", method="euler", namespace=namespace)
cells = NeuronGroup(n, equations, **options)
rng = np.random.default_rng(1)
cells.C_m = 15.2*np.clip(rng.normal(1.0, 0.2, n), 0.4, 1.6)*pF
cells.V_th = (-29.7 + np.clip(rng.normal(0.0, 1.0, n), -3.0, 3.0))*mV
cells.V = rng.uniform(-49.7, -29.7, n)*mV
# Brian2 has no input of the same spikes to two variables; two inputs cost what it can do best
ampa = PoissonInput(cells, "g_ampa", 1, 560*Hz, 0.5*nS)
nmda = PoissonInput(cells, "g_nmda", 1, 560*Hz, 0.11*nS)
spikes = SpikeMonitor(cells, record=False)
run(t*ms)
device.build(directory=folder, compile=True, run=False, debug=False, clean=False)
def used():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
for _ in range(2):  # the first run warms up
    begin = used()
    device.run(folder, with_output=False, run_args=[])
print("RESULT", device._last_run_time, used() - begin, spikes.num_spikes/n/t*1e3)
"""


# ------------------------------------------------------------------------------ one measurement


def measure_nest(module: str, variant: str, case: str, n: int, t: float, ports: dict[str, int]) -> None:
    """Print the seconds of processor time per neuron and step, the rate, and bytes per cell."""
    import nest
    import numpy as np
    import psutil

    spec = CASES[case]
    model = spec.get("model", case)
    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.Install(module)
    nest.set(resolution=RESOLUTION, local_num_threads=1)
    nest.set(min_delay=MIN_DELAY, max_delay=MAX_DELAY)
    before = psutil.Process().memory_info().rss
    cells = nest.Create(model, n, params=spec["params"])
    one = cells[0].get()
    rng = np.random.default_rng(1)
    if "around" in spec:
        cells.V_m = list(one["V_m"] + rng.uniform(-spec["around"], spec["around"], n))
    elif "V_m" in spec:
        cells.V_m = list(rng.uniform(*spec["V_m"], n))
    else:
        spread_parameters(cells, one, rng)
    if variant == "vectorised":
        weights = {f"drive_weight_{port}": weight for port, weight in spec["weights"].items()}
        cells.set(drive_rate=spec["rate"], drive_seed=1, **weights)
    else:
        generator = nest.Create("poisson_generator", params={"rate": spec["rate"]})
        for port, weight in spec["weights"].items():
            synapse = {"weight": weight, "delay": DELAY, "receptor_type": ports[port]}
            nest.Connect(generator, cells, syn_spec=synapse)
    nest.Simulate(50.0)
    memory = (psutil.Process().memory_info().rss - before) / n
    spikes = 0
    times = []
    for _ in range(3):
        begin = (time.perf_counter(), time.process_time())
        nest.Simulate(t)
        times.append((time.perf_counter() - begin[0], time.process_time() - begin[1]))
        spikes += nest.local_spike_counter  # counts anew in every Simulate
    rate = spikes / n / (3 * t) * 1e3
    wall, cpu = (min(pair[i] for pair in times) * 1e9 / (n * t / RESOLUTION) for i in (0, 1))
    print("RESULT", json.dumps({"wall": wall, "cpu": cpu, "rate": rate, "bytes": memory}))


def spread_parameters(cells: Any, one: Any, rng: Any) -> None:
    """Capacitances and thresholds that differ between the cells, as in the Lindahl network."""
    import numpy as np

    n = len(cells)
    c_m = one["C_m"] * np.clip(rng.normal(1.0, SPREAD_C_M, n), 1 - 3 * SPREAD_C_M, 1 + 3 * SPREAD_C_M)
    v_th = one["V_th"] + np.clip(rng.normal(0.0, SPREAD_V_TH, n), -3 * SPREAD_V_TH, 3 * SPREAD_V_TH)
    cells.set(C_m=list(c_m), V_th=list(v_th))
    cells.V_m = list(rng.uniform(one["V_th"] - 20.0, one["V_th"], n))


def brian2_python() -> Path:
    """Python of the environment with Brian2; made if it is not there."""
    from network.refusals import cache_root

    folder = cache_root() / "brian2"
    python = folder / "bin" / "python"
    if not (folder / "complete").is_file():
        print("making an environment for Brian2 (once) ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *BRIAN2_PACKAGES], check=True)
        (folder / "complete").touch()
    return python


def measure_brian2(n: int, t: float) -> dict[str, float]:
    """Nanoseconds in Brian2's simulation loop per neuron and step."""
    python = brian2_python()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "cells.py"
        script.write_text(BRIAN2_CODE)
        environment = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}"}
        answer = subprocess.run(
            [str(python), str(script), str(n), str(t), str(Path(folder) / "code")],
            capture_output=True,
            text=True,
            env=environment,
            check=False,
        )
    if answer.returncode:
        raise RuntimeError(f"Brian2 failed:\n{answer.stderr[-2000:]}")
    wall, cpu, rate = map(float, answer.stdout.split("RESULT")[1].split()[:3])
    scale = 1e9 / (n * t / RESOLUTION)
    # the processor time is that of the whole program; its clock counts the loop alone
    return {"wall": wall * scale, "cpu": min(wall, cpu) * scale, "rate": rate, "bytes": float("nan")}


# --------------------------------------------------------------------------------------- the table


def measure(variant: str, case: str, n: int, t: float, modules: dict[str, Any]) -> dict[str, float]:
    if variant == "brian2":
        return measure_brian2(n, 3 * t)
    ports = modules[variant].models[CASES[case].get("model", case)].ports
    arguments = ["--measure", str(modules[variant].path), variant, case, str(n), str(t), json.dumps(dict(ports))]
    answer = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(f"{variant} {case} failed:\n{answer.stdout[-1000:]}{answer.stderr[-2000:]}")
    result: dict[str, float] = json.loads(answer.stdout.split("RESULT")[1])
    return result


def build_modules(variants: list[str], cases: list[str]) -> dict[str, Any]:
    from network import codegen

    folder = Path(sys.prefix) / "models" / "neurons"
    names = {case: CASES[case].get("model", case) for case in cases}
    models = [folder / f"{name}.nestml" if CASES[case].get("installed") else name for case, name in names.items()]
    models = list(dict.fromkeys(models))
    modules = {}
    for variant in variants:
        if variant == "brian2":
            brian2_python()
            continue
        try:
            modules[variant] = codegen.build(models, target=variant)
        except codegen.BuildError as error:
            print(f"{variant} is left out: {error}", flush=True)
    return modules


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = [name for name in CASES if name not in FIELD]
    parser.add_argument("--models", nargs="+", default=usual, choices=list(CASES))
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=VARIANTS)
    parser.add_argument("--neurons", type=int, default=10_000)
    parser.add_argument("--time", type=float, default=100.0, help="simulated time of one measurement, ms")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="write all measurements to this file")
    parser.add_argument("--measure", nargs=6, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    options = parse()
    if options.measure:
        module, variant, case, n, t, ports = options.measure
        measure_nest(module, variant, case, int(n), float(t), json.loads(ports))
        return
    modules = build_modules(options.variants, options.models)
    variants = [variant for variant in options.variants if variant in modules or variant == "brian2"]
    results: dict[str, dict[str, list[dict[str, float]]]] = {}
    for _ in range(options.rounds):
        for case in options.models:
            for variant in variants:
                if variant == "brian2" and case != "qif_msn":
                    continue
                # the slow variants say as much in a shorter time
                t = options.time if variant in ("vectorised", "brian2") else options.time / 5
                result = measure(variant, case, options.neurons, t, modules)
                results.setdefault(case, {}).setdefault(variant, []).append(result)
    report(results, options)
    if options.json:
        options.json.write_text(json.dumps({"host": platform.processor(), "results": results}, indent=1))


def report(results: dict[str, dict[str, list[dict[str, float]]]], options: argparse.Namespace) -> None:
    print(f"{options.neurons} cells, 1 thread, {RESOLUTION} ms; medians of {options.rounds} rounds")
    print("ns: wall time per neuron and step; cpu: the same in processor time, less disturbed by other jobs")
    print(f"{'case':24}{'variant':12}{'ns':>8}{'cpu':>8}{'ratio':>8}{'rate/Hz':>9}{'bytes':>8}")
    for case, variants in results.items():
        medians = {
            variant: {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}
            for variant, rounds in variants.items()
        }
        base = medians.get("reference")
        for variant, m in medians.items():
            ratio = f"{base['cpu'] / m['cpu']:8.1f}" if base else f"{'':8}"
            print(f"{case:24}{variant:12}{m['wall']:8.1f}{m['cpu']:8.1f}{ratio}{m['rate']:9.2f}{m['bytes']:8.0f}")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    main()
