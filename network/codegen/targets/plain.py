"""Target ``plain``: one C++ object per cell as NESTML writes it, with our own integration of a step."""

from __future__ import annotations

from .base import TEMPLATES, Target

TARGET = Target(
    name="plain",
    description="one node per cell from NESTML's own templates, our fixed-step solver with sub-steps, no GSL",
    # Our template takes the place of the one that holds both of NESTML's solvers; with this option NESTML
    # leaves out everything of GSL around it.
    nestml_options={"numeric_solver": "forward-Euler"},
    overlay=TEMPLATES / "plain",
    headers=("solver.h", "plain.h"),
    force_include=("plain.h",),
)
