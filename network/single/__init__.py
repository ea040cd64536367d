"""Cells by themselves: the protocol by which one is characterised, and the measures of it."""
