#!/bin/bash
# Slurm job of a bgnest run, written by `bgnest submit`. Change what you like and hand it in with
#   sbatch @{script}
# Handed in again, it does nothing if the run is complete and starts it from the beginning if not.
#
# Expected: @{expected}
# Memory of a node, of which the job asks for the largest with a reserve: @{memory_needs}
#SBATCH --job-name=@{job_name}
#SBATCH --nodes=@{nodes}
#SBATCH --ntasks-per-node=@{ranks_per_node}
#SBATCH --cpus-per-task=@{threads}
#SBATCH --hint=nomultithread
#SBATCH --mem=@{memory_mib}M
#SBATCH --time=@{wall_time}
#SBATCH --output=@{log}
#SBATCH --open-mode=append
@{directives}
set -euo pipefail
cd @{working_directory}

@{setup}
@{unbound}
# one thread per core, threads of a rank side by side
export OMP_NUM_THREADS=@{threads} OMP_PROC_BIND=close OMP_PLACES=cores

# compiled once, on a node of the kind that runs it, before MPI starts; found in the cache from then on
@{bgnest} models build @{models} --target @{target} --jobs @{compilers}

@{launcher} \
  @{bgnest} run @{experiment} --threads @{threads} --out @{folder} --resume --no-figures

@{bgnest} plot @{folder}
