"""A process of `--jobs`: works on the study of the process that started it, which verifies and writes the result."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tilery.pipeline import Pipeline

    from .task import Task


def main() -> int:
    """Works until the budget is spent, the study is through, or the process that started it asks for the end or is gone."""
    line = sys.stdin.readline()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from tilery.tuner.interrupts import interruptible

    from .task import read

    with interruptible():
        _work(read(line))
    return 0


def _work(task: Task) -> None:
    """A campaign where a command measures; else a search by the model, which leaves its best in the study."""
    from tilery.tuner.budget import Times
    from tilery.tuner.by_model import searched
    from tilery.tuner.measured.by_measurement import campaign_of
    from tilery.tuner.preparing import set_up
    from tilery.tuner.together.sharing import GRACE_S, Sharing

    from .measuring import command

    pipeline, options = _pipeline(task), task.options
    times, model = Times.of(options.budget_s), pipeline.model(options)
    sharing = Sharing(options.storage, options.grace_s or GRACE_S)
    if means := command(pipeline, options):
        _, campaign = campaign_of(model, means, options, times, None, sharing)
        campaign.run()
    else:
        beginning = set_up(model, options, times)
        study = sharing.join(model, options.objective)
        searched(beginning.screened(), study)


def _pipeline(task: Task) -> Pipeline:
    from tilery.library import load

    found = load(Path(task.file))[task.kernel].pipeline(task.given, task.chip, what_if=task.what_if)
    found.cores = task.cores
    return found


def _end_with_parent() -> None:
    """Ends this process as SIGTERM does when nobody holds the other end of its standard input any more."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(0)
