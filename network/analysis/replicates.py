"""Two groups of runs, and whether a difference is larger than the scatter between seeds.

Runs of one experiment with other seeds are replicates: other cells, connections and inputs from the same laws.
What a change of parameters does is told from chance by their scatter alone; cells or moments of one run are no
replicates, however many they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import RunError
from ..runs import Run
from .comparison import compared, parameter_differences, population_values
from .targets.measures import known
from .targets.verdict import aligned, number

if TYPE_CHECKING:
    import pandas as pd

SEED = "simulation.seed"
ALPHA = 0.05
"""Probability of seeing a difference where there is none, over all rows of a quantity together."""
YES, NO, UNKNOWN = "yes", "no", "-"
MOST_PERMUTATIONS = 10_000


@dataclass(frozen=True)
class Group:
    """Runs that are replicates of one another.

    Attributes
    ----------
    runs : tuple of Run
    remarks : tuple of str
        What else than the seed differs between them.
    """

    runs: tuple[Run, ...]
    remarks: tuple[str, ...]

    @classmethod
    def of(cls, runs: Sequence[Run], name: str) -> Group:
        """Check that runs are replicates.

        Raises
        ------
        RunError
            If two of them are the same simulation, which is no replicate.
        """
        seen: dict[str, Run] = {}
        for run in runs:
            identity = run.record.get("simulation_hash") or str(run.path.resolve())
            if identity in seen:
                raise RunError(f"{seen[identity].path} and {run.path} are the same simulation, not two replicates")
            seen[identity] = run
        other = dict.fromkeys(
            path for run in runs[1:] for path, *_ in parameter_differences(runs[0], run) if path != SEED
        )
        remarks = [f"runs of {name} differ in more than the seed: {', '.join(list(other)[:5])}"] if other else []
        return cls(tuple(runs), tuple(remarks))

    @property
    def seeds(self) -> list[int]:
        """Seed of each run."""
        return [int(run.plan["seed"]) for run in self.runs]


def compare_groups(first: Group, second: Group, *, paired: bool = False) -> pd.DataFrame:
    """Compare two groups of runs, population by population.

    The test is Welch's (unequal variances; paired: Student's of the differences of equal seeds) on one value per run.
    ``p`` is that of a row alone; ``differs`` is corrected for the number of rows of a quantity (Holm 1979): where
    nothing differs, "yes" stands anywhere in a table of a quantity with a probability of 5 %. With a single run on one
    side its distance from the other group is compared with that group's scatter (Crawford and Howell 1998,
    doi 10.1076/clin.12.4.482.7241).

    Parameters
    ----------
    first, second : Group
    paired : bool
        Compare run by run those of equal seeds, whose random numbers are the same where the parameters are.

    Returns
    -------
    DataFrame
        Columns ``quantity``, ``population``, ``mean_A``, ``sd_A`` (over seeds), ``n_A``, the same of B, ``difference``
        (B less A), ``low``, ``high`` (its 95 % interval), ``p``, ``p_permutation`` (exact or of 10,000 permutations;
        with three against three it cannot be below 0.1) and ``differs`` (``yes``, ``no``, ``-`` where scatter is not
        known).

    Raises
    ------
    RunError
        If the seeds of paired groups are not the same.
    """
    import pandas as pd

    if paired and sorted(first.seeds) != sorted(second.seeds):
        raise RunError(f"pairs need the same seeds on both sides, not {first.seeds} and {second.seeds}")
    sides = [
        [population_values(run) for _, run in sorted(zip(group.seeds, group.runs, strict=True), key=lambda x: x[0])]
        for group in (first, second)
    ]
    names = list(dict.fromkeys(name for tables in sides for table in tables for name in table.index))
    rows = []
    for quantity in compared():
        found = [_row(quantity, str(name), sides, paired) for name in names]
        corrected = _holm([row["p"] for row in found])
        for row, p in zip(found, corrected, strict=True):
            row["differs"] = UNKNOWN if np.isnan(p) else YES if p < ALPHA else NO
        rows += found
    return pd.DataFrame(rows)


def _row(quantity: str, name: str, sides: list[list[pd.DataFrame]], paired: bool) -> dict[str, object]:
    a, b = (
        np.array([t.loc[name, quantity] if name in t.index else np.nan for t in tables], dtype=float)
        for tables in sides
    )
    if paired:
        both = ~(np.isnan(a) | np.isnan(b))
        a, b = a[both], b[both]
    a, b = a[~np.isnan(a)], b[~np.isnan(b)]
    row: dict[str, object] = {"quantity": quantity, "population": name}
    for label, x in (("A", a), ("B", b)):
        row |= {f"mean_{label}": _mean(x), f"sd_{label}": _sd(x), f"n_{label}": len(x)}
    low, high, p = _test(a, b, paired)
    row |= {"difference": _mean(b) - _mean(a), "low": low, "high": high, "p": p}
    return {**row, "p_permutation": _permutation(a, b, paired)}


def _mean(x: np.ndarray) -> float:
    return float(x.mean()) if len(x) else float("nan")


def _sd(x: np.ndarray) -> float:
    return float(x.std(ddof=1)) if len(x) > 1 else float("nan")


def _test(a: np.ndarray, b: np.ndarray, paired: bool) -> tuple[float, float, float]:
    """95 % interval of the difference, and the probability of one as large by chance; NaN without a scatter."""
    from scipy.special import stdtr, stdtrit

    if paired:
        error, degrees = (_sd(b - a) / np.sqrt(len(a)), len(a) - 1.0) if len(a) > 1 else (np.nan, 0.0)
    elif min(len(a), len(b)) > 1:
        parts = np.array([a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)])
        error = float(np.sqrt(parts.sum()))
        weights = float(np.sum(parts**2 / np.array([len(a) - 1.0, len(b) - 1.0])))
        degrees = parts.sum() ** 2 / weights if weights else len(a) + len(b) - 2.0
    elif min(len(a), len(b)) == 1 and max(len(a), len(b)) > 2:
        several = a if len(a) > 1 else b
        error, degrees = _sd(several) * np.sqrt(1.0 + 1.0 / len(several)), len(several) - 1.0
    else:
        return float("nan"), float("nan"), float("nan")
    if not np.isfinite(error):
        return float("nan"), float("nan"), float("nan")
    difference = _mean(b) - _mean(a)
    half = float(stdtrit(degrees, 0.975)) * error
    if error <= 1e-9 * max(abs(_mean(a)), abs(_mean(b))):  # no scatter at all, as of cells that never fire
        p = 1.0 if abs(difference) <= 1e-9 * max(abs(_mean(a)), abs(_mean(b))) else 0.0
    else:
        p = 2.0 * float(stdtr(degrees, -abs(difference) / error))
    return difference - half, difference + half, p


def _permutation(a: np.ndarray, b: np.ndarray, paired: bool) -> float:
    """Share of permutations of the runs with a difference as large: no assumption on the shape of the scatter."""
    from scipy.stats import permutation_test

    if min(len(a), len(b)) < 2:
        return float("nan")
    kind = "samples" if paired else "independent"
    found = permutation_test(
        (a, b),
        lambda x, y, axis: np.mean(y, axis=axis) - np.mean(x, axis=axis),
        permutation_type=kind,
        vectorized=True,
        n_resamples=MOST_PERMUTATIONS,
        rng=np.random.default_rng(0),
    )
    return float(found.pvalue)


def _holm(values: Sequence[object]) -> list[float]:
    """Probabilities that may each be compared with `ALPHA`, whatever their number; NaN stays."""
    p = np.array(values, dtype=float)
    known_ = np.flatnonzero(~np.isnan(p))
    order = known_[np.argsort(p[known_], kind="stable")]
    corrected, largest = np.full(len(p), np.nan), 0.0
    for place, k in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - place) * p[k]))
        corrected[k] = largest
    return [float(value) for value in corrected]


def render_groups(first: Group, second: Group, *, paired: bool = False) -> str:
    """`compare_groups` as text, with what it can and cannot say."""
    table = compare_groups(first, second, paired=paired)
    parts = []
    for quantity, rows in table.groupby("quantity", sort=False):
        header = [known()[str(quantity)].short, "A", "B", "B - A", "95 %", "p", "p (perm.)", "differs"]
        cells = [
            [
                str(row["population"]),
                _spread(row["mean_A"], row["sd_A"]),
                _spread(row["mean_B"], row["sd_B"]),
                _signed(row["difference"]),
                "-" if np.isnan(row["low"]) else f"{_signed(row['low'])} to {_signed(row['high'])}",
                _probability(row["p"]),
                _probability(row["p_permutation"]),
                str(row["differs"]),
            ]
            for _, row in rows.iterrows()
        ]
        parts.append("\n".join(aligned(header, cells, left={header[0], "differs"})))
    n = f"{len(first.runs)} and {len(second.runs)} runs"
    how = "pairs of equal seeds, Student's t" if paired else "Welch's t"
    test = f"A and B: mean and standard deviation over seeds ({n}); {how}, corrected for the rows of a table (Holm)"
    if (table["differs"] == UNKNOWN).all():
        test = f"A and B: {n}; that is too few to know the scatter between seeds, so nothing is said about differences"
    elif not (table["differs"] == YES).any():
        test += "; nothing differs by more than the scatter between seeds"
    return "\n\n".join([*parts, "\n".join([test, *first.remarks, *second.remarks])])


def _spread(mean: float, sd: float) -> str:
    return number(mean) if np.isnan(sd) else f"{number(mean)} ± {number(sd)}"


def _signed(value: float) -> str:
    return "-" if np.isnan(value) else f"{'-' if value < 0 else '+'}{number(abs(value))}"


def _probability(p: float) -> str:
    return "-" if np.isnan(p) else "< 0.0001" if p < 1e-4 else f"{p:.2g}"
