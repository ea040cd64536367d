"""Graded synapses from and onto every model of the package, in NEST: recorded values held against their equations.

Two cells of each model open receptors of each other, whatever kind of cell that is. The open probability must be what
exponential Euler makes of the recorded potential, the conductance the sum of the open probabilities a delay ago, the
current what both give, and the potential must follow. Each model is compiled once more for it: half an hour in all.
Writes the table of docs/howto/graded.md from docs/data/graded.json, to which every model is added when it is done.

    python scripts/graded_all_models.py                       what is not in the file
    python scripts/graded_all_models.py lif_cond_exp hh_msn   these, also what is in the file

Columns: largest differences of the open probability s, of the conductance (nS) and of the current (pA) from what the
recorded potential gives, range of s, and the largest change of the potential (mV) that the receptor makes.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import network as bgnest
from network import resources

ROOT = Path(__file__).resolve().parents[1]
DATA, PAGE = ROOT / "docs" / "data" / "graded.json", ROOT / "docs" / "howto" / "graded.md"
MARK = "<!-- table -->\n"
DELAY, STEP, WEIGHT = 3, 0.1, 2.0
V_TH, DELTA, K_MINUS = -65.0, 5.0, 0.025
ALLOWED = {"s": 1e-4, "g": 1e-4, "I": 1e-2}
"""Recorded values have single precision."""
Floats = NDArray[np.float64]
Row = dict[str, float]


def quantity(value: float, unit: str = "1") -> dict[str, Any]:
    return {"value": value, "unit": unit, "assumed": "to see an effect"}


def experiment(model: str, weight: float) -> dict[str, Any]:
    """Two populations of a cell each, which open receptors of each other."""
    cell = {
        "model": model,
        "n_neurons": quantity(1),
        "defaults": "model",
        "receptors": {"graded": {"kind": "graded", "E_rev": quantity(0.0, "mV")}},
    }
    synapse = {
        "receptor": "graded",
        "connect": {"rule": "one_to_one"},
        "weight": quantity(weight, "nS"),
        "delay": quantity(DELAY * STEP, "ms"),
        "synapse": {"kind": "graded", "v_th": quantity(V_TH, "mV"), "delta": quantity(DELTA, "mV")},
    }
    recorded = {"variables": ["V_m", "s_abbott_marder", "g_graded", "I_graded"], "interval": quantity(STEP, "ms")}
    pairs = (("left", "right"), ("right", "left"))
    return {
        "meta": {"model": "graded_all", "title": f"graded synapses of {model}"},
        "network": {},
        "populations": {name: {"label": name, **cell} for name, _ in pairs},
        "projections": {f"{a}_opens": {"source": a, "target": b, **synapse} for a, b in pairs},
        "simulation": {
            "resolution": quantity(STEP, "ms"),
            "t_presim": quantity(0.0, "ms"),
            "t_sim": quantity(30.0, "ms"),
        },
        "recording": {"traces": {name: {"population": name, **recorded} for name, _ in pairs}},
    }


def run(model: str, weight: float, folder: Path) -> dict[str, dict[str, Floats]]:
    """Traces by population and variable."""
    file = folder / f"{model}_{weight:g}.yaml"
    file.write_text(yaml.safe_dump(experiment(model, weight), sort_keys=False))
    found = bgnest.load(file).run(out=folder / f"{model}_{weight:g}", progress=False)
    tables = {name: found.traces(name) for name in ("left", "right")}
    return {name: {str(key): table[key].to_numpy() for key in table} for name, table in tables.items()}


def rates(v: Floats) -> tuple[Floats, Floats]:
    """Rates (1/ms) at which receptors open in every step, and at which they follow, at the mean potential."""
    rise = K_MINUS * np.exp((0.5 * (v[:-1] + v[1:]) - V_TH) / DELTA)
    return rise, rise + K_MINUS


def means(s: Floats, v: Floats) -> Floats:
    """Means of the open probability over every step."""
    rise, rate = rates(v)
    final = rise / rate
    return final - (s[:-1] - final) * np.expm1(-STEP * rate) / (STEP * rate)


def compare(model: str, folder: Path) -> Row:
    """Largest differences from the equations, over both cells."""
    traces, alone = run(model, WEIGHT, folder), run(model, 0.0, folder)
    row: Row = dict.fromkeys(("s", "g", "I"), 0.0) | {"range of s": 0.0, "moved": 0.0}
    for name, other in (("left", "right"), ("right", "left")):
        v, s, g, current = (traces[name][key] for key in ("V_m", "s_abbott_marder", "g_graded", "I_graded"))
        rise, rate = rates(v)
        sent = means(traces[other]["s_abbott_marder"], traces[other]["V_m"])
        found = {
            "s": s[1:] - rise / rate - (s[:-1] - rise / rate) * np.exp(-STEP * rate),
            "g": g[DELAY + 1 :] - WEIGHT * sent[:-DELAY],
            "I": current - g * (0.0 - v),
            "moved": v - alone[name]["V_m"],
        }  # fmt: skip
        for key, differences in found.items():
            row[key] = max(row[key], float(np.abs(differences).max()))
        row["range of s"] = max(row["range of s"], float(np.ptp(s)))
    return row


def good(row: Row) -> bool:
    """Whether a model does what its equations say, and the synapses act at all."""
    return (
        all(row[key] <= allowed for key, allowed in ALLOWED.items())
        and row["range of s"] > 0.001
        and row["moved"] > 0.1
    )


def page(rows: dict[str, Row], text: str) -> str:
    """Text of the page with the table in its place."""
    head = "| model | s | g (nS) | I (pA) | range of s | moved (mV) |\n| --- | ---: | ---: | ---: | ---: | ---: |\n"
    lines = [
        f"| `{name}` | {row['s']:.0e} | {row['g']:.0e} | {row['I']:.0e} | {row['range of s']:.2f} | {row['moved']:.1f}"
        f"{'' if good(row) else ', **wrong**'} |\n"
        for name, row in sorted(rows.items())
    ]
    before, _, after = text.partition(MARK)
    _, _, after = after.partition(MARK)
    absent = sorted({path.stem for path in resources.nestml_dir().glob("*.nestml")} - set(rows))
    rest = f"\nNot run: {', '.join(f'`{name}`' for name in absent)}.\n" if absent else ""
    return before + MARK + head + "".join(lines) + rest + MARK + after


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    every = sorted(path.stem for path in resources.nestml_dir().glob("*.nestml"))
    parser.add_argument("models", nargs="*", help="by default those that are not in the file")
    chosen = parser.parse_args().models
    if unknown := sorted(set(chosen) - set(every)):
        parser.error(f"no model {', '.join(unknown)}; there are {', '.join(every)}")
    rows: dict[str, Row] = json.loads(DATA.read_text()) if DATA.is_file() else {}
    chosen = chosen or [model for model in every if model not in rows]
    print(f"{'model':<26}{'s':>10}{'g (nS)':>10}{'I (pA)':>10}{'range of s':>12}{'moved (mV)':>12}", flush=True)
    with tempfile.TemporaryDirectory(prefix="bgnest-graded-") as folder:
        for model in chosen:
            row = rows[model] = compare(model, Path(folder))
            DATA.write_text(json.dumps(dict(sorted(rows.items())), indent=1) + "\n")
            PAGE.write_text(page(rows, PAGE.read_text()))
            numbers = (
                f"{row['s']:>10.1e}{row['g']:>10.1e}{row['I']:>10.1e}{row['range of s']:>12.3f}{row['moved']:>12.1f}"
            )
            print(f"{model:<26}{numbers}{'' if good(row) else '  wrong'}", flush=True)
    PAGE.write_text(page(rows, PAGE.read_text()))
    if wrong := [model for model, row in rows.items() if not good(row)]:
        sys.exit(f"not as their equations have it: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
