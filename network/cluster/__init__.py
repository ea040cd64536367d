"""MPI and clusters: a NEST with MPI, the ranks of a job, jobs here and on Slurm. Never imports NEST."""
