"""Scans: many simulations of one experiment over axes of parameters, run by Snakemake; imports no simulator."""

from .points import Point, make_points
from .scan import Scan
from .schema import ScanSpec, list_scans, load_scan

__all__ = ["Point", "Scan", "ScanSpec", "list_scans", "load_scan", "make_points"]
