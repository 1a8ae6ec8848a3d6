"""The stages' times are read from the database's audit of the steps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from deployments.verification.stage_times import pickup_seconds, stage_seconds
from pipeline.store.canaries import Step

BEGAN = datetime(2026, 11, 27, tzinfo=UTC)


def step(seconds: float, state: str, *, inside: bool = False) -> Step:
    """A step so many seconds after the beginning."""
    return Step(BEGAN + timedelta(seconds=seconds), state, "worker", None, inside)


ALL = [
    step(1, "parse_queued"),
    step(1.5, "parse_queued"),
    step(2, "failed_parse"),
    step(3, "parsed"),
    step(3.25, "quarantined"),
    step(3.5, "parse_validated"),
    step(4, "chunks_stored"),
    step(6, "embeddings_stored"),
    step(7, "complete_with_gaps"),
    step(7.5, "complete"),
]


def test_each_stage_begins_where_the_one_before_ended() -> None:
    """A stage of the batch ends with its last document, whether that passed or failed."""
    assert stage_seconds(ALL) == {
        "parse": 1.5, "validate": 0.5, "chunk": 0.5, "embed": 2.0, "publish": 1.5,
        "all stages": 6.0,
    }  # fmt: skip


def test_what_was_found_inside_does_not_count() -> None:
    """Documents that came later, from inside others, change no time."""
    later = [step(9, "parse_queued", inside=True), step(20, "complete", inside=True)]
    assert stage_seconds([*ALL, *later]) == stage_seconds(ALL)


def test_a_stage_that_nobody_reached_has_no_time() -> None:
    """What ended early tells of the stages that it had."""
    assert set(stage_seconds(ALL[:4])) == {"parse", "all stages"}
    assert stage_seconds([]) == {}


def test_pickup() -> None:
    """From the request to the first step."""
    assert pickup_seconds(ALL, BEGAN) == 1.0
    assert pickup_seconds([], BEGAN) == 0.0
