"""The API by a clock that is a day off the database's and Prefect's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate

from app.api.dispatching import Dispatcher
from app.api.health import WORKER_SECONDS, HealthChecks
from flows.reporting import report_data
from pipeline.identity import user_id
from pipeline.store import events
from pipeline.store.addresses import driver_url
from tests.app.api.calling import accepted, text, watching
from tests.app.api.serving import RunningApi
from tests.clocks import DAY, moved, right_time
from tests.prefect_server import PrefectServer

LATE = """
    INSERT INTO upload_pipeline.job_events (job_id, user_id, event, actor)
    VALUES (%s, %s, 'late', 'test')
"""


@pytest.fixture(params=[DAY, -DAY], ids=["ahead", "behind"])
def anna(api: RunningApi, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """A client of the API whose clock is wrong, with a token by the same clock."""
    with moved(request.param), api.client("anna") as client:
        yield client


def test_a_late_event_is_told_once(anna: httpx.Client, api: RunningApi) -> None:
    """One that has a lower id than another and commits after it is told; the other not again."""
    assert api.settings.database_url is not None
    address = driver_url(api.settings.database_url.get_secret_value()).set(drivername="postgresql")
    with (
        psycopg.connect(address.render_as_string(hide_password=False)) as late,
        watching(anna, "/events") as stream,
    ):
        late.execute(LATE, (uuid4(), user_id("anna")))
        first, second = (accepted(anna, text(str(uuid4())))["id"] for _ in range(2))
        told = iter(stream)
        before = [next(told), next(told)]
        late.commit()
        last = next(told)
    assert [event["data"]["job_id"] for event in before] == [first, second]
    assert (last["event"], int(last["id"]) < int(before[0]["id"])) == ("late", True)


def test_the_age_of_an_event_is_the_databases(anna: httpx.Client, api: RunningApi) -> None:
    """So that one of this minute settles in this minute, and not tomorrow."""
    job = UUID(accepted(anna, text(str(uuid4())))["id"])

    async def read() -> list[events.JobEvent]:
        async with api.parts.database.service() as connection:
            return await events.of_job(connection, job)

    [registered] = api.run(read())
    assert 0 <= registered.age < DAY / 2


def test_the_overview_is_of_the_databases_time(anna: httpx.Client) -> None:
    """Its time is that of its figures."""
    before = right_time()
    at = datetime.fromisoformat(anna.get("/overview").json()["at"])
    assert before <= at <= right_time()


def test_the_report_is_about_what_was_just_done(anna: httpx.Client, api: RunningApi) -> None:
    """The last day is the last day by the database's clock."""
    accepted(anna, text(str(uuid4())))
    before = right_time()
    data = api.run(report_data(api.parts.database, days=1))
    assert data.totals.documents >= 1
    assert before <= data.generated_at <= right_time()
    assert data.scope.first <= data.generated_at


def test_a_worker_that_was_just_seen_is_there(
    anna: httpx.Client, api: RunningApi, prefect_server: PrefectServer
) -> None:
    """Its heartbeat is as old as Prefect's server says."""

    async def beat() -> None:
        async with get_client() as client:
            pool = WorkPoolCreate(name="navigator", type="process")
            await client.create_work_pool(pool, overwrite=True)
            await client.send_worker_heartbeat("navigator", "a-worker", WORKER_SECONDS)

    with prefect_server.in_this_process():
        api.run(beat())
    health = api.run(HealthChecks(api.parts.services, prefect_server.url).read())
    assert health.parts["worker"].status == "ok", health.parts["worker"].detail


def test_a_run_is_asked_for_now(
    anna: httpx.Client, api: RunningApi, prefect_server: PrefectServer
) -> None:
    """Not for tomorrow, when a clock that is ahead says now."""
    job = uuid4()

    async def ask() -> datetime | None:
        async with get_client() as client:
            flow = await client.create_flow_from_name("ingest-documents")
            deployment = await client.create_deployment(flow, "ingest-documents")
            dispatcher = Dispatcher(prefect_server.url)
            dispatcher.dispatch([job], uuid4(), "label")
            await dispatcher.close()
            [run] = [each for each in await client.read_flow_runs()
                     if each.parameters.get("job_ids") == [str(job)]]  # fmt: skip
            await client.delete_flow_run(run.id)
            await client.delete_deployment(deployment)
            return run.expected_start_time

    few = timedelta(seconds=5)  # the server tells whole seconds, and under load not the newest
    before = right_time()
    with prefect_server.in_this_process():
        expected = api.run(ask())
    assert expected is not None
    assert before - few <= expected <= right_time() + few
