"""All synapses that NESTML installs: which code they need, and how well their weights agree with the rules.

Writes the table of docs/howto/synapses.md.

    python scripts/table_of_synapses.py
    python scripts/table_of_synapses.py --only-table

The rules are written down a second time in scripts/synapses/rules.py, the network is in scripts/synapses/protocol.py.
NEST's own synapses of the same kind get the spikes of that network.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent / "synapses"))
import protocol
import twins
from rules import RULES

from network.experiment.synapses.nestml import NestmlSynapse

ROOT = Path(__file__).resolve().parents[1]
DATA, PAGE = ROOT / "docs" / "data" / "synapses.json", ROOT / "docs" / "howto" / "synapses.md"
MARK = "<!-- table -->\n"


def measured() -> dict[str, dict[str, Any]]:
    """Rows of all synapses."""
    with tempfile.TemporaryDirectory() as folder:
        run, min_delay = protocol.simulate(list(RULES), Path(folder))
        rows: dict[str, dict[str, Any]] = {
            model: {"rule": found} for model, found in protocol.differences(run, list(RULES), min_delay).items()
        }
        for model in RULES:
            if model in twins.TWINS:
                rows[model]["twin"] = twins.difference(run, model)
    with tempfile.TemporaryDirectory() as folder:
        models = ["neuromodulated_stdp_synapse"]
        run, min_delay = protocol.simulate(models, Path(folder), "reference")
        rows[models[0]]["reference"] = protocol.differences(run, models, min_delay)[models[0]]
    return rows


def _row(model: str, row: dict[str, Any]) -> str:
    synapse = NestmlSynapse(model)
    cells = "`plain`, made with them" if synapse.sees_target else "all"
    found = row["rule"]
    if model == "noisy_synapse":
        against = f"noise of {found['n']:,} spikes: mean {found['mean']:.3f}, SD {found['sd']:.3f}"
        return f"| `{model}` | {cells} | {against} (N(0, 1)) | - | - |"
    twin = row.get("twin")
    own = f"`{twins.TWINS[model]}` | {twin['largest']:.1g}" if twin else "- | -"
    return f"| `{model}` | {cells} | {found['largest']:.1g} of changes up to {found['change']:.2g} | {own} |"


def page(rows: dict[str, dict[str, Any]], text: str) -> str:
    """Text of the page with the table in its place."""
    head = (
        "| synapse | onto cells of target | weight against the rule (nS) | NEST's own | rule against it (nS) |\n"
        "| --- | --- | --- | --- | --- |\n"
    )
    before, _, after = text.partition(MARK)
    _, _, after = after.partition(MARK)
    return before + MARK + head + "\n".join(_row(*item) for item in rows.items()) + "\n" + MARK + after


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only-table", action="store_true", help="write the table from the file")
    if not parser.parse_args().only_table:
        DATA.write_text(json.dumps(measured(), indent=1) + "\n")
    PAGE.write_text(page(json.loads(DATA.read_text()), PAGE.read_text()))


if __name__ == "__main__":
    main()
