"""What the code generator must know of a target; a target is a value of :class:`Target`, not a subclass."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CODEGEN = Path(__file__).resolve().parent.parent
RUNTIME = CODEGEN / "runtime"
TEMPLATES = CODEGEN / "templates"
GUARD_HEADERS = ("guard_interface.h", "update_guard.h")


@dataclass(frozen=True)
class Target:
    """How NESTML is asked to generate C++, and how that C++ is compiled.

    Attributes
    ----------
    name, description : str
    nestml_options : dict
        Options for NESTML's code generator (``templates`` is filled in from the fields below).
    overlay : Path, optional
        Folder of templates that take the place of NESTML's templates of the same relative path; all others
        come from the installed NESTML.
    templates : Path, optional
        Folder of a complete set of templates, instead of an overlay.
    model_templates : tuple of str
        Templates that are rendered for every model, relative to the folder; ``@NEURON_NAME@`` stands for its
        name.
    plugin : Path, optional
        Python file that the NESTML process loads before it generates; see ``worker.py`` for its hooks. The
        other files of its folder belong to it.
    headers : tuple of str
        Files of ``runtime/`` that the generated C++ includes. Their folder is on the include path.
    module_headers : tuple of str
        Files of ``runtime/`` that only the source of the module itself includes; models need not be compiled anew when
        one of them changes.
    force_include : tuple of str
        Those of them that are put in front of every generated file.
    synapses : dict of str to str
        Synapse models of NEST that the target has a faster kind of for its cells, and the C++ class template of
        this; it is called as NEST's with ``_lane`` at the end.
    synapse_header : str, optional
        File of ``runtime/`` that defines these classes.
    carrier : str, optional
        C++ class template of the synapse by which NEST hands spikes to rows of synapses (compact wiring).
    interface_header : str, optional
        File of ``runtime/`` that defines it, and the functions that the engine calls in a module; those of
        ``guard_interface.h`` are in every module.
    flags : tuple of str
        Compiler flags besides those that NEST and the CPU need.
    needs_gsl : bool
        Whether the generated C++ includes headers of the GNU Scientific Library.
    link_flags : tuple of str
    module_link_flags : tuple of str
        More of them, which change no model.
    """

    name: str
    description: str
    nestml_options: Mapping[str, object] = field(default_factory=dict)
    overlay: Path | None = None
    templates: Path | None = None
    model_templates: tuple[str, ...] = ("@NEURON_NAME@.cpp.jinja2", "@NEURON_NAME@.h.jinja2")
    plugin: Path | None = None
    headers: tuple[str, ...] = ()
    module_headers: tuple[str, ...] = GUARD_HEADERS
    force_include: tuple[str, ...] = ()
    synapses: Mapping[str, str] = field(default_factory=dict)
    synapse_header: str | None = None
    carrier: str | None = None
    interface_header: str = "guard_interface.h"
    flags: tuple[str, ...] = ("-O3", "-fno-math-errno")
    needs_gsl: bool = False
    link_flags: tuple[str, ...] = ()
    module_link_flags: tuple[str, ...] = ()

    def include_flags(self) -> tuple[str, ...]:
        """Compiler flags for our own headers."""
        forced = [word for name in self.force_include for word in ("-include", str(RUNTIME / name))]
        return (f"-I{RUNTIME}", *forced)

    def fingerprint(self) -> str:
        """Digest of everything in this target that decides what a model becomes."""
        digest = hashlib.sha256()
        settings = [
            self.name,
            dict(self.nestml_options),
            self.model_templates,
            self.force_include,
            self.flags,
        ]
        digest.update(json.dumps([*settings, self.link_flags], sort_keys=True).encode())
        files = [RUNTIME / name for name in sorted(self.headers)]
        for folder in (self.overlay, self.templates):
            if folder is not None:
                files += sorted(path for path in folder.rglob("*") if path.is_file())
        if self.plugin is not None:
            files += sorted(self.plugin.parent.glob("*.py"))
        for path in files:
            digest.update(path.relative_to(CODEGEN).as_posix().encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()

    def module_fingerprint(self) -> str:
        """Digest of what the source of a module has besides its models."""
        digest = hashlib.sha256(
            json.dumps([dict(self.synapses), self.carrier, *self.module_link_flags], sort_keys=True).encode()
        )
        for name in sorted(self.module_headers):
            digest.update(name.encode() + b"\0" + (RUNTIME / name).read_bytes())
        return digest.hexdigest()
