"""A process of `--jobs`: works on the study of the process that started it, and leaves verifying and writing to that one."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from tilery.pipeline import Pipeline
    from tilery.tuner.measured.campaign import Campaign
    from tilery.tuner.model.engine_model import EngineModel


class Task(TypedDict):
    """What a worker is told, as JSON in the first line of its standard input."""

    file: str
    kernel: str
    given: dict[str, Any]
    chip: str
    cores: int
    what_if: list[str]
    measure: str | None
    measure_timeout_s: float | None
    options: dict[str, Any]
    url: str
    grace_s: int


def main() -> int:
    """Works until the budget is spent, the study is through, or the process that started it asks for the end or is gone."""
    task: Task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from tilery.tuner.interrupts import interruptible

    with interruptible():
        if task["measure"]:
            _campaign(task).run()
        else:
            _search(task)
    return 0


def _campaign(task: Task) -> Campaign:
    from tilery.tuner.measured.by_measurement import prepared
    from tilery.tuner.model.search import Budget
    from tilery.tuner.together.sharing import Sharing

    from .measuring import measurement

    pipeline, options = _pipeline(task), task["options"]
    assert task["measure"]
    return prepared(
        _model(pipeline, options),
        measurement(pipeline, task["measure"], task["measure_timeout_s"]),
        Budget(options["budget_s"], options["trials"]),
        options["sampler"] or "surrogate",
        options["seed"],
        options["seeds"],
        None,
        Sharing(task["url"], task["grace_s"]),
    )


def _search(task: Task) -> None:
    """A search by the model, which leaves its best in the study."""
    from tilery.tuner.by_model import feasible
    from tilery.tuner.deadline import Deadline
    from tilery.tuner.measured.by_measurement import PATIENCE_S, SCREENING
    from tilery.tuner.model.search import Budget, search
    from tilery.tuner.results.adapt import adapt
    from tilery.tuner.space.configurations import Space
    from tilery.tuner.space.feasibility import survey
    from tilery.tuner.together.sharing import Sharing

    options = task["options"]
    searching = Deadline.after(options["budget_s"])
    model = _model(_pipeline(task), options)
    study = Sharing(task["url"], task["grace_s"]).join(model, "latency")
    default, space = model.default(), Space(model.tunables)
    screened = searching.share(SCREENING).by(PATIENCE_S)
    landscape = survey(model, space, space.index(default), options["seed"], patience_s=screened.left_s, deadline=screened)
    known = feasible(landscape, [adapt(config, space.tunables) for config in options["seeds"]])
    budget = Budget(None if options["budget_s"] is None else searching.left_s, options["trials"])
    named = {"sampler": options["sampler"]} if options["sampler"] else {}
    search(model, landscape, default, budget, seed=options["seed"], seeds=known, others=study, **named)


def _pipeline(task: Task) -> Pipeline:
    from tilery.library import load

    found = load(Path(task["file"]))[task["kernel"]].pipeline(task["given"], task["chip"], what_if=task["what_if"])
    found.cores = task["cores"]
    return found


def _model(pipeline: Pipeline, options: Mapping[str, Any]) -> EngineModel:
    from tilery.tuner.model.engine_model import EngineModel

    return EngineModel(pipeline.program, pipeline.dims, pipeline.chip, pipeline.cores, max_error=options["max_error"])


def _end_with_parent() -> None:
    """Ends this process as SIGTERM does when nobody holds the other end of its standard input any more."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(0)
