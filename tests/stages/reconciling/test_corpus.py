"""Published documents without chunks or vectors, and vectors without chunks."""

from __future__ import annotations

from pathlib import Path

from pipeline.finding_kinds import Kind
from pipeline.findings import Tally
from pipeline.identity import user_id
from pipeline.store import word_index
from pipeline.store.embedding_spaces import partition_ddl
from pipeline.store.reconciling import corpus as store
from pipeline.store.reconciling.paging import pages
from tests.flows.corpus import Opener, corpus, policy, query
from tests.ingesting import accept, ingest
from tests.stages.reconciling.looking import (
    FOR_A_PERSON,
    MENDED,
    ONE,
    assert_mended,
    damage,
    look,
    sweep,
    tallies,
)

ANNA = user_id("anna")
SHRUNK = "DELETE FROM upload_pipeline.document_chunks WHERE ordinal = 1"


async def test_lost_chunks_are_published_again(local: Opener, folder: Path) -> None:
    """The document goes back to work, what is left of it stays readable, and it is whole again."""
    policy(folder, "a")
    policy(folder, "b")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        before = await corpus(services)
        await damage(
            services,
            "DELETE FROM upload_pipeline.document_chunks WHERE document_id = "
            "(SELECT min(id::text)::uuid FROM upload_pipeline.documents)",
        )
        await damage(
            services,
            "DELETE FROM upload_pipeline.chunk_vectors AS v WHERE NOT EXISTS "
            "(SELECT FROM upload_pipeline.document_chunks AS c WHERE c.id = v.chunk_id)",
        )
        left = await corpus(services)
        assert left != before
        assert await tallies(services) == {Kind.CHUNKS_MISSING: ONE}
        assert await tallies(services, fix=True) == {Kind.CHUNKS_MISSING: MENDED}
        assert await corpus(services) == left
        assert await tallies(services) == {}
        await sweep(services)
        assert await corpus(services) == before
        assert await tallies(services) == {}


async def test_lost_vectors_are_bought_again_on_a_persons_word(
    remote: Opener, folder: Path
) -> None:
    """A schedule spends nothing unasked; asked for, only what is missing is bought."""
    policy(folder, "a")
    async with remote() as services:
        await ingest(services, [folder], ANNA)
        before = await corpus(services)
        await damage(
            services,
            "DELETE FROM upload_pipeline.chunk_vectors WHERE chunk_id IN "
            "(SELECT id FROM upload_pipeline.document_chunks WHERE ordinal = 1)",
        )
        outcome = await look(services, fix=True)
        assert outcome.tallies == {Kind.VECTORS_MISSING: FOR_A_PERSON}
        assert "--also vectors_missing" in outcome.findings[0].decision
        also = [Kind.VECTORS_MISSING]
        assert await tallies(services, fix=True, also=also) == {Kind.VECTORS_MISSING: MENDED}
        await sweep(services)
        calls = await query(
            services, "SELECT inputs FROM upload_pipeline.service_calls ORDER BY id"
        )
        assert [row["inputs"] for row in calls][1:] == [1]
        assert await corpus(services) == before
        assert await tallies(services) == {}


async def test_vectors_of_another_space_do_not_count(local: Opener, folder: Path) -> None:
    """A chunk whose vector is in another space than its document's has none that is searched."""
    policy(folder, "a")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        await damage(
            services,
            "INSERT INTO upload_pipeline.embedding_spaces (id, provider, model, dimension, version)"
            " VALUES (gen_random_uuid(), 'p', 'm', 3, '1')",
        )
        [space] = await query(
            services, "SELECT id FROM upload_pipeline.embedding_spaces WHERE provider = 'p'"
        )
        async with services.database.owner() as connection:
            for statement in partition_ddl(space["id"], 3):
                await connection.exec_driver_sql(statement)
        await damage(
            services,
            "INSERT INTO upload_pipeline.chunk_vectors (space_id, chunk_id, user_id, sha256,"
            " embedding) SELECT :space, id, user_id, sha256, '[1,0,0]'"
            " FROM upload_pipeline.document_chunks",
            space=space["id"],
        )
        assert await tallies(services) == {}
        await damage(
            services, "DELETE FROM upload_pipeline.chunk_vectors WHERE space_id <> :space",
            space=space["id"],
        )  # fmt: skip
        assert await tallies(services) == {Kind.VECTORS_MISSING: ONE}


async def test_vectors_without_a_chunk_are_removed(local: Opener, folder: Path) -> None:
    """Each is told, and only they go."""
    policy(folder, "a")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        before = await corpus(services)
        await damage(
            services,
            "INSERT INTO upload_pipeline.chunk_vectors (space_id, chunk_id, user_id, sha256,"
            " embedding) SELECT space_id, gen_random_uuid(), user_id, sha256, embedding"
            " FROM upload_pipeline.chunk_vectors LIMIT 2",
        )
        assert await tallies(services) == {Kind.VECTOR_ORPHANED: Tally(2)}
        assert await tallies(services, fix=True) == {Kind.VECTOR_ORPHANED: Tally(2, mended=2)}
        assert await tallies(services) == {}
        assert await corpus(services) == before


async def test_everything_is_found_on_whatever_page_it_is(local: Opener, folder: Path) -> None:
    """With pages of one row, each of three damaged documents is found once."""
    for name in "abcd":
        policy(folder, name, sections=2)
    async with local() as services:
        await ingest(services, [folder], ANNA)
        await damage(services, "DELETE FROM upload_pipeline.chunk_vectors WHERE chunk_id IN ("
                     "SELECT id FROM upload_pipeline.document_chunks WHERE document_id <>"
                     "(SELECT min(id::text)::uuid FROM upload_pipeline.documents))")  # fmt: skip
        for size in (1, 2, 3, 4, 1000):
            found = [
                row["key"]
                async for page in pages(services.database, store._DAMAGED, size=size)
                for row in page
            ]
            assert len(found) == len(set(found)) == 3, size


async def test_newer_bytes_on_their_way_mend_it_themselves(local: Opener, folder: Path) -> None:
    """A document whose next version is being made is left to it."""
    file = policy(folder, "a")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        await damage(services, SHRUNK)
        policy(folder, "a", sections=5)
        await accept(services, [file], ANNA)
        found = await tallies(services, fix=True)
        assert found[Kind.CHUNKS_MISSING] == ONE
        await sweep(services)
        assert await tallies(services, fix=True) == {}


async def test_buffered_vectors_that_nobody_waits_for_are_removed(
    local: Opener, folder: Path
) -> None:
    """A reservation of a dead holder and a vector of an erased job; what is waited for stays."""
    policy(folder, "a")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        reserve = (
            "INSERT INTO upload_pipeline.document_vector_buffer (space_id, sha256, user_id, job_id,"
            " claimed_by, lease_until, embedding)"
            " SELECT space_id, 'nobody-needs-it', user_id, {job},"
            " 'host/boot/1/1', now() - interval '2 hours', {vector}"
            " FROM upload_pipeline.upload_jobs"
        )
        await damage(services, reserve.format(job="id", vector="NULL"))
        await assert_mended(services, Kind.VECTOR_RESERVATION_LOST)
        await damage(services, reserve.format(job="gen_random_uuid()", vector="'[1,0]'"))
        await assert_mended(services, Kind.BUFFERED_VECTOR_ORPHANED)
        await damage(services, reserve.format(job="gen_random_uuid()", vector="'[1,0]'"))
        await damage(
            services,
            "INSERT INTO upload_pipeline.document_chunk_buffer (job_id, ordinal, chunk_id, user_id,"
            " occurrence, text, sha256, start_offset, end_offset, heading_path, tokens)"
            " SELECT id, 0, gen_random_uuid(), user_id, 0, 't', 'nobody-needs-it', 0, 1, '{}', 1"
            " FROM upload_pipeline.upload_jobs",
        )
        assert await tallies(services, fix=True) == {}


async def test_a_word_index_that_differs_from_the_chunks_follows_them(
    local: Opener, folder: Path
) -> None:
    """A chunk that is counted twice, because something went past the triggers, is counted once."""
    policy(folder, "a")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        assert await word_index.index_waiting(services.database, ANNA, least=1) > 1
        await damage(
            services,
            "INSERT INTO upload_pipeline.unindexed_chunks "
            "SELECT user_id, id FROM upload_pipeline.document_chunks ORDER BY id LIMIT 1",
        )
        await assert_mended(services, Kind.WORDS_DIFFER)
