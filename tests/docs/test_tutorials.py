"""The tutorials run from their first cell to their last, and their pictures are pictures."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

jupytext = pytest.importorskip("jupytext")
nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

pytestmark = [pytest.mark.nest, pytest.mark.nestml]

TUTORIALS = sorted((Path(__file__).resolve().parents[2] / "docs" / "tutorials").glob("[0-9]*.md"))
LONGEST = 600.0  # s of a cell; models may have to be compiled


@pytest.fixture(scope="module", autouse=True)
def programs():
    """`!bgnest` in a cell is the command of this environment."""
    before = os.environ["PATH"]
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    yield
    os.environ["PATH"] = before


@pytest.mark.parametrize("path", TUTORIALS, ids=[path.stem for path in TUTORIALS])
def test_a_tutorial_runs_from_top_to_bottom(path, tmp_path):
    notebook = jupytext.read(path)
    client = nbclient.NotebookClient(
        notebook, timeout=LONGEST, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    said = "".join(output.get("text", "") for output in outputs)
    assert "Traceback" not in said and "Usage:" not in said
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) >= ("plt.show()" in path.read_text(encoding="utf-8"))


def test_there_are_tutorials():
    assert len(TUTORIALS) >= 8
