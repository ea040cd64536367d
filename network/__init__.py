"""Spiking basal-ganglia networks on NEST: specification, building, simulation, results, analysis."""
