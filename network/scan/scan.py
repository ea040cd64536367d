"""A scan: from a file or from Python to points, runs and a table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from network.scan.planning import ScanPlan, plan_scan
from network.scan.schema import Scalar, ScanSpec, load_scan, parse_scan

SCANS = Path("scans")


class Scan:
    """Simulations of one experiment over axes.

    Parameters
    ----------
    experiment : str or Path
        Name or file, with ``@variant`` if one is meant.
    axes : mapping
        Key path (or one of the short names, see `network.scan.schema.SHORT`) -> values; or name -> mapping as in a
        scan file: ``{"g": {"path": ["projections.STN_to_SNr.weight"], "range": {"start": 1, "stop": 4, "n": 4}}}``.
    overlays : sequence of str
        Overlays of all points.
    overrides : mapping
        Changes of all points, by key path.
    combine : str
        ``grid``, ``zip``, ``list``, ``random``, ``latin_hypercube`` or ``sobol``.
    n : int, optional
        Number of samples.
    folder : path, optional
        Where everything goes; by default ``scans/<name>``.
    name : str, optional
        By default made from the experiment and the axes.
    execution : mapping
        ``threads``, ``ranks``, ``cores``, ``memory``, ... as in a scan file.

    Examples
    --------
    >>> scan = Scan("lindahl2016/activation_control", {"network.dopamine": [0.0, 0.8], "simulation.seed": range(1, 4)})
    >>> len(scan.plan().points)
    6
    """

    def __init__(
        self,
        experiment: str | Path,
        axes: Mapping[str, Any],
        *,
        overlays: Sequence[str] = (),
        overrides: Mapping[str, Any] | None = None,
        combine: str = "grid",
        n: int | None = None,
        folder: str | Path | None = None,
        name: str | None = None,
        execution: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        data = {
            "scan_of": str(experiment),
            "axes": _named(axes),
            "overlays": list(overlays),
            "set": dict(overrides or {}),
            "combine": combine,
            "execution": dict(execution or {}),
            **({} if n is None else {"n": n}),
            **({} if name is None else {"name": name}),
            **more,
        }
        spec = parse_scan(data, "scan")
        default = re.sub(r"[^A-Za-z0-9._+-]+", "-", "-".join([Path(str(experiment)).stem, *spec.leaves]))
        self._set(spec, "scan", Path(folder) if folder is not None else SCANS / (spec.name or default))

    def _set(self, spec: ScanSpec, label: str, folder: Path) -> None:
        self.spec, self.label, self.folder = spec, label, folder

    @classmethod
    def load(cls, name_or_path: str | Path, folder: str | Path | None = None) -> Self:
        """Read a scan file; SpecError with all problems."""
        spec, label, path = load_scan(name_or_path)
        scan = cls.__new__(cls)
        scan._set(_absolute(spec, path.parent), label, Path(folder) if folder else SCANS / (spec.name or path.stem))
        return scan

    @cached_property
    def _plan(self) -> ScanPlan:
        return plan_scan(self.spec, self.label)

    def plan(self) -> ScanPlan:
        """Plan all points, without NEST; SpecError if anything is wrong or over budget."""
        return self._plan


def _named(axes: Mapping[str, Any]) -> dict[str, Any]:
    """Axes under short names: the last part of a key path, unless two axes share it."""
    last = [key.rpartition(".")[2] for key in axes]
    named = {}
    for key, short in zip(axes, last, strict=True):
        values = axes[key]
        plain = isinstance(values, Iterable) and not isinstance(values, Mapping | str)
        if "." not in key or not plain:
            named[key] = [_scalar(value) for value in values] if plain else values
        else:
            name = short if last.count(short) == 1 else key
            named[name] = {"path": key, "values": [_scalar(value) for value in values]}
    return named


def _scalar(value: Any) -> Scalar:
    """Python's number of a NumPy number."""
    return value.item() if hasattr(value, "item") else value


def _absolute(spec: ScanSpec, folder: Path) -> ScanSpec:
    """Files that lie beside the scan file by their absolute names."""

    def found(name: str) -> str:
        file, at, variant = name.partition("@")
        beside = folder / file
        return f"{beside.resolve()}{at}{variant}" if file.endswith((".yaml", ".yml")) and beside.is_file() else name

    return spec.model_copy(
        update={"scan_of": found(spec.scan_of), "overlays": tuple(found(name) for name in spec.overlays)}
    )
