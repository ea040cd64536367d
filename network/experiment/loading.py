"""From YAML files to a validated experiment: includes, overlays, overrides, one validation at the end."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import resources
from ..errors import SpecError, choices
from . import model_defaults, nest_limits, receptors
from .cells import apply_with_cells
from .checks import check_references
from .dumping import to_yaml
from .fields import check_fields
from .files import (
    default_experiment,
    exists,
    find_experiment,
    find_overlay,
    given_config,
    is_user_file,
    label_of,
    list_experiments,
    list_overlays,
    list_variants,
    relative,
    split_variant,
    variants_of,
)
from .limits import MAX_DEPTH, MAX_NAME, beyond, is_number, read_number, shown
from .messages import structural_problems
from .nestml import ModelInterface, model_interfaces
from .origins import COMMAND_LINE, Layer, Origin, Tree, is_glob
from .physiology import check_physiology
from .quantities import Quantity, QuantityList
from .schema import Experiment
from .sonata_config import changes_of
from .sources import folders_of, load_sources
from .synapses.nestml import with_units
from .wiring import file_problems, wiring_problems
from .yamlfile import KeyPath, NotYamlError, parse_yaml, read_yaml

Overrides = Sequence[str | tuple[str, Any]] | Mapping[str, Any]
"""``KEY.PATH=VALUE``, or key path and value."""

_STRUCTURAL = ("overlay_of", "include", "variants")


def load_experiment(
    name_or_path: str | Path,
    overlays: Sequence[str | Path] = (),
    overrides: Sequence[str] | Mapping[str, Any] = (),
    *,
    models: Mapping[str, ModelInterface] | None = None,
) -> Experiment:
    """Load, merge and validate an experiment.

    Parameters
    ----------
    name_or_path : str or Path
        ``NETWORK/STATE`` (a file below ``params/``) or the path of a YAML file; with
        ``@variant`` one of the variants listed in that file (see :func:`list_variants`).
    overlays : sequence of str or Path
        Names (an overlay of the network, a state) or files, merged in this order.
    overrides : sequence of str or mapping
        ``"projections.A_to_B.weight=1.1"`` or ``{key path: value}``, merged last.  A bare number keeps
        the unit of the value it replaces; ``1.1 nS`` and globs (``projections.*.delay=2``) are understood.
    models : mapping of str to ModelInterface, optional
        Interfaces of the NESTML models; by default those that are found on disk.

    Returns
    -------
    Experiment
        Validated; ``experiment.origin(key_path)`` tells where a value was written.

    Raises
    ------
    SpecError
        With all problems found, one line each.
    """
    return load_draft(name_or_path, overlays).experiment(overrides, models=models)


@dataclass(frozen=True)
class Draft:
    """An experiment before its last changes: files, variant and overlays are merged, nothing is validated.

    Reading the files takes most of the time of :func:`load_experiment`; many experiments that differ in
    overrides only are made from one draft.
    """

    tree: Tree
    folder: Path
    """Folder of the experiment's file."""
    label: str
    """Name of the experiment unless the files say another."""
    beside: tuple[Path, ...] = ()
    """Folders of all its files, whose bibliographies count."""
    _valid: dict[KeyPath, Any] = field(default_factory=dict, repr=False)
    """Populations, projections and so on that were valid as the files have them."""

    def experiment(
        self,
        overrides: Overrides = (),
        *,
        where: str = COMMAND_LINE,
        models: Mapping[str, ModelInterface] | None = None,
    ) -> Experiment:
        """Apply overrides to a copy and validate it; see :func:`load_experiment`.

        ``where`` names in messages and origins what the overrides were written in.
        """
        tree = self.tree.copy()
        changed: list[KeyPath] = []
        for text, keys, value in _parse_overrides(overrides, where):
            data: Any = value
            for key in reversed(keys):
                data = {key: data}
            layer = Layer(data, where, user=True, text=text)
            if problem := _unknown_entry(tree, keys):
                raise SpecError([f"{layer.origin(keys)}: {problem}"])
            apply_with_cells(tree, layer, self.folder)
            changed.append(keys)
        if isinstance(meta := tree.data.get("meta"), dict) and "name" not in meta:
            meta["name"] = re.sub(r"[^A-Za-z0-9._+-]", "_", self.label)[:MAX_NAME]
        as_before = {
            path: entry for path, entry in self._valid.items() if not any(_touches(keys, path) for keys in changed)
        }
        experiment = validate(tree, models=models, folder=self.folder, beside=self.beside, valid=as_before)
        if not self._valid:
            entries: dict[KeyPath, Any] = {
                (section, name): entry
                for section in _NAMED
                for name, entry in getattr(experiment, section).items()
                if not any(_touches(keys, (section, name)) for keys in changed)
            }
            self._valid.update(entries)
        return experiment


_OTHER_FILES = (
    ("scan_of", "a scan", "bgnest scan run"),
    ("optimise", "an optimisation", "bgnest scan optimise"),
    ("fit", "a fit", "bgnest fit"),
)
"""Key by which files of other kinds are known, what they are, and the command that takes them."""


def load_draft(name_or_path: str | Path, overlays: Sequence[str | Path] = ()) -> Draft:
    """Read and merge the files of an experiment, see :func:`load_experiment`."""
    tree = Tree()
    stack = _Stack(tree)
    name, variant = split_variant(name_or_path)
    path = find_experiment(name)
    stack.load(path)
    labels = [label_of(path).removesuffix(".yaml").replace("/experiments/", "/").replace("/", "-")]
    if variant:
        stack.apply_variant(path, variant)
        labels[0] += f"-{variant}"
    if (config := given_config(name)) is not None and (changed := changes_of(config)):
        tree.apply(Layer(changed, label_of(config)))
    for overlay in overlays:
        overlay_path = find_overlay(overlay, path)
        stack.load(overlay_path, overlay=True)
        labels.append(overlay_path.stem)
    for key, what, command in _OTHER_FILES:
        if key in tree.data:
            raise SpecError([f"{label_of(path)}: {what}, not an experiment: {command} {name}"])
    if "populations" not in tree.data:
        needed = ", ".join(name for name, field in Experiment.model_fields.items() if field.is_required())
        raise SpecError(
            [
                f"{label_of(path)}: no populations; changes of another experiment start with "
                f"`overlay_of: {default_experiment()}` (say), a network of its own needs: {needed}"
            ]
        )
    model_defaults.fill_in(tree, model_interfaces())
    return Draft(tree, path.parent, "+".join(labels), tuple(dict.fromkeys(file.parent for file in stack.loaded)))


_NAMED = ("populations", "projections", "inputs", "spike_inputs", "currents", "stimulations")
"""Sections with entries whose names are the user's own."""


def _touches(keys: KeyPath, entry: KeyPath) -> bool:
    """Whether a key path, which may have globs, leads into an entry of a section, or replaces it."""
    return all(fnmatch.fnmatchcase(name, key) for key, name in zip(keys, entry, strict=False))


def _unknown_entry(tree: Tree, keys: KeyPath) -> str | None:
    """Complain about a value for a population, projection and so on that does not exist."""
    section = tree.data.get(keys[0])
    if keys[0] not in _NAMED or len(keys) < 3 or is_glob(keys[1]):
        return None
    if not isinstance(section, dict) or keys[1] in section:
        return None
    return f"{'.'.join(keys)}: no {keys[1]!r} in {keys[0]}; {choices(keys[1], section, keys[0])}"


def validate(
    tree: Tree,
    *,
    models: Mapping[str, ModelInterface] | None = None,
    folder: Path | None = None,
    beside: Sequence[Path] = (),
    valid: Mapping[KeyPath, Any] | None = None,
) -> Experiment:
    """Validate a merged tree; raises SpecError with everything that is wrong.

    ``beside`` are folders whose bibliographies count besides that of ``folder`` and of the network.
    ``valid`` holds entries of sections, by (section, name), that were found valid before with the same content.
    """
    from pydantic import ValidationError

    interfaces = model_interfaces() if models is None else models
    model_defaults.fill_in(tree, interfaces)
    data = receptors.complete(dict(tree.data), interfaces)
    if isinstance(projections := data.get("projections"), dict):
        data["projections"] = with_units(projections)
    for section in {section for section, _ in valid or ()}:
        data[section] = dict(data[section])
    for (section, name), entry in (valid or {}).items():
        data[section][name] = entry

    problems = list(tree.problems)
    experiment = None
    meta = data.get("meta")
    of_network = folders_of(meta.get("model") if isinstance(meta, dict) else None)
    sources = load_sources(*of_network, *beside, folder)
    found, explained = check_references(tree, interfaces, sources)
    try:
        experiment = Experiment.model_validate(data)
    except ValidationError as error:
        problems += structural_problems(error, tree, explained)
    else:
        experiment._origins.update(tree.origins)
        experiment._sources.update(sources)
        wrong = {path[:2] for path, _ in found}  # a value in a wrong unit is beyond all limits, too
        unread = list(file_problems(experiment))
        limits = [*check_physiology(experiment, interfaces), *check_fields(experiment, interfaces), *unread]
        if not unread:
            if ("simulation", "resolution") not in wrong:
                limits += nest_limits.check_experiment(experiment)
            limits += wiring_problems(experiment)
        found += [problem for problem in limits if problem[0][:2] not in wrong]
    for path, message in found:
        origin = tree.origin(path)
        problems.append(f"{origin}: {'.'.join(path)}: {message}" if origin else f"{'.'.join(path)}: {message}")
    if problems or experiment is None:
        raise SpecError(list(dict.fromkeys(problems)))
    return experiment


class _Stack:
    """Files merged so far; loads what an overlay stands on, once."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.loaded: list[Path] = []
        self.active: list[Path] = []

    def load(self, path: Path, *, overlay: bool = False) -> None:
        path = path.resolve()
        label = label_of(path)
        if path in self.active:
            chain = " -> ".join(label_of(p) for p in [*self.active, path])
            raise SpecError([f"{label}: files include each other in a circle: {chain}"])
        if len(self.active) >= MAX_DEPTH:
            raise SpecError([f"{label}: more than {MAX_DEPTH} files that include one another"])
        data, lines = read_yaml(path, label)
        variants_of(data, lines, label)
        self.active.append(path)
        structural = {key: data.pop(key) for key in _STRUCTURAL if key in data}
        below = structural.get("overlay_of")
        if below is not None:
            base = relative(path, below, f"{label}:{lines[('overlay_of',)]}: overlay_of")
            if base.resolve() not in self.loaded:
                self._check_base(base, label, overlay=overlay)
                self.load(base, overlay=overlay)
        included = structural.get("include") or []
        for item in included if isinstance(included, list) else [included]:
            self.load(relative(path, item, f"{label}:{lines[('include',)]}: include"))
        _locate_files(data, path.parent)
        apply_with_cells(self.tree, Layer(data, label, lines, user=is_user_file(path)), path.parent)
        self.active.pop()
        self.loaded.append(path)

    def apply_variant(self, path: Path, name: str) -> None:
        """Merge the changes of one variant of an experiment file."""
        label = label_of(path)
        data, lines = read_yaml(path, label)
        known = variants_of(data, lines, label)
        if name not in known:
            raise SpecError([f"{label}: no variant {name!r}; {choices(name, known, 'variants')}"])
        where = ("variants", name, "changes")
        at = {keys[3:]: line for keys, line in lines.items() if keys[:3] == where and len(keys) > 3}
        changes = Layer(known[name].get("changes") or {}, label, at, user=is_user_file(path))
        apply_with_cells(self.tree, changes, path.parent)

    def _check_base(self, base: Path, label: str, *, overlay: bool) -> None:
        """Refuse an overlay of another network; the overlays it stands on are welcome."""
        if overlay and "overlay_of" not in read_yaml(base, label_of(base))[0]:
            loaded = ", ".join(label_of(path) for path in self.loaded)
            raise SpecError([f"{label}: overlay_of: {label_of(base)} is not part of this experiment; loaded: {loaded}"])


def _locate_files(data: dict[str, Any], folder: Path) -> None:
    """Make file names that are relative to the YAML file absolute, where there is such a file."""
    played = [*_entries(data, "spike_inputs"), *_entries(data, "currents")]
    for entry in (*played, *(e.get("connect") for e in _entries(data, "projections"))):
        if isinstance(entry, dict) and isinstance(name := entry.get("file"), str):
            beside = folder / resources.user_path(name)
            if exists(beside):
                entry["file"] = str(beside.resolve())


def _entries(data: dict[str, Any], section: str) -> list[dict[str, Any]]:
    entries = data.get(section)
    return [entry for entry in entries.values() if isinstance(entry, dict)] if isinstance(entries, dict) else []


def _parse_overrides(overrides: Overrides, where: str) -> list[tuple[str, KeyPath, Any]]:
    parsed: list[tuple[str, KeyPath, Any]] = []
    problems = []
    items = overrides.items() if isinstance(overrides, Mapping) else map(_split, overrides)
    for key_path, value in items:
        keys = tuple(key.strip() for key in str(key_path).split("."))
        if value is _MISSING or not all(key.isprintable() and key for key in keys) or len(keys) > MAX_DEPTH:
            problems.append(f"{where}: {key_path!r} is not KEY.PATH=VALUE")
            continue
        if value == "":
            problems.append(f"{where}: '{key_path}=' has no value; null takes an entry away")
            continue
        text = f"{key_path}={written(value)}"
        try:
            parsed.append((text, keys, _parse_value(value, f"{where} ({text})", keys)))
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    return parsed


_MISSING = object()


def _split(text: str | tuple[str, Any]) -> tuple[str, Any]:
    if not isinstance(text, str):
        return text
    key_path, sign, value = text.partition("=")
    return key_path.strip(), value.strip() if sign else _MISSING


def written(value: Any) -> str:
    """Value of an override as one would write it on the command line."""
    if isinstance(value, Mapping) and value.keys() == {"value", "unit"}:
        return f"{value['value']}" if value["unit"] == "1" else f"{value['value']} {value['unit']}"
    return value if isinstance(value, str) else shown(value)


def _parse_value(given: Any, where: str, keys: KeyPath) -> Any:
    """Value of an override: a number in any spelling (1e-3 too), else YAML, else text."""
    number = read_number(given) if isinstance(given, str) else given
    if is_number(number) and (wrong := beyond(number)):
        raise SpecError([f"{where}: {'.'.join(keys)}: {wrong}"])
    if number is not None or not isinstance(given, str):
        return number
    try:
        return parse_yaml(given, where, keys, numbered=False)[0]
    except NotYamlError:
        return given


def experiment_origins(experiment: Experiment) -> dict[str, str]:
    """Origin of every value as text, by key path, for ``origin.json``: file and line, what the number stands on."""
    return {key: _origin_text(experiment, key, origin) for key, origin in sorted(experiment.origins.items())}


def _origin_text(experiment: Experiment, key: str, origin: Origin) -> str:
    """Place, publication or assumption, and note of a value."""
    node: Any = experiment
    for part in key.split("."):
        node = node.get(part) if isinstance(node, Mapping) else getattr(node, part, None)
    parts = [str(origin)]
    if isinstance(node, Quantity | QuantityList):
        if node.source is not None:
            known = experiment.sources.get(node.source)
            parts.append(f"source {node.source}" + (f": {known.what}" if known is not None else ""))
        parts += [f"{what}: {said}" for what in ("assumed", "note") if (said := getattr(node, what)) is not None]
    return "; ".join(parts)


def dump_experiment(experiment: Experiment) -> str:
    """YAML text of the resolved experiment; loading it gives the same experiment."""
    return to_yaml(experiment.to_dict())


__all__ = [
    "Draft",
    "Origin",
    "dump_experiment",
    "experiment_origins",
    "find_experiment",
    "find_overlay",
    "list_experiments",
    "list_overlays",
    "list_variants",
    "load_draft",
    "load_experiment",
    "validate",
]
