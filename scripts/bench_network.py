"""Where a full-scale run spends its time, and what each setting of NEST is worth: variants in alternation.

Each variant runs in a process of its own, all variants in turn, several rounds; medians and ratios to the first variant
are printed. NEST's own phase timers (update, deliver, communicate) appear where NEST was built with detailed timers
(`make mpi` does; start the script with .venv-mpi's Python). Memory is that of the cells (prepared and run, from the
variant without synapses) and of the synapses (the difference to it).

    python scripts/bench_network.py --t-sim 300 --rounds 3
    python scripts/bench_network.py --variants as-built --warm-up 1500 --t-sim 1000    a settled second
    python scripts/bench_network.py --variants as-built all-nest plain-connect --t-sim 0       building
    python scripts/bench_network.py --variants as-built no-synapses --t-sim 300       memory per neuron and synapse
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

VARIANTS = {
    "as-built": "what `bgnest run` does",
    "nest-wiring": "every synapse a connection of NEST, those of the vectorised target (wiring: nest)",
    "nest-recorders": "spikes through NEST's recorders (recording: device)",
    "all-nest": "both: what building and recording cost before compact wiring",
    "plain-connect": "nest.Connect with receptor and plasticity constants in syn_spec, no _hpc synapses",
    "nest-synapses": "NEST's own synapses, _hpc where they fit, in place of those of the vectorised target",
    "uncompressed": "use_compressed_spikes off: a spike is sent once per target thread",
    "no-source-table": "keep_source_table off: NEST forgets the sources after preparation",
    "passive-wait": "threads sleep while they wait for one another (OMP_WAIT_POLICY=passive)",
    "huge-pages": "glibc puts the heap on transparent huge pages",
    "philox": "random numbers from Philox_32 instead of the Mersenne twister",
    "whole-loop": "cells that NEST does not update are not hidden from its loop over nodes",
    "jemalloc": "jemalloc in place of glibc's allocator",
    "tcmalloc": "tcmalloc in place of glibc's allocator",
    "no-synapses": "the cells and their drive alone",
    "device-drive": "Poisson input from NEST's generators instead of inside the cells",
}
LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")  # of Debian: libjemalloc2, libtcmalloc-minimal4
ENVIRONMENT = {
    "passive-wait": {"OMP_WAIT_POLICY": "passive"},
    "huge-pages": {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"},
    "jemalloc": {"LD_PRELOAD": str(LIBRARIES / "libjemalloc.so.2")},
    "tcmalloc": {"LD_PRELOAD": str(LIBRARIES / "libtcmalloc_minimal.so.4")},
}
PHASES = {
    "update": "update",
    "deliver": "deliver_spike_data",
    "gather": "gather_spike_data",
    "communicate": "communicate_spike_data",
    "wait": "omp_synchronization_simulation",
}


def one(variant: str, n_neurons: int, warm_up: float, t_sim: float, threads: int) -> dict[str, Any]:
    """Seconds per phase and memory of one variant, in this process."""
    from network import codegen
    from network.engine.nest import build, devices, kernel
    from network.experiment import load_experiment
    from network.plans import make_plan

    drive = "device" if variant == "device-drive" else "internal"
    by_nest = variant in ("nest-wiring", "all-nest", "plain-connect", "nest-synapses", "no-source-table")
    changes = [f"network.n_neurons={n_neurons}", f"simulation.drive={drive}", "recording.traces=null"]
    changes += ["simulation.wiring=nest"] if by_nest else []
    changes += ["simulation.recording=device"] if variant in ("nest-recorders", "all-nest") else []
    plan = make_plan(load_experiment("lindahl2016/activation_control", overrides=changes), threads=threads)
    if variant == "no-synapses":
        plan = dataclasses.replace(plan, projections=())
    module = codegen.build(sorted({p.model for p in plan.populations}))
    nest = kernel.reset(plan, module.path)
    base = kernel.memory_bytes()
    if variant == "uncompressed":
        nest.set(use_compressed_spikes=False)
    elif variant == "no-source-table":
        nest.set(keep_source_table=False)
    elif variant == "philox":
        nest.set(rng_type="Philox_32")
    elif variant == "nest-synapses":
        module = dataclasses.replace(module, synapses={})
    network = (plain_connect if variant == "plain-connect" else build.build)(plan, module)

    def run(duration: float) -> None:
        with contextlib.nullcontext() if variant == "whole-loop" else network.shortened_loop():
            nest.Run(duration)

    result: dict[str, Any] = dict(network.timers)
    for name, step in (
        ("inputs", lambda: devices.connect_inputs(network)),
        ("recorders", lambda: devices.connect_recorders(network)),
        ("prepare", nest.Prepare),
    ):
        start = time.perf_counter()
        step()
        result[name] = time.perf_counter() - start
    if network.runtime is not None:
        network.runtime.list_cells()
    millions = plan.n_synapses / 1e6 if plan.projections else 0.0
    if millions:
        result["connect/M"] = result["connect"] / millions
        result["prepare/M"] = result["prepare"] / millions
    if warm_up > 0.0:
        run(warm_up if t_sim > 0 else 100.0)  # past the transient of the initial state
    result["GB"] = (kernel.memory_bytes() - base) / 1e9
    if t_sim > 0:
        before, start = kernel.native_timers(), time.perf_counter()
        run(t_sim)
        result["RTF"] = (time.perf_counter() - start) * 1000.0 / t_sim
        after = kernel.native_timers()
        for phase, timer in PHASES.items():
            if timer in after:
                result[phase] = (after[timer] - before[timer]) * 1000.0 / t_sim
    result["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # GB, Python and NEST included
    nest.Cleanup()
    return result


def plain_connect(plan: Any, module: Any) -> Any:
    """Wire as a NEST tutorial would: everything about a synapse in ``syn_spec``."""
    from network.engine.nest import build, kernel
    from network.experiment.synapses import Tsodyks

    projections, whole = plan.projections, plan
    network = build.build(dataclasses.replace(plan, projections=()), module)
    network.plans = whole
    nest = kernel.import_nest()
    start = time.perf_counter()
    for p in projections:
        synapse: dict[str, Any] = {"synapse_model": "static_synapse"}
        if isinstance(p.synapse, Tsodyks):
            stp = p.synapse
            synapse = {"synapse_model": "tsodyks_synapse", "U": stp.U, "tau_rec": stp.tau_rec}
            synapse |= {"tau_fac": stp.tau_fac, "tau_psc": stp.tau_psc, "x": 1.0, "y": 0.0, "u": 0.0}
        synapse["receptor_type"] = network.receptor_type(p.target, p.receptor)
        synapse["weight"] = nest.random.uniform(p.weight.low, p.weight.high)
        synapse["delay"] = nest.random.uniform(p.delay.low, p.delay.high)
        rule = {"rule": "fixed_indegree", "indegree": p.in_degree, "allow_multapses": p.allow_multapses}
        nest.Connect(network.populations[p.source], network.populations[p.target], rule, synapse)
    network.timers["connect"] = time.perf_counter() - start
    return network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), metavar="NAME")
    parser.add_argument("--n-neurons", type=int, default=80_000)
    parser.add_argument("--t-sim", type=float, default=300.0, help="biological time in ms (default 300)")
    parser.add_argument("--warm-up", type=float, default=100.0, help="biological time before that in ms (default 100)")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print("RESULT " + json.dumps(one(args.one, args.n_neurons, args.warm_up, args.t_sim, args.threads)))
        return
    results: dict[str, list[dict[str, float]]] = {name: [] for name in args.variants}
    names = ("n_neurons", "warm_up", "t_sim", "threads")
    size = [text for name in names for text in (f"--{name.replace('_', '-')}", str(getattr(args, name)))]
    for round_ in range(args.rounds):
        for name in args.variants:
            print(f"round {round_ + 1} of {args.rounds}: {name} ({VARIANTS[name]})", file=sys.stderr, flush=True)
            done = subprocess.run(
                [sys.executable, __file__, "--one", name, *size],
                env={**os.environ, **ENVIRONMENT.get(name, {})},
                capture_output=True,
                text=True,
            )
            lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
            if not lines:
                sys.exit(f"{name} failed:\n{done.stderr}")
            results[name].append(json.loads(lines[0].removeprefix("RESULT ")))
    show(results)
    if {"as-built", "no-synapses"} <= results.keys():
        cells, whole = (statistics.median(r["GB"] for r in results[name]) * 1e9 for name in ("no-synapses", "as-built"))
        n_synapses = statistics.median(r["connect"] / r["connect/M"] for r in results["as-built"]) * 1e6
        print(f"memory: {cells / args.n_neurons:.0f} bytes per neuron, {(whole - cells) / n_synapses:.1f} per synapse")


def show(results: dict[str, list[dict[str, float]]]) -> None:
    """Medians, and below each the median ratio to the first variant of the same round."""
    base = next(iter(results.values()))
    columns = list(base[0])
    width = max(map(len, columns)) + 2
    print("seconds; connect/M and prepare/M per million synapses; RTF and its phases per second of biological time")
    print(f"{'variant':<16}" + "".join(f"{column:>{width}}" for column in columns))
    for name, rounds in results.items():
        medians, ratios = [], []
        for column in columns:
            values = [r[column] for r in rounds if column in r]
            pairs = [(r[column], b[column]) for r, b in zip(rounds, base, strict=True) if column in r and b[column]]
            medians.append(f"{statistics.median(values):.3g}" if values else "-")
            ratios.append(f"({statistics.median(value / first for value, first in pairs):.2f}x)" if pairs else "")
        print(f"{name:<16}" + "".join(f"{text:>{width}}" for text in medians))
        if rounds is not base:
            print(f"{'':<16}" + "".join(f"{text:>{width}}" for text in ratios))


if __name__ == "__main__":
    main()
