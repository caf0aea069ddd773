"""`--storage` and `--jobs`: how a tuning shares its study with other processes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from tilery.tuner.options import Options
from tilery.tuner.together.sharing import GRACE_S, Sharing

from .crew import Crew
from .task import task_of

if TYPE_CHECKING:
    from tilery.pipeline import Pipeline


@contextmanager
def sharing(pipeline: Pipeline, options: Options) -> Iterator[Sharing]:
    """How a tuning with these options shares its study.

    Several processes without a storage get a journal file that is gone afterwards: a file that stays is one that the user
    has named.
    """
    grace_s = options.grace_s or GRACE_S
    if options.jobs == 1:
        yield Sharing(options.storage, grace_s, options.resume)
        return
    with tempfile.TemporaryDirectory(prefix="tilery-") as folder:
        url = options.storage or f"journal:{folder}/study.journal"
        helping = replace(options, storage=url, jobs=1, resume=False)
        # Each worker has its own seed, so that they do not propose the same configurations.
        seeded = [replace(helping, seed=options.seed + 1 + place) for place in range(options.jobs - 1)]
        crew = Crew([task_of(pipeline, each) for each in seeded])
        yield Sharing(url, grace_s, options.resume and options.storage is not None, crew)
