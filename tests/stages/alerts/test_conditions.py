"""Conditions of the database: told once while they are the case, closed when they are not."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast
from uuid import uuid4

import sqlalchemy as sa

from flows.alerting import QUALITY, tell_quality
from pipeline.machine_answers import MachineAnswer
from pipeline.states import JobState
from pipeline.store import alerts, incidents, machine_answers
from pipeline.store.circuit_breaker import OUTAGE
from pipeline.store.engine import Database
from pipeline.store.runs import Progress
from stages.alerts.answering import note_answer
from stages.alerts.conditions import BUDGET, REQUEUED, RESTARTED, look_at_conditions
from stages.services import Services
from tests.pipeline.store.making import open_space, registered_jobs
from tests.stages.alerts.conftest import Making, Parts

_RUN = """
    INSERT INTO ingest_runs (id, user_id, kind, max_cost_usd, cost_usd, held_until)
    VALUES (:id, :id, 'ingest', 10, :spent, now() + interval '1 hour')
"""

_OPEN = """
    INSERT INTO provider_budgets (provider, circuit, open_since, opened_until, reason)
    VALUES ('openai', 'open', now(), now() + interval '30 s', 'It answers 503.')
    ON CONFLICT (provider) DO UPDATE SET opened_until = EXCLUDED.opened_until
"""
_PASSED = "UPDATE provider_budgets SET opened_until = now() - interval '16 minutes'"


async def change(database: Database, statement: str, **values: Any) -> None:
    """Change rows."""
    async with database.service() as connection:
        await connection.execute(sa.text(statement), values)


async def told(parts: Parts) -> list[tuple[str, int, bool]]:
    """Every alert: its kind, how often it came, and whether it is open."""
    async with parts.database.service() as connection:
        found = await alerts.all_alerts(connection, 10)
    return [(each.kind, each.count, each.closed_at is None) for each in found]


async def test_a_run_near_its_cap_is_told_once_until_it_ends(parts: Making) -> None:
    """From four fifths on; a run below it is told to nobody."""
    made, run = parts(), uuid4()
    await change(made.database, _RUN, id=uuid4(), spent=7.9)
    await change(made.database, _RUN, id=run, spent=8)
    for _ in range(2):
        await look_at_conditions(made)
    assert await told(made) == [(BUDGET, 1, True)]
    await change(made.database, "UPDATE ingest_runs SET finished_at = now() WHERE id = :id", id=run)
    await look_at_conditions(made)
    assert await told(made) == [(BUDGET, 1, False)]


async def test_a_provider_that_nobody_needs_is_no_alert(parts: Making) -> None:
    """It is one while a document may need it; a quarter of an hour after, the next one asks."""
    made = parts()
    await change(made.database, _OPEN)
    await open_space(made.database)
    [job] = await registered_jobs(made.database, 1)
    await look_at_conditions(made)
    await change(made.database, _PASSED)
    await look_at_conditions(made)
    assert await told(made) == [(OUTAGE, 1, True)]
    await change(made.database, "UPDATE upload_jobs SET state = 'cancelled' WHERE id = :id", id=job)
    await change(made.database, _OPEN)
    await look_at_conditions(made)
    assert await told(made) == [(OUTAGE, 1, True)]
    await change(made.database, _PASSED)
    await look_at_conditions(made)
    assert await told(made) == [(OUTAGE, 1, False)]


def progress(**states: int) -> Progress:
    """A run's documents by state."""
    by_state = Counter({JobState[name].value: number for name, number in states.items()})
    return Progress(dict(by_state), 0, 0, 0, 0, cast("Any", 0))


async def test_a_run_that_quarantines_too_much_is_told_until_one_does_not(parts: Making) -> None:
    """A run with few documents says neither the one nor the other."""
    made = parts()
    services = cast("Services", made)
    await tell_quality(services, progress(QUARANTINED=1))
    assert await told(made) == []
    await tell_quality(services, progress(QUARANTINED=12, COMPLETE=18))
    assert await told(made) == [(QUALITY, 1, True)]
    await tell_quality(services, progress(QUARANTINED=1))
    assert await told(made) == [(QUALITY, 1, True)]
    await tell_quality(services, progress(COMPLETE=30))
    assert await told(made) == [(QUALITY, 1, False)]


async def test_what_the_machine_answers_is_told_and_stands_in_the_course(parts: Making) -> None:
    """Restarts and what was requeued are one incident, with each answer, and end by themselves."""
    made = parts()
    for number in (1, 1, 2, 3):  # a second process that looks notes nothing twice
        async with made.database.service() as connection:
            said = f"worker was started again, restart {number}."
            await machine_answers.note_once(connection, MachineAnswer.RESTART, "workers", said)
    for _ in range(2):
        await note_answer(made.database, MachineAnswer.REQUEUE, "workers", "It is free.")
    await note_answer(made.database, MachineAnswer.FALL_BACK, "service:llamaparse", "Local.")
    for _ in range(2):
        await look_at_conditions(made)
    assert sorted(await told(made)) == [(RESTARTED, 1, True), (REQUEUED, 1, True)]
    async with made.database.service() as connection:
        [incident] = await incidents.listed(connection)
        course = [each.said for each in await incidents.timeline(connection, incident.id)
                  if each.what == "answer"]  # fmt: skip
        severities = {each.severity for each in await alerts.all_alerts(connection, 10)}
    assert len(course) == 4, "the other provider's fallback is none of it"
    assert "answered by machine: requeue: It is free. (2 times)" in course
    assert severities == {"warning", "info"}, "three restarts are no accident"
    await change(made.database, "UPDATE machine_answers SET seen_at = now() - interval '6 min'")
    await look_at_conditions(made)
    assert sorted(await told(made)) == [(RESTARTED, 1, False), (REQUEUED, 1, False)]
