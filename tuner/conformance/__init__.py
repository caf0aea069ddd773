"""Whether a search strategy keeps its contract, as one line in a test.

```python
from tilery.tuner.conformance import check_strategy

def test_mine() -> None:
    check_strategy(Mine)
```
"""

from __future__ import annotations

from .suite import check_strategy
from .trying import Broken

__all__ = ["Broken", "check_strategy"]
