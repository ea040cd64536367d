"""Make an environment with bgnest and a NEST that has MPI (`make mpi` calls this)."""

import argparse
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", type=Path, help="environment to make or complete; default .venv-mpi, or .venv-mpich")
    parser.add_argument("--mpi", default="", help="openmpi or mpich; default: whichever mpicxx belongs to")
    parser.add_argument("--models", default="", help="more of NEST's models, separated by commas, or 'full' (slow)")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.inside:
        name = ".venv-mpich" if arguments.mpi == "mpich" else ".venv-mpi"
        python = make_environment((arguments.env or ROOT / name).absolute())
        return subprocess.call([python, __file__, "--inside", *sys.argv[1:]])

    from network.cluster import nest_mpi
    from network.errors import Error

    extra = tuple(name for name in arguments.models.split(",") if name)
    try:
        nest_mpi.make("full" if extra == ("full",) else (*nest_mpi.MODELS, *extra), family=arguments.mpi)
    except Error as error:
        print(f"build_nest_mpi: {error}", file=sys.stderr)
        return 1
    print("NEST with MPI is ready. Use it:  bgnest run --ranks 2 --threads 1   or   mpirun -n 2 bgnest run")
    return 0


def make_environment(folder: Path) -> Path:
    """Virtual environment with everything but NEST; returns its Python. Runs before anything is installed."""
    python = folder / "bin" / "python"
    mark = folder / ".installed"
    project = ROOT / "pyproject.toml"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    if not mark.exists() or mark.stat().st_mtime < project.stat().st_mtime:
        print(f"installing bgnest into {folder}", file=sys.stderr, flush=True)
        extras = tomllib.loads(project.read_text())["project"]["optional-dependencies"]
        needed = [requirement for requirement in extras["nest"] if requirement.startswith("nestml")] + extras["mpi"]
        pins = ROOT / "constraints.txt"
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *(["-c", pins] if pins.exists() else []), "-e", ROOT, *needed], check=True)
        mark.touch()
    return python


if __name__ == "__main__":
    sys.exit(main())
