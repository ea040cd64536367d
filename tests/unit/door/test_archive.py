"""A run or a scan becomes one zip that the library of the format reads, with everything that it should say."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile

import pytest
from rocrate.rocrate import ROCrate

from network.door import load, open_run
from network.door.archiving import PROFILE, Authorship, archive
from network.errors import RunCorruptError, RunExistsError, SpecError

MOCK = {"network.n_neurons": 10000, "simulation.t_presim": 0, "simulation.t_sim": 200, "simulation.mock": {"rate": 10}}
ADA = Authorship(("Ada Lovelace 0000-0002-1825-0097", "Somebody Else"), "CC-BY-4.0", "Spikes of a test", ("10.1/x",))


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    experiment = load("lindahl2016/activation_control")
    for key, value in MOCK.items():
        experiment[key] = value
    return experiment.run(out=tmp_path_factory.mktemp("archive") / "run", progress=False)


@pytest.fixture(scope="module")
def crate(done):
    file = done.archive(authorship=ADA)
    assert file.name == "run.crate.zip" and not list(file.parent.glob(".*.tmp"))
    return file, ROCrate(file)


def test_all_files_are_there_as_they_were_with_their_digests(done, crate):
    file, read = crate
    with zipfile.ZipFile(file) as packed:
        assert packed.testzip() is None
        names = set(packed.namelist())
        assert set(done.reader.manifest["files"]) | {"manifest.json", "ro-crate-metadata.json"} <= names
        for name in names - {"ro-crate-metadata.json"}:
            content = packed.read(name)
            entity = read.dereference(name)
            assert content == (done.path / name).read_bytes()
            assert entity["sha256"] == hashlib.sha256(content).hexdigest()
            assert entity["contentSize"] == str(len(content))


def test_the_action_says_what_was_made_with_what_and_when(done, crate):
    _, read = crate
    (action,) = read.get_by_type("CreateAction")
    record = done.record
    assert (action["startTime"], action["endTime"]) == (record["started"], record["finished"])
    assert read.root_dataset["mentions"] == [action]
    inputs = {entity.id: entity for entity in action["object"]}
    assert {"params.yaml", "plan.json"} <= inputs.keys() and inputs["#run-run-seed"]["value"] == str(done.plan.seed)
    assert {"spikes.h5", "record.json", "manifest.json"} <= {entity.id for entity in action["result"]}
    program = action["instrument"]
    assert program["name"] == "bgnest" and record["versions"]["bgnest"] in program["softwareVersion"]
    used = program["softwareRequirements"]
    assert "Python" in [one["name"] for one in (used if isinstance(used, list) else [used])]
    follows = read.root_dataset["conformsTo"]
    assert PROFILE in [one.id for one in (follows if isinstance(follows, list) else [follows])]


def test_creators_licence_and_citations(crate):
    _, read = crate
    assert [person["name"] for person in read.creator] == ["Ada Lovelace", "Somebody Else"]
    assert read.creator[0].id == "https://orcid.org/0000-0002-1825-0097"
    assert read.license.id == "https://spdx.org/licenses/CC-BY-4.0" and read.name == "Spikes of a test"
    cited = {entity.id for entity in read.root_dataset["citation"]}
    assert {"https://doi.org/10.1/x", "https://github.com/mickelindahl/bgmodel"} <= cited


def test_runs_of_a_folder_are_actions_with_their_own_files(done, tmp_path):
    folder = done.path.parent
    (folder / "table.csv").write_text("a,b\n")
    (folder / ".hidden").write_text("x")
    file = archive(folder, tmp_path / "scan.zip", ADA, runs={"point": done.path}, title="two")
    read = ROCrate(file)
    (action,) = read.get_by_type("CreateAction")
    assert action["location"] == "run" and {"run/params.yaml"} <= {entity.id for entity in action["object"]}
    assert "run/spikes.h5" in {entity.id for entity in action["result"]}
    assert read.dereference("table.csv")["encodingFormat"] == "text/csv"
    assert read.dereference(".hidden") is None and "1 complete run" in read.description.replace("runs", "run")


def test_a_damaged_run_and_a_file_that_exists_are_refused(done, crate, tmp_path):
    file, _ = crate
    with pytest.raises(RunExistsError, match="exists already"):
        done.archive(file)
    spikes = done.path / "spikes.h5"
    kept = spikes.read_bytes()
    try:
        spikes.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        with pytest.raises(RunCorruptError, match=r"spikes\.h5"):
            open_run(done.path).archive(tmp_path / "x.zip")
        assert list(tmp_path.iterdir()) == []
    finally:
        spikes.write_bytes(kept)


def test_authorship_is_read_from_a_citation_file(tmp_path):
    file = tmp_path / "CITATION.cff"
    file.write_text(
        "cff-version: 1.2.0\nlicense: CC0-1.0\ndoi: 10.5/y\nauthors:\n"
        "  - {given-names: Ada, family-names: Lovelace, orcid: 'https://orcid.org/0000-0002-1825-0097'}\n"
        "  - {name: The developers}\n"
    )
    found = Authorship.of_citation(file)
    assert found.creators == ("Ada Lovelace https://orcid.org/0000-0002-1825-0097", "The developers")
    assert found.licence == "CC0-1.0" and found.dois == ("10.5/y",)
    file.write_text("title: none\n")
    with pytest.raises(SpecError, match="no list of authors"):
        Authorship.of_citation(file)


def test_a_licence_that_is_none_is_refused(done, tmp_path):
    with pytest.raises(SpecError, match="neither an identifier"):
        done.archive(tmp_path / "x.zip", Authorship(licence="do what you like"))


def test_a_creator_without_a_name_is_refused(done, tmp_path):
    with pytest.raises(SpecError, match="creator ' ': a name is needed"):
        done.archive(tmp_path / "x.zip", Authorship(creators=(" ",)))
    assert not (tmp_path / "x.zip").exists()


def test_the_command(done, bgnest, tmp_path):
    out = tmp_path / "mine.crate.zip"
    made = bgnest("archive", done.path, "--out", out, "--creator", "Ada Lovelace", "--licence", "CC0-1.0")
    assert made.returncode == 0 and made.stdout.strip() == str(out), made.stderr
    with zipfile.ZipFile(out) as packed:
        graph = json.loads(packed.read("ro-crate-metadata.json"))["@graph"]
    assert any(entity.get("name") == "Ada Lovelace" for entity in graph)
    again = bgnest("archive", done.path, "--out", out)
    assert again.returncode == 1 and "exists already" in again.stderr and "Traceback" not in again.stderr


LARGE = """
import resource, sys
from pathlib import Path
from network.door.archiving import Authorship, archive
folder = Path(sys.argv[1])
archive(folder, folder.with_suffix(".zip"), Authorship(), runs={}, title="large")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_a_large_folder_does_not_need_its_size_in_memory(tmp_path):
    peaks = []
    for megabytes in (1, 300):
        folder = tmp_path / f"m{megabytes}"
        folder.mkdir()
        with (folder / "spikes.h5").open("wb") as file:
            file.truncate(megabytes * 2**20)
        done = subprocess.run([sys.executable, "-c", LARGE, str(folder)], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout) / 1024)  # MB
    assert peaks[1] < peaks[0] + 30.0, peaks
