"""How much memory there is: the machine's, its control groups', the job's, the shell's; in folders that stand for /."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from network.room import Limit, free_disk, memory_limits, smallest

SECOND = "36 25 0:31 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw"
FIRST = "35 31 0:32 {below} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory"


def system(root, groups, mounts, limits):
    """A /proc and control groups: limits by path of their file."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    (root / "proc/self/mountinfo").write_text(mounts + "\n")
    for place, text in limits.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(text)
    return root


def groups(root):
    return [limit.size for limit in memory_limits(root, {}) if "control group" in limit.of]


def test_a_group_of_the_second_version_and_all_above_it_count(tmp_path):
    limits = {
        "sys/fs/cgroup/jobs/one/memory.max": "max\n",
        "sys/fs/cgroup/jobs/memory.max": "4000000000\n",
        "sys/fs/cgroup/memory.max": "max\n",
    }
    assert groups(system(tmp_path, "0::/jobs/one\n", SECOND, limits)) == [4e9]


def test_a_group_of_the_first_version(tmp_path):
    limits = {
        "sys/fs/cgroup/memory/job/memory.limit_in_bytes": "2000000000\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    }
    text = "5:cpu:/job\n4:memory:/job\n0::/\n"
    assert groups(system(tmp_path, text, FIRST.format(below="/"), limits)) == [2e9]


@pytest.mark.parametrize("below", ["/docker/abc", "/"])
def test_in_a_container_the_mounted_folder_is_the_own_group(tmp_path, below):
    limits = {"sys/fs/cgroup/memory/memory.limit_in_bytes": "3000000000\n"}
    assert groups(system(tmp_path, "4:memory:/docker/abc\n", FIRST.format(below=below), limits)) == [3e9]


def test_without_control_groups_the_machine_counts(tmp_path):
    (machine,) = memory_limits(tmp_path, {})
    assert machine.size > 1e8 and machine.of == "this machine has"


def test_a_slurm_job_has_what_it_asked_for(tmp_path):
    sizes = lambda **given: [limit.size for limit in memory_limits(tmp_path, given)[1:]]  # noqa: E731
    assert sizes(SLURM_MEM_PER_NODE="1024") == [2.0**30]
    assert sizes(SLURM_MEM_PER_CPU="512", SLURM_CPUS_ON_NODE="4") == [2.0**31]
    assert sizes(SLURM_MEM_PER_NODE="0") == sizes(SLURM_MEM_PER_NODE="all") == []


def test_a_limit_of_each_process_holds_for_each():
    machine, shell = Limit(10.0, "machine"), Limit(3.0, "shell", each=True)
    assert smallest([machine, shell]) == shell
    assert smallest([machine, shell], 3).size == 9.0 and smallest([machine, shell], 4) == machine


def test_the_limit_of_the_shell_is_found():
    code = "from network.room import memory_here; print(int(memory_here()))"
    limit = lambda: resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9))  # noqa: E731
    done = subprocess.run([sys.executable, "-c", code], preexec_fn=limit, capture_output=True, text=True, check=True)
    assert int(done.stdout) == 10**9


def test_the_disk_of_a_folder_that_is_not_there_yet(tmp_path):
    assert free_disk(tmp_path / "a" / "b") > 0.0
