"""How a tuning shares its study: with nobody, with processes of its own, or with whoever opens the same storage."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from tilery.dsl.errors import UsageError

from ..deadline import Deadline
from ..model.protocol import TuningModel
from ..results.entry import key_of, prints_of

if TYPE_CHECKING:
    from .shared import SharedStudy

GRACE_S = 60
"""How long a worker may be silent before its trial is given to another."""


class Helpers(Protocol):
    """Processes that work on the same study."""

    def finish(self, until: Deadline) -> None:
        """Returns when all of them have ended; those that go on then are asked to stop where they are."""


class Nobody:
    """No helpers."""

    def finish(self, until: Deadline) -> None:
        """Nobody is waited for."""


@dataclass(frozen=True)
class Sharing:
    """Where the study is, and who helps."""

    url: str | None = None
    """The storage; None keeps the study in memory."""
    grace_s: int = GRACE_S
    resume: bool = False
    """Whether the study has to be there already."""
    helpers: AbstractContextManager[Helpers] = field(default_factory=lambda: nullcontext(Nobody()))
    """Started when the search starts, and ended before its winner is verified."""

    def join(self, model: TuningModel, objective: str, command: str = "") -> SharedStudy:
        """The study of a tuning; `UsageError` if it should be there and is not, `StorageError` if the storage cannot be used."""
        from optuna.storages import InMemoryStorage  # slow to import, and not needed by a search that is shared with nobody

        from .shared import SharedStudy
        from .storage import open_storage, reaching, study_name

        key, prints = key_of(model.kernel, model.dims, model.chip, model.cores), prints_of(model.kernel, model.chip)
        bound = "" if model.max_error is None else f" within {model.max_error:g}"
        name = study_name(key, prints, model.tunables, f"{objective}{bound}", command)
        if self.url is None:
            return SharedStudy(InMemoryStorage(), name, model.tunables, self.grace_s)
        with reaching(self.url):
            storage = open_storage(self.url, self.grace_s)
            if self.resume and all(each.study_name != name for each in storage.get_all_studies()):
                raise UsageError(
                    f"nothing to continue: {shown(self.url)} holds no study of this kernel, shape, chip and objective\n"
                    "help: without --continue it is begun"
                )
            return SharedStudy(storage, name, model.tunables, self.grace_s)


def shown(url: str) -> str:
    """A URL as it may be printed: without its password."""
    return re.sub(r"(://[^/:@]*):[^@/]*@", r"\1:***@", url)


ALONE = Sharing()
