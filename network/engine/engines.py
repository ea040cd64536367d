"""Which engine plays a plan."""

from __future__ import annotations

from ..plans.plan import Plan
from .base import Engine
from .mock.engine import MockEngine
from .nest.engine import NestEngine


def engine_of(plan: Plan) -> Engine:
    """NEST, or the mock engine for a plan that asks for it."""
    return NestEngine() if plan.mock is None else MockEngine()
