"""Run NESTML on one file in a process of its own: write C++ and a description of its models.

Started as a program with the path of a job (JSON) as its only argument; imports nothing of this package, so
that it also works where the package is not installed. NESTML keeps its state in globals, hence one process
per file.

A target may bring a plug-in, a Python file with any of these functions:

``install(options)``
    called before NESTML starts; may replace parts of NESTML, register options, ...
``describe(model, info)``
    called with each model's syntax tree as parsed and its description, a dictionary; may fill
    ``info["extra"]``.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any


def load_plugin(path: str | None) -> ModuleType | None:
    """Load a target's plug-in, with its folder as a package of its own: the rest of ours is not needed."""
    if path is None:
        return None
    folder = Path(path).parent
    spec = importlib.util.spec_from_file_location(
        "bgnest_plugin", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    package = sys.modules["bgnest_plugin"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(package)
    return importlib.import_module(f"bgnest_plugin.{Path(path).stem}")


def describe(model: Any) -> dict[str, Any]:
    """Interface of a model, with the receptor types that NEST will use."""
    from pynestml.utils.ast_utils import ASTUtils

    def type_name(symbol: Any) -> str:
        return str(symbol.get_type_symbol().print_nestml_type())

    numbered: dict[str, int] = {}
    for rport, ports in ASTUtils.get_spike_input_ports_in_pairs(model).items():
        for port in ports:
            name = port.get_symbol_name()
            if port.has_vector_parameter():
                size = int(ASTUtils.get_numeric_vector_size(port))
                numbered.update({f"{name}_{index}": rport + index for index in range(size)})
            else:
                numbered[name] = rport
    # as in NESTML's templates; a port for excitatory and one for inhibitory spikes share a receptor type
    offset = 1 if len(model.get_multiple_receptors()) > 1 or model.is_multisynapse_spikes() else 0
    inlines = [symbol for symbol in model.get_inline_expression_symbols() if symbol.is_recordable]
    states = {symbol.get_symbol_name(): type_name(symbol) for symbol in model.get_state_symbols()}
    return {
        "name": model.get_name(),
        "ports": {name: rport + offset for name, rport in numbered.items()},
        "parameters": {symbol.get_symbol_name(): type_name(symbol) for symbol in model.get_parameter_symbols()},
        "states": states,
        "recordables": [*states, *(symbol.get_symbol_name() for symbol in inlines)],
        "continuous_ports": {
            port.get_symbol_name(): number for number, port in enumerate(model.get_continuous_input_ports())
        },
        "extra": {},
    }


def problems() -> list[dict[str, Any]]:
    """Errors that NESTML has logged, with the place in the file."""
    from pynestml.utils.logger import Logger, LoggingLevel

    found = []
    for _, _, level, _, position, message in Logger.get_log().values():
        if level == LoggingLevel.ERROR:
            line = position.get_start_line() if position is not None else None
            column = position.get_start_column() if position is not None else None
            found.append({"line": line, "column": column, "message": str(message)})
    return found


def generate(job: dict[str, Any]) -> dict[str, Any]:
    """Generate the C++ of one file; returns the models and the errors."""
    from pynestml.codegeneration.nest_tools import NESTTools
    from pynestml.frontend import pynestml_frontend as frontend

    plugin = load_plugin(job["plugin"])
    if plugin is not None and hasattr(plugin, "install"):
        plugin.install(job["options"])

    # the version is known; NESTML would start a NEST to ask it
    NESTTools.detect_nest_version = classmethod(lambda cls: f"v{job['nest_version']}")
    # without a builder NESTML stops after generating
    frontend.builder_from_target_name = lambda *args, options=None, **kwargs: (None, dict(options or {}))

    described: list[dict[str, Any]] = []
    transform = frontend.transform_models

    def transform_and_describe(transformers: Any, models: Any) -> Any:
        for model in models:
            info = describe(model)
            if plugin is not None and hasattr(plugin, "describe"):
                plugin.describe(model, info)
            described.append(info)
        return transform(transformers, models)

    frontend.transform_models = transform_and_describe

    failure, line = None, 0
    try:
        frontend.generate_nest_target(
            input_path=job["source"],
            target_path=job["folder"],
            module_name="bgnest_unused_module",
            logging_level="WARNING",
            codegen_opts=job["options"],
        )
    except Exception as error:  # noqa: BLE001 - whatever it is goes to the calling process, which reports it
        failure = f"{type(error).__name__}: {error}"
        line = getattr(error, "line", 0)
    if plugin is not None and hasattr(plugin, "conclude"):
        for info in described:
            plugin.conclude(info)
    return {"models": described, "errors": problems(), "failure": failure, "line": line}


def main() -> None:
    """Do the job named on the command line."""
    job = json.loads(Path(sys.argv[1]).read_text())
    with contextlib.redirect_stdout(sys.stderr):
        result = generate(job)
    Path(job["result"]).write_text(json.dumps(result))


if __name__ == "__main__":
    main()
