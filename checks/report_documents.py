"""The documents that the quality report names: those that failed, and those with gaps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.states import JobState


@dataclass(frozen=True, slots=True)
class FailedDocument:
    """A document that ended in a failure state, and what a person can do."""

    source: str
    job_id: str
    state: JobState
    code: str
    message: str
    remedy: str
    attempts: int
    at: datetime


@dataclass(frozen=True, slots=True)
class LackingDocument:
    """A document of which something was not read.

    Attributes:
        state: where it ended; one with gaps may be published or refused.
        gaps: a sentence for each, with its pages. remedies: what to do, each once.
    """

    source: str
    state: JobState
    gaps: tuple[str, ...]
    remedies: tuple[str, ...]
