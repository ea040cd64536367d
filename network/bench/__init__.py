"""Measuring runs and fitting the cost model to them."""
