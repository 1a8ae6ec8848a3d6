"""Drift of running processes: each says what it was started with, and that is compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from deployments.drift.process_drift import process_drift
from deployments.environment import Environment
from deployments.environment_files import load_environment
from deployments.environment_parts import SecretReference
from pipeline.settings import Settings, load_settings
from pipeline.settings_facts import settings_facts
from pipeline.store import processes
from pipeline.store.embedding_spaces import installation_id
from pipeline.store.engine import Database
from stages.announcing import announced
from stages.services import open_services

LOCAL = load_environment("local")
WORKER = "host-1/boot-1/42/1.00"
KEYED = LOCAL.model_copy(
    update={
        "settings": {"max_pages": 100},
        "secrets": {"openai_api_key": SecretReference(env="MINE")},
    }
)


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Of an operator's process, which has the environment's secrets."""
    values: dict[str, Any] = {"database_url": database_url, "home": tmp_path / "operator"}
    key = SecretStr("sk-right")
    return load_settings(
        **values, max_pages=100, openai_api_key=key, database_idle_seconds=120,
        engine_idle_seconds=600,
    )  # fmt: skip


async def run(database: Database, settings: Settings, **values: Any) -> None:
    """Have a worker be there with these settings; the database is everybody's own affair."""
    given = {"environment": None, "release": None, "name": WORKER} | values
    async with database.service() as connection:
        facts = settings_facts(settings, await installation_id(connection))
        facts = {**facts, "database_url": "not set"}  # the local environment names none
        await processes.announce(
            connection, given["name"], "worker", environment=given["environment"],
            release=given["release"], settings=facts,
        )  # fmt: skip


async def names(
    environment: Environment, settings: Settings, release: str | None = None
) -> set[str]:
    """What differs, by name."""
    return {each.what for each in await process_drift(environment, settings, release)}


async def test_a_process_as_declared_has_no_drift(database: Database, settings: Settings) -> None:
    """Its own paths count for nothing, and neither does who runs no process at all."""
    assert await names(KEYED, settings) == set()
    await run(database, settings.model_copy(update={"home": Path("/elsewhere")}))
    assert await names(KEYED, settings) == set()


async def test_another_setting_is_told_with_its_process(
    database: Database, settings: Settings
) -> None:
    """A value that differs is told with both; who started the process could have made it."""
    await run(database, settings.model_copy(update={"max_pages": 7}))
    [found] = await process_drift(KEYED, settings, None)
    assert found.what == "process worker host-1:42: max_pages"
    assert (found.declared, found.found) == ("100", "7")
    assert found.who.startswith("Whoever started the process, at 20")
    assert not found.is_repairable


async def test_a_setting_that_nobody_declared_is_told(
    database: Database, settings: Settings
) -> None:
    """What a file of settings or a variable adds to the declared defaults is drift."""
    await run(database, settings.model_copy(update={"ocr": True}))
    assert await names(KEYED, settings) == {"process worker host-1:42: ocr"}


async def test_another_secret_is_told_by_its_hash(database: Database, settings: Settings) -> None:
    """No secret is written down: two that differ are known by a hash keyed to the database."""
    wrong = settings.model_copy(update={"openai_api_key": SecretStr("sk-wrong")})
    await run(database, wrong)
    [found] = await process_drift(KEYED, settings, None)
    assert found.what == "process worker host-1:42: openai_api_key"
    assert found.declared != found.found
    async with database.owner() as connection:
        kept = str(
            await connection.scalar(sa.text("SELECT settings FROM upload_pipeline.processes"))
        )
    assert "sk-wrong" not in kept
    assert "hash " in kept


async def test_a_secret_that_nobody_declared_is_told(
    database: Database, settings: Settings
) -> None:
    """A key that the environment does not name is drift, whatever it is."""
    await run(database, settings.model_copy(update={"metrics_token": SecretStr("x" * 20)}))
    assert await names(KEYED, settings) == {"process worker host-1:42: metrics_token"}


def test_a_hash_is_of_one_database_only() -> None:
    """The same secret has another hash in another installation: hashes cannot be collected."""
    values: dict[str, Any] = {"openai_api_key": SecretStr("sk-right")}
    settings = load_settings(**values)
    one, other = (settings_facts(settings, UUID(int=n))["openai_api_key"] for n in (1, 2))
    assert one != other


async def test_a_process_of_another_environment_is_told_once(
    database: Database, settings: Settings
) -> None:
    """Every setting of it would differ; the one reason is told."""
    other = settings.model_copy(update={"max_pages": 7})
    await run(database, other, environment="staging")
    assert await names(KEYED, settings) == {"process worker host-1:42: environment"}


async def test_every_process_runs_the_release_in_force(
    database: Database, settings: Settings
) -> None:
    """Who runs another release is told; without one in force, who differs from the newest."""
    await run(database, settings, release="r-1")
    await run(database, settings, release="r-2", name="host-2/boot-1/43/1.00")
    assert await names(KEYED, settings, "r-1") == {"process worker host-2:43: release"}
    assert await names(KEYED, settings) == {"process worker host-1:42: release"}


async def test_a_process_that_was_not_seen_is_gone(database: Database, settings: Settings) -> None:
    """A killed process does not differ for ever."""
    await run(database, settings.model_copy(update={"ocr": True}))
    async with database.service() as connection:
        await connection.execute(
            sa.text("UPDATE processes SET seen_at = now() - interval '1 hour'")
        )
    assert await names(KEYED, settings) == set()


async def test_a_process_announces_itself_and_leaves(
    settings: Settings, database: Database
) -> None:
    """API and workers write down what they were started with, for as long as they run."""
    async with open_services(settings.model_copy(update={"embedder": "wordllama"})) as services:
        async with announced(services, "api"), database.service() as connection:
            [there] = await processes.running(connection)
        async with database.service() as connection:
            assert await processes.running(connection) == []
    assert (there.kind, there.settings["max_pages"]) == ("api", "100")
    assert "sk-right" not in str(there.settings)
