"""What a study takes from Optuna: the package, a sampler for its method, the address of its database."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..errors import ScanError
from .search import Search


def sampler(spec: Search, seed: int) -> Any:
    """Optuna's sampler for the method of a search; ScanError if a package is missing."""
    samplers = optuna_package().samplers
    if spec.method == "random":
        return samplers.RandomSampler(seed=seed)
    if spec.method == "cma_es":
        try:
            with warnings.catch_warnings():
                # x0 is to go in Optuna 6; without it the evolution begins in the middle, whatever the start
                warnings.filterwarnings("ignore", message=".*`x0` has been deprecated", category=FutureWarning)
                return samplers.CmaEsSampler(seed=seed, x0=spec.start or None, warn_independent_sampling=False)
        except ImportError as error:
            raise ScanError("method: cma_es needs the package cmaes: pip install 'bgnest[optimise]'") from error
    return samplers.TPESampler(
        seed=seed,
        n_startup_trials=min(10, 2 + 2 * len(spec.search)),
        multivariate=True,
        constant_liar=True,  # runs under way count as bad ones, so that two at a time do not try the same
    )


def optuna_package() -> Any:
    """Optuna, silent; ScanError if it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise ScanError("optimisation needs Optuna: pip install 'bgnest[optimise]'") from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def database_url(path: Path) -> str:
    """Address of a SQLite database for Optuna.

    As a URI for SQLite, in which any letter of a path can be written: in the plain form a ``?`` ends the path.

    >>> database_url(Path("/a?b/study.db"))
    'sqlite:///file:/a%3Fb/study.db?uri=true'
    """
    return f"sqlite:///file:{quote(str(path))}?uri=true"
