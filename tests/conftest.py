"""What all tests share: the command line as users have it, and how the tests are spread over processes.

The command runs in processes of its own, with the code of this checkout. ``make test`` runs the tests of different
files at the same time (pytest-xdist); ``python -m pytest`` alone runs all of them in one process.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from network import program
from network.cluster.ranks import without_launcher

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from command_server import CommandServer  # noqa: E402

# Tests run beside one another: threads that wait must not keep the core that another test could use.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Hundreds of processes are started: compiling our modules anew would be a third of what each of them costs.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
MPI_TESTS = "tests/mpi/"
SLURM_TESTS = "tests/slurm/"
TOGETHER = (MPI_TESTS, SLURM_TESTS)
"""Never side by side: MPI jobs take all cores, and a machine has one Slurm."""
LONG_FILES = (
    MPI_TESTS,
    SLURM_TESTS,
    "tests/docs/",
    "tests/nestml/test_build.py",
    "tests/unit/scan/test_story.py",
    "tests/science/",
    "tests/nest/test_batch.py",
    "tests/unit/scan/test_optimise.py",
    "tests/nestml/",
    "tests/nest/",
    "tests/packaging/",
    "tests/unit/scan/",
    "tests/unit/door/",
    "tests/unit/analysis/",
)
"""Started in this order, before all others, so that no process works alone in the end."""
TIMEOUT = 300.0  # s; a command that hangs fails, however slow the machine


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of long files first."""

    def place(item: pytest.Item) -> int:
        return next((n for n, start in enumerate(LONG_FILES) if item.nodeid.startswith(start)), len(LONG_FILES))

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)  # pytest-xdist calls it, where it is installed and in use
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file in one process, which makes what they share once, and some folders together."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return next((folder for folder in TOGETHER if file.startswith(folder)), file)

    if config.getvalue("dist") != "load":
        return None  # --dist says otherwise
    config.option.loadscopereorder = False  # the files in their order: the shortest come last
    return ByFile(config, log)


def command(arguments: tuple[object, ...]) -> list[str]:
    return program.command(*map(str, arguments))


def environment() -> dict[str, str]:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**without_launcher(), "PYTHONPATH": os.pathsep.join(paths)}


@pytest.fixture(name="environment", scope="session")
def environment_of_commands() -> dict[str, str]:
    """For a test that adds to it; ``conftest`` cannot be imported, every folder has one of that name."""
    return environment()


@pytest.fixture(scope="session")
def command_server() -> Iterator[CommandServer]:
    """What makes the processes of the next fixture."""
    with tempfile.TemporaryDirectory(prefix="bgnest-") as folder:
        server = CommandServer(Path(folder), environment())
        yield server
        server.close()


@pytest.fixture(scope="session")
def bgnest(command_server: CommandServer) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``bgnest`` to its end in a process of its own; ``cwd``, ``env``, ``timeout`` as in `subprocess.run`."""

    def run(
        *arguments: object, cwd: str | Path = ".", env: Mapping[str, str] | None = None, timeout: float = TIMEOUT
    ) -> subprocess.CompletedProcess[str]:
        words = [str(argument) for argument in arguments]
        with tempfile.TemporaryDirectory(prefix="bgnest-") as folder:
            out, err = Path(folder, "out"), Path(folder, "err")
            place, variables = str(Path(cwd).absolute()), environment() if env is None else env
            code = command_server.run(words, (out, err), cwd=place, env=variables, timeout=timeout)
            return subprocess.CompletedProcess(["bgnest", *words], code, out.read_text(), err.read_text())

    return run


class Started(subprocess.Popen):
    """``bgnest`` under way, in a process group of its own as a terminal would have it."""

    def __init__(self, arguments: tuple[object, ...], **options) -> None:
        # a shell makes programs in the background ignore Ctrl-C, and so would all that they start
        listen = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": environment()}
        super().__init__(command(arguments), start_new_session=True, **{**listen, **pipes, **options})

    def wait_until(self, happened: Callable[[], object], seconds: float = 240.0) -> None:
        """Wait for something that the command is to do before it ends."""
        deadline = time.monotonic() + seconds
        while not happened():
            assert self.poll() is None, self.communicate()
            assert time.monotonic() < deadline, "it does not happen"
            time.sleep(0.05)

    def interrupt(self) -> tuple[str, str]:
        """Press Ctrl-C, which reaches all processes of the group; return what was printed."""
        os.killpg(self.pid, signal.SIGINT)
        return self.communicate(timeout=120.0)


@pytest.fixture(scope="module")
def start_bgnest() -> Iterator[Callable[..., Started]]:
    """Start ``bgnest``; what still runs when the tests of the module are over is ended."""
    started: list[Started] = []

    def start(*arguments: object, **options) -> Started:
        started.append(Started(arguments, **options))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=60.0)
