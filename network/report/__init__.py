"""Reports: one HTML page of a run or a scan that needs nothing else, to hand on, to print and to keep."""

from .interactive import activity, bokeh_here
from .page import Figure, Grid, Message, Page, Part, Quote, render

__all__ = ["Figure", "Grid", "Message", "Page", "Part", "Quote", "activity", "bokeh_here", "render"]
