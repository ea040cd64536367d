"""Plans and trains the tests of the results layer share."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def plan():
    return {
        "name": "tiny",
        "resolution": 0.1,
        "t_presim": 100.0,
        "t_sim": 200.0,
        "populations": [
            {"name": "GPe_TI_N", "model": "aeif_gpe", "n_neurons": 4, "first_id": 0},
            {"name": "GPe_TI_S", "model": "aeif_gpe", "n_neurons": 2, "first_id": 4},
            {"name": "STN", "model": "aeif_stn", "n_neurons": 3, "first_id": 6},
        ],
        "projections": [],
        "groups": {"GPe_TI": ["GPe_TI_N", "GPe_TI_S"]},
        "recorders": [],
    }


@pytest.fixture
def trains():
    """Unsorted spikes on the 0.1 ms grid, many of them simultaneous."""
    rng = np.random.default_rng(5)
    return {
        "A": (rng.integers(0, 300, 5000) / 10.0, rng.integers(0, 50, 5000)),
        "B": (rng.integers(0, 3000, 700) / 10.0, rng.integers(0, 9, 700)),
        "silent": (np.empty(0), np.empty(0, dtype=int)),
    }
