"""Each source has a deployment of its own in Prefect, scheduled as the source's row says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentUpdate, WorkPoolCreate

from deployments import source_deployments
from pipeline.errors import UsageError
from pipeline.identity import user_id
from pipeline.source_definition import SourceDefinition
from tests.prefect_server import PrefectServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

CLAIMS = SourceDefinition(
    "s3://bucket/claims", user_id("anna"), uuid4(), "claims", interval_seconds=900
)
MAIL = SourceDefinition(
    "imaps://anna@mail.example.com/INBOX", user_id("anna"), uuid4(), "mail", cron="30 2 * * *"
)


@pytest.fixture
async def server(fresh_prefect_server: PrefectServer) -> AsyncIterator[PrefectServer]:
    """A server of the module's own, with the work pool."""
    with fresh_prefect_server.in_this_process():
        async with get_client() as client:
            await client.create_work_pool(
                WorkPoolCreate(name="navigator", type="process"), overwrite=True
            )
        yield fresh_prefect_server


async def there() -> dict[str, Any]:
    """The deployments of sources."""
    async with get_client() as client:
        return dict(await source_deployments.deployed(client))


@pytest.mark.usefixtures("server")
async def test_a_source_is_scheduled_paused_changed_and_removed() -> None:
    """Made once; another schedule replaces the old; what a person changed is set back."""
    assert await source_deployments.reconcile([CLAIMS, MAIL]) == (["claims", "mail"], [])
    assert await source_deployments.reconcile([CLAIMS, MAIL]) == ([], [])
    found = await there()
    [every], [cron] = (found[name].schedules for name in ("claims", "mail"))
    assert every.schedule.interval == timedelta(seconds=900)
    assert cron.schedule.cron == "30 2 * * *"
    assert found["claims"].parameters == {"source": "claims"}
    assert found["claims"].global_concurrency_limit.limit == 1
    # nothing of where the source is stands in Prefect
    assert "bucket" not in found["claims"].model_dump_json()
    assert "example.com" not in found["mail"].model_dump_json()

    paused = replace(CLAIMS, paused_at=datetime.now().astimezone())
    assert await source_deployments.reconcile([paused, MAIL]) == (["claims"], [])
    found = await there()
    assert found["claims"].paused and not found["claims"].schedules[0].active

    hourly = replace(CLAIMS, interval_seconds=3600)
    assert await source_deployments.reconcile([hourly, MAIL]) == (["claims"], [])
    [every] = (await there())["claims"].schedules
    assert every.schedule.interval == timedelta(hours=1) and every.active

    async with get_client() as client:
        await client.update_deployment(
            found["mail"].id, DeploymentUpdate(parameters={"source": "claims"})
        )
    assert await source_deployments.reconcile([hourly, MAIL]) == (["mail"], [])
    assert await source_deployments.reconcile([MAIL]) == ([], ["claims"])
    assert set(await there()) == {"mail"}


def test_a_schedule_that_is_none_is_refused() -> None:
    """Before anything is kept."""
    with pytest.raises(UsageError, match="no cron schedule"):
        source_deployments.require_cron("whenever")
