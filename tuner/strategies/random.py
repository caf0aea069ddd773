"""Any of the open ones, each as likely as the other."""

from __future__ import annotations

from ..strategy import Strategy


class Random(Strategy):
    """Random configurations."""

    several = True

    def propose(self) -> int | None:
        """One of the open ones."""
        places = self.candidates.open()
        return int(self.generator.choice(places)) if len(places) else None
