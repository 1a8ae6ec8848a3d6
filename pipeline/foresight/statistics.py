"""Robust statistics over windows of hours. NaN is what was not measured, and counts for nothing."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from pipeline.foresight.series import Values

TO_DEVIATION = 1.4826
"""Of a normal distribution, the standard deviation over the median absolute deviation."""


def median(windows: Values) -> tuple[Values, Values]:
    """The median along the last axis, and of how many numbers it is; NaN of none."""
    numbers = np.count_nonzero(~np.isnan(windows), axis=-1)
    if windows.shape[-1] == 0:
        return np.full(windows.shape[:-1], np.nan), numbers.astype(float)
    ordered = np.sort(windows, axis=-1)  # NaN last
    low = np.take_along_axis(ordered, np.maximum((numbers - 1) // 2, 0)[..., None], -1)[..., 0]
    high = np.take_along_axis(
        ordered, np.maximum(numbers // 2, 0)[..., None] % windows.shape[-1], -1
    )
    return np.where(numbers > 0, (low + high[..., 0]) / 2, np.nan), numbers.astype(float)


def before(values: Values, size: int) -> Values:
    """For each hour a window of the `size` hours before it, without itself; oldest first."""
    padded = np.concatenate([np.full(size, np.nan), values])
    windows: Values = sliding_window_view(padded, size)[: len(values)]
    return windows


def until(values: Values, size: int) -> Values:
    """For each hour a window of the `size` hours that end with it."""
    padded = np.concatenate([np.full(size - 1, np.nan), values])
    windows: Values = sliding_window_view(padded, size)
    return windows


def lagged(values: Values, lags: list[int]) -> Values:
    """For each hour the values so many hours before it, a column a lag."""
    found = np.full((len(values), len(lags)), np.nan)
    for column, lag in enumerate(lags):
        if lag < len(values):
            found[lag:, column] = values[: len(values) - lag]
    return found


def sums(values: Values, size: int) -> Values:
    """The sum of the `size` hours that end with each hour."""
    total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(values))])
    first = np.maximum(np.arange(1, len(total)) - size, 0)
    found: Values = total[1:] - total[first]
    return found


def theil_sen(points: Values) -> tuple[Values, Values]:
    """The median slope between points along the last axis, and Mann and Kendall's z for it.

    The slope is in units a step; z says how far from chance the order of the points is.
    """
    number = points.shape[-1]
    first, last = np.triu_indices(number, 1)
    rises = points[..., last] - points[..., first]
    slope, _ = median(rises / (last - first))
    order = np.nansum(np.sign(rises), axis=-1)
    there = np.count_nonzero(~np.isnan(points), axis=-1)
    deviation = np.sqrt(np.maximum(there * (there - 1) * (2 * there + 5), 1) / 18)
    return slope, np.sign(order) * np.maximum(np.abs(order) - 1, 0) / deviation


def surprise(hits: Values, counts: Values, usual: Values) -> Values:
    """How unlikely so many hits are where `usual` is their share, in nats (Chernoff's bound).

    The probability of as many or more is at most ``exp(-surprise)``; 0 for fewer than usual.
    """
    seen = np.divide(hits, counts, out=np.zeros_like(hits), where=counts > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        yes = np.where(seen > 0, seen * np.log(seen / usual), 0.0)
        no = np.where(seen < 1, (1 - seen) * np.log((1 - seen) / (1 - usual)), 0.0)
    found: Values = np.where(seen > usual, counts * (yes + no), 0.0)
    return np.nan_to_num(found)
