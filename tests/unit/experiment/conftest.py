"""A tiny model in a params folder of its own, to test messages and merging away from the real one."""

import shutil
from pathlib import Path

import pytest

from network import resources
from network.experiment import load_experiment

DATA = Path(__file__).parent / "data"


@pytest.fixture
def tiny_params(tmp_path, monkeypatch):
    """Folder that stands for the published params; holds the model ``tiny``."""
    params = tmp_path / "params"
    (params / "tiny" / "overlays").mkdir(parents=True)
    for name in ("base.yaml", "cells.yaml"):
        shutil.copy(DATA / name, params / "tiny" / name)
    shutil.copy(DATA / "sources.yaml", params / "sources.yaml")
    monkeypatch.setattr(resources, "params_dir", lambda: params)
    monkeypatch.setattr(resources, "nestml_dir", lambda: DATA / "models")
    monkeypatch.delenv("BGNEST_PARAMS", raising=False)
    monkeypatch.delenv("BGNEST_MODELS", raising=False)
    return params


@pytest.fixture
def published(tiny_params):
    """Load ``tiny`` with an overlay file that counts as published: everything needs unit and source."""

    def load(text, overrides=()):
        (tiny_params / "tiny" / "overlays" / "change.yaml").write_text(f"overlay_of: ../base\n{text}")
        return load_experiment("tiny", ["change"], overrides)

    return load


@pytest.fixture
def user(tiny_params, tmp_path):
    """Load ``tiny`` with a user's overlay file."""

    def load(text, overrides=()):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        return load_experiment("tiny", [path], overrides)

    return load


CURRENTS = (DATA / "currents.yaml").read_text()


@pytest.fixture
def currents(tmp_path, monkeypatch):
    """Write a network of cells whose synapses are currents; ``sign`` is what its model does with its port b."""
    monkeypatch.setenv("BGNEST_MODELS", str(tmp_path))

    def write(sign="+ 0) * 1 pA +", qualifier="", text=CURRENTS):
        (tmp_path / "psc.nestml").write_text((DATA / "psc.nestml").read_text().format(sign=sign, qualifier=qualifier))
        (tmp_path / "own.yaml").write_text(text)
        return tmp_path / "own.yaml"

    return write
