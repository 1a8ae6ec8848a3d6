"""Running again over changed files: only what changed is sent, written and paid."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

from clients.storage.objects import parsed_key, raw_key
from mocks import OpenAIMock
from pipeline.identity import sha256_hex, user_id
from pipeline.sources import find_files
from pipeline.store import registration, run_jobs, runs
from pipeline.store.transitions import Actor
from stages import intake, planning, syncing
from stages.services import Services
from tests.flows.corpus import Opener, buffered, corpus, documents, policy, query, states
from tests.ingesting import ingest, outdated, work_off

ANNA, BEN = user_id("anna"), user_id("ben")


async def written(services: Services) -> dict[str, Any]:
    """Everything that an unchanged run must leave as it is: versions of rows, and the audit."""
    found: dict[str, Any] = {}
    for table in ("document_chunks", "chunk_vectors", "upload_jobs", "job_events", "parsed_files"):
        statement = f"SELECT xmin::text AS row FROM upload_pipeline.{table} ORDER BY ctid"
        found[table] = [row["row"] for row in await query(services, statement)]
    return found


async def test_unchanged_files_cost_nothing(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """A second run sends nothing, rewrites no row and records no event."""
    for number in range(3):
        policy(folder, f"policy-{number}")
    async with remote() as services:
        await ingest(services, [folder], ANNA)
        requests, before = openai.stats()["requests"], await written(services)
        run = await ingest(services, [folder], ANNA)
        assert {each.outcome for each in (await documents(services, run)).values()} == {"unchanged"}
        assert openai.stats()["requests"] == requests
        assert await written(services) == before


async def test_an_edited_paragraph_is_the_only_one_sent_and_written(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """One sentence of one document edited: only its chunks are embedded and replaced."""
    edited = policy(folder, "home", sections=12)
    policy(folder, "car", sections=12)
    async with remote() as services:
        await ingest(services, [folder], ANNA)
        before = await corpus(services)
        rows = await query(services, "SELECT id, xmin::text FROM upload_pipeline.document_chunks")
        unchanged_rows = {row["id"]: row["xmin"] for row in rows}
        inputs = openai.stats()["inputs"]
        text = edited.read_text()
        edited.write_text(text.replace("pays 600 dollars", "pays 650 dollars", 1))
        await ingest(services, [folder], ANNA)
        after = await corpus(services)
        changed = {chunk[2] for chunk in after} - {chunk[2] for chunk in before}
        assert 1 <= len(changed) <= 2
        assert openai.stats()["inputs"] == inputs + len(changed)
        assert [chunk for chunk in after if chunk[0] == "car.md"] == [
            chunk for chunk in before if chunk[0] == "car.md"
        ]
        rows = await query(services, "SELECT id, xmin::text FROM upload_pipeline.document_chunks")
        rewritten = [row for row in rows if unchanged_rows.get(row["id"]) != row["xmin"]]
        assert len(rewritten) == len(changed)
        assert await buffered(services) == 0
        found = await query(
            services,
            "SELECT state, count(*) FROM upload_pipeline.upload_jobs GROUP BY 1 ORDER BY 1",
        )
        ended = [(row["state"], row["count"]) for row in found]
        assert ended == [("complete", 2), ("superseded", 1)]


async def test_bytes_that_come_back_are_published_again_without_cost(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """An edit that is undone: the old version is what readers see, nothing of the other is left."""
    path = policy(folder, "home", sections=4)
    first = path.read_bytes()
    async with remote() as services:
        await ingest(services, [folder], ANNA)
        clean = await corpus(services)
        path.write_bytes(first.replace(b"pays 200", b"pays 250"))
        await ingest(services, [folder], ANNA)
        assert await corpus(services) != clean
        path.write_bytes(first)
        await ingest(services, [folder], ANNA)
        assert await corpus(services) == clean
    assert openai.stats()["max_sends"] <= 2


async def test_a_vanished_file_is_deleted_by_sync_with_everything(
    local: Opener, folder: Path, tmp_path: Path
) -> None:
    """Chunks, vectors, stored bytes and text go; other users' and other folders' files stay."""
    gone, kept = policy(folder, "gone"), policy(folder, "kept")
    elsewhere = policy(tmp_path, "elsewhere")
    digest = sha256_hex(gone.read_bytes())
    async with local() as services:
        run = await ingest(services, [folder, elsewhere], ANNA)
        await ingest(services, [gone], BEN)
        ben = await query(
            services,
            "SELECT count(*) FROM upload_pipeline.document_chunks WHERE user_id = :ben",
            ben=BEN,
        )
        gone.unlink()
        assert await syncing.delete_vanished(services, ANNA, find_files([str(folder)]), run) == 1
        parser = services.version.parser
        for user, there in ((ANNA, False), (BEN, True)):
            assert await services.storage.exists(raw_key(user, digest)) is there
            assert await services.storage.exists(parsed_key(user, digest, parser)) is there
        found = await query(
            services,
            """
            SELECT d.name, d.user_id, count(c.id) AS chunks, count(v.chunk_id) AS vectors
            FROM upload_pipeline.documents AS d
            LEFT JOIN upload_pipeline.document_chunks AS c ON c.document_id = d.id
            LEFT JOIN upload_pipeline.chunk_vectors AS v ON v.chunk_id = c.id
            GROUP BY d.id
            """,
        )
        counts = {(row["name"], row["user_id"]): row["chunks"] for row in found}
        assert all(row["chunks"] == row["vectors"] for row in found)
        assert counts[("gone.md", ANNA)] == 0
        assert counts[("gone.md", BEN)] == ben[0]["count"] > 0
        assert counts[(kept.name, ANNA)] > 0
        assert counts[(elsewhere.name, ANNA)] > 0
        orphans = await query(
            services,
            """
            SELECT 1 FROM upload_pipeline.chunk_vectors AS v
            WHERE NOT EXISTS (SELECT FROM upload_pipeline.document_chunks WHERE id = v.chunk_id)
            """,
        )
        assert orphans == []


async def test_sync_spares_what_came_through_links(
    local: Opener, folder: Path, tmp_path: Path
) -> None:
    """A link that is not followed this time is passed over, and its document is not gone."""
    policy(folder, "kept")
    policy(tmp_path, "elsewhere")
    (tmp_path / "more").mkdir()
    policy(tmp_path / "more", "deeper")
    (folder / "link.md").symlink_to(tmp_path / "elsewhere.md")
    (folder / "more").symlink_to(tmp_path / "more")
    gone = policy(folder, "gone")
    async with local() as services:
        trusted = find_files([str(folder)], follow_links=True)
        run = uuid4()
        async with services.database.service() as connection:
            await runs.start_run(connection, run, ANNA, "ingest")
        await intake.upload(services, trusted.files, ANNA, run, (), trusted.within)
        gone.unlink()
        found = find_files([str(folder)])
        assert {link.path.name for link in found.passed_over} == {"link.md", "more"}
        plan = await planning.plan(services, found, ANNA, sync=True)
        assert plan.vanished == 1
        assert await syncing.delete_vanished(services, ANNA, found, run) == 1
        left = await query(
            services,
            "SELECT name FROM upload_pipeline.documents WHERE deleted_at IS NULL",
        )
        assert {row["name"] for row in left} == {"kept.md", "link.md", "deeper.md"}


async def test_only_the_file_that_was_looked_at_is_stored(
    local: Opener, folder: Path, tmp_path: Path
) -> None:
    """A name that comes to mean a file outside the folder brings none of its bytes in."""
    path = policy(folder, "home")
    secret = tmp_path / "secret.md"
    secret.write_text("root:canary")
    found = find_files([str(folder)])
    async with local() as services:
        run = uuid4()
        async with services.database.service() as connection:
            await runs.start_run(connection, run, ANNA, "ingest")
        path.unlink()
        path.symlink_to(secret)
        taken = await intake.upload(services, found.files, ANNA, run, (), found.within)
        assert taken.registered == ()
        assert [each.code for each in taken.rejected] == ["link_not_followed"]
        assert not await services.storage.exists(raw_key(ANNA, sha256_hex(secret.read_bytes())))


async def test_a_renamed_file_reuses_its_vectors(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Another name is another document, made without one token."""
    path = policy(folder, "home")
    async with remote() as services:
        run = await ingest(services, [folder], ANNA)
        billed = openai.stats()["billed_tokens"]
        path.rename(folder / "house.md")
        again = await ingest(services, [folder], ANNA)
        await syncing.delete_vanished(services, ANNA, find_files([str(folder)]), again)
        before, after = await documents(services, run), await documents(services, again)
        assert after["house.md"].state == "complete"
        assert after["house.md"].billed_tokens == 0
        assert after["house.md"].chunks == before["home.md"].chunks
        assert {chunk[0] for chunk in await corpus(services)} == {"house.md"}
    assert openai.stats()["billed_tokens"] == billed


async def test_another_model_never_mixes_with_the_old_one(
    remote: Opener, local: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Documents of another embedding space are outdated and renewed whole, from the stored text."""
    for number in range(2):
        policy(folder, f"policy-{number}")
    async with local() as services:
        await ingest(services, [folder], ANNA)
    async with remote() as services:
        run = await ingest(services, [], ANNA)
        sources = await outdated(services)
        assert sorted(source.name for source in sources) == ["policy-0.md", "policy-1.md"]
        async with services.database.service() as connection:
            registered = await registration.register(
                connection, ANNA, sources, services.version, run_id=run, actor="test"
            )
            jobs = [each.job_id for each in registered]
            who = Actor("test", run)
            await run_jobs.join_run(connection, jobs, "waiting", who)
        await work_off(services, [each.job_id for each in registered], run)
        assert set((await states(services)).values()) == {"complete"}
        assert all(chunk[4] for chunk in await corpus(services))
        spaces = await query(
            services, "SELECT DISTINCT space_id FROM upload_pipeline.chunk_vectors"
        )
        assert [row["space_id"] for row in spaces] == [services.version.space_id]
        parsed = await query(services, "SELECT count(*) FROM upload_pipeline.parsed_files")
        assert parsed[0]["count"] == 2
