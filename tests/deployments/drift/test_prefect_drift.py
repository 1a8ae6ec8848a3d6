"""Drift on a real Prefect server: each change by hand is found, explained, and repaired or told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import (
    DeploymentScheduleCreate,
    DeploymentUpdate,
    GlobalConcurrencyLimitUpdate,
    WorkPoolUpdate,
)
from prefect.client.schemas.schedules import CronSchedule
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_CLIENT_RETRY_EXTRA_CODES,
    temporary_settings,
)

from deployments.drift.accepting import unmet
from deployments.drift.difference import Difference
from deployments.drift.finding import find_drift
from deployments.drift.repairing import repair_drift
from deployments.environment import Environment
from deployments.environment_files import load_environment
from deployments.environment_parts import AcceptedDrift, Automation
from pipeline.settings import Settings, load_settings
from tests.deployments.drift.installing import install
from tests.prefect_server import PrefectServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

LOCAL = load_environment("local")
MINE = {"job_configuration": {"command": "mine"}, "variables": {"type": "object"}}
"""A job template that a person wrote."""
Change = Callable[[PrefectClient], Awaitable[object]]


@pytest.fixture(scope="module")
def server(fresh_prefect_server: PrefectServer) -> Iterator[PrefectServer]:
    """A server that has all that the local environment declares, and nothing else."""
    with _in_this_process(fresh_prefect_server):
        asyncio.run(install(LOCAL))
    yield fresh_prefect_server


def _in_this_process(server: PrefectServer) -> Any:
    from contextlib import ExitStack

    stack = ExitStack()
    stack.enter_context(server.in_this_process())
    # SQLite is locked for a moment when somebody writes: every client of Prefect tries again.
    stack.enter_context(temporary_settings(updates={PREFECT_CLIENT_RETRY_EXTRA_CODES: [503]}))
    return stack


@dataclass
class Trial:
    """An environment that is compared with the module's server."""

    settings: Settings
    environment: Environment = LOCAL

    async def find(self) -> Sequence[Difference]:
        """What differs."""
        return await find_drift(self.environment, self.settings)

    async def fix(self) -> Sequence[Difference]:
        """What is left, and what was set back."""
        return await repair_drift(self.environment, self.settings, await self.find())


@pytest.fixture
async def trial(
    server: PrefectServer, module_database_url: str, tmp_path: Path
) -> AsyncIterator[Trial]:
    """The local environment, as it is on the server."""
    values: dict[str, Any] = {"database_url": module_database_url, "home": tmp_path}
    with _in_this_process(server):
        yield Trial(load_settings(**values))


async def deployment(client: PrefectClient, name: str) -> Any:
    """A deployment of the local environment."""
    flow = LOCAL.deployments[name].flow.replace("_", "-")
    return await client.read_deployment_by_name(f"{flow}/{name}")


def updated(name: str, **values: Any) -> Change:
    """Somebody changes fields of a deployment."""

    async def change(client: PrefectClient) -> None:
        found = await deployment(client, name)
        await client.update_deployment(found.id, DeploymentUpdate(**values))

    return change


async def _other_times(client: PrefectClient) -> None:
    found = await deployment(client, "nightly")
    times = CronSchedule(cron="1 1 * * *", timezone="UTC")
    await client.update_deployment_schedule(found.id, found.schedules[0].id, schedule=times)


async def _no_schedule(client: PrefectClient) -> None:
    found = await deployment(client, "sweep")
    await client.delete_deployment_schedule(found.id, found.schedules[0].id)


async def _more_schedules(client: PrefectClient) -> None:
    found = await deployment(client, "maintain")
    more = CronSchedule(cron="5 5 * * *", timezone="UTC")
    added = DeploymentScheduleCreate(schedule=more, active=True, slug="mine")
    await client.create_deployment_schedules(found.id, [added])


async def _limit_off(client: PrefectClient) -> None:
    limit = (await deployment(client, "ingest")).global_concurrency_limit
    off = GlobalConcurrencyLimitUpdate(active=False)
    await client.update_global_concurrency_limit(limit.name, off)


async def _queue_gone(client: PrefectClient) -> None:
    found = await client.read_work_queue_by_name("batches", "navigator")
    await client.delete_work_queue_by_id(found.id)


async def _queue_changed(client: PrefectClient) -> None:
    found = await client.read_work_queue_by_name("batches", "navigator")
    await client.update_work_queue(found.id, concurrency_limit=1, priority=7)


async def _pool_changed(client: PrefectClient) -> None:
    change = WorkPoolUpdate(concurrency_limit=3, base_job_template=MINE)
    await client.update_work_pool("navigator", change)


async def _type_gone(client: PrefectClient) -> None:
    found = await client.read_block_type_by_slug("navigator-alert")
    await client.delete_block_type(found.id)


REPAIRED: dict[str, tuple[Change, set[str]]] = {
    "entrypoint": (
        updated("ingest", entrypoint="elsewhere.py:flow"),
        {"deployment ingest: entrypoint"},
    ),
    "pull steps": (updated("ingest", pull_steps=[]), {"deployment ingest: pull steps"}),
    "queue": (
        updated("ingest-documents", work_queue_name="default"),
        {"deployment ingest-documents: work queue"},
    ),
    "limit": (updated("ingest", concurrency_limit=99), {"deployment ingest: limit"}),
    "limit off": (_limit_off, {"deployment ingest: limit in force"}),
    "collision": (
        updated("sweep", concurrency_options={"collision_strategy": "ENQUEUE"}),
        {"deployment sweep: collision"},
    ),
    "form": (
        updated("ingest", enforce_parameter_schema=False),
        {"deployment ingest: parameters are checked"},
    ),
    "by hand": (
        updated(
            "nightly",
            parameters={"select": "failed"},
            tags=["mine"],
            description="Mine.",
            job_variables={"env": {"A": "1"}},
        ),
        {
            f"deployment nightly: {field}"
            for field in ("parameters", "tags", "description", "job variables")
        },
    ),
    "times": (_other_times, {"deployment nightly: times of schedule nightly"}),
    "no schedule": (_no_schedule, {"deployment sweep: schedule every-minute"}),
    "more schedules": (_more_schedules, {"deployment maintain: another schedule mine"}),
    "queue gone": (
        _queue_gone,
        {"queue batches", "deployment ingest-documents: work pool"},
    ),
    "queue changed": (_queue_changed, {"queue batches: limit", "queue batches: priority"}),
    "pool changed": (
        _pool_changed,
        {"work pool navigator: limit", "work pool navigator: job template"},
    ),
    "block type": (_type_gone, {"block type navigator-alert"}),
}  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("change", REPAIRED)
async def test_what_is_safe_is_found_explained_and_set_back(trial: Trial, change: str) -> None:
    """A change by hand is named with both values, its meaning and who; --fix sets it back."""
    by_hand, expected = REPAIRED[change]
    assert await trial.find() == []
    async with get_client() as client:
        await by_hand(client)
    found = await trial.find()
    assert {each.what for each in found} == expected
    for each in found:
        assert each.means
        assert each.who
        assert each.declared != each.found
    fixed = await trial.fix()
    assert {each.what for each in fixed} == expected
    assert all(each.repaired for each in fixed)
    assert await trial.find() == []


async def test_everything_at_once_is_found_and_set_back(trial: Trial) -> None:
    """Changes of every kind by hand are found and explained; --fix leaves none of them."""
    changes = [each for name, each in REPAIRED.items() if name != "queue gone"]
    assert await trial.find() == []
    async with get_client() as client:
        for by_hand, _ in changes:
            await by_hand(client)
    found = await trial.find()
    assert {each.what for each in found} == set().union(*(names for _, names in changes))
    assert all(each.means and each.who and each.declared != each.found for each in found)
    fixed = await repair_drift(trial.environment, trial.settings, found)
    assert {each.what for each in fixed} == {each.what for each in found}
    assert all(each.repaired for each in fixed)


@pytest.mark.long
async def test_an_added_schedule_is_switched_off_and_kept(trial: Trial) -> None:
    """What somebody added starts nothing any more, and is still there."""
    async with get_client() as client:
        found = await deployment(client, "verify")
        more = CronSchedule(cron="6 6 * * *", timezone="UTC")
        added = DeploymentScheduleCreate(schedule=more, active=True, slug="kept")
        await client.create_deployment_schedules(found.id, [added])
        await trial.fix()
        [kept] = (await deployment(client, "verify")).schedules
    assert (kept.slug, kept.active) == ("kept", False)


async def _paused(client: PrefectClient) -> UUID:
    found = await deployment(client, "nightly")
    await client.pause_deployment(found.id)
    return UUID(str(found.id))


async def test_a_pause_is_told_and_left(trial: Trial) -> None:
    """--fix starts nothing that somebody stopped: deployment, pool or queue."""
    async with get_client() as client:
        nightly = await _paused(client)
        await client.update_work_pool("navigator", WorkPoolUpdate(is_paused=True))
        queue = await client.read_work_queue_by_name("batches", "navigator")
        await client.update_work_queue(queue.id, is_paused=True)
        try:
            left = await trial.fix()
            assert (await deployment(client, "nightly")).paused
        finally:
            await client.resume_deployment(nightly)
            await client.update_work_pool("navigator", WorkPoolUpdate(is_paused=False))
            await client.update_work_queue(queue.id, is_paused=False)
    assert {each.what for each in left} == {
        "deployment nightly: paused",
        "work pool navigator: paused",
        "queue batches: paused",
    }
    assert all(each.is_left and "until a date" in each.remedy for each in left)


async def test_what_is_extra_is_told_and_stays(trial: Trial) -> None:
    """Deployments, queues, limits of our tags and automations that nobody declared are told."""
    async with get_client() as client:
        flow = await client.create_flow_from_name("backfill")
        entrypoint = "flows/backfill.py:backfill"
        mine = await client.create_deployment(flow, "mine", entrypoint=entrypoint)
        await client.create_work_queue("spare", work_pool_name="navigator")
        await client.create_concurrency_limit("batch", 0)
        await client.create_concurrency_limit("theirs", 1)
        automation = {
            "name": "pauses",
            # the server evaluates triggers: one that nothing fires
            "trigger": {
                "type": "event",
                "posture": "Reactive",
                "threshold": 1,
                "within": 0,
                "expect": ["of-nobody"],
            },
            "actions": [{"type": "pause-work-pool", "source": "inferred"}],
        }
        made = await client._client.post("/automations/", json=automation)
        made.raise_for_status()
        try:
            left = await trial.fix()
        finally:
            await client.delete_deployment(mine)
            spare = await client.read_work_queue_by_name("spare", "navigator")
            await client.delete_work_queue_by_id(spare.id)
            await client.delete_concurrency_limit_by_tag("batch")
            await client.delete_concurrency_limit_by_tag("theirs")
            await client.delete_automation(made.json()["id"])
    assert {each.what: each.declared for each in left} == {
        "deployment mine": None,
        "queue spare": None,
        "limit of the tag batch": None,
        "automation pauses": None,
    }
    assert all(each.is_left and each.remedy for each in left)


@pytest.mark.long
async def test_declared_automations_are_made_and_set_back(trial: Trial) -> None:
    """An automation of the environment is made where it is missing, and put back when changed."""
    declared = Automation(
        description="Tells of failures.",
        trigger={"type": "event", "posture": "Reactive", "expect": ["prefect.flow-run.Failed"],
                 "threshold": 1, "within": 0},
        actions=({"type": "pause-deployment", "deployment": "sweep"},),
    )  # fmt: skip
    trial.environment = LOCAL.model_copy(update={"automations": {"failures": declared}})
    assert [each.what for each in await trial.find()] == ["automation failures"]
    await trial.fix()
    assert await trial.find() == []
    async with get_client() as client:
        [made] = await client.read_automations_by_name("failures")
        await client.pause_automation(made.id)
        try:
            assert [each.what for each in await trial.find()] == ["automation failures: enabled"]
            await trial.fix()
            assert await trial.find() == []
        finally:
            [made] = await client.read_automations_by_name("failures")
            await client.delete_automation(made.id)


async def test_prefects_events_say_when_a_field_was_changed(trial: Trial) -> None:
    """Who made a change is told as far as the server keeps it: when, and that it keeps no names."""
    async with get_client() as client:
        await updated("ingest", parameters={"paths": ["/mine"]})(client)
    for _ in range(600):  # the server writes its events down a moment later
        [found] = await trial.find()
        if "keeps no names; changed 20" in found.who:
            break
        await asyncio.sleep(0.2)
    else:
        pytest.fail(found.who)
    await trial.fix()


async def test_a_saved_block_that_a_setting_names_has_to_be_there(trial: Trial) -> None:
    """A run that would fail for want of its block is told beforehand."""
    settings = {"alert_block": "navigator-alert/ops"}
    trial.environment = LOCAL.model_copy(update={"settings": settings})
    [found] = [each for each in await trial.find() if each.area.value == "block"]
    assert (found.what, found.found) == ("block navigator-alert/ops", None)


async def test_what_is_accepted_is_no_drift_until_its_day(trial: Trial) -> None:
    """The file's word for a deliberate change holds until its date; then it is drift again."""

    def accepting(until: date | None) -> Environment:
        entry = AcceptedDrift(what="deployment nightly: paused", reason="audit", until=until)
        other = AcceptedDrift(what="queue *: limit", reason="load test")
        return LOCAL.model_copy(update={"accepted": (entry, other)})

    async with get_client() as client:
        nightly = await _paused(client)
        try:
            trial.environment = accepting(date(2999, 1, 1))
            [held] = await trial.find()
            trial.environment = accepting(date(2020, 1, 1))
            [over] = await trial.find()
        finally:
            await client.resume_deployment(nightly)
    assert (held.accepted, held.is_left) == ("audit, until 2999-01-01", False)
    assert over.is_left
    assert "It was accepted until 2020-01-01 (audit)." in over.remedy
    assert unmet([held], accepting(None).accepted) == ["queue *: limit"]


async def test_what_is_accepted_is_not_set_back(trial: Trial) -> None:
    """--fix leaves an accepted change as it is."""
    entry = AcceptedDrift(what="deployment ingest: limit", reason="load test")
    trial.environment = LOCAL.model_copy(update={"accepted": (entry,)})
    async with get_client() as client:
        await updated("ingest", concurrency_limit=99)(client)
        [found] = await trial.fix()
        limit = (await deployment(client, "ingest")).global_concurrency_limit
        assert limit is not None
        assert (found.accepted, limit.limit) == ("load test", 99)
        await updated("ingest", concurrency_limit=4)(client)


async def test_a_version_is_that_of_the_release(trial: Trial) -> None:
    """With a release in force, deployments of another one are told, and not set back."""
    found = await find_drift(trial.environment, trial.settings, release="r-2")
    assert {each.what for each in found} == {
        f"deployment {name}: version" for name in LOCAL.deployments
    }
    assert not any(each.is_repairable for each in found)


async def test_a_server_that_does_not_answer_is_drift(trial: Trial) -> None:
    """A comparison that could not be made is never a clean bill."""
    nowhere = {PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(updates=nowhere):
        [found] = await trial.find()
    assert found.what == "deployment Prefect's server: answer"
    assert found.is_left
