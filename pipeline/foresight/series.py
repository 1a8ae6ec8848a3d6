"""Defines a series: one figure of one subject, an hour a value."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from pipeline.foresight.measures import Measure

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]

HOURS_A_DAY = 24
HOURS_A_WEEK = 168


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Hourly figures up to `end`, oldest first.

    Attributes:
        subject: what it is measured of: a service, a stage, `search`, a tenant's id.
        end: of the last hour, UTC.
        values: in the measure's unit; NaN where nothing was measured. Of a share: hits / counts.
        counts: observations behind each value, such as calls; ones where that has no meaning.
        hits: of a share, how many of the counted are bad; empty otherwise.
    """

    measure: Measure
    subject: str
    end: datetime
    values: Values
    counts: Values
    hits: Values = field(default_factory=lambda: np.empty(0))

    def at(self, index: int) -> datetime:
        """The end of the hour of a value."""
        return self.end - timedelta(hours=len(self.values) - 1 - index)

    @property
    def days(self) -> float:
        """Days from the first figure to the last."""
        seen = np.flatnonzero(~np.isnan(self.values))
        return float(len(self.values) - seen[0]) / HOURS_A_DAY if len(seen) else 0.0


def gauge(measure: Measure, subject: str, end: datetime, values: Values) -> Series:
    """The series of something that is read off, such as free bytes."""
    return Series(measure, subject, end, values, np.where(np.isnan(values), 0.0, 1.0))


def share(measure: Measure, subject: str, end: datetime, hits: Values, counts: Values) -> Series:
    """The series of a share: `hits` bad ones of `counts`."""
    values = np.divide(hits, counts, out=np.full(len(hits), np.nan), where=counts > 0)
    return Series(measure, subject, end, values, counts, hits)
