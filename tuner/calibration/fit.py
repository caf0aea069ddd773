"""Least squares, and which constants the measurements support: one at a time, as long as each pays where it was not fitted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares
from scipy.stats import t as student_t

from .calibration_options import ROWS_A_CONSTANT
from .problem import Problem, Vector

ROUNDS = 12
"""How often a fit looks at the recurrence at most; piecewise linear functions need few."""
CHANCE = 0.05
"""The chance at which noise alone may move a constant."""


def fitted(problem: Problem, rows: Sequence[int], chosen: Sequence[int], begin: Vector) -> Vector:
    """The constants that fit some measurements best, those that are not chosen left where they are."""
    low, high = (bound[list(chosen)] for bound in problem.bounds)

    def placed(free: Vector) -> Vector:
        place = begin.copy()
        place[list(chosen)] = free
        return place

    def wrong(free: Vector) -> Vector:
        return problem.residuals(placed(free), rows)

    def slopes(free: Vector) -> npt.NDArray[np.float64]:
        return problem.jacobian(placed(free), rows, chosen)

    solved = least_squares(
        wrong,
        np.clip(begin[list(chosen)], low + 1e-9, high - 1e-9),
        jac=slopes,
        bounds=(low, high),
        max_nfev=ROUNDS,
        xtol=1e-5,
        ftol=1e-6,
    )
    return placed(solved.x)


def supported(problem: Problem, rows: Sequence[int], gain: float) -> tuple[tuple[int, ...], Vector]:
    """Which constants to move for some measurements, and where to."""
    chosen: tuple[int, ...] = ()
    place = problem.start
    error = _rms(problem.residuals(place, rows))
    every = range(len(problem.names))
    while len(chosen) < min(len(problem.names), len(rows) // ROWS_A_CONSTANT):
        slopes, wrong = problem.jacobian(place, rows, every), problem.residuals(place, rows)
        ways = [(left_out_error(slopes[:, [*chosen, each]], wrong), each) for each in every if each not in chosen]
        _, best = min(ways)
        wider = (*chosen, best)
        there = fitted(problem, rows, wider, place)
        after = left_out_error(problem.jacobian(there, rows, wider), problem.residuals(there, rows))
        if after > (1 - gain) * error or not _is_sure(problem, there, rows, wider):
            break
        chosen, place, error = wider, there, after
    return chosen, place


def standard_errors(slopes: npt.NDArray[np.float64], wrong: Vector) -> Vector:
    """The standard errors of fitted constants, from what is left wrong."""
    spread = float(wrong @ wrong) / max(1, len(wrong) - slopes.shape[1])
    errors: Vector = np.sqrt(spread * np.diag(np.linalg.pinv(slopes.T @ slopes)))
    return errors


def _is_sure(problem: Problem, place: Vector, rows: Sequence[int], chosen: Sequence[int]) -> bool:
    """Whether the constant chosen last has moved by more than noise would move the one that it moves most, of all there are."""
    slopes, wrong = problem.jacobian(place, rows, chosen), problem.residuals(place, rows)
    error = standard_errors(slopes, wrong)[-1]
    quantile = student_t.ppf(1 - CHANCE / 2 / len(problem.names), max(1, len(rows) - len(chosen)))
    return bool(abs(place[chosen[-1]]) > quantile * error)


def left_out_error(slopes: npt.NDArray[np.float64], wrong: Vector) -> float:
    """The error on each measurement if it were left out of a linear fit; a constant that nothing shows cannot be fitted."""
    if np.linalg.norm(slopes, axis=0).min(initial=np.inf) < 1e-3:
        return np.inf
    hat = slopes @ np.linalg.pinv(slopes)
    left = np.maximum(1 - np.diag(hat), 1e-3)
    return _rms((wrong - hat @ wrong) / left)


def _rms(values: Vector) -> float:
    return float(np.sqrt(np.mean(values**2)))
