"""A capacitance and a weight are found again from the potential of a cell: the example of docs/howto/fit.md.

python scripts/fit_example.py                 80 trials in fits/example, the figure in docs/figures/fit.png
python scripts/fit_example.py --trials 160    goes on
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import network as bgnest  # noqa: E402

FOLDER = Path("fits/example")
PARAMETERS = {
    "g": {"path": "projections.A_to_B.weight", "distribution": {"low": 0.1, "high": 10, "log": True}},
    "C": {"path": "populations.B.neuron.C_m", "distribution": {"low": 20, "high": 200, "log": True}},
}


def pair() -> Path:
    """File of the network as docs/howto/fit.md shows it."""
    text = (ROOT / "docs" / "howto" / "fit.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(# my_pair.yaml.*?)```", text, re.DOTALL)
    assert found is not None
    FOLDER.mkdir(parents=True, exist_ok=True)
    file = FOLDER / "my_pair.yaml"
    file.write_text(found[1], encoding="utf-8")
    return file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=80)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--figure", type=Path, default=ROOT / "docs" / "figures" / "fit.png")
    args = parser.parse_args()
    truth = bgnest.load(pair())
    run = truth.run(out=FOLDER / "truth", resume=True, progress=False)
    recorded = run.traces("B", "V_m")[["time_ms", "V_m"]].rename(columns={"V_m": "B.V_m[0]"})
    targets = {"recorded": {"traces": recorded}}
    options = {"method": "cma_es", "start": {"g": 1.0, "C": 150.0}, "title": "A capacitance and a weight, found again"}
    fit = bgnest.fit(truth, PARAMETERS, targets, folder=FOLDER, trials=args.trials, **options)
    fit.run(workers=args.workers)
    print(f"{fit}\nlooked for: {truth['projections.A_to_B.weight']}, {truth['populations.B.neuron.C_m']}")
    fit.write()
    from network.analysis.plots import save

    print(*save(fit.plot(), args.figure, palette=True))


if __name__ == "__main__":
    main()
