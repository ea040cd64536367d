"""Build and simulate: the only part of bgnest that imports NEST."""
