"""A Gaussian process over configurations: what the measurements so far say of those that have not been measured.

Matern 5/2 with a length scale a coordinate, fitted to the evidence by scipy; Rasmussen and Williams, chapters 2, 4 and 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import fmin_l_bfgs_b
from scipy.special import erf
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

Floats = NDArray[np.float64]

JITTER = 1e-8
STEPS = 30
"""Steps of the fit at most; it starts from the last one's result."""


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Keeps BLAS to one thread inside the block: these matrices are small, and the others would only wait for each other."""
    with _controller().limit(limits=1):
        yield


@dataclass(frozen=True, slots=True)
class Process:
    """A fitted process."""

    points: Floats
    parameters: Floats
    """Logarithms of the length scales, then of the standard deviation of the noise."""
    factor: Floats
    """The Cholesky factor of the covariance of the points."""
    weights: Floats
    mean: float
    scale: float

    def improvement(self, points: Floats, best: float) -> Floats:
        """The expected improvement on `best` at each point, in the unit of the values."""
        between = _matern(_scaled_distances(points, self.points, self.parameters[:-1])[0])
        mean = self.mean + self.scale * (between @ self.weights)
        reduced = solve_triangular(self.factor, between.T, lower=True, check_finite=False)
        deviation = self.scale * np.sqrt(np.maximum(1 - np.sum(reduced**2, axis=0), 1e-12))
        z = (best - mean) / deviation
        density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
        return np.asarray(deviation * (density + z * 0.5 * (1 + erf(z / np.sqrt(2)))))


def fit(points: Floats, values: Floats, start: Floats | None = None, steps: int = STEPS) -> Process:
    """The process of greatest evidence, mildly preferring smooth ones; with no steps, that of the parameters `start`."""
    mean, scale = float(values.mean()), float(values.std()) or 1.0
    targets = (values - mean) / scale
    dimensions = points.shape[1]
    centre = np.append(np.full(dimensions, np.log(0.5 * np.sqrt(dimensions))), np.log(0.1))
    first = centre if start is None else start
    bounds = [(-3.0, 4.0)] * dimensions + [(np.log(0.01), 0.0)]
    parameters = first
    if steps:
        found = fmin_l_bfgs_b(_loss, first, args=(points, targets, centre), bounds=bounds, maxiter=steps)
        parameters = np.asarray(found[0], dtype=np.float64)
    factor = _factor(_matern(_scaled_distances(points, points, parameters[:-1])[0]), parameters[-1])
    return Process(points, parameters, factor, cho_solve((factor, True), targets), mean, scale)


def _factor(covariance: Floats, log_noise: float) -> Floats:
    return np.asarray(cholesky(covariance + (np.exp(2 * log_noise) + JITTER) * np.eye(len(covariance)), lower=True))


def _loss(parameters: Floats, points: Floats, targets: Floats, centre: Floats) -> tuple[float, Floats]:
    """Minus the logarithm of the evidence and of the preference, with its gradient."""
    distance, squares = _scaled_distances(points, points, parameters[:-1], parts=True)
    factor = _factor(_matern(distance), parameters[-1])
    weights = cho_solve((factor, True), targets)
    inner = np.outer(weights, weights) - cho_solve((factor, True), np.eye(len(points)))
    # d k / d log(scale) of Matern 5/2: its own square of distance, times 5/3 (1 + sqrt(5) r) exp(-sqrt(5) r).
    slope = inner * (5 / 3 * (1 + np.sqrt(5) * distance) * np.exp(-np.sqrt(5) * distance))
    gradient = np.append(np.einsum("ij,ijk->k", slope, squares), 2 * np.exp(2 * parameters[-1]) * np.trace(inner))
    apart = parameters - centre
    evidence = -0.5 * targets @ weights - np.sum(np.log(np.diag(factor)))
    return float(-evidence + 0.5 * apart @ apart), -0.5 * gradient + apart


def _scaled_distances(one: Floats, other: Floats, log_scales: Floats, *, parts: bool = False) -> tuple[Floats, Floats]:
    """Distances between points in units of the length scales, and on demand their squares by coordinate."""
    left, right = one / np.exp(log_scales), other / np.exp(log_scales)
    if parts:
        squares = (left[:, None, :] - right[None, :, :]) ** 2
        return np.sqrt(squares.sum(axis=2)), squares
    square = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)[None, :] - 2 * left @ right.T
    return np.sqrt(np.maximum(square, 0)), np.empty(0)


def _matern(distance: Floats) -> Floats:
    root = np.sqrt(5) * distance
    return np.asarray((1 + root + root**2 / 3) * np.exp(-root))
