"""Tells whether trying a document again can help, by its error's class: the one rule for it."""

from __future__ import annotations

from pipeline.states import FAILED, JobState
from pipeline.store.candidates import PASSING_CODES
from pipeline.store.registration import PipelineVersion


def retry_helps(
    state: str | None,
    code: str | None,
    stopped: str | None,
    made_by: tuple[str | None, str | None],
    today: PipelineVersion,
) -> bool:
    """Whether a retry may end otherwise than the time before.

    It does where a person stopped the work, where the machine, the storage or the service may have
    been the cause, and where another parser or chunker would do it today. The same bytes under
    the same pipeline fail, or are quarantined, as they were.

    Args:
        state, code, stopped: of the document's newest job.
        made_by: its parser and its chunker. today: those that a retry would take.
    """
    if state not in FAILED:
        return state == JobState.CANCELLED or stopped is not None
    return code in PASSING_CODES or made_by != (today.parser, today.chunker)
