"""The flow `sync-source`: a run that reads a source, alone, and what it leaves of itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from pipeline.identity import named_user, user_id
from pipeline.settings import Settings
from pipeline.source_definition import SourceDefinition
from pipeline.store import runs, sources
from stages.services import Services, open_services
from tests.flows.corpus import change, policy
from tests.flows.working import Account, Worker, rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

PICKED_UP = {"PREFECT__FLOW_RUN_ID": str(uuid4())}
NOBODY = {"PREFECT__FLOW_RUN_ID": ""}


@pytest.fixture
async def parts(variables: dict[str, str]) -> AsyncIterator[Services]:
    """The module's database."""
    settings = Settings(
        database_url=SecretStr(variables["DATABASE_URL"]),
        home=Path(variables["NAVIGATOR_HOME"]),
        embedder="wordllama",
        parse_workers=1,
    )
    async with open_services(settings) as opened:
        yield opened


@pytest.fixture
async def inbox(parts: Services, tmp_path: Path) -> SourceDefinition:
    """A folder with two documents, added as a source of Anna's."""
    await asyncio.to_thread(policy, tmp_path, "home")
    await asyncio.to_thread(policy, tmp_path, "car")
    name = f"inbox-{uuid4().hex[:8]}"
    made = SourceDefinition(str(tmp_path), user_id("anna"), uuid4(), name, interval_seconds=900)
    async with parts.database.service() as connection:
        await sources.add(connection, made)
    return made


async def after(parts: Services, source: SourceDefinition) -> SourceDefinition:
    """The source with what came of its last run."""
    async with parts.database.service() as connection:
        return await sources.named(connection, source.name)


async def test_a_run_reads_the_source_and_notes_what_came_of_it(
    worker: Worker, parts: Services, inbox: SourceDefinition, account: Account, tmp_path: Path
) -> None:
    """New documents are published, what is gone goes; Prefect is told counts and no path."""
    first = worker.run("sync-source", {"source": inbox.name})
    assert first["type"] == "COMPLETED", first
    noted = (await after(parts, inbox)).last
    assert noted is not None and noted.trouble is None
    assert (noted.counts["new"], noted.counts["listed"]) == (2, 2)
    (tmp_path / "car.md").unlink()
    second = worker.run("sync-source", {"source": inbox.name})
    assert "1 deleted" in second["message"], second
    told = str(account.all("flow_runs")) + str(account.all("artifacts")) + first["message"]
    assert str(tmp_path) not in told


async def test_a_source_that_cannot_be_read_says_why(
    worker: Worker, parts: Services, inbox: SourceDefinition, tmp_path: Path
) -> None:
    """The run fails, and the sentence stands with the source until a run ends well."""
    gone = replace(inbox, url=str(tmp_path / "nowhere"), id=uuid4(), name=f"{inbox.name}-gone")
    async with parts.database.service() as connection:
        await sources.add(connection, gone)
    told = worker.run("sync-source", {"source": gone.name})
    assert told["type"] == "FAILED", told
    noted = (await after(parts, gone)).last
    assert noted is not None and "no file or folder" in (noted.trouble or "")


async def test_a_paused_source_is_not_read(
    worker: Worker, parts: Services, inbox: SourceDefinition
) -> None:
    """Whoever starts the run: it ends at once, and says so."""
    async with parts.database.service() as connection:
        await sources.pause(connection, inbox.name, paused=True)
    told = worker.run("sync-source", {"source": inbox.name})
    assert (told["type"], told["name"]) == ("COMPLETED", "Not now")
    assert (await after(parts, inbox)).last is None


async def test_two_runs_do_not_read_a_source_at_once(
    worker: Worker, parts: Services, inbox: SourceDefinition
) -> None:
    """The second ends at once; when the first has died, the next one takes the source over."""
    other = uuid4()
    async with parts.database.service() as connection:
        await runs.start_run(connection, other, user_id("anna"), "source")
    hold = "UPDATE upload_pipeline.ingest_runs SET held_until = now() + :d WHERE id = :id"
    await change(parts, hold, d=timedelta(hours=1), id=other)
    assert inbox.id is not None
    async with parts.database.service() as connection:
        assert await sources.claim(connection, inbox.id, other)
    told = worker.run("sync-source", {"source": inbox.name})
    assert told["name"] == "Not now"
    await change(parts, hold, d=timedelta(seconds=-1), id=other)
    told = worker.run("sync-source", {"source": inbox.name})
    assert "2 new" in told["message"], told


@pytest.mark.parametrize("kind", ["not added", "another's", "with rules", "paused"])
async def test_a_worker_reads_only_what_an_operator_added(
    worker: Worker, parts: Services, tmp_path: Path, kind: str
) -> None:
    """An ingest that a worker picked up names a source: refused, and nothing is looked at."""
    folder = tmp_path / uuid4().hex
    await asyncio.to_thread(folder.mkdir)
    await asyncio.to_thread(policy, folder, "secret")
    made = SourceDefinition(str(folder), named_user("anna"), uuid4(), f"s-{uuid4().hex[:8]}")
    if kind == "another's":
        made = replace(made, user_id=named_user("ben"))
    if kind == "with rules":
        made = replace(made, user_id=None, rights=("**=anna",))
    async with parts.database.service() as connection:
        if kind != "not added":
            await sources.add(connection, made)
            await sources.pause(connection, made.name, paused=kind == "paused")
    arguments: dict[str, Any] = {"paths": [f"file://{folder}"], "user": "anna"}
    told = worker.run("ingest", arguments, **PICKED_UP)
    assert "may not read a source" in told["message"], told
    worker.run("sync-source", {"source": "none"}, **NOBODY)


async def test_a_worker_reads_what_was_added_for_the_user(
    worker: Worker, parts: Services, inbox: SourceDefinition, variables: dict[str, str]
) -> None:
    """By an ingest that names the source, or a place in it."""
    arguments = {"paths": [f"file://{inbox.url}"], "user": "anna"}
    told = worker.run("ingest", arguments, **PICKED_UP)
    worker.run("sync-source", {"source": "none"}, **NOBODY)
    assert told["message"] == "Documents: 2 published", told
    statement = "SELECT source FROM upload_pipeline.documents"
    placed = [source for (source,) in rows(variables["DATABASE_URL"], statement)]
    assert sum(source.startswith(inbox.url) for source in placed) == 2
