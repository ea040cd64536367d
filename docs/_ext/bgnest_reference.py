"""Pages that are read off the code when the site is built: keys of files, commands, units, measures, experiments.

They are written to `reference/generated` before the sources are read. A key or an option without a text fails the
build.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, get_args

import bgnest_architecture
import typer

from network.analysis.targets.measures import known
from network.cli.main import app as commands
from network.door import list_experiments
from network.experiment.bibliography import Source
from network.experiment.cells import About
from network.experiment.presentation import _File as Presentation
from network.experiment.reference import Key, Section, sections
from network.experiment.schema import Experiment
from network.experiment.sources import load_sources
from network.experiment.units import UNITS
from network.scans.fit import Fit
from network.scans.goal import Optimisation
from network.scans.schema import ScanSpec, list_scans

FOLDER = Path("reference") / "generated"
FILES = {
    "experiment": ("Keys of an experiment", Experiment),
    "scan": ("Keys of a scan", ScanSpec),
    "optimisation": ("Keys of an optimisation", Optimisation),
    "fit": ("Keys of a fit", Fit),
    "presentation": ("Keys of presentation.yaml", Presentation),
    "cell": ("Keys of a cell of the catalogue", About),
    "sources": ("Keys of sources.yaml", Source),
}
INTRODUCTIONS = {
    "experiment": """\
An experiment is a YAML file with these keys. A file of your own mostly begins with `overlay_of: NETWORK/STATE`
and says only what differs; an entry that is `null` is taken away. `bgnest validate FILE` checks it and names file,
line, key and the valid choices; `bgnest validate FILE --show KEY` prints what a key ends up as, and where it was
written.

`NAME` stands for a name of yours. Numbers "with `source`" are written `{value: 1.5, unit: ms, source: KEY}` or
with `assumed: REASON` ([quantities](../quantities.md)); in a file of yours a bare number is in the unit that is given
here.""",
    "scan": """\
A scan is a YAML file with these keys; the [how-to](../../howto/scans.md) shows them at work. An axis is
short (`seed: [1, 2, 3]`), long (a mapping) or a block with axes of its own.""",
    "optimisation": "A file of `bgnest scan optimise`; see [Optimise](../../howto/scans.md#optimise).",
    "fit": "A file of `bgnest fit`; see [the how-to](../../howto/fit.md).",
    "presentation": """\
How a network is shown; see [the how-to](../../howto/networks.md#presentationyaml). All of it may be left out.""",
    "cell": """\
What a file of the [catalogue of cells](../cell_catalogue.md) says below `about:`; beside it stand `title`,
`model`, `neuron`, `receptors`, `heterogeneity`, `initial`, `dopamine` and `effects` as in a
[population](experiment.md); see [the how-to](../../howto/cells.md).""",
    "sources": """\
An entry of `sources.yaml`, the bibliography that `source: KEY` refers to. One in the folder of your experiment, or
of your network, is read beside the one that comes with bgnest; see
[quantities](../quantities.md#sources-of-your-own).""",
}


class UndocumentedError(Exception):
    """Something that can be written or typed does not say what it means."""


def pages() -> Iterator[tuple[str, str]]:
    """Name and text of every generated page."""
    for name, (title, model) in FILES.items():
        yield f"{name}.md", keys_page(name, title, model)
    yield "commands.md", commands_page()
    yield "units.md", units_table()
    yield "measures.md", measures_table()
    yield "experiments.md", experiments_page()
    yield "bibliography.md", bibliography_page()
    yield "architecture.svg", bgnest_architecture.draw()


# keys of files


def keys_page(name: str, title: str, model: Any) -> str:
    """All keys of a file, by the place where they may stand."""
    groups: dict[str, list[Section]] = {}
    for section in _depth_first(model):
        groups.setdefault(section.places[0], []).append(section)
    lines = [f"# {title}", "", INTRODUCTIONS[name], ""]
    anchors = {section.model: _anchor(name, section.places[0]) for each in groups.values() for section in each}
    for place, several in groups.items():
        also = sorted({other for section in several for other in section.places} - {place})
        lines += [f"({_anchor(name, place)})=", ""]
        if place:
            lines += [f"## `{place}`", ""]
        if also:
            lines += [f"Also: {', '.join(f'`{other}`' for other in also)}.", ""]
        for section in several:
            if len(several) > 1:
                lines += [f"### {_kind(section)}", ""]
            lines += [_prose(section.text), "", *_table(section, anchors), ""]
    return "\n".join(lines)


def _depth_first(model: Any) -> list[Section]:
    """Sections so that what belongs to a key follows it."""
    found = sections(model)
    order = {section.model: section for section in found}
    done: list[Section] = []

    def visit(section: Section) -> None:
        if section in done:
            return
        done.append(section)
        for key in section.keys:
            for part in key.form.parts:
                visit(order[part])

    visit(found[0])
    return done


def _anchor(name: str, place: str) -> str:
    return "keys-" + "-".join([name, *re.findall(r"\w+", place)]).lower()


def _kind(section: Section) -> str:
    if section.kind is None:
        return section.model.__name__
    return f"`{section.kind[0]}: {section.kind[1]}`"


def _table(section: Section, anchors: dict[Any, str]) -> Iterable[str]:
    if not section.keys:
        return
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    for key in section.keys:
        if not key.text:
            raise UndocumentedError(f"{section.model.__name__}.{key.name}: no text below the field says what it means")
        yield f"| `{key.name}` | {_cell(_value(key, anchors))} | {_default(key)} | {_cell(_prose(key.text))} |"


def _value(key: Key, anchors: dict[Any, str]) -> str:
    words = key.form.words
    for word in ("distribution", "mapping"):
        if key.form.parts and word in words:
            words = words.replace(word, f"[{word}](#{anchors[key.form.parts[-1]]})")
            break
    return ", ".join([words, *key.form.limits])


def _default(key: Key) -> str:
    return "required" if key.required else "" if key.default is None else f"`{key.default}`"


def _prose(text: str) -> str:
    """Text of a docstring as Markdown."""
    text = re.sub(r":(?:mod|class|func|attr):`~?([^`]+)`", lambda m: f"`{m[1].rpartition('.')[2]}`", text)
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    text = re.sub(r",? see `[\w.]+`(?=\.)", "", text)
    return re.sub(r"doi:? (10\.\S+[^\s.),])", r"[doi:\1](https://doi.org/\1)", text)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


# the command line


def commands_page() -> str:
    """Every command with its arguments and options."""
    root = typer.main.get_command(commands)
    lines = ["# Commands", "", _help(root), "", "`bgnest COMMAND --help` prints the same in the terminal.", ""]
    lines += ["| command | |", "|---|---|"]
    found = [*_commands(root, ("bgnest",))]
    lines += [f"| [`{' '.join(path)}`](#{_command_anchor(path)}) | {_cell(_summary(one))} |" for path, one in found]
    for path, one in found:
        lines += [
            "",
            f"({_command_anchor(path)})=",
            "",
            f"## `{' '.join(path)}`",
            "",
            _help(one),
            "",
            _usage(path, one),
            "",
        ]
        lines += _parameters(path, one)
    return "\n".join([*lines, ""])


def _commands(group: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, one in group.commands.items():
        if one.hidden:
            continue
        if hasattr(one, "commands"):
            yield from _commands(one, (*path, name))
        else:
            yield (*path, name), one


def _command_anchor(path: tuple[str, ...]) -> str:
    return "command-" + "-".join(path[1:])


def _help(command: Any) -> str:
    text = command.help or ""
    if not text.strip():
        raise UndocumentedError(f"command {command.name}: no help")
    return _prose("\n".join(line.strip() for line in text.split("\f")[0].splitlines()))


def _summary(command: Any) -> str:
    return _help(command).split("\n\n")[0]


def _usage(path: tuple[str, ...], command: Any) -> str:
    arguments = [_metavar(one) for one in command.params if one.param_type_name == "argument"]
    return f"```text\n{' '.join([*path, '[OPTIONS]', *arguments])}\n```"


def _metavar(parameter: Any) -> str:
    name = str(parameter.metavar or parameter.name.upper())
    name += "..." if parameter.nargs != 1 else ""
    return name if parameter.required else f"[{name}]"


def _parameters(path: tuple[str, ...], command: Any) -> Iterator[str]:
    shown = [one for one in command.params if not getattr(one, "hidden", False) and one.name != "help"]
    if shown:
        yield "| argument or option | default | |"
        yield "|---|---|---|"
    for one in shown:
        if not getattr(one, "help", None):
            raise UndocumentedError(f"{' '.join(path)}: {one.name} has no help")
        yield f"| {_spelled(one)} | {_shown_default(one)} | {_cell(_prose(one.help))} |"


def _spelled(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar or parameter.name.upper()}`"
    names = [*parameter.opts, *parameter.secondary_opts]
    value = "" if getattr(parameter, "is_flag", False) else f" {parameter.metavar or _type(parameter)}"
    return ", ".join(f"`{name}`" for name in names[:-1]) + (", " if len(names) > 1 else "") + f"`{names[-1]}{value}`"


def _type(parameter: Any) -> str:
    """Kind of the value, in capitals; typer and click keep it in different places."""
    told = getattr(parameter, "type", None)
    if told is not None:
        return str(told.name).upper().replace(" RANGE", "")
    annotation = parameter.type_descriptor.annotation
    one = annotation if isinstance(annotation, type) else next(iter(get_args(annotation)), str)
    return {int: "INTEGER", float: "NUMBER", str: "TEXT"}.get(one, getattr(one, "__name__", "TEXT").upper())


def _shown_default(parameter: Any) -> str:
    value = parameter.default
    if value is None or callable(value) or value is False or value == () or "Sentinel" in type(value).__name__:
        return "required" if parameter.required else ""
    return f"`{value}`" if value is not True else "on"


# tables


def units_table() -> str:
    """Spellings of units and what they become."""
    groups: dict[str, list[str]] = {}
    for spelling, (unit, factor) in UNITS.items():
        if spelling != unit:
            groups.setdefault(unit, []).append(f"`{spelling}` ({factor:g})")
        else:
            groups.setdefault(unit, [])
    rows = [f"| `{unit}` | {', '.join(others)} |" for unit, others in groups.items()]
    return "\n".join([":orphan:", "", "| unit of NEST | also written (factor) |", "|---|---|", *rows, ""])


def measures_table() -> str:
    """Measures that windows, optimisations and tables know."""
    rows = [f"| `{name}` | {_cell(measure.text)} |" for name, measure in known().items()]
    return "\n".join([":orphan:", "", "| measure | |", "|---|---|", *rows, ""])


def experiments_page() -> str:
    """Experiments and scans that come with bgnest."""
    listing = list_experiments()
    lines = ["# All experiments", "", "What `bgnest list` and `bgnest scan list` print.", ""]
    networks = dict.fromkeys(name.partition("/")[0] for name in listing)
    scans = list_scans()
    for network in networks:
        lines += [f"## {network}", "", "| experiment | |", "|---|---|"]
        lines += [f"| `{name}` | {_cell(text)} |" for name, text in listing.items() if name.startswith(f"{network}/")]
        lines += [
            f"| scan `{name}` | {_cell(text)} |" for name, text in scans.items() if name.startswith(f"{network}/")
        ]
        lines += [""]
    return "\n".join(lines)


def bibliography_page() -> str:
    """What the keys of sources stand for."""
    rows = []
    for key, source in sorted(load_sources().items()):
        link = (
            f" [doi:{source.doi}](https://doi.org/{source.doi})"
            if source.doi
            else f" <{source.url}>"
            if source.url
            else ""
        )
        rows.append(f"| `{key}` | {_cell(source.what)}{link} |")
    head = ["# Sources", "", "The keys of `params/sources.yaml`; networks have more in their folders.", ""]
    return "\n".join([*head, "| key | |", "|---|---|", *rows, ""])


def write(app: Any) -> None:
    """Write what has changed."""
    folder = Path(app.srcdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    wanted = dict(pages())
    for path in folder.iterdir():
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, Any]:
    """Extension of Sphinx."""
    app.connect("builder-inited", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
