"""Files inside files become documents, and go where the file goes that they are inside of."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from mocks import LlamaParseMock
from pipeline.identity import user_id
from pipeline.sources import find_files
from pipeline.states import JobState
from pipeline.store import deletion, document_queries, run_jobs, runs
from pipeline.store.transitions import Actor
from stages import attaching, intake, parsing, planning, syncing, validating
from stages.attaching import depth_of, member_source, root_of
from stages.batch import claim_batch, jobs_at
from stages.retrying import retry_jobs
from stages.services import Services
from stages.syncing import delete_vanished
from tests.flows.corpus import Opener
from tests.ingesting import accept, ingest, work_off
from tests.pipeline.parsing.locked_files import locked_zip
from tests.pipeline.parsing.made_files import pdf
from tests.pipeline.parsing.office_files import letter, zipped

ANNA = user_id("anna")
REPORT = (
    "report.pdf",
    "application/pdf",
    pdf(["The moisture of the kitchen floor is 31 percent."]),
)
RATES = ("rates.csv", "text/csv", b"Age,Premium\n30,$18.80\n31,$19.10\n")


def claim(*files: tuple[str, str, bytes], text: str = "The kitchen was flooded in March.") -> bytes:
    """An e-mail with files."""
    return letter(text, files=files).as_bytes()


async def states(services: Services) -> dict[str, str]:
    """Where each living document stands, by the end of its source."""
    async with services.database.reader(ANNA) as connection:
        found, _ = await document_queries.documents_by_name(connection)
    return {each.source.rpartition("/documents/")[2]: str(each.state) for each in found}


async def told(services: Services, run: UUID) -> dict[str, str]:
    """What a run's table says of each document, by name."""
    async with services.database.reader(ANNA) as connection:
        return {each.name: each.outcome for each in await runs.run_documents(connection, run)}


def objects(services: Services) -> list[Path]:
    """What is stored."""
    return [path for path in (services.settings.home / "objects").rglob("*") if path.is_file()]


async def test_a_letters_files_are_documents_of_the_same_run(local: Opener, folder: Path) -> None:
    """Each attachment is published by itself, with its letter's tags, and counts in the run."""
    (folder / "claim.eml").write_bytes(claim(REPORT, RATES))
    async with local() as services:
        run = await ingest(services, [folder], ANNA, ["kitchen"])
        assert await states(services) == {
            "claim.eml": "complete",
            "claim.eml#1/report.pdf": "complete",
            "claim.eml#2/rates.csv": "complete",
        }
        assert await told(services, run) == dict.fromkeys(
            ("claim.eml", "report.pdf", "rates.csv"), "new"
        )
        async with services.database.reader(ANNA) as connection:
            found, _ = await document_queries.documents_by_name(
                connection, document_queries.DocumentFilter(tags=["kitchen"])
            )
            assert len(found) == 3


async def test_a_file_that_cannot_be_read_fails_by_itself(local: Opener, folder: Path) -> None:
    """The letter is published, its empty PDF is a document that failed with its reason."""
    (folder / "claim.eml").write_bytes(claim(("x.pdf", "application/pdf", b"%PDF-1.4\n")))
    async with local() as services:
        run = await ingest(services, [folder], ANNA)
        assert await states(services) == {
            "claim.eml": "complete",
            "claim.eml#1/x.pdf": "failed_parse",
        }
        async with services.database.reader(ANNA) as connection:
            failed = {each.name: each for each in await runs.run_documents(connection, run)}
        assert failed["x.pdf"].error_code == "file_is_broken"


async def test_a_letter_in_an_archive_in_a_letter_is_opened(local: Opener, folder: Path) -> None:
    """Files are opened to a depth of three; what is deeper is a gap of what it is inside of."""
    inner = letter(
        "Inner letter.", files=[("deep.zip", "application/zip", zipped({"a.txt": "x y z"}))]
    )
    archive = zipped({"inner.eml": inner.as_bytes()})
    (folder / "outer.eml").write_bytes(claim(("all.zip", "application/zip", archive)))
    async with local() as services:
        run = await ingest(services, [folder], ANNA)
        assert sorted(await states(services)) == [
            "outer.eml",
            "outer.eml#1/all.zip",
            "outer.eml#1/all.zip#1/inner.eml",
            "outer.eml#1/all.zip#1/inner.eml#1/deep.zip",
        ]
        async with services.database.reader(ANNA) as connection:
            documents = {each.name: each for each in await runs.run_documents(connection, run)}
        assert documents["deep.zip"].state == "complete_with_gaps"
        assert [note["kind"] for note in documents["deep.zip"].notes] == ["part_not_read"]


async def test_more_files_inside_than_are_taken_are_a_gap(
    local: Opener, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All the files inside one file, at all depths together, are no more than the limit."""
    monkeypatch.setattr(attaching, "MAX_INSIDE", 3)
    parts = {
        f"{n}.zip": zipped({f"{n}-{m}.txt": f"words {n} {m}" for m in range(3)}) for n in (1, 2)
    }
    (folder / "all.zip").write_bytes(zipped(parts))
    async with local() as services:
        await ingest(services, [folder], ANNA)
        found = await states(services)
    assert len(found) == 1 + 3
    assert sum(state == "complete_with_gaps" for state in found.values()) == 2


async def test_unchanged_files_are_told_as_unchanged(local: Opener, folder: Path) -> None:
    """Taken in again, nothing is new, and a failed attachment is still told."""
    (folder / "claim.eml").write_bytes(claim(REPORT, ("x.pdf", "application/pdf", b"%PDF-1.4\n")))
    async with local() as services:
        await ingest(services, [folder], ANNA)
        found = find_files([str(folder)])
        assert not await planning.needs_work(services, found, ANNA)
        run = await ingest(services, [folder], ANNA, ["later"])
        assert await told(services, run) == {
            "claim.eml": "unchanged",
            "report.pdf": "unchanged",
            "x.pdf": "failed_before",
        }
        async with services.database.reader(ANNA) as connection:
            tagged, _ = await document_queries.documents_by_name(
                connection, document_queries.DocumentFilter(tags=["later"])
            )
        assert len(tagged) == 3


async def test_what_waits_inside_an_unchanged_file_goes_on(local: Opener, folder: Path) -> None:
    """A run that ended after the letter and before its files is gone on with by the next."""
    (folder / "claim.eml").write_bytes(claim(REPORT))
    async with local() as services:
        run_id = uuid4()
        async with services.database.service() as connection:
            await runs.start_run(connection, run_id, ANNA, "ingest")
        upload = await intake.upload(services, [folder / "claim.eml"], ANNA, run_id, [])
        await work_off(services, upload.to_do, run_id)
        assert (await states(services))["claim.eml#1/report.pdf"] == "uploaded"
        assert await planning.needs_work(services, find_files([str(folder)]), ANNA)
        await ingest(services, [folder], ANNA)
        assert (await states(services))["claim.eml#1/report.pdf"] == "complete"


async def test_a_new_version_takes_its_lost_files_with_it(local: Opener, folder: Path) -> None:
    """When the changed letter is published, the files that it has no more are gone with all."""
    path = folder / "claim.eml"
    inner = zipped({"a.txt": "words inside"})
    path.write_bytes(claim(RATES, REPORT, ("more.zip", "application/zip", inner)))
    async with local() as services:
        await ingest(services, [path], ANNA)
        assert len(await states(services)) == 5
        path.write_bytes(claim(RATES))
        run = await ingest(services, [path], ANNA)
        assert await states(services) == {
            "claim.eml": "complete",
            "claim.eml#1/rates.csv": "complete",
        }
        assert (await told(services, run))["rates.csv"] == "unchanged"
        assert len({path.name for path in objects(services) if path.parent.name == "raw"}) == 3


async def test_a_new_version_that_cannot_be_read_keeps_the_old_files(
    local: Opener, folder: Path
) -> None:
    """While the old letter is what readers see, so are its files."""
    path = folder / "all.zip"
    path.write_bytes(zipped({"a.txt": "words inside"}))
    async with local() as services:
        await ingest(services, [path], ANNA)
        path.write_bytes(path.read_bytes()[:40])
        await ingest(services, [path], ANNA)
        assert await states(services) == {
            "all.zip": "failed_parse",
            "all.zip#1/a.txt": "complete",
        }


async def test_a_deleted_letter_takes_its_files_along(local: Opener, folder: Path) -> None:
    """Deleting a file deletes all inside it, at any depth, down to the stored bytes."""
    inner = letter("Inner.", files=[RATES]).as_bytes()
    (folder / "claim.eml").write_bytes(claim(("in.eml", "application/octet-stream", inner)))
    async with local() as services:
        await ingest(services, [folder], ANNA)
        async with services.database.reader(ANNA) as connection:
            found, _ = await document_queries.documents_by_name(connection)
        outer = next(each.document_id for each in found if each.name == "claim.eml")
        done = await syncing.delete(services.database, services.storage, [outer], Actor("person"))
        assert len(done.documents) == 3
        assert await states(services) == {}
        assert objects(services) == []


async def test_sync_leaves_the_files_inside_a_file_that_is_there(
    local: Opener, folder: Path
) -> None:
    """`--sync` takes what is inside for what it is: there as long as its file is."""
    for name in ("stays.eml", "goes.eml"):
        (folder / name).write_bytes(claim(REPORT, text=f"The letter {name} tells of a flood."))
    async with local() as services:
        await ingest(services, [folder], ANNA)
        (folder / "goes.eml").unlink()
        found = find_files([str(folder)])
        assert (await planning.plan(services, found, ANNA, sync=True)).vanished == 1
        assert await delete_vanished(services, ANNA, found, uuid4()) == 2
        assert sorted(await states(services)) == ["stays.eml", "stays.eml#1/report.pdf"]


async def test_equal_letters_at_two_places_each_have_their_files(
    local: Opener, folder: Path
) -> None:
    """The second letter is not parsed again, and its files are documents all the same."""
    for name in ("one.eml", "two.eml"):
        (folder / name).write_bytes(claim(REPORT))
    async with local() as services:
        await ingest(services, [folder / "one.eml"], ANNA)
        async with services.database.reader(ANNA) as connection:
            found, _ = await document_queries.documents_by_name(connection)
        ids = [each.document_id for each in found]
        await accept(services, [folder / "two.eml"], ANNA)
        # the bytes of the first one's files go, while those of the letter are needed
        await syncing.delete(services.database, services.storage, ids, Actor("person"))
        await ingest(services, [folder / "two.eml"], ANNA)
        assert await states(services) == {
            "two.eml": "complete",
            "two.eml#1/report.pdf": "complete",
        }


async def test_a_retried_file_has_its_files(local: Opener, folder: Path) -> None:
    """An archive that fails for want of a password opens when it is retried with it."""
    (folder / "all.zip").write_bytes(locked_zip({"a.txt": b"words inside"}, "opensesame"))
    passwords = folder.parent / "passwords.txt"
    passwords.write_text("*.pdf\tanother\nall.zip\topensesame\n")
    async with local() as services:
        run = await ingest(services, [folder], ANNA)
        async with services.database.reader(ANNA) as connection:
            (failed,) = await runs.run_documents(connection, run)
    assert failed.error_code == "file_is_encrypted"
    assert "--password-file" in str(failed.error_remedy)
    async with local(password_file=passwords) as services:
        again = uuid4()
        jobs = await retry_jobs(services, ANNA, again, [failed.job_id])
        await work_off(services, jobs, again)
        async with services.database.service() as connection:
            inside = [each.job_id for each in await run_jobs.waiting_jobs(connection, again)]
        await work_off(services, inside, again)
        assert await states(services) == {"all.zip": "complete", "all.zip#1/a.txt": "complete"}


async def test_a_plan_counts_what_is_inside(local: Opener, folder: Path) -> None:
    """A plan tells of the files inside a file what would become of each."""
    (folder / "claim.eml").write_bytes(
        claim(REPORT, ("x.pdf", "application/pdf", b"%PDF-1.4\n"), RATES)
    )
    async with local() as services:
        found = find_files([str(folder)])
        plan = await planning.plan(services, found, ANNA)
        names = {each.name: each.error is None for each in plan.documents}
        assert names == {"claim.eml": True, "report.pdf": True, "x.pdf": False, "rates.csv": True}
        run = await ingest(services, [folder], ANNA)
        async with services.database.reader(ANNA) as connection:
            made = {each.name: each.chunks for each in await runs.run_documents(connection, run)}
    planned = {each.name: each.chunks for each in plan.documents if each.error is None}
    assert planned == {name: chunks for name, chunks in made.items() if name != "x.pdf"}


async def test_a_letter_deleted_while_it_is_parsed_brings_nothing(
    local: Opener, folder: Path
) -> None:
    """Files of a letter that somebody deletes meanwhile do not become documents."""
    (folder / "claim.eml").write_bytes(claim(REPORT))
    async with local() as services:
        jobs = await accept(services, [folder], ANNA)
        async with claim_batch(services, jobs, uuid4()) as batch:
            await validating.queue(services, batch)
            queued = await jobs_at(services, batch, JobState.PARSE_QUEUED)
            parsed = await parsing.parse_jobs(services, queued, batch.run_id)
            async with services.database.service() as connection:
                await deletion.delete_documents(
                    connection, [queued[0].document_id], Actor("person")
                )
            left = await attaching.with_files_inside(
                services, batch, queued, {each.job_id: each for each in parsed}
            )
        assert left == {}
        assert await states(services) == {}


def test_a_source_says_how_deep_it_is() -> None:
    """The name of a file inside tells its place, its depth and its outermost file."""
    once = member_source("/d/mail #7.eml", 1, "../x/a#1.zip")
    assert once == "/d/mail #7.eml#1/a#1.zip"
    twice = member_source(once, 12, "b.pdf")
    assert (depth_of("/d/mail #7.eml"), depth_of(once), depth_of(twice)) == (0, 1, 2)
    assert root_of(twice) == "/d/mail #7.eml"


async def test_letters_are_opened_here_and_their_files_by_llamaparse(
    paying: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """LlamaParse takes no e-mail: it is read on this machine, and what is inside goes to it."""
    (folder / "claim.eml").write_bytes(claim(REPORT))
    async with paying() as services:
        await ingest(services, [folder], ANNA)
        assert set(await states(services)) == {"claim.eml", "claim.eml#1/report.pdf"}
        async with services.database.reader(ANNA) as connection:
            found, _ = await document_queries.documents_by_name(connection)
        assert all(each.published for each in found)
    assert llamaparse.stats()["jobs"] == 1


async def test_kinds_that_only_llamaparse_reads_are_sent_to_it(
    paying: Opener, local: Opener, llamaparse: LlamaParseMock, folder: Path
) -> None:
    """A picture, and a document of Pages, reach the service, and are refused without it."""
    (folder / "scan.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"Deductible 500 dollars")
    (folder / "plan.pages").write_bytes(zipped({"Index/Document.iwa": b"x", "preview.jpg": b"x"}))
    files = [folder / "scan.png", folder / "plan.pages"]
    async with local() as services:
        run = await ingest(services, files, ANNA)
        async with services.database.reader(ANNA) as connection:
            codes = {
                each.name: each.error_code for each in await runs.run_documents(connection, run)
            }
    assert codes == {"scan.png": "no_text_layer", "plan.pages": "unsupported_file_type"}
    async with paying() as services:
        await ingest(services, files, ANNA)
    assert llamaparse.stats()["jobs"] == 2
