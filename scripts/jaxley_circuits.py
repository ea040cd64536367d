"""A circuit of graded synapses in Jaxley; runs in Jaxley's own environment, see `scripts/compare_jaxley.py`.

    python jaxley_circuits.py circuit.npz answer.npz

The circuit: ``dt``, ``t`` (ms), ``area`` (um2); of each cell ``g_Na g_K g_L`` (S/cm2), ``E_Na E_K E_L`` (mV), ``V m
h n`` at the start, ``current`` (nA, cells x steps); of each synapse ``pre``, ``post``; of all synapses ``gS`` (uS),
``e_syn``, ``k_minus``, ``v_th``, ``delta``, ``s``; ``delay`` in steps, ``repeat`` for timing, ``record`` cells,
``x64``. The answer: ``V`` (cells x times), ``seconds`` of
the processor for each repetition, ``compile`` (s) for the first call.
"""

from __future__ import annotations

import sys
import time

import numpy as np

circuit = dict(np.load(sys.argv[1]))

import jax  # noqa: E402

jax.config.update("jax_enable_x64", bool(circuit["x64"]))
jax.config.update("jax_platform_name", "cpu")

import jax.numpy as jnp  # noqa: E402
import jaxley as jx  # noqa: E402
from jaxley.channels import HH  # noqa: E402
from jaxley.connect import connectivity_matrix_connect  # noqa: E402
from jaxley.synapses import IonotropicSynapse  # noqa: E402


class Late(IonotropicSynapse):
    """Jaxley's synapse whose s acts some steps later: it goes through a row of states."""

    def __init__(self, steps: int) -> None:
        super().__init__("IonotropicSynapse")
        self.steps = steps
        for k in range(steps):
            self.synapse_states[f"IonotropicSynapse_late{k}"] = float(circuit["s"])

    def update_states(self, states, delta_t, pre_voltage, post_voltage, params):
        """Shift, and let Jaxley compute the newest."""
        row = [states["IonotropicSynapse_s"], *(states[f"IonotropicSynapse_late{k}"] for k in range(self.steps - 1))]
        moved = {f"IonotropicSynapse_late{k}": value for k, value in enumerate(row[: self.steps])}
        return {**super().update_states(states, delta_t, pre_voltage, post_voltage, params), **moved}

    def compute_current(self, states, pre_voltage, post_voltage, params):
        """Use the oldest."""
        last = states[f"IonotropicSynapse_late{self.steps - 1}"] if self.steps else states["IonotropicSynapse_s"]
        return params["IonotropicSynapse_gS"] * last * (post_voltage - params["IonotropicSynapse_e_syn"])


def network() -> jx.Network:
    """Cells of one compartment, whose surface is ``area``, with Jaxley's HH channels."""
    n = len(circuit["V"])
    cell = jx.Cell(jx.Branch(jx.Compartment(), ncomp=1), parents=[-1])
    net = jx.Network([cell for _ in range(n)])
    net.insert(HH())
    length = 100.0
    net.set("length", length)
    net.set("radius", float(circuit["area"]) / (2.0 * np.pi * length))
    net.set("capacitance", 1.0)
    for ours, theirs in {
        "g_Na": "gNa",
        "g_K": "gK",
        "g_L": "gLeak",
        "E_Na": "eNa",
        "E_K": "eK",
        "E_L": "eLeak",
    }.items():
        net.set(f"HH_{theirs}", np.asarray(circuit[ours], dtype=float))
    net.set("v", np.asarray(circuit["V"], dtype=float))
    for gate in "mhn":
        net.set(f"HH_{gate}", np.asarray(circuit[gate], dtype=float))
    matrix = np.zeros((n, n), dtype=bool)
    matrix[circuit["pre"], circuit["post"]] = True
    connectivity_matrix_connect(net.cell(range(n)), net.cell(range(n)), Late(int(circuit["delay"])), matrix)
    for name, ours in {"gS": "gS", "e_syn": "e_syn", "k_minus": "k_minus", "v_th": "v_th", "delta": "delta"}.items():
        net.set(f"IonotropicSynapse_{name}", float(circuit[ours]))
    net.set("IonotropicSynapse_s", float(circuit["s"]))
    return net


def main() -> None:
    net = network()
    for cell in circuit["record"]:
        net.cell(int(cell)).branch(0).comp(0).record("v", verbose=False)
    driven = net.cell(range(len(circuit["V"]))).branch(0).comp(0)
    dt = float(circuit["dt"])

    @jax.jit
    def simulate(current):
        return jx.integrate(net, data_stimuli=driven.data_stimulate(current), delta_t=dt, t_max=float(circuit["t"]))

    current = jnp.asarray(circuit["current"])
    seconds = []
    for _ in range(1 + int(circuit["repeat"])):
        begin = time.process_time()
        voltages = np.asarray(simulate(current).block_until_ready())
        seconds.append(time.process_time() - begin)
    np.savez(sys.argv[2], V=voltages, seconds=seconds[1:], compile=seconds[0], version=jx.__version__)


main()
