"""The name of the package: its modules lie in the folder ``network``, beside this one or at the top of a checkout."""
# ruff: noqa: PTH113, PTH118, PTH120, PTH123
# pathlib needs modules that a file of a user may hide

import os

_here = os.path.dirname(os.path.realpath(__file__))
_folder = next(
    os.path.realpath(folder)
    for folder in (os.path.join(_here, "..", "network"), os.path.join(_here, "..", "..", "network"))
    if os.path.isfile(os.path.join(folder, "names.py"))
)
__path__ = [_folder]
__file__ = os.path.join(_folder, "__init__.py")
try:
    with open(__file__, encoding="utf-8") as _source:
        exec(compile(_source.read(), __file__, "exec"))
except (ImportError, AttributeError) as _error:
    from .hidden import refuse

    refuse(_error)
    raise
