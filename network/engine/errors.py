"""Errors of building and simulating: what NEST refused, and which population or projection caused it."""


class EngineError(RuntimeError):
    """Building or simulating failed; the message names the part of the plan that caused it."""


class KernelError(EngineError):
    """NEST is missing, too old, or cannot do what the plan asks of it."""
