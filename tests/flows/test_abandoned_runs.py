"""Flow runs that nobody runs any more are told from those that somebody does."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Cancelling, Pending, Running

from flows.abandoned_runs import JUST_TAKEN, NAMELESS, abandoned, state_after
from pipeline.retry_policy import RUN_STARTS
from pipeline.worker_identity import worker_name
from tests.clocks import right_time

DEAD = f"{worker_name().rpartition('/')[0].rpartition('/')[0]}/4194305/1.00"
"""A process of this machine that there never was."""
MINUTE = timedelta(minutes=1)


def run(
    state: State[None], name: str | None, age: timedelta, deployment: UUID | None = None
) -> FlowRun:
    """A flow run in a state since so long."""
    state.timestamp = right_time() - age
    return FlowRun(
        flow_id=uuid4(),
        state=state,
        state_type=state.type,
        infrastructure_pid=name,
        deployment_id=deployment or uuid4(),
    )


@pytest.mark.parametrize(
    ("state", "name", "age", "left"),
    [
        (Running(), DEAD, MINUTE, True),
        (Running(), worker_name(), 60 * MINUTE, False),
        (Running(), "elsewhere/boot/1/1.00", 60 * MINUTE, False),
        (Running(), None, 60 * MINUTE, False),
        (Cancelling(), DEAD, MINUTE, True),
        (Pending(), DEAD, JUST_TAKEN + MINUTE, True),
        (Pending(), DEAD, JUST_TAKEN / 2, False),
        (Pending(), None, NAMELESS + MINUTE, True),
        (Pending(), None, NAMELESS - MINUTE, False),
    ],
    ids=[
        "dead", "alive", "of another machine", "no name", "cancelling, dead",
        "pending, dead", "just taken", "pending, no name", "pending, no name yet",
    ],
)  # fmt: skip
def test_who_runs_it_tells(
    state: State[None], name: str | None, age: timedelta, left: bool
) -> None:
    """Its worker is gone, or it was taken long ago and no worker has put its name on it."""
    found = run(state, name, age)
    assert abandoned([found], right_time()) == ([found] if left else [])


def test_a_run_of_a_person_may_be_without_a_name() -> None:
    """It runs in the person's own process."""
    pending = run(Pending(), None, 60 * MINUTE)
    pending.deployment_id = None
    assert abandoned([pending], right_time()) == []


def test_what_becomes_of_it() -> None:
    """A worker goes on with it, unless a person cancelled it or it was started too often."""
    again = run(Running(), DEAD, MINUTE)
    assert state_after(again).name == "AwaitingRetry"
    assert state_after(run(Cancelling(), DEAD, MINUTE)).name == "Cancelled"
    again.run_count = RUN_STARTS
    assert state_after(again).name == "Crashed"


def test_a_worker_of_another_machine_is_gone_when_the_database_has_not_seen_it() -> None:
    """Whoever is silent loses its runs; the others of that machine keep theirs."""
    lost = run(Running(), "elsewhere/boot/1/1.00", MINUTE)
    kept = run(Running(), "elsewhere/boot/2/1.00", MINUTE)
    assert abandoned([lost, kept], right_time(), {"elsewhere/boot/1/1.00"}) == [lost]
