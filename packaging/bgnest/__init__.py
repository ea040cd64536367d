"""The name of the package: its modules lie in the folder ``network``, beside this one or at the top of a checkout."""

from pathlib import Path

_here = Path(__file__).resolve().parent
_folder = next(
    folder for folder in (_here.parent / "network", _here.parent.parent / "network") if (folder / "names.py").is_file()
)
__path__ = [str(_folder)]
__file__ = str(_folder / "__init__.py")
exec(compile(Path(__file__).read_text(encoding="utf-8"), __file__, "exec"))
