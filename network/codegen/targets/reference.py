"""Target ``reference``: exactly what NESTML generates, with GSL's adaptive solver; needs GSL's headers."""

from __future__ import annotations

from .base import Target

TARGET = Target(
    name="reference",
    description="NESTML's default code with the rk45 solver of GSL, spikes tested at the end of a step",
    nestml_options={"numeric_solver": "rk45"},
    flags=("-O3",),
    needs_gsl=True,
    link_flags=("-lgsl", "-lgslcblas"),
)
