"""The page of all models from what `scripts/table_of_models.py` has measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import neuron_protocol as protocol

TARGETS = ("vectorised", "plain", "reference")
ALLOWED_MV, ALLOWED_STEPS, AIM = 0.01, 1.0, 10.0
"""What is aimed at: agreement with NESTML's code, and the ratio to it where it uses the GSL."""
Row = Mapping[str, Any]

INTRODUCTION = """# Every NESTML neuron

*Written by `python scripts/table_of_models.py`, which measures what is missing; do not edit.*

All neurons that NESTML {nestml} installs, and those of this package: which code builds them, whether its spikes and
potentials are those of NESTML's own code, how fast it is, and whether it does the same in a network.

* **ns per step**: nanoseconds of the processor per cell and step of 0.1 ms, a thousand cells with a constant current on
  one thread ({machine}). `no`: the target refuses the model, see below.
* **ratio**: NESTML's default code (`reference`) over the code that `target: auto` takes. **GSL**: whether the default
  code integrates with the GSL; where it does not, it multiplies by constants, and there is little to gain.
* **against reference**: largest difference of the potential while spikes are the same, half a millisecond around spikes
  left out, and largest distance of corresponding spikes in steps. Ten cells for 200 ms: one with a step of current, one
  with a constant current, eight with random spikes at every port beside it, together with the cells of other models.
  NESTML's code has a tolerance of 1e-10 here. **NEST's own**: the same, against the built-in model of these equations
  with its default tolerance; **reference, against it**: NESTML's code against that model.
* **in a network**: two populations of ten such cells in an experiment as `bgnest models example` writes it, every port
  in use, `vectorised` against `plain`: spikes, steps, mV.
* **aims**: 0.01 mV and one step; ten times the default code where that uses the GSL; not slower than `plain`. What is
  missed is named, and why it is below the table.
* `-`: not measured, or there is none.

"""

HEAD = (
    "| model | vectorised (ns per step) | plain | reference | GSL | ratio | against reference | NEST's own |"
    " against it | reference, against it | in a network | aims |\n"
    "| --- | ---: | ---: | ---: | --- | ---: | --- | --- | --- | --- | --- | --- |\n"
)

FLANKS = "potentials are within 0.03 mV where they change by less than 5 mV/ms; steep flanks are up to 5 us apart"
RESET = "a spike resets the cell within its step, NESTML's code does at the end; see below"
RESET_AT_ONCE = (
    *(
        "adex_cond_exp",
        "aeif_gpe",
        "aeif_stn",
        "izhikevich_cond_alpha",
        "izhikevich_cond_exp",
        "izhikevich_two_recovery",
    ),
    *("lif_cond_alpha", "lif_cond_exp", "lif_psc_exp", "qif_cond_exp", "qif_fsn", "qif_msn", "qif_noise"),
)
WHY = {
    "hh_moto_5ht_neuron": FLANKS,
    "hh_squid": FLANKS,
    **dict.fromkeys(
        ("hh_pallidal", "hh_traub", "wb_cond_exp_neuron"),
        f"{FLANKS}; `plain` three and more times as far",
    ),
    "hh_subthalamic": f"{FLANKS}; `plain` three and more times as far; a gate that switches within 0.1 mV takes "
    "thirteen sub-steps on each flank of a spike",
    "aeif_cond_exp_neuron": "alone `vectorised` is within 0.003 mV of the reference, `plain` 0.013 mV and a step off",
    "traub_psc_alpha_neuron": "its gates begin with values from a potential that has none yet, in NESTML's code, too; "
    "then the potential falls by 400 mV/ms, and steep flanks are up to 2 us apart",
    "terub_gpe_neuron": f"{FLANKS}; `plain` three times as far",
    "terub_stn_neuron": f"{FLANKS}; `plain` ten times as far",
    **dict.fromkeys(RESET_AT_ONCE, RESET),
    "lif_cond_exp": f"{RESET}; it fires at 170 spikes/s here, every time in a step that is solved for its lane alone",
    "iaf_chxk_2008_neuron": "small differences grow in it; those of `plain` are as large",
}
"""Why a model misses an aim."""
BELOW = """
The cells of this package that are reset have their spikes at the moment at which the potential reaches the peak, in
both `vectorised` and `plain` ([neuron_step.md](../concepts/neuron_step.md)). NESTML's default code looks at the end of
the step, is late by half a step on average, and a cell that fires 100 times is late by 5 ms at the end. What they are
held against is SciPy, to 0.01 mV (`tests/nestml/test_field_cells.py`, `tests/nestml/test_accuracy.py`).
"""

RANDOM = """
## Random models

`python scripts/neurons/random_models.py --seeds 1 40` makes models from a grammar of membranes, kernels, gates,
thresholds, resets and refractory times, and compares `vectorised` with `plain` as above. Of these forty, 38 have the
same spikes to one step and potentials within 0.01 mV (33 within 0.001). The others are exponential cells without a
limit to their upstroke. Number 27 is 0.011 mV apart where it lingers at its threshold. Number 12 goes by 30 mV in the
step in which it fires: `vectorised` is within 0.0001 mV of NESTML's code until a potential of -30.06 mV in place of
-30 ends a step, and from there up to seven steps off.
"""


def page(rows: Mapping[str, Row], nestml: str) -> str:
    """Text of the page."""
    measured = {name: row for name, row in rows.items() if row}
    machine = ", ".join(sorted({row["speed"] for row in measured.values() if "speed" in row}))
    lines = [_line(name, row) for name, row in measured.items()]
    text = INTRODUCTION.format(machine=machine, nestml=nestml) + _summary(measured)
    text += "\n\n" + HEAD + "\n".join(lines) + "\n"
    behind = {name: found for name, row in measured.items() if (found := misses(row))}
    missed = [f"* `{name}` ({', '.join(found)}): {WHY.get(name, 'not known')}" for name, found in behind.items()]
    if missed:
        text += "\n## What misses an aim\n\n" + "\n".join(missed) + "\n"
        text += BELOW if set(behind) & set(RESET_AT_ONCE) else ""
    text += RANDOM
    refused = [
        f"* `{name}`, {target}: {row[target]['refused']}"
        for name, row in measured.items()
        for target in TARGETS
        if "refused" in row.get(target, {})
    ]
    if refused:
        text += "\n## What a target refuses\n\n" + "\n".join(refused) + "\n"
    if absent := [f"`{name}`" for name, row in rows.items() if not row]:
        text += f"\nNot measured: {', '.join(absent)}.\n"
    return text


def best(row: Row) -> str:
    """Target that `auto` takes."""
    return "plain" if "refused" in row.get("vectorised", {}) else "vectorised"


def misses(row: Row) -> list[str]:
    """Aims that a model misses."""
    found = []
    entry, plain, reference = (row.get(target, {}) for target in (best(row), "plain", "reference"))
    against = entry.get("reference")
    if against is not None and (against["steps"] is None or against["steps"] > ALLOWED_STEPS):
        found.append("spikes")
    if against is not None and against["mV"] > ALLOWED_MV:
        found.append("potential")
    if "ns" in entry and "ns" in reference and row.get("gsl") and reference["ns"] < AIM * entry["ns"]:
        found.append("ratio")
    if "ns" in entry and "ns" in plain and entry["ns"] > plain["ns"]:
        found.append("slower than plain")
    network = row.get("network")
    if network is not None and not row.get("random"):
        steps = network.get("steps")
        if steps is None or steps > ALLOWED_STEPS:
            found.append("network")
    return found


def _summary(rows: Mapping[str, Row]) -> str:
    fast = sum("ns" in row.get("vectorised", {}) for row in rows.values())
    agree = {name: row for name, row in rows.items() if row.get(best(row), {}).get("reference")}
    same_reset = {name: row for name, row in agree.items() if name not in RESET_AT_ONCE}
    steps = sum("spikes" not in misses(row) for row in same_reset.values())
    good = sum(not {"spikes", "potential"} & set(misses(row)) for row in same_reset.values())
    ratios = sorted(ratio for row in rows.values() if row.get("gsl") and (ratio := _ratio(row)) is not None)
    networks = [row for row in rows.values() if row.get("network")]
    same = sum("network" not in misses(row) for row in networks)
    text = f"Of {len(rows)} models the fast code builds {fast}; "
    text += (
        f"of {len(same_reset)} that are reset as NESTML's code does it, if at all, and draw nothing, {steps} have its "
        f"spikes to one step and {good} its potential to 0.01 mV, too; "
    )
    if ratios:
        middle = ratios[len(ratios) // 2]
        text += (
            f"where NESTML's default uses the GSL ({len(ratios)} models) the ratio to it is {ratios[0]:.1f} to "
            f"{ratios[-1]:.0f}, in the middle {middle:.0f}, and ten or more for {sum(r >= AIM for r in ratios)}; "
        )
    return text + f"{same} of {len(networks)} have the same spikes, to one step, with both codes in a network."


def _line(name: str, row: Row) -> str:
    entry = row.get(best(row), {})
    codes = " | ".join(_code(row, target) for target in TARGETS)
    gsl = {True: "yes", False: "no"}.get(row.get("gsl"), "-")  # type: ignore[call-overload]
    ratio = _ratio(row)
    against = "draws random numbers" if row.get("random") else _difference(entry.get("reference"))
    twin = protocol.TWINS.get(name)
    cells = (
        f"`{name}`",
        codes,
        gsl,
        "-" if ratio is None else f"{ratio:.1f}" if ratio < AIM else f"{ratio:.0f}",
        against,
        f"`{twin}`" if twin else "-",
        _difference(entry.get("twin")),
        _difference(row.get("reference", {}).get("twin")),
        _network(row.get("network")),
        ", ".join(misses(row)) or "met",
    )
    return f"| {' | '.join(cells)} |"


def _ratio(row: Row) -> float | None:
    ours, theirs = row.get(best(row), {}).get("ns"), row.get("reference", {}).get("ns")
    return theirs / ours if ours and theirs else None


def _code(row: Row, target: str) -> str:
    entry = row.get(target, {})
    if "refused" in entry:
        return "no"
    return f"{entry['ns']:.0f}" if "ns" in entry else "-"


def _difference(entry: Row | None) -> str:
    if entry is None:
        return "-"
    if not entry["spikes"]:
        return f"{_millivolt(entry['mV'])}, no spikes"
    return f"{_millivolt(entry['mV'])}, {_steps(entry['steps'])}"


def _network(entry: Row | None) -> str:
    if entry is None:
        return "-"
    if "refused" in entry:
        return "no"
    return f"{' + '.join(map(str, entry['spikes']))} spikes, {_steps(entry['steps'])}, {_millivolt(entry['mV'])}"


def _steps(steps: float | None) -> str:
    return "other number of spikes" if steps is None else f"{steps:g}"


def _millivolt(value: float) -> str:
    if not math.isfinite(value):
        return "not finite"
    return "0 mV" if value == 0 else f"{value:.1g} mV" if value < 1 else f"{value:.1f} mV"


def unknown(rows: Mapping[str, Row]) -> Iterator[str]:
    """Models that miss an aim and of which nobody has said why."""
    return (name for name, row in rows.items() if row and misses(row) and name not in WHY)
