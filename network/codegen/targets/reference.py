"""Target ``reference``: exactly what NESTML generates, with GSL's adaptive solver; needs GSL's headers."""

from __future__ import annotations

from .base import GUARD_HEADERS, Target

TARGET = Target(
    name="reference",
    description="NESTML's default code with the rk45 solver of GSL, spikes tested at the end of a step",
    nestml_options={"numeric_solver": "rk45"},
    flags=("-O3",),
    needs_gsl=True,
    module_headers=(*GUARD_HEADERS, "gsl_limit.h"),
    interface_header="gsl_limit.h",
    link_flags=("-lgsl", "-lgslcblas"),
    module_link_flags=("-Wl,--wrap=gsl_odeiv_evolve_apply",),
)
