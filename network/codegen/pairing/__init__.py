"""Plug-in of the NESTML process for a cell with the synapses onto it that look at its spikes."""
