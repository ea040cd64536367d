"""What a whole scan shows that no single run does: where two curves cross, how large a difference is.

Every module of this folder is read: a kind of feature is added by a file with a class, see `base.FeatureKind` for what
it has to say. A scan file names its features, and windows for them:

```yaml
features:
  threshold: {kind: crossing, of: [A, B], x: {low: 2300, high: 2750}, y: {low: 3.9, high: 4.6}, assumed: a check}
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Discriminator, Tag

from ...experiment.kinds import read_folder
from .base import FeatureKind

read_folder(__name__, __path__)

KINDS: dict[str, type[FeatureKind]] = {kind.name(): kind for kind in FeatureKind.__subclasses__()}


def _kind_of(value: object) -> str:
    return str(value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None))


if TYPE_CHECKING:
    Feature = FeatureKind
else:
    Feature = Annotated[
        Union[tuple(Annotated[kind, Tag(name)] for name, kind in KINDS.items())],  # noqa: UP007
        Discriminator(_kind_of),
    ]

__all__ = ["KINDS", "Feature", "FeatureKind"]
