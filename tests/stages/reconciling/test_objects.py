"""Objects without rows and rows without objects: found, and mended where that is safe."""

from __future__ import annotations

from pathlib import Path

from clients.storage.objects import parsed_key, raw_key
from pipeline.finding_kinds import Kind
from pipeline.findings import Tally
from pipeline.identity import sha256_hex, user_id
from pipeline.store import pending_objects
from pipeline.store.transitions import Actor
from stages import syncing
from stages.garbage_collection import remove_orphaned_objects
from stages.reconciling.checks import CHECKS
from stages.reconciling.inspection import Inspection, reconcile
from stages.services import Services
from tests.flows.corpus import Opener, change, corpus, policy, query, states
from tests.ingesting import ingest
from tests.stages.reconciling.looking import (
    FOR_A_PERSON,
    MENDED,
    ONE,
    assert_mended,
    look,
    objects,
    sweep,
    tallies,
)

ANNA = user_id("anna")


async def key_of(services: Services, column: str = "storage_key") -> str:
    """Where an object of the only job is."""
    found = await query(services, f"SELECT {column} AS key FROM upload_pipeline.upload_jobs")
    return str(found[0]["key"])


async def test_a_clean_corpus_has_no_findings(local: Opener, folder: Path) -> None:
    """Published, changed, deleted and failed documents: nothing of it is damage."""
    policy(folder, "a")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        policy(folder, "a", sections=4)
        policy(folder, "b")
        await ingest(services, [folder], ANNA)
        assert set((await states(services)).values()) == {"complete", "failed_parse"}
        assert await tallies(services) == {}
        assert await tallies(services, fix=True) == {}


async def test_what_a_deletion_left_behind_is_removed(local: Opener, folder: Path) -> None:
    """A text that a worker stored after its document was deleted is found by its deleted job."""
    policy(folder, "a")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        key = await key_of(services, "parsed_key")
        text = await services.storage.get(key)
        [row] = await query(services, "SELECT id FROM upload_pipeline.documents")
        who = Actor("person")
        await syncing.delete(services.database, services.storage, [row["id"]], who)
        assert not await services.storage.exists(key)
        await services.storage.put(key, text)
        await assert_mended(services, Kind.OBJECT_ABANDONED)
        assert not await services.storage.exists(key)


async def test_a_hold_that_ran_out_is_removed(local: Opener) -> None:
    """What an upload stored before it died is removed when no sweep has done so."""
    sha = sha256_hex(b"upload")
    async with local() as services:
        async with services.database.service() as connection:
            await pending_objects.acquire(connection, ANNA, [sha])
        await services.storage.put(raw_key(ANNA, sha), b"upload")
        assert await tallies(services) == {}
        await change(
            services,
            "UPDATE upload_pipeline.unsettled_objects SET held_until = now() - interval '1 hour'",
        )
        await assert_mended(services, Kind.OBJECT_ABANDONED)


async def test_what_the_database_has_no_trace_of_is_removed_on_a_persons_word(
    local: Opener,
) -> None:
    """It may be another installation's: `fix` leaves it, naming its kind removes it."""
    key = raw_key(ANNA, sha256_hex(b"stray"))
    async with local() as services:
        await services.storage.put(key, b"stray")
        assert await tallies(services, fix=True) == {Kind.OBJECT_UNKNOWN: FOR_A_PERSON}
        assert await services.storage.exists(key)
        also = [Kind.OBJECT_UNKNOWN]
        found = await tallies(services, fix=True, also=also)
        assert found == {Kind.OBJECT_UNKNOWN: Tally(1, mended=1)}
        assert not await services.storage.exists(key)


async def test_a_key_of_another_form_is_told_and_never_removed(local: Opener) -> None:
    """Only the digest of its key is told, since its name may say something of somebody."""
    async with local() as services:
        await services.storage.put("backups/anna-smith.zip", b"hers")
        outcome = await look(services, fix=True, also=[Kind.OBJECT_UNKNOWN])
        assert outcome.tallies == {Kind.OBJECT_UNKNOWN: FOR_A_PERSON}
        assert "anna" not in str(outcome.findings)
        assert await services.storage.exists("backups/anna-smith.zip")


async def test_a_text_without_a_row_stays_with_its_document(local: Opener, folder: Path) -> None:
    """It may have been paid for, and harms nobody."""
    policy(folder, "a")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        [row] = await query(services, "SELECT file_sha256 FROM upload_pipeline.upload_jobs")
        key = parsed_key(ANNA, row["file_sha256"], "another-1")
        await services.storage.put(key, b"{}")
        outcome = await look(services, fix=True)
        assert outcome.tallies == {Kind.TEXT_UNNAMED: ONE}
        assert (outcome.left, outcome.person) == (0, 0)
        assert await services.storage.exists(key)


async def test_a_lost_original_is_stored_again_from_its_source(local: Opener, folder: Path) -> None:
    """Where a person looks; a worker reads no file that a row names, and tells."""
    policy(folder, "a")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        key = await key_of(services)
        content = await services.storage.get(key)
        await services.storage.delete([key])
        assert await tallies(services, fix=True) == {Kind.ORIGINAL_MISSING: FOR_A_PERSON}
        found = await tallies(services, fix=True, by_person=True)
        assert found == {Kind.ORIGINAL_MISSING: MENDED}
        assert await services.storage.get(key) == content
        assert await tallies(services) == {}
        await change(services, "UPDATE upload_pipeline.unsettled_objects SET held_until = now()")
        await remove_orphaned_objects(services.database, services.storage)
        assert await services.storage.exists(key)


async def test_another_file_at_the_source_is_not_stored(local: Opener, folder: Path) -> None:
    """The original is what its hash says: a file that changed does not take its place."""
    file = policy(folder, "a")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        key = await key_of(services)
        await services.storage.delete([key])
        file.write_text("# Something else")
        found = await tallies(services, fix=True, by_person=True)
        assert found == {Kind.ORIGINAL_MISSING: FOR_A_PERSON}
        assert not await services.storage.exists(key)


async def test_a_lost_text_is_made_again(local: Opener, folder: Path) -> None:
    """With a local parser and embedder that costs nothing; readers see the corpus meanwhile."""
    policy(folder, "a")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        before, key = await corpus(services), await key_of(services, "parsed_key")
        await services.storage.delete([key])
        assert await tallies(services) == {Kind.TEXT_MISSING: ONE}
        assert await tallies(services, fix=True) == {Kind.TEXT_MISSING: MENDED}
        assert await corpus(services) == before
        await sweep(services)
        assert await services.storage.exists(key)
        assert await corpus(services) == before
        assert await tallies(services) == {}


async def test_a_lost_text_that_would_be_paid_for_waits_for_a_word(
    remote: Opener, folder: Path
) -> None:
    """With a paid embedder a person decides; nothing is embedded again that is still there."""
    policy(folder, "a")
    async with remote() as services:
        await ingest(services, [folder], ANNA)
        await services.storage.delete([await key_of(services, "parsed_key")])
        assert await tallies(services, fix=True) == {Kind.TEXT_MISSING: FOR_A_PERSON}
        also = [Kind.TEXT_MISSING]
        assert await tallies(services, fix=True, also=also) == {Kind.TEXT_MISSING: MENDED}
        calls = await query(services, "SELECT count(*) AS n FROM upload_pipeline.service_calls")
        await sweep(services)
        again = await query(services, "SELECT count(*) AS n FROM upload_pipeline.service_calls")
        assert calls[0]["n"] == again[0]["n"] == 1
        assert await tallies(services) == {}


async def test_a_storage_that_is_not_there_loses_nothing(local: Opener, folder: Path) -> None:
    """Without its mount every file is missing: that is told, and nothing is mended."""
    policy(folder, "a")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        objects(services).rename(objects(services).with_name("elsewhere"))
        outcome = await reconcile(Inspection(services, fix=True, by_person=True), CHECKS)
        assert set(outcome.unlooked) == {"rows without their object"}
        assert "may not be mounted" in outcome.unlooked["rows without their object"]
        assert outcome.tallies == {}
        assert set((await states(services)).values()) == {"complete"}
