"""Fits a logistic regression with coefficients of known signs, by Newton's method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Figures = dict[str, float]
FREE = frozenset({"length"})
"""Figures whose coefficient may have either sign."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A logistic regression over figures as they are."""

    names: tuple[str, ...]
    intercept: float
    weights: Array

    def __call__(self, rows: Sequence[Figures]) -> Array:
        """Probabilities."""
        total = self.intercept + _matrix(rows, self.names) @ self.weights
        found: Array = 1 / (1 + np.exp(-np.clip(total, -60, 60)))
        return found

    def data(self) -> dict[str, Any]:
        """For the file."""
        return {
            "intercept": round(self.intercept, 4),
            "coefficients": {
                name: round(float(weight), 4)
                for name, weight in zip(self.names, self.weights, strict=True)
            },
        }


def fit(
    rows: Sequence[Figures], right: Sequence[bool], share: Sequence[float], names: Sequence[str]
) -> Fit:
    """Fit by Newton's method, with a little shrinkage, over standardized figures.

    A figure whose coefficient would have the wrong sign is left out.

    Args:
        share: weight of each row.
    """
    found = _fit(rows, right, share, names)
    wrong = {
        name
        for name, weight in zip(found.names, found.weights, strict=True)
        if weight < 0 and name not in FREE
    }
    return fit(rows, right, share, [n for n in names if n not in wrong]) if wrong else found


def _fit(
    rows: Sequence[Figures], right: Sequence[bool], share: Sequence[float], names: Sequence[str]
) -> Fit:
    raw, truth = _matrix(rows, names), np.asarray(right, np.float64)
    weight = np.asarray(share) / np.sum(share)
    middle, spread = raw.mean(0), raw.std(0) + 1e-9
    given = np.c_[np.ones(len(raw)), (raw - middle) / spread]
    shrink = np.r_[1e-9, np.full(len(names), 1e-3)]
    found = np.zeros(given.shape[1])
    for _ in range(30):
        sure = 1 / (1 + np.exp(-given @ found))
        slope = given.T @ (weight * (sure - truth)) + shrink * found
        bend = (given * (weight * sure * (1 - sure))[:, None]).T @ given + np.diag(shrink)
        found = found - np.linalg.solve(bend, slope)
    scaled = found[1:] / spread
    return Fit(tuple(names), float(found[0] - scaled @ middle), scaled)


def _matrix(rows: Sequence[Figures], names: Sequence[str]) -> Array:
    return np.array([[row[name] for name in names] for row in rows], np.float64)
