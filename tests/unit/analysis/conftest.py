"""A synthetic run of the eight populations: renewal trains of stated rates, in a real run folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from network.runs import Run, RunFolder

# name, model, n_neurons, rate (spikes/s), shape of the gamma intervals (CV = shape**-0.5)
POPULATIONS = (
    ("MSN_D1", "qif_msn", 37971, 0.14, 1.5),
    ("MSN_D2", "qif_msn", 37971, 0.27, 2.6),
    ("FSN", "qif_fsn", 1599, 9.4, 3.3),
    ("GPe_TI_N", "aeif_gpe", 889, 37.0, 5.7),
    ("GPe_TI_S", "aeif_gpe", 99, 37.0, 5.7),
    ("GPe_TA", "aeif_gpe", 329, 12.5, 19.0),
    ("STN", "aeif_stn", 388, 12.4, 11.0),
    ("SNr", "aeif_gpe", 754, 25.0, 3.7),
)
GROUPS = {"GPe_TI": ["GPe_TI_N", "GPe_TI_S"], "GPe": ["GPe_TI_N", "GPe_TI_S", "GPe_TA"]}
# source, target, receptor, in-degree, mean weight (nS), U of plastic ones: control network, Lindahl 2016
PROJECTIONS = (
    ("FSN", "FSN", "gaba_fsn", 9, 3.4483, 0.29),
    ("FSN", "MSN_D1", "gaba_fsn", 16, 20.7, 0.29),
    ("FSN", "MSN_D2", "gaba_fsn", 11, 20.7, 0.29),
    ("MSN_D1", "MSN_D1", "gaba_msn", 364, 0.15, None),
    ("MSN_D1", "MSN_D2", "gaba_msn", 84, 0.375, None),
    ("MSN_D2", "MSN_D1", "gaba_msn", 392, 0.45, None),
    ("MSN_D2", "MSN_D2", "gaba_msn", 504, 0.35, None),
    ("GPe_TA", "FSN", "gaba_ta", 10, 1.7764, 0.29),
    ("GPe_TI_S", "FSN", "gaba_ti", 10, 6.8966, 0.29),
    ("GPe_TA", "MSN_D1", "gaba_ta", 10, 0.04, None),
    ("GPe_TA", "MSN_D2", "gaba_ta", 10, 0.08, None),
    ("MSN_D1", "SNr", "gaba_msn", 500, 104.17, 0.0192),
    ("MSN_D2", "GPe_TI_N", "gaba_msn", 500, 8.3333, 0.24),
    ("MSN_D2", "GPe_TI_S", "gaba_msn", 500, 8.3333, 0.24),
    ("GPe_TI_N", "GPe_TI_N", "gaba_gpe", 22, 1.3, None),
    ("GPe_TI_N", "GPe_TI_S", "gaba_gpe", 22, 1.3, None),
    ("GPe_TI_N", "GPe_TA", "gaba_gpe", 22, 0.325, None),
    ("GPe_TI_S", "GPe_TI_N", "gaba_gpe", 3, 1.3, None),
    ("GPe_TI_S", "GPe_TI_S", "gaba_gpe", 3, 1.3, None),
    ("GPe_TI_S", "GPe_TA", "gaba_gpe", 3, 0.325, None),
    ("GPe_TA", "GPe_TI_N", "gaba_gpe", 5, 1.3, None),
    ("GPe_TA", "GPe_TI_S", "gaba_gpe", 5, 1.3, None),
    ("GPe_TA", "GPe_TA", "gaba_gpe", 5, 0.325, None),
    ("GPe_TI_N", "STN", "gaba_gpe", 27, 0.08, None),
    ("GPe_TI_S", "STN", "gaba_gpe", 3, 0.08, None),
    ("GPe_TI_N", "SNr", "gaba_gpe", 29, 387.76, 0.196),
    ("GPe_TI_S", "SNr", "gaba_gpe", 3, 387.76, 0.196),
    ("STN", "GPe_TI_N", "ampa_stn", 30, 0.35, None),
    ("STN", "GPe_TI_S", "ampa_stn", 30, 0.35, None),
    ("STN", "GPe_TA", "ampa_stn", 30, 0.105, None),
    ("STN", "SNr", "ampa_stn", 30, 9.88, 0.35),
)


def gamma_trains(n, rate, shape, t_stop, rng):
    """Stationary gamma renewal trains on the 0.1 ms grid, spikes in (0, t_stop)."""
    mean = 1000.0 / rate
    count = int(t_stop / mean + 6 * np.sqrt(t_stop / mean) + 8)
    times = np.cumsum(rng.gamma(shape, mean / shape, size=(n, count)), axis=1)
    times -= rng.uniform(0.0, 3.0 * mean, size=(n, 1))  # forget the common start
    ids = np.broadcast_to(np.arange(n)[:, None], times.shape)
    inside = (times > 0) & (times < t_stop)
    return np.round(times[inside], 1), ids[inside]


def make_plan(t_presim=1000.0, t_sim=1000.0, names=tuple(p[0] for p in POPULATIONS)):
    populations, first = [], 0
    for name, model, n, *_ in POPULATIONS:
        if name not in names:
            continue
        potentials = {f"E_rev_{r}": -70.0 if r.startswith("gaba") else 0.0 for _, t, r, *_ in PROJECTIONS if t == name}
        params = {"V_th": -50.0, **potentials}
        populations.append({"name": name, "model": model, "n_neurons": n, "first_id": first, "params": params})
        first += n
    return {
        "name": "activation_control",
        "seed": 1,
        "resolution": 0.1,
        "t_presim": t_presim,
        "t_sim": t_sim,
        "populations": populations,
        "projections": [
            {
                "name": f"{source}_to_{target}",
                "source": source,
                "target": target,
                "receptor": receptor,
                "in_degree": k,
                "weight": {"low": 0.5 * w, "high": 1.5 * w},
                "delay": 1.0,
                "plasticity": u if u is None else {"U": u, "tau_rec": 9.0, "tau_fac": 0.0, "tau_psc": 5.0},
            }
            for source, target, receptor, k, w, u in PROJECTIONS
            if {source, target} <= set(names)
        ],
        "groups": {group: members for group, members in GROUPS.items() if set(members) <= set(names)},
        "recorders": [],
    }


def make_run(path: Path, names=tuple(p[0] for p in POPULATIONS)) -> Run:
    rng = np.random.default_rng(12)
    with RunFolder.create(path) as folder:
        folder.write_plan(make_plan(names=names))
        folder.write_timers({"simulate": 1.0})
        trains = {}
        with folder.spike_writer(names) as writer:
            for name, _, n, rate, shape in (p for p in POPULATIONS if p[0] in names):
                trains[name] = gamma_trains(n, rate, shape, 2000.0, rng)
                writer.append(name, *trains[name])
        for name, rest in (("MSN_D1", -75.0), ("STN", -60.0), ("SNr", -58.0)):
            if name not in names:
                continue
            frames = np.cumsum(rng.normal(0, 0.6, (2000, 3)), axis=0)
            frames = rest + frames - np.linspace(0, 1, 2000)[:, None] * frames[-1]
            with folder.report_writer(name, "V_m", [0, 5, 9], units="mV", start=1.0, interval=1.0) as report:
                report.append(frames)
        return folder.finish()


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "synthetic")


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    """Two populations of which one projects to the other: what takes long to draw is one panel after another."""
    return make_run(tmp_path_factory.mktemp("runs") / "small", names=("STN", "SNr"))
