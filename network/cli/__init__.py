"""The ``bgnest`` command. NEST and Matplotlib are imported inside the commands that need them only."""

from .. import hidden

hidden.explain()
