"""tilery: write a tile kernel once, run it on numpy, time it on a chip you do not have, tune it, call it from Python.

```python
import tilery
from tilery.kernels import matmul                                    # shipped and tuned

c = matmul(a, b)                                                     # numpy in, numpy out; never tunes
report = matmul.simulate(chip="trn2", M=2048, K=4096, N=14336)       # latency, bound, engines, memory
mine = tilery.load("mine.tk").blend                                  # a file of yours
best = tilery.autotune(mine, chip="trn2", shapes=dict(M=4096, N=4096), budget="30s")
```

Names are imported when first used: `import tilery` itself costs a few milliseconds.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .backends.machine.errors import CannotLower, Infeasible
    from .dsl.errors import SourceErrors, TileryError, UsageError
    from .kernel import Kernel
    from .library import Library, load
    from .tuning import autotune, simulate

_HOMES = {
    "CannotLower": ".backends.machine.errors",
    "Infeasible": ".backends.machine.errors",
    "Kernel": ".kernel",
    "Library": ".library",
    "SourceErrors": ".dsl.errors",
    "TileryError": ".dsl.errors",
    "UsageError": ".dsl.errors",
    "autotune": ".tuning",
    "load": ".library",
    "simulate": ".tuning",
}
"""Where each public name is defined."""

__all__ = [
    "CannotLower",
    "Infeasible",
    "Kernel",
    "Library",
    "SourceErrors",
    "TileryError",
    "UsageError",
    "autotune",
    "load",
    "simulate",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'tilery' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_HOMES[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
