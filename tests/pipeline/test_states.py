"""The life of a job, as a graph."""

from __future__ import annotations

import itertools
import re

import pytest

from pipeline.states import (
    ENDED,
    FAILED,
    RETRY_STATE,
    RETRYABLE,
    STATE_TITLES,
    TRANSITIONS,
    WORKING,
    JobState,
    may,
    state_word,
)
from tests.rooms import ROOT


def test_every_state_is_working_or_ended() -> None:
    """Each state is exactly one of the two, and the table names them all."""
    assert set(WORKING) | set(ENDED) == set(JobState) == set(TRANSITIONS)
    assert set(WORKING).isdisjoint(ENDED)
    assert set(FAILED) < set(RETRYABLE) < set(ENDED)


@pytest.mark.parametrize(
    ("state", "code", "word"),
    [("failed_parse", "quota_exhausted", "failed"), ("quarantined", None, "failed"),
     ("parsed", None, "waiting"), ("parsed", "cost_cap_reached", "stopped"),
     ("complete", None, "published"), ("complete_with_gaps", None, "complete, with gaps"),
     ("unknown", None, "unknown")],
)  # fmt: skip
def test_a_state_has_one_word(state: str, code: str | None, word: str) -> None:
    """The word is the beginning of the title, but for what waits for a person."""
    assert state_word(state, code) == word


def test_the_dashboard_says_what_everything_else_says() -> None:
    """The page's table of states is the one of `pipeline.states`."""
    page = (ROOT / "app/api/dashboard/words.js").read_text("utf-8")
    table = page.partition("const STATES = {")[2].partition("};")[0]
    assert dict(re.findall(r'(\w+): \["([^"]+)"', table)) == STATE_TITLES


def test_the_straight_way_leads_from_uploaded_to_complete() -> None:
    """Each working state has the step to the next one, and no step skips one."""
    way = [*WORKING, JobState.COMPLETE]
    for (here, start), (there, target) in itertools.product(enumerate(way), repeat=2):
        if there == here + 1:
            assert may(start, target)
        elif there > here:
            assert not may(start, target)


def test_no_state_steps_to_itself() -> None:
    """Staying is not a move, so it writes no event."""
    assert not any(may(state, state) for state in JobState)


@pytest.mark.parametrize("state", JobState)
def test_every_state_can_still_be_published(state: JobState) -> None:
    """From anywhere there is a way to complete: nothing is a dead end for a person."""
    reached, todo = {state}, [state]
    while todo:
        for target in TRANSITIONS[todo.pop()] - reached:
            reached.add(target)
            todo.append(target)
    assert JobState.COMPLETE in reached


@pytest.mark.parametrize("state", JobState)
def test_a_document_can_be_deleted_at_any_time(state: JobState) -> None:
    """Every state but deleted itself has the step."""
    assert may(state, JobState.DELETED) == (state != JobState.DELETED)


@pytest.mark.parametrize("state", JobState)
def test_only_unfinished_work_can_be_cancelled(state: JobState) -> None:
    """Every working state has the step, and no end has it."""
    assert may(state, JobState.CANCELLED) == (state in WORKING)


@pytest.mark.parametrize("state", RETRYABLE)
def test_every_failure_and_cancel_can_be_retried(state: JobState) -> None:
    """A person's retry is a legal step to a working state."""
    assert set(RETRY_STATE) == set(RETRYABLE)
    assert RETRY_STATE[state] in WORKING
    assert may(state, RETRY_STATE[state])


def test_only_publishing_completes() -> None:
    """Complete is reached from embeddings_stored alone, after the gate."""
    assert [start for start in JobState if may(start, JobState.COMPLETE)] == [
        JobState.EMBEDDINGS_STORED
    ]
