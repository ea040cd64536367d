"""A network described: its tables in the languages of papers, its circuit as a figure, as an object and as files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..analysis.look import presentation_of
from ..describe import Document, run_section, to_latex, to_markdown
from ..describe import describe as described
from ..describe.content import CIRCUIT
from ..describe.links import Circuit, circuit_of
from ..errors import SpecError, choices

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..experiment.presentation import Presentation
    from .experiment import Experiment
    from .runs import Run

FORMATS = {"markdown": ".md", "latex": ".tex", "json": ".json"}
"""Languages of a description, and how their files end."""


class Description:
    """Tables of a network after Nordlie et al. (2009), every parameter with its source, and its circuit.

    ``print(description)`` shows it in Markdown, a notebook renders that.

    Attributes
    ----------
    name : str
        Of the experiment.
    document : Document
        Sections of tables, paragraphs and code.
    circuit : Circuit
        Populations, links between them with their strengths, inputs.
    """

    def __init__(self, name: str, document: Document, circuit: Circuit, look: Presentation) -> None:
        self.name, self.document, self.circuit, self._look = name, document, circuit, look

    @classmethod
    def of(cls, experiment: Experiment) -> Description:
        """Description of an experiment."""
        plan = experiment.plan()
        look = presentation_of(plan.to_dict())
        document = described(experiment.spec, plan, look)
        return cls(experiment.name, document, circuit_of(experiment.spec, plan), look)

    @classmethod
    def of_run(cls, run: Run) -> Description:
        """Description of the network of a run, and before it how this was made."""
        found = cls.of(run.experiment())
        manifest = run.path / "manifest.json"
        files = json.loads(manifest.read_text(encoding="utf-8")).get("files", {}) if manifest.is_file() else {}
        made = run_section(run.record, run.plan.seed, files)
        document = replace(found.document, sections=(made, *found.document.sections))
        return cls(found.name, document, found.circuit, found._look)

    def text(self, format: str = "markdown", picture: str | None = None) -> str:
        """The whole in a language: ``markdown``, ``latex`` or ``json``; ``picture`` is the file of the circuit.

        Raises
        ------
        SpecError
            For another format.
        """
        pictures = {} if picture is None else {CIRCUIT: picture}
        if format == "json":
            return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"
        if format not in FORMATS:
            raise SpecError([f"no format {format!r}; {choices(format, FORMATS, 'formats')}"])
        return (to_latex if format == "latex" else to_markdown)(self.document, pictures)

    def to_dict(self) -> dict[str, Any]:
        """Document and circuit as types of JSON."""
        links = [vars(link) for link in self.circuit.links]
        entries = [vars(entry) for entry in self.circuit.entries]
        graph = {"populations": self.circuit.sizes, "links": links, "inputs": entries}
        return {"name": self.name, **self.document.to_dict(), "circuit": graph}

    def figure(self, title: str | None = None) -> Figure:
        """Diagram of the circuit, for print: as wide as a page for up to ten populations."""
        from ..analysis.plots import circuit, presented

        sizes = {name: self.circuit.sizes[name] for name in self._look.sorted(self.circuit.sizes)}
        with presented(self._look):
            return circuit(sizes, self.circuit.links, self.circuit.entries, title=title)

    def write(self, folder: str | Path, format: str = "markdown") -> list[Path]:
        """Write the text and the circuit (PNG, SVG, PDF) into a folder, and return the files."""
        from ..analysis.plots import save

        place = Path(folder)
        drawn = save(self.figure(), place / f"{self.name}-circuit", pdf=True, svg=True)
        picture = next(path for path in drawn if path.suffix == (".pdf" if format == "latex" else ".png"))
        file = place / f"{self.name}{FORMATS.get(format, '')}"
        file.write_text(self.text(format, picture.name), encoding="utf-8")
        return [file, *drawn]

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        sizes, links = self.circuit.sizes, self.circuit.links
        return f"<Description {self.name}: {len(sizes)} populations, {len(links)} links>"

    def _repr_markdown_(self) -> str:
        return self.text()
