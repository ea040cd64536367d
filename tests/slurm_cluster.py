"""A real Slurm on this machine for as long as a test needs it: a controller, two nodes of two cores, memory enforced.

With accounts there are Slurm's database daemon and a MariaDB as well, and a job needs an account that exists.

Everything lies in a temporary folder but for the configuration, which has to be in /etc/slurm: Snakemake's executor
drops the variable ``SLURM_CONF``. A configuration that is there already is somebody's cluster and is left alone.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from network.processes import end_with_parent

CONFIGURATION = Path("/etc/slurm/slurm.conf")
DATABASE = CONFIGURATION.with_name("slurmdbd.conf")
MARK = "# Written by the tests of bgnest"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
PACKAGES = "apt-get install -y --no-install-recommends slurm-wlm munge libpmix2"
FOR_ACCOUNTS = ("slurmdbd", "mariadbd", "mariadb-install-db", "sacct", "sacctmgr")
MORE_PACKAGES = f"{PACKAGES} slurmdbd mariadb-server-core"
ACCOUNT = "neurons"
NODES = ("n1", "n2")
CORES, MEMORY = 2, 4000  # per node; MB
PARTITION = "batch"


def problem(*, accounts: bool = False) -> str | None:
    """Why no cluster can be started here; None if one can."""
    if os.getuid() != 0:
        return f"Slurm's daemons and {CONFIGURATION} need root"
    needed = (*PROGRAMS, *(FOR_ACCOUNTS if accounts else ()))
    if missing := [name for name in needed if shutil.which(name) is None]:
        return f"no {', '.join(missing)}: {MORE_PACKAGES if accounts else PACKAGES}"
    if CONFIGURATION.exists():
        first = CONFIGURATION.read_text().partition("\n")[0]
        if not first.startswith(MARK):
            return f"{CONFIGURATION} is there and not ours: this machine belongs to a cluster"
        if psutil.pid_exists(int(first.rpartition(" ")[2])):
            return f"other tests have a cluster here ({CONFIGURATION})"
    return None


def text(folder: Path, ports: tuple[int, ...], accounts: int | None = None) -> str:
    """Configuration of the cluster in a folder; ``accounts`` is the port of the database daemon."""
    storage = "AccountingStorageType=accounting_storage/none"
    if accounts:
        storage = f"""AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={accounts}
AccountingStoragePass={folder}/munge/socket
AccountingStorageEnforce=associations"""
    host = socket.gethostname().partition(".")[0]
    size = f"CPUs={CORES} RealMemory={MEMORY} State=UNKNOWN"
    nodes = "\n".join(
        f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} {size}"
        for node, port in zip(NODES, ports[1:], strict=True)
    )
    return f"""{MARK}, taken away when they end. Process {os.getpid()}
ClusterName=bgnest
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
TmpFS={folder}/tmp-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldPort={ports[0]}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
# enforces the memory asked for without control groups
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
{storage}
MpiDefault=pmix
ReturnToService=2
# two nodes of two cores on a machine that may have fewer
SlurmdParameters=config_overrides
KillWait=5
SchedulerParameters=sched_min_interval=100000
{nodes}
PartitionName={PARTITION} Nodes={",".join(NODES)} Default=YES MaxTime=INFINITE State=UP
"""


def database_text(folder: Path, port: int, server: int) -> str:
    """Configuration of Slurm's database daemon, which keeps its tables in a MariaDB at another port."""
    host = socket.gethostname().partition(".")[0]
    return f"""{MARK}, taken away when they end. Process {os.getpid()}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
DbdHost={host}
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser=root
PidFile={folder}/slurmdbd.pid
LogFile={folder}/log/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={server}
StorageUser=root
StorageLoc=slurm_acct
"""


class Cluster:
    """Slurm under way between ``start`` and ``stop``; ``accounts``: one that keeps them."""

    def __init__(self, *, accounts: bool = False) -> None:
        self.accounts = accounts
        self.folder = Path(tempfile.mkdtemp(prefix="bgnest-slurm-"))
        self.folder.chmod(0o711)
        self._daemons: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start all daemons and wait until both nodes take jobs."""
        for name in ("state", "munge", "log", *(f"{kind}-{node}" for kind in ("spool", "tmp") for node in NODES)):
            (self.folder / name).mkdir()
        (self.folder / "munge").chmod(0o711)
        key = self.folder / "munge" / "key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        CONFIGURATION.parent.mkdir(exist_ok=True)
        daemon, server, *ports = _free_ports(3 + len(NODES))
        CONFIGURATION.write_text(text(self.folder, tuple(ports), daemon if self.accounts else None))
        place = self.folder / "munge"
        files = [f"--{what}-file={place}/{what}" for what in ("key", "pid", "log", "seed")]
        self._daemon("munged", "--foreground", "--force", f"--socket={place}/socket", *files)
        self._until((place / "socket").exists, "munged answers")
        if self.accounts:
            self._keep_accounts(daemon, server)
        self._daemon("slurmctld", "-D")
        for node in NODES:
            self._daemon("slurmd", "-D", "-N", node)
        self._until(
            lambda: self.ask("sinfo", "-h", "-N", "-o", "%T").split() == ["idle"] * len(NODES), "nodes are idle"
        )

    def _keep_accounts(self, port: int, server: int) -> None:
        """Start a MariaDB and Slurm's database daemon, and make an account that root may charge."""
        data, sock = self.folder / "tables", self.folder / "tables.sock"
        make = ["mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run([*make, f"--datadir={data}", "--user=root"], check=True, capture_output=True)
        where = ["--bind-address=127.0.0.1", f"--port={server}", f"--socket={sock}", f"--pid-file={data}/pid"]
        self._daemon("mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", *where)
        self._until(sock.exists, "MariaDB answers")
        DATABASE.write_text(database_text(self.folder, port, server))
        DATABASE.chmod(0o600)  # Slurm refuses another
        self._daemon("slurmdbd", "-D")
        add = ("sacctmgr", "-i", "add")
        self._until(lambda: bool(self.ask(*add, "cluster", "bgnest")), "slurmdbd answers")
        self.ask(*add, "account", ACCOUNT, "cluster=bgnest")
        self.ask(*add, "user", "root", f"account={ACCOUNT}", "cluster=bgnest")
        self.ask("sacctmgr", "-i", "modify", "user", "root", "set", f"defaultaccount={ACCOUNT}")

    def stop(self) -> None:
        """End all jobs and daemons, and take everything away."""
        if len(self._daemons) > 1:
            self.ask("scancel", "--me", "--full")
            self._wait(lambda: not self.queue(), 20.0)
        for daemon in reversed(self._daemons):
            daemon.send_signal(signal.SIGTERM)
            try:
                daemon.wait(20.0)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        CONFIGURATION.unlink(missing_ok=True)
        if self.accounts:
            DATABASE.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, *command: str) -> str:
        """Output of one of Slurm's commands, empty if it fails."""
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def queue(self) -> list[str]:
        """Jobs that wait or run, as numbers."""
        return self.ask("squeue", "-h", "-o", "%A").split()

    def state(self, job: str) -> str:
        """State of a job, also of one that has ended."""
        found = self.ask("squeue", "-h", "--states=all", "-o", "%T", "-j", job).split()
        return found[0] if found else ""

    def wait_for(self, job: str, seconds: float = 240.0) -> str:
        """State of a job once it has ended."""
        ended = lambda: self.state(job) not in ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING")  # noqa: E731
        assert self._wait(ended, seconds), self.ask("scontrol", "show", "job", job)
        return self.state(job)

    def left_over(self) -> list[str]:
        """Command lines of daemons that run though all are to have ended, also of those that they have started."""
        found = []
        for process in psutil.process_iter(["name", "cmdline"]):
            words = " ".join(process.info["cmdline"] or [])
            if process.pid in {daemon.pid for daemon in self._daemons} or str(self.folder) in words:
                found.append(words or process.info["name"])
        return found

    def _daemon(self, *command: str) -> None:
        log = (self.folder / "log" / f"{'-'.join(command[:1])}-{len(self._daemons)}").open("wb")
        with log:
            self._daemons.append(
                subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, preexec_fn=end_with_parent)
            )

    def _until(self, happened: Callable[[], bool], what: str) -> None:
        if not self._wait(happened, 60.0):
            logs = "\n".join(f"{path.name}: {path.read_text()[-1500:]}" for path in (self.folder / "log").iterdir())
            raise RuntimeError(f"Slurm does not come up ({what}):\n{logs}")

    def _wait(self, happened: Callable[[], bool], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not happened():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.25)
        return True


def _free_ports(number: int) -> tuple[int, ...]:
    sockets = [socket.socket() for _ in range(number)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = tuple(one.getsockname()[1] for one in sockets)
    for one in sockets:
        one.close()
    return ports
