"""Incidents: alerts of one cause are one, which ends by itself or by a person, and is reported."""

from __future__ import annotations

import sqlalchemy as sa

from pipeline.alerts import Alert, Severity
from pipeline.store import incidents
from pipeline.store.engine import Database
from pipeline.store.incidents import Incident
from stages.alerts.incidents import close_incident, incident_named, report, times, told
from stages.alerts.raising import acknowledge_alerts, close_alert, raise_alert
from tests.stages.alerts.conftest import Making, Parts


def alert(kind: str, key: str = "x", severity: Severity = Severity.WARNING) -> Alert:
    """An alert of a kind."""
    return Alert(kind, key, severity, f"{kind} of {key}.", {"seconds": 3}, f"{key} is slow.")


async def all_of(database: Database) -> list[Incident]:
    """Every incident, closed ones too."""
    async with database.service() as connection:
        return await incidents.listed(connection, closed=True)


async def settle(parts: Parts, minutes: int = 0) -> None:
    """Have so many quiet minutes pass."""
    async with parts.database.service() as connection:
        statement = "UPDATE alerts SET closed_at = closed_at - make_interval(mins => :m)"
        await connection.execute(sa.text(statement), {"m": minutes})
    async with parts.database.service() as connection:
        await incidents.settle(connection)


async def test_an_outage_and_what_it_brings_about_are_one(parts: Making) -> None:
    """Documents that fail and a queue that grows belong to the provider that does not answer."""
    made = parts()
    await raise_alert(made, alert("circuit-open", "openai", Severity.CRITICAL))
    for kind in ("documents-failed", "queue-stalled", "run-failed"):
        await raise_alert(made, alert(kind))
    await raise_alert(made, alert("disk-fills", "/data"))
    found = {each.cause: each for each in await all_of(made.database)}
    assert set(found) == {"service:openai", "disk"}
    assert (found["service:openai"].alerts, found["service:openai"].severity) == (4, "critical")


async def test_without_a_cause_that_is_open_a_consequence_is_its_own(parts: Making) -> None:
    """And a later outage is another incident."""
    made = parts()
    await raise_alert(made, alert("documents-failed"))
    await raise_alert(made, alert("circuit-open", "openai"))
    await raise_alert(made, alert("circuit-open", "llamaparse"))
    names = {each.cause for each in await all_of(made.database)}
    assert names == {"corpus", "service:openai", "service:llamaparse"}


async def test_what_comes_and_goes_is_one_until_it_is_quiet(parts: Making) -> None:
    """It ends by itself, at the time of its last alert; the next one is another."""
    made = parts()
    for _ in range(3):
        await raise_alert(made, alert("circuit-open", "openai"))
        await close_alert(made, "circuit-open", "openai", "It answers again.")
        await settle(made, 1)
    [one] = await all_of(made.database)
    assert (one.alerts, one.open_alerts, one.closed_at) == (3, 0, None)
    await settle(made, incidents.QUIET_MINUTES)
    [one] = await all_of(made.database)
    assert (one.closed_by, one.closed_why) == (incidents.ITSELF, "It answers again.")
    await raise_alert(made, alert("circuit-open", "openai"))
    assert len(await all_of(made.database)) == 2


async def test_a_person_who_looked_after_it_is_who_ended_it(parts: Making) -> None:
    """Then it did not end without one; how long that took is measured."""
    made = parts()
    raised = await raise_alert(made, alert("no-worker", "navigator"))
    await made.passes(10)
    await acknowledge_alerts(made.database, [raised.id], "anna", "restarting it")
    await close_alert(made, "no-worker", "navigator", "It passed.")
    await settle(made, incidents.QUIET_MINUTES + 1)
    [one] = await all_of(made.database)
    assert (one.closed_by, one.acknowledged_by) == ("anna", "anna")


async def test_a_report_is_drafted_from_the_record(parts: Making) -> None:
    """Summary, likely causes, timeline, evidence with the runbook, and what a person adds."""
    made = parts()
    raised = await raise_alert(made, alert("circuit-open", "openai", Severity.CRITICAL))
    await raise_alert(made, alert("documents-failed"))
    await acknowledge_alerts(made.database, [raised.id], "anna", "calling them")
    [one] = await all_of(made.database)
    await close_incident(made.database, one, "anna@desk", "A key | was revoked.")
    one = await incident_named(made.database, str(one.id)[:8])
    page = report(one, *await told(made.database, one))
    assert "# Incident: openai does not work as it should" in page
    assert "- openai is slow." in page
    assert "anna@desk: A key | was revoked." in page
    assert "| anna | acknowledged: looks after it calling them |" in page
    assert "A key \\| was revoked." in page
    assert "(seconds 3) ([what to do](docs/runbook.md#circuit-open))" in page
    assert one.open_alerts == 0
    assert times(one)["ended_after_seconds"] is not None
