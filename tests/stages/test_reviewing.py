"""What a person decides of a document, end to end: accepted, corrected, rejected; what it costs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from mocks import OpenAIMock
from pipeline.corrections import Correction
from pipeline.errors import UsageError
from pipeline.fidelity import Fidelity
from pipeline.identity import user_id
from pipeline.store.page_queries import VersionView, find_version
from pipeline.store.review_decisions import ReviewDecision
from pipeline.store.review_queries import ReviewItem, list_items
from pipeline.store.transitions import Actor
from stages import reviewing, syncing
from stages.services import Services
from tests.flows.corpus import Opener, change, corpus, policy, query, states
from tests.ingesting import ingest, work_off
from tests.stages.test_gaps import noting

ANNA = user_id("anna")
TORN = Fidelity(words_found=0.7)
WRONG = Correction(1, "pays 600 dollars", "pays 650 dollars")


async def waiting(services: Services, user: UUID = ANNA) -> list[ReviewItem]:
    """What waits for a user's review."""
    async with services.database.reader(user) as connection:
        return await list_items(connection, None, 50)


async def version(services: Services) -> VersionView:
    """The newest version of the one document."""
    [row] = await query(services, "SELECT id, latest_job_id FROM upload_pipeline.documents")
    async with services.database.reader(ANNA) as connection:
        found = await find_version(connection, row["id"], row["latest_job_id"])
    assert found is not None
    return found


async def put_right(services: Services, correction: Correction) -> ReviewDecision:
    """Correct the one document, and work it off."""
    newest = await version(services)
    done = await reviewing.put_right(services, newest, correction, "misread", "anna")
    await work_off(services, done.jobs, done.run_id)
    return done.decision


async def published(services: Services) -> str:
    """What readers see of the one document."""
    found = await query(services, "SELECT text FROM upload_pipeline.document_chunks")
    return "\n".join(row["text"] for row in found)


async def correlation(services: Services) -> UUID:
    """By what a cached parse of the one document would be found."""
    [row] = await query(services, "SELECT correlation_id AS id FROM upload_pipeline.upload_jobs")
    return UUID(str(row["id"]))


async def notes(services: Services) -> dict[str, list[int]]:
    """The kinds of notes of the one document, with their pages."""
    [row] = await query(services, "SELECT notes FROM upload_pipeline.upload_jobs")
    return {note["kind"]: note["pages"] for note in row["notes"]}


async def test_what_is_accepted_is_published_and_told(remote: Opener, folder: Path) -> None:
    """The quarantined document is published; its verdict says who let it pass, when and why."""
    policy(folder, "home")
    async with remote() as services:
        torn = noting(services, fidelity=TORN)
        await ingest(torn, [folder], ANNA)
        assert await states(services) == {"home.md": "quarantined"}
        assert await waiting(services, user_id("ben")) == []
        [item] = await waiting(services)
        assert [each["severity"] for each in item.findings] == ["critical"]
        done = await reviewing.accept(torn, item, "The scan was compared.", "anna")
        await work_off(torn, done.jobs, done.run_id)
        assert await states(services) == {"home.md": "complete"}
        assert await waiting(services) == []
        told = await query(
            services,
            "SELECT severity, sentence FROM upload_pipeline.quality_results"
            " WHERE job_id IS NOT NULL ORDER BY id DESC LIMIT 1",
        )
        assert told[0]["severity"] == "warning"
        assert told[0]["sentence"].startswith(item.findings[0]["sentence"] + " (accepted by anna")
        assert told[0]["sentence"].endswith(": The scan was compared.)")
        [event] = await query(
            services, "SELECT * FROM upload_pipeline.job_events WHERE event = 'accepted'"
        )
        assert event["details"] == {"by": "anna", "review": str(done.decision.id)}


async def test_an_acceptance_is_about_what_was_seen(remote: Opener, folder: Path) -> None:
    """The same bytes read worse than what was accepted are kept back again."""
    policy(folder, "home")
    async with remote() as services:
        torn = noting(services, fidelity=TORN)
        await ingest(torn, [folder], ANNA)
        [item] = await waiting(services)
        await reviewing.accept(torn, item, "Compared.", "anna")
        worse = noting(services, fidelity=Fidelity(words_found=0.4))
        await change(services, "DELETE FROM upload_pipeline.parsed_files")
        [job] = await query(services, "SELECT id, run_id FROM upload_pipeline.upload_jobs")
        await work_off(worse, [job["id"]], job["run_id"])
        assert await states(services) == {"home.md": "quarantined"}
        [again] = await waiting(services)
        assert "40.0%" in again.findings[0]["sentence"]


async def test_what_is_rejected_stays_out_and_is_not_brought_up(
    remote: Opener, folder: Path
) -> None:
    """It stays in quarantine, acknowledged; a published document is not rejected."""
    policy(folder, "home")
    async with remote() as services:
        await ingest(noting(services, fidelity=TORN), [folder], ANNA)
        [item] = await waiting(services)
        await reviewing.reject(services.database, item, "Half of it is missing.", "anna")
        assert await waiting(services) == []
        [job] = await query(services, "SELECT * FROM upload_pipeline.upload_jobs")
        assert job["state"] == "quarantined"
        assert job["acknowledged_at"] is not None
        with pytest.raises(UsageError, match="readers see it"):
            published = replace(item, state="complete")
            await reviewing.reject(services.database, published, "No.", "anna")


async def test_a_correction_buys_only_the_chunk_that_changed(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """It is published again as corrected, with a note; what the parser read stays stored."""
    policy(folder, "home", sections=12)
    async with remote() as services:
        await ingest(services, [folder], ANNA)
        before, first = await corpus(services), await version(services)
        inputs, reading = openai.stats()["inputs"], await correlation(services)
        await put_right(services, WRONG)
        assert await correlation(services) != reading  # a cached parse is not taken for read
        after, second = await corpus(services), await version(services)
        changed = {chunk[2] for chunk in after} - {chunk[2] for chunk in before}
        assert 1 <= len(changed) <= 2
        assert openai.stats()["inputs"] == inputs + len(changed)
        assert len(after) == len(before)
        assert await states(services) == {"home.md": "complete"}
        assert await notes(services) == {"corrected": [1]}
        assert first.parsed_key and second.parsed_key and first.parsed_key != second.parsed_key
        texts = [await services.storage.get(key) for key in (first.parsed_key, second.parsed_key)]
        assert [b"pays 650" in text for text in texts] == [False, True]
        # what stands on it stays, and what was corrected can be corrected again
        await put_right(services, Correction(1, "pays 650 dollars", "pays 660 dollars"))
        assert "pays 660" in await published(services)


async def test_a_correction_that_is_taken_back_is_not_read_again(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """The document says what its page says; another correction of it stays."""
    policy(folder, "home")
    async with remote() as services:
        await ingest(services, [folder], ANNA)
        wrong = await put_right(services, Correction(1, "pays 200 dollars", "pays 250 dollars"))
        await put_right(services, Correction(1, "pays 300 dollars", "pays 350 dollars"))
        before = openai.stats()["inputs"]
        newest = await version(services)
        done = await reviewing.undo(services, wrong, newest, "The page was misread.", "anna")
        assert "pays 250" in await published(services)  # readers see it until it is judged
        await work_off(services, done.jobs, done.run_id)
        shown = await published(services)
        assert "pays 250" not in shown
        assert "pays 200" in shown
        assert "pays 350" in shown
        assert await states(services) == {"home.md": "complete"}
        # That one chunk's vector went when the correction was published.
        assert openai.stats()["inputs"] - before == 1


async def test_a_correction_outlives_another_reading(remote: Opener, folder: Path) -> None:
    """The same bytes parsed anew are corrected again; where it does not fit, that is told."""
    path = policy(folder, "home")
    async with remote() as services:
        await ingest(services, [folder], ANNA)
        await put_right(services, Correction(1, "pays 200 dollars", "pays 250 dollars"))
        await change(services, "DELETE FROM upload_pipeline.parsed_files")
        services.texts.drop((await version(services)).parsed_key or "")
        await put_right(services, Correction(1, "pays 300 dollars", "pays 350 dollars"))
        shown = await published(services)
        assert "pays 250" in shown
        assert "pays 350" in shown
        # another parser reads something else there
        other = noting(services)
        other.parser.parse_small = lambda *_: noting(services).parser.parse_small(  # type: ignore
            path.read_bytes().replace(b"pays 200", b"pays 222"), _[1]
        )
        await change(services, "DELETE FROM upload_pipeline.parsed_files")
        await put_right(other, Correction(1, "pays 100 dollars", "pays 150 dollars"))
        assert await notes(services) == {"corrected": [1], "correction_left": [1]}
        shown = await published(services)
        assert "pays 222" in shown
        assert "pays 150" in shown


@pytest.mark.parametrize(
    ("correction", "words"),
    [
        (Correction(1, "no such words", "x"), "does not stand there"),
        (Correction(9, "pays 600 dollars", "x"), "does not stand there"),
        (Correction(1, "pays", "x", 1000), "does not stand there"),
        (Correction(1, "pays", "pays"), "changes nothing"),
        (Correction(1, "", "x"), "changes nothing"),
        (Correction(1, "", "x", cell=(0, 0, 0)), "does not stand there"),
    ],
)
async def test_what_cannot_be_corrected_is_refused(
    remote: Opener, folder: Path, correction: Correction, words: str
) -> None:
    """Nothing is written down, and the document stays as it is."""
    policy(folder, "home")
    async with remote() as services:
        await ingest(services, [folder], ANNA)
        with pytest.raises(UsageError, match=words):
            await put_right(services, correction)
        assert await query(services, "SELECT * FROM upload_pipeline.review_decisions") == []
        assert await states(services) == {"home.md": "complete"}


async def test_a_deletion_takes_the_corrections(remote: Opener, folder: Path) -> None:
    """They quote the document: the same bytes, sent again, are read as they are."""
    policy(folder, "home")
    async with remote() as services:
        await ingest(services, [folder], ANNA)
        await put_right(services, Correction(1, "pays 200 dollars", "pays 250 dollars"))
        newest = await version(services)
        await syncing.delete(
            services.database, services.storage, [newest.document_id], Actor("person"), ANNA
        )
        assert await query(services, "SELECT * FROM upload_pipeline.review_decisions") == []
        await ingest(services, [folder], ANNA)
        assert "pays 200" in await published(services)
