"""The database of an optimisation lies in its folder, whatever that is called."""

from __future__ import annotations

import sqlite3

import pytest

from network.scans.optuna_parts import database_url

optuna = pytest.importorskip("optuna")


@pytest.mark.parametrize("name", ["a?b", "a#b", "50%", "%41", "a b", "a&b=c", "ä", "a:b@c", "plain", "a+b", "it's;"])
def test_the_database_lies_in_its_folder(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    storage = optuna.storages.RDBStorage(database_url(folder / "study.db"))
    optuna.create_study(storage=storage, study_name="s").enqueue_trial({"x": 1.0})
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert [path.name for path in folder.iterdir()] == ["study.db"]
    with sqlite3.connect(folder / "study.db") as file:
        assert file.execute("select count(*) from trials").fetchone() == (1,)
    storage.remove_session()
    again = optuna.storages.RDBStorage(database_url(folder / "study.db"))
    assert len(optuna.load_study(storage=again, study_name="s").trials) == 1
