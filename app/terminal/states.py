"""A job's state in a person's words, and their colors."""

from __future__ import annotations

from pipeline.states import FAILED, STOPS, WITH_GAPS, WORKING, JobState

COLOURS = {
    "published": "green", WITH_GAPS: "yellow", "failed": "red", "waiting": "yellow",
    "stopped": "yellow",
    "unchanged": "dim",
}  # fmt: skip


def word(state: str, code: str | None = None) -> str:
    """A job's state, with the code of its error, in a person's words."""
    if state == JobState.COMPLETE:
        return "published"
    if state == JobState.COMPLETE_WITH_GAPS:
        return WITH_GAPS
    if state in FAILED:
        return "failed"
    if state in WORKING:
        return "stopped" if code in STOPS else "waiting"
    return state
