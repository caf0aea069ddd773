"""The road of a calibration: fit on all measurements, then again without each part of them, for the error to expect."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .calibration import Calibration, Line, Moved
from .calibration_options import CalibrationOptions
from .fit import standard_errors, supported
from .problem import Problem, Vector, value_of

FOLDS = 5
ALIKE = 0.98
"""Constants are told apart if the cosine between what they do to the measurements is less."""
SEEN = 1e-3


def calibrate(problem: Problem, options: CalibrationOptions) -> Calibration:
    """Moves the constants of a problem as far as its measurements support it."""
    options.check()
    options.check_number(len(problem.measurements))
    rows = range(len(problem.measurements))
    chosen, place = supported(problem, rows, options.gain)
    left_out = _left_out(problem, options)
    before, after = problem.predicted_us(problem.start, rows), problem.predicted_us(place, rows)
    measured = np.array([each.measured_us for each in problem.measurements])
    slopes = problem.jacobian(place, rows, range(len(problem.names)))
    groups = alike(problem.names, slopes)
    return Calibration(
        moved=_moved(problem, chosen, place, slopes, groups),
        unseen=[name for name, column in zip(problem.names, slopes.T, strict=True) if np.abs(column).max() < SEEN],
        alike=groups,
        lines=[
            Line(each.label, each.measured_us, float(was), float(now), float(apart))
            for each, was, now, apart in zip(problem.measurements, before, after, left_out, strict=True)
        ],
        error_before=_mean_error(before, measured),
        error_after=_mean_error(after, measured),
        error_left_out=_mean_error(left_out, measured),
        folds=min(FOLDS, len(rows)),
    )


def _mean_error(predicted: Vector, measured: Vector) -> float:
    return float(np.mean(np.abs(predicted / measured - 1)))


def _left_out(problem: Problem, options: CalibrationOptions) -> Vector:
    """Every measurement as predicted by constants that were chosen and fitted without it."""
    count = len(problem.measurements)
    found = np.zeros(count)
    for fold in range(min(FOLDS, count)):
        out = range(fold, count, FOLDS)
        _, place = supported(problem, [row for row in range(count) if row not in out], options.gain)
        found[list(out)] = problem.predicted_us(place, out)
    return found


def _moved(
    problem: Problem, chosen: Sequence[int], place: Vector, slopes: npt.NDArray[np.float64], groups: Sequence[tuple[str, ...]]
) -> list[Moved]:
    used = slopes[:, list(chosen)]
    wrong = problem.residuals(place, range(len(slopes)))
    errors = standard_errors(used, wrong)
    low, high = problem.bounds
    found = []
    for column, error in zip(chosen, errors, strict=True):
        name, value = problem.names[column], value_of(problem.chip, problem.names[column])
        at_bound = bool(min(place[column] - low[column], high[column] - place[column]) < 1e-3)
        group = next((each for each in groups if name in each), ())
        others = tuple(each for each in group if each != name)
        found.append(Moved(name, value, value * float(np.exp(place[column])), float(error), at_bound, others))
    return found


def alike(names: Sequence[str], slopes: npt.NDArray[np.float64]) -> list[tuple[str, ...]]:
    """Groups of constants that change the measurements in one direction."""
    lengths = np.linalg.norm(slopes, axis=0)
    seen = [place for place in range(len(names)) if np.abs(slopes[:, place]).max() >= SEEN]
    groups: list[list[int]] = []
    for place in seen:
        home = next((each for each in groups if _cosine(slopes, lengths, each[0], place) >= ALIKE), None)
        if home is None:
            groups.append([place])
        else:
            home.append(place)
    return [tuple(names[each] for each in group) for group in groups if len(group) > 1]


def _cosine(slopes: npt.NDArray[np.float64], lengths: Vector, a: int, b: int) -> float:
    return float(abs(slopes[:, a] @ slopes[:, b]) / (lengths[a] * lengths[b]))
