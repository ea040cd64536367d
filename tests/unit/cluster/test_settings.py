"""How ranks are started follows from what Slurm is set to, told by stand-ins for its commands."""

from __future__ import annotations

import pytest

from network.cluster import settings, slurm
from network.experiment import load_experiment
from network.plans import make_plan
from network.scans import workflow

BINDS, NOT = "task/cgroup,task/affinity", "task/none"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A Slurm with some plugin for tasks and default interface, which offers PMIx and pmi2, and an MPICH."""

    def make(plugin: str, default: str, *, offers: str = "pmix none pmi2", mpich: str = "--with-pm=hydra"):
        answers = {
            "scontrol": f"printf 'MpiDefault              = {default}\\nTaskPlugin              = {plugin}\\n'",
            "srun": f"echo MPI plugin types are {offers} >&2",
            "mpichversion": f"echo MPICH configure: {mpich}",
        }
        for name, answer in answers.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{answer}\n")
            (tmp_path / name).chmod(0o755)
        settings._configuration.cache_clear()
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    yield make
    settings._configuration.cache_clear()


@pytest.mark.parametrize(
    ("default", "family", "interface"),
    [
        ("pmix", "openmpi", None),
        ("none", "openmpi", "pmix"),
        ("pmi2", "openmpi", None),  # an Open MPI that was built for it
        ("pmix", "mpich", "pmi2"),
        ("none", "mpich", "pmi2"),
        ("(null)", "mpich", "pmi2"),
        ("pmi2", "mpich", None),
        ("cray_shasta", "mpich", None),
        ("pmix", "", None),
    ],
)
def test_ranks_are_told_who_they_are_in_a_way_their_mpi_understands(machine, default, family, interface):
    machine(BINDS, default)
    more = [f"--mpi={interface}"] if interface else []
    assert settings.srun_options(family) == [*more, "--cpu-bind=cores", "--kill-on-bad-exit=1"]


def test_an_interface_that_slurm_has_not_is_not_asked_for(machine):
    machine(BINDS, "none", offers="none")
    assert settings.pmi_of("mpich") is None and settings.pmi_of("openmpi") is None


def test_an_mpich_that_was_built_with_pmix_takes_the_default(machine):
    machine(BINDS, "pmix", mpich="--with-pmix=/usr")
    assert settings.pmi_of("mpich") is None


@pytest.mark.parametrize(("plugin", "binds"), [(BINDS, True), (NOT, False), ("(null)", False), ("", False)])
def test_binding_is_asked_for_where_slurm_binds(machine, tmp_path, monkeypatch, plugin, binds):
    machine(plugin, "pmix")
    assert settings.binds_cores() is binds
    plan = make_plan(load_experiment("lindahl2016/activation_control"), ranks=2, threads=2)
    monkeypatch.setattr(slurm, "mpi_family", lambda: "mpich")
    job = slurm.Job(ranks_per_node=2, threads=2)
    text = slurm.job_script(plan, job, tmp_path / "run", tmp_path / "e.yaml", tmp_path / "job.sh")
    assert "\n#SBATCH --hint=nomultithread\n" in text
    assert ("\nunset SLURM_HINT SLURM_THREADS_PER_CORE" in text) is not binds and ("--cpu-bind=cores" in text) is binds
    assert "\nsrun --cpus-per-task=2 --mpi=pmi2 " in text
    monkeypatch.setattr(workflow.launch, "mpi_family", lambda: "mpich")
    assert ("--cpu-bind" in workflow._slurm_environment(workflow.Slurm())) is binds
