"""A run or a scan as an RO-Crate: one file for archives, in which programs find who made what with what.

A crate (RO-Crate, doi 10.3233/DS-210053) is a zip with the files and `ro-crate-metadata.json`, which follows the
profile of a process run (Workflow Run RO-Crate, doi 10.1371/journal.pone.0309210): an action, its instrument, inputs
and results.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ..errors import RunExistsError, RunMissingError, SpecError
from ..runs.layout import MANIFEST, listed_files
from ..runs.reader import Run as Reader
from ..sealing import sha256

if TYPE_CHECKING:
    from rocrate.model.contextentity import ContextEntity
    from rocrate.rocrate import ROCrate

logger = logging.getLogger(__name__)

PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
SOFTWARE = {
    "nest": ("NEST", "https://www.nest-simulator.org"),
    "nestml": ("NESTML", "https://nestml.readthedocs.io"),
    "python": ("Python", "https://www.python.org"),
}
FORMATS = {
    ".h5": "application/x-hdf5",
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".csv": "text/csv",
    ".txt": "text/plain",
    ".log": "text/plain",
    ".png": "image/png",
    ".pdf": "application/pdf",
    ".svg": "image/svg+xml",
    ".html": "text/html",
    ".parquet": "application/vnd.apache.parquet",
}
INPUTS = ("params.yaml", "sources.yaml", "plan.json", "experiment.yaml")
_ORCID = re.compile(r"(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])")
_SPDX = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")


@dataclass(frozen=True)
class Authorship:
    """Who made it, and what others may do with it.

    Attributes
    ----------
    creators : sequence of str
        Names, with an ORCID iD behind a name where there is one: ``Ada Lovelace 0000-0002-1825-0097``.
    licence : str
        Identifier of SPDX (``CC-BY-4.0``) or an address; empty if none is given.
    title : str
        Empty for that of the experiment.
    dois : sequence of str
        Publications to cite besides the sources of the parameters.
    """

    creators: Sequence[str] = ()
    licence: str = ""
    title: str = ""
    dois: Sequence[str] = field(default_factory=tuple)

    @classmethod
    def of_citation(cls, file: str | Path) -> Authorship:
        """Read a ``CITATION.cff``; SpecError if it is none."""
        try:
            content = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise SpecError([f"{file}: cannot be read: {error}"]) from error
        if not isinstance(content, dict) or not isinstance(content.get("authors"), list):
            raise SpecError([f"{file}: no CITATION.cff: it has no list of authors"])
        names = []
        for author in content["authors"]:
            parts = [author.get(key) for key in ("given-names", "name-particle", "family-names", "name", "alias")]
            names.append(" ".join([*map(str, filter(None, parts)), str(author.get("orcid", ""))]).strip())
        doi, licence = content.get("doi"), content.get("license", "")
        return cls(tuple(names), str(licence if isinstance(licence, str) else licence[0]), "", (doi,) if doi else ())


def archive(folder: Path, out: Path, authorship: Authorship, *, runs: Mapping[str, Path], title: str) -> Path:
    """Write a folder as a crate. Files are read and packed piece by piece, whatever their size.

    Parameters
    ----------
    folder : Path
        Of the run, or of the scan.
    out : Path
        The zip.
    authorship : Authorship
    runs : mapping of str to Path
        Complete runs in the folder by their name; the folder itself for a run. Their files are compared with their
        manifests first.
    title : str
        Where `authorship` has none.

    Raises
    ------
    RunExistsError
        If there is such a file.
    RunCorruptError
        If a file of a run is not what was written.
    RunMissingError
        If the package ``rocrate`` is missing.
    """
    crate_of = _library()
    if out.exists():
        raise RunExistsError(f"{out}: exists already; choose another name")
    readers = {name: Reader.open(path) for name, path in runs.items()}
    for reader in readers.values():
        reader.verify()
    crate = crate_of(version="1.1")  # which the profile builds on
    crate.name = authorship.title or title
    crate.description = f"{title}. " + (
        "A simulation of a spiking network: parameters, plan, spikes, and how they were made."
        if list(runs.values()) == [folder]
        else f"A scan of parameters with {len(runs):,} complete runs of a spiking network, and their tables."
    )
    people = [_person(crate, name) for name in authorship.creators]
    if people:
        crate.creator = people
    crate.license = _licence(crate, authorship.licence)
    crate.root_dataset["conformsTo"] = [
        _context(crate, PROFILE, "CreativeWork", name="Process Run Crate", version="0.5")
    ]
    _citations(crate, readers.values(), authorship.dois)
    files = _files(crate, folder, readers)
    actions = [_action(crate, folder, name, reader, files, people) for name, reader in readers.items()]
    crate.root_dataset["mentions"] = actions
    finished = max((str(reader.record.get("finished", "")) for reader in readers.values()), default="")
    if finished:
        crate.datePublished = finished
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.name}.tmp")
    try:
        crate.write_zip(partial)
        partial.rename(out)
    finally:
        partial.unlink(missing_ok=True)
    return out


def _library() -> type[ROCrate]:
    try:
        from rocrate.rocrate import ROCrate
    except ImportError as error:
        raise RunMissingError("the package rocrate is not installed: pip install 'bgnest[archive]'") from error
    return ROCrate


def _context(crate: ROCrate, identifier: str, kind: str, **properties: Any) -> ContextEntity:
    """An entity that is no file, once."""
    from rocrate.model.contextentity import ContextEntity

    if (there := crate.dereference(identifier)) is not None:
        return there
    given = {key: value for key, value in properties.items() if value}
    return crate.add(ContextEntity(crate, identifier, properties={"@type": kind, **given}))


def _person(crate: ROCrate, name: str) -> ContextEntity:
    orcid = _ORCID.search(name)
    plain = (name[: orcid.start()] if orcid else name).strip(" ,;<(")
    if not plain:
        raise SpecError([f"creator {name!r}: a name is needed"])
    identifier = f"https://orcid.org/{orcid[1]}" if orcid else f"#{re.sub(r'[^A-Za-z0-9]+', '-', plain).strip('-')}"
    return _context(crate, identifier, "Person", name=plain)


def _licence(crate: ROCrate, licence: str) -> ContextEntity:
    if not licence:
        return _context(
            crate, "#no-licence", "CreativeWork", name="No licence is given", description="Ask the creators."
        )
    if licence.startswith(("http://", "https://")):
        return _context(crate, licence, "CreativeWork", name=licence)
    if not _SPDX.fullmatch(licence):
        raise SpecError([f"licence {licence!r}: neither an identifier of SPDX such as CC-BY-4.0 nor an address"])
    return _context(crate, f"https://spdx.org/licenses/{licence}", "CreativeWork", name=licence)


def _citations(crate: ROCrate, readers: Iterable[Reader], dois: Sequence[str]) -> None:
    """What the numbers were taken from, by DOI or address."""
    cited = [_context(crate, f"https://doi.org/{doi}", "ScholarlyArticle", name=f"doi:{doi}") for doi in dois]
    for reader in readers:
        file = reader.path / "sources.yaml"
        for key, source in (yaml.safe_load(file.read_text(encoding="utf-8")) or {} if file.is_file() else {}).items():
            where = f"https://doi.org/{source['doi']}" if source.get("doi") else source.get("url")
            if where:
                kind = "ScholarlyArticle" if source.get("doi") else "CreativeWork"
                cited.append(_context(crate, where, kind, name=source.get("what"), alternateName=key))
    if cited:
        crate.root_dataset["citation"] = list({entity.id: entity for entity in cited}.values())


def _files(crate: ROCrate, folder: Path, readers: Mapping[str, Reader]) -> dict[Path, Any]:
    """All files of the folder but hidden ones; digests are those of manifests where these have them."""
    known = {
        (reader.path / name).resolve(): entry
        for reader in readers.values()
        for name, entry in reader.manifest["files"].items()
    }
    added = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        place = file.relative_to(folder)
        if any(part.startswith(".") for part in place.parts) or file.name == "ro-crate-metadata.json":
            continue
        entry = known.get(file.resolve(), {})
        properties = {
            "name": file.name,
            "contentSize": str(file.stat().st_size),
            "sha256": entry.get("sha256") or sha256(file),
        }
        if kind := FORMATS.get(file.suffix):
            properties["encodingFormat"] = kind
        added[file.resolve()] = crate.add_file(file, place.as_posix(), properties=properties)
    return added


def _action(
    crate: ROCrate,
    folder: Path,
    name: str,
    reader: Reader,
    files: Mapping[Path, Any],
    people: Sequence[ContextEntity],
) -> ContextEntity:
    """The simulation: when, with what, from what, to what."""
    record, plan = reader.record, reader.plan
    own = [file.resolve() for file in (*listed_files(reader.path), reader.path / MANIFEST)]
    inputs = [files[file] for file in own if file in files and file.name in INPUTS]
    results = [files[file] for file in own if file in files and file.name not in INPUTS]
    place = reader.path.resolve().relative_to(folder.resolve()).as_posix()
    mark = f"#run-{name}"
    for key, value in (("seed", plan.get("seed")), ("threads", record.get("threads")), ("ranks", record.get("ranks"))):
        setting = _context(crate, f"{mark}-{key}", "PropertyValue", name=key)
        setting["value"] = str(value)
        inputs.append(setting)
    for trains in plan.get("spike_inputs") or ():  # outside of the folder
        played = _context(crate, f"#spikes-{trains['digest']}", "CreativeWork", name=Path(trains["file"]).name)
        played["sha256"] = trains["digest"]
        inputs.append(played)
    action = crate.add_action(
        _instrument(crate, record),
        mark,
        object=inputs,
        result=results,
        properties={
            "@type": "CreateAction",
            "name": f"Simulation {name}",
            "description": json.dumps(["bgnest", *map(str, record.get("command", [])[1:])]),
            "startTime": record.get("started"),
            "endTime": record.get("finished"),
            "actionStatus": "http://schema.org/CompletedActionStatus",
            "identifier": record.get("simulation_hash"),
        },
    )
    if place != ".":
        action["location"] = place
    if people:
        action["agent"] = list(people)
    return action


def _instrument(crate: ROCrate, record: Mapping[str, Any]) -> ContextEntity:
    """The program in the version that ran, and what it ran on."""
    versions, commit = record.get("versions", {}), (record.get("git") or {}).get("commit")
    version = str(versions.get("bgnest", "unknown"))
    program = _context(
        crate,
        f"#bgnest-{commit or version}",
        "SoftwareApplication",
        name="bgnest",
        softwareVersion=f"{version} ({commit})" if commit else version,
        description="Builder of large spiking networks of the basal ganglia, on top of NEST.",
        license="https://spdx.org/licenses/GPL-2.0-or-later",
    )
    used = []
    for key, number in versions.items():
        if key in SOFTWARE:
            name, url = SOFTWARE[key]
            used.append(
                _context(crate, f"#{key}-{number}", "SoftwareApplication", name=name, softwareVersion=number, url=url)
            )
    if used:
        program["softwareRequirements"] = used
    return program
