"""Retention at work: documents past their time go with their files, what a hold keeps stays."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from pipeline.errors import LegalHold
from pipeline.identity import OPERATOR, user_id
from pipeline.store import holds, retention, runs
from pipeline.store.holds import Scope
from pipeline.store.retention import RetentionRule
from stages import syncing
from stages.erasing import erase
from stages.retention import apply_retention
from stages.services import Services
from tests.flows.corpus import Opener, change, policy, query, states
from tests.ingesting import ingest
from tests.syncing import begin_sync

ANNA = user_id("anna")
LEFT = {"held.md": "complete", "new.md": "complete", "old.md": "deleted"}


async def hold(services: Services, document: UUID) -> None:
    """Place a hold on a document."""
    async with services.database.service() as connection:
        await holds.place(connection, uuid4(), Scope(document_id=document), "matter 17", "me")


async def document(services: Services, name: str) -> UUID:
    """A document's id, by its name."""
    [row] = await query(
        services, "SELECT id FROM upload_pipeline.documents WHERE name = :name", name=name
    )
    return UUID(str(row["id"]))


async def test_what_is_past_its_time_goes_and_what_is_held_stays(
    local: Opener, folder: Path
) -> None:
    """Also for an erasure, which says so and leaves everything as it was."""
    for name in ("old", "held", "new"):
        policy(folder, name)
    async with local() as services:
        await ingest(services, [folder], ANNA)
        await hold(services, await document(services, "held.md"))
        await change(
            services,
            "UPDATE upload_pipeline.upload_jobs AS j SET created_at = now() - interval '400 days' "
            "FROM upload_pipeline.documents AS d WHERE d.id = j.document_id AND d.name <> 'new.md'",
        )
        assert (await apply_retention(services)).words == ""
        async with services.database.service() as connection:
            await retention.set_rule(connection, RetentionRule("all", 365))
        looked = await apply_retention(services, only_look=True)
        assert (looked.deleted, looked.held) == (1, 1)
        done = await apply_retention(services)
        assert (done.deleted, done.held) == (1, 1)
        assert "1 document deleted; a legal hold keeps 1 more" in done.words
        assert await states(services) == LEFT
        [told] = await query(
            services,
            "SELECT DISTINCT actor FROM upload_pipeline.job_events WHERE to_state = 'deleted'",
        )
        assert told["actor"] == "retention"
        with pytest.raises(LegalHold):
            await erase(services.database, services.storage, services.settings, ANNA, OPERATOR)
        assert await states(services) == LEFT


async def test_sync_keeps_a_held_document_whose_file_is_gone(local: Opener, folder: Path) -> None:
    """It is told among what was kept; after the hold the next run deletes it."""
    gone = policy(folder, "gone")
    policy(folder, "there")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        await hold(services, await document(services, "gone.md"))
        gone.unlink()
        run, found = await begin_sync(services, ANNA, [folder])
        assert await syncing.finish(services, ANNA, found, run, well=True) == 0
        async with services.database.service() as connection:
            [kept] = await runs.kept_by_sync(connection, run)
        assert "a legal hold is on it" in kept.message
        assert await states(services) == {"gone.md": "complete", "there.md": "complete"}
