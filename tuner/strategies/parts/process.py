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
from scipy.linalg.lapack import dpotri
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
        between = _matern(_scaled_distances(points, self.points, self.parameters[:-1]))
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
        pairs = Pairs.of(points)
        found = fmin_l_bfgs_b(_loss, first, args=(pairs, targets, centre), bounds=bounds, maxiter=steps)
        parameters = np.asarray(found[0], dtype=np.float64)
    factor = _factor(_matern(_scaled_distances(points, points, parameters[:-1])), parameters[-1])
    return Process(points, parameters, factor, cho_solve((factor, True), targets), mean, scale)


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pairs of some points, each once: what a fit needs of them, computed once and not at each of its steps."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    """Of the lower triangle, without the diagonal."""
    squares: Floats
    """Squared differences, shape [coordinate, pair]."""
    count: int
    """How many points."""

    @classmethod
    def of(cls, points: Floats) -> Pairs:
        """All pairs of these points."""
        rows, columns = np.tril_indices(len(points), -1)
        return cls(rows, columns, np.ascontiguousarray(((points[rows] - points[columns]) ** 2).T), len(points))


def _factor(covariance: Floats, log_noise: float) -> Floats:
    """The Cholesky factor of a covariance, of which the lower triangle counts, with noise added; zeros above."""
    noisy = covariance + (np.exp(2 * log_noise) + JITTER) * np.eye(len(covariance))
    return np.asarray(cholesky(noisy, lower=True, check_finite=False))


def _loss(parameters: Floats, pairs: Pairs, targets: Floats, centre: Floats) -> tuple[float, Floats]:
    """Minus the logarithm of the evidence and of the preference, with its gradient."""
    weighted = np.exp(-2 * parameters[:-1])
    distance = np.sqrt(weighted @ pairs.squares)
    covariance = np.eye(pairs.count)
    covariance[pairs.rows, pairs.columns] = _matern(distance)
    factor = _factor(covariance, parameters[-1])
    weights = cho_solve((factor, True), targets, check_finite=False)
    inverse, _ = dpotri(factor, lower=1)
    # Of the inverse the lower triangle is there. Every pair counts twice in a sum over the whole matrix.
    inner = weights[pairs.rows] * weights[pairs.columns] - inverse[pairs.rows, pairs.columns]
    # d k / d log(scale) of Matern 5/2: its own square of distance, times 5/3 (1 + sqrt(5) r) exp(-sqrt(5) r).
    slope = inner * (5 / 3 * (1 + np.sqrt(5) * distance) * np.exp(-np.sqrt(5) * distance))
    trace = weights @ weights - np.trace(inverse)
    gradient = np.append(2 * weighted * (pairs.squares @ slope), 2 * np.exp(2 * parameters[-1]) * trace)
    apart = parameters - centre
    evidence = -0.5 * targets @ weights - np.sum(np.log(np.diag(factor)))
    return float(-evidence + 0.5 * apart @ apart), -0.5 * gradient + apart


def _scaled_distances(one: Floats, other: Floats, log_scales: Floats) -> Floats:
    """Distances between points in units of the length scales."""
    left, right = one / np.exp(log_scales), other / np.exp(log_scales)
    square = (left**2).sum(axis=1)[:, None] + (right**2).sum(axis=1)[None, :] - 2 * left @ right.T
    return np.asarray(np.sqrt(np.maximum(square, 0)))


def _matern(distance: Floats) -> Floats:
    root = np.sqrt(5) * distance
    return np.asarray((1 + root + root**2 / 3) * np.exp(-root))
