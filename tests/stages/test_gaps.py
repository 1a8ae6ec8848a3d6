"""What was not read is told with the document, from its parsing to every search answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from clients.parser_pool.sandbox import ParserPool
from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.fidelity import Fidelity
from pipeline.identity import user_id
from pipeline.notes import Note, NoteKind
from pipeline.parsing.media import MediaType
from pipeline.states import JobState
from pipeline.store.search import Passage, Query, SearchMode, search
from pipeline.store.transitions import Actor
from stages import syncing
from stages.services import Services
from tests.booklets import TYPED as PAGE
from tests.booklets import booklet
from tests.flows.corpus import Opener, corpus, documents, policy, query, states
from tests.ingesting import ingest

ANNA = user_id("anna")


class NotingParser(ParserPool):
    """Reads a text as pages that are parted by form feeds, with notes, facts and measurements."""

    def __init__(
        self,
        notes: Sequence[Note] = (),
        facts: dict[str, str] | None = None,
        fidelity: Fidelity | None = None,
    ) -> None:
        self.given = {"notes": tuple(notes), "facts": facts or {}, "fidelity": fidelity}
        self.parsed = 0

    def parse_small(self, content: bytes, media_type: MediaType) -> ParsedDocument:
        self.parsed += 1
        texts = content.decode().split("\f")
        pages = tuple(ParsedPage(number, text) for number, text in enumerate(texts, 1))
        return ParsedDocument(pages, True, "local-1", "test", **self.given)  # type: ignore[arg-type]

    async def close(self) -> None:
        """Nothing was started."""


def noting(services: Services, **given: Any) -> Services:
    return replace(services, parser=NotingParser(**given))


GAPS = (
    Note(NoteKind.PICTURE_NOT_READ, "Pictures were not read.", (2,)),
    Note(NoteKind.REPAIRED, "Bytes that stood before the PDF were cut off."),
)


def three_pages(folder: Path, name: str = "home") -> Path:
    path = folder / f"{name}.txt"
    texts = [
        f"{PAGE} Here stands the {place} part of {name}." for place in ("first", "other", "last")
    ]
    path.write_text("\f".join(texts))
    return path


async def job_of(services: Services, name: str) -> sa.RowMapping:
    """The newest job of a document."""
    [found] = await query(
        services,
        """
        SELECT j.* FROM upload_pipeline.upload_jobs AS j
        JOIN upload_pipeline.documents AS d ON d.latest_job_id = j.id WHERE d.name = :name
        """,
        name=name,
    )
    return found


async def answers(services: Services, words: str) -> list[Passage]:
    """What a search by words finds, as Anna."""
    space = services.embedder.space
    asked = Query(words, SearchMode.TEXT, space.id, space.dimension, limit=20)
    async with services.database.reader(ANNA) as connection:
        return await search(connection, asked)


async def test_a_document_with_gaps_is_published_as_such(local: Opener, folder: Path) -> None:
    """Its state, its notes with pages and remedy, its language and facts stand on the job."""
    three_pages(folder)
    async with local() as services:
        parts = noting(services, notes=GAPS, facts={"title": "Home"})
        run = await ingest(parts, [folder], ANNA)
        job = await job_of(services, "home.txt")
        assert job["state"] == JobState.COMPLETE_WITH_GAPS
        assert [(note["kind"], note["gap"], note["pages"]) for note in job["notes"]] == [
            ("picture_not_read", True, [2]),
            ("repaired", False, []),
        ]
        assert "NAVIGATOR_OCR=true" in job["notes"][0]["remedy"]
        assert (job["language"], job["facts"]) == ("en", {"title": "Home"})
        assert (await documents(services, run))["home.txt"].notes == job["notes"]
        assert job["failures"] == 0
        assert job["claimed_by"] is None


async def test_a_document_without_gaps_is_complete(local: Opener, folder: Path) -> None:
    """Notes that are no gaps, and blank pages, do not change that."""
    (folder / "home.txt").write_text(f"{PAGE}\f\f{PAGE}")
    async with local() as services:
        await ingest(noting(services, notes=GAPS[1:]), [folder], ANNA)
        job = await job_of(services, "home.txt")
        assert (job["state"], len(job["notes"])) == ("complete", 1)
        assert job["coverage"] == 1.0


async def test_every_answer_tells_the_gaps_of_its_document(local: Opener, folder: Path) -> None:
    """A passage on the page says so itself; the others say that their document has gaps."""
    three_pages(folder)
    policy(folder, "whole", extra="The flood sublimit is 40000 dollars.")
    async with local() as services:
        await ingest(noting(services, notes=GAPS), [folder / "home.txt"], ANNA)
        await ingest(services, [folder / "whole.md"], ANNA)
        found = await answers(services, "flood sublimit dollars")
        lacking = [passage for passage in found if passage.name == "home.txt"]
        assert lacking
        assert {gap.pages for passage in lacking for gap in passage.gaps} == {(2,)}
        for passage in lacking:
            first, last = passage.page_first or 0, passage.page_last or 0
            assert passage.gap_here == (first <= 2 <= last), passage
        whole = [passage for passage in found if passage.name == "whole.md"]
        assert whole
        assert not any(passage.gaps or passage.gap_here for passage in whole)


async def test_what_is_about_the_passage_comes_first(local: Opener, folder: Path) -> None:
    """Of several gaps, the one on the passage's own page."""
    three_pages(folder)
    notes = [
        Note(NoteKind.PAGE_NOT_READ, "It is damaged.", (9,)),
        Note(NoteKind.PICTURE_NOT_READ, "A picture was not read.", (1, 2, 3)),
    ]
    async with local() as services:
        await ingest(noting(services, notes=notes), [folder], ANNA)
        found = await answers(services, "flood sublimit")
        assert found
        assert {passage.gaps[0].kind for passage in found} == {"picture_not_read"}
        assert {len(passage.gaps) for passage in found} == {2}


async def test_the_same_bytes_are_told_the_same(local: Opener, folder: Path) -> None:
    """A copy is not parsed again, and has the notes of the stored text."""
    original = three_pages(folder)
    async with local() as services:
        parts = noting(services, notes=GAPS, facts={"title": "Home"})
        await ingest(parts, [folder], ANNA)
        copy = folder / "copy.txt"
        copy.write_bytes(original.read_bytes())
        await ingest(parts, [copy], ANNA)
        first, second = await job_of(services, "home.txt"), await job_of(services, "copy.txt")
        assert isinstance(parts.parser, NotingParser)
        assert parts.parser.parsed == 1
        for column in ("state", "notes", "facts", "language"):
            assert second[column] == first[column]


async def test_refused_gaps_keep_the_document_back(local: Opener, folder: Path) -> None:
    """With NAVIGATOR_GAPS=refuse: quarantined by the gate, which names the pages and the remedy."""
    three_pages(folder)
    async with local(gaps="refuse") as services:
        run = await ingest(noting(services, notes=GAPS), [folder], ANNA)
        document = (await documents(services, run))["home.txt"]
        assert (document.state, document.error_code) == ("quarantined", "quarantined")
        assert document.error_message == (
            "Not everything was read: Page 2: pictures were not read. Set NAVIGATOR_OCR=true, "
            "with tesseract installed, and take the document in again."
        )
        assert await corpus(services) == []
        found = await query(
            services,
            "SELECT rule, severity FROM upload_pipeline.quality_results WHERE job_id IS NOT NULL",
        )
        assert [tuple(row.values()) for row in found] == [("gaps", "critical")]


async def test_the_version_before_stays_when_gaps_are_refused(local: Opener, folder: Path) -> None:
    """Readers keep what was whole; a person who allows gaps retries it."""
    path = three_pages(folder)
    async with local(gaps="refuse") as services:
        await ingest(noting(services), [path], ANNA)
        before = await corpus(services)
        path.write_text(path.read_text().replace("35000", "99000"))
        await ingest(noting(services, notes=GAPS), [path], ANNA)
        assert await states(services) == {"home.txt": "quarantined"}
        assert await corpus(services) == before


async def test_a_version_with_gaps_is_followed_by_a_whole_one(local: Opener, folder: Path) -> None:
    """It is superseded like any other, and its gaps go with it."""
    path = three_pages(folder)
    async with local() as services:
        await ingest(noting(services, notes=GAPS), [path], ANNA)
        old = await job_of(services, "home.txt")
        path.write_text(path.read_text().replace("35000", "99000"))
        await ingest(noting(services), [path], ANNA)
        assert await states(services) == {"home.txt": "complete"}
        [found] = await query(
            services, "SELECT state FROM upload_pipeline.upload_jobs WHERE id = :id", id=old["id"]
        )
        assert found["state"] == "superseded"
        assert not any(passage.gaps for passage in await answers(services, "flood sublimit"))


async def test_an_unchanged_document_with_gaps_is_left_alone(local: Opener, folder: Path) -> None:
    """The same bytes again are unchanged, though they were not read whole."""
    three_pages(folder)
    async with local() as services:
        await ingest(noting(services, notes=GAPS), [folder], ANNA)
        run = await ingest(noting(services), [folder], ANNA)
        document = (await documents(services, run))["home.txt"]
        assert (document.outcome, document.state) == ("unchanged", "complete_with_gaps")


async def test_what_a_file_says_of_itself_goes_with_it(local: Opener, folder: Path) -> None:
    """A deletion leaves no fact behind."""
    three_pages(folder)
    async with local() as services:
        await ingest(noting(services, facts={"title": "Private title"}), [folder], ANNA)
        [found] = await query(services, "SELECT id FROM upload_pipeline.documents")
        await syncing.delete(
            services.database, services.storage, [found["id"]], Actor("person"), ANNA
        )
        [left] = await query(services, "SELECT state, facts FROM upload_pipeline.upload_jobs")
        assert (left["state"], left["facts"]) == ("deleted", {})


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        (Fidelity(words_found=0.7), "70.0% of the words of another reading"),
        (Fidelity(order_agreement=0.3), "30.0% of the neighboring words"),
        (Fidelity(ruled_rows=50, ruled_rows_whole=27), "54% of the 50 rows of ruled tables"),
        (Fidelity(glyphs=100, glyphs_without_unicode=40), "f 40 characters the font does not say"),
        (Fidelity(pages=10, pages_with_text=3), "3 of 10 pages have text (30%)"),
    ],
)
async def test_a_bad_reading_is_quarantined(
    local: Opener, folder: Path, measured: Fidelity, words: str
) -> None:
    """What the parser measured beside its text is judged, and said in words."""
    three_pages(folder)
    async with local() as services:
        run = await ingest(noting(services, fidelity=measured), [folder], ANNA)
        document = (await documents(services, run))["home.txt"]
        assert document.state == "quarantined"
        assert words in (document.error_message or "")


async def test_a_limit_can_be_configured(local: Opener, folder: Path) -> None:
    """The same reading passes under another limit, and its warning is kept."""
    three_pages(folder)
    torn = Fidelity(words_found=0.7, order_agreement=0.3)
    limits = {"words_found": 0.6, "reading_order": {"severity": "warning"}}
    async with local(gate_limits=limits) as services:
        await ingest(noting(services, fidelity=torn), [folder], ANNA)
        assert await states(services) == {"home.txt": "complete"}
        found = await query(
            services,
            """
            SELECT rule, severity, sentence FROM upload_pipeline.quality_results
            WHERE job_id IS NOT NULL
            """,
        )
        assert [(row["rule"], row["severity"]) for row in found] == [("reading_order", "warning")]


async def test_a_scanned_page_of_a_booklet_is_a_gap(local: Opener, folder: Path) -> None:
    """A real PDF: typed pages around pages that are pictures, which are named."""
    booklet(folder / "booklet.pdf", typed=("first", "", "middle", "", "last"))
    async with local() as services:
        await ingest(services, [folder], ANNA)
        job = await job_of(services, "booklet.pdf")
        assert job["state"] == "complete_with_gaps"
        gaps = [note for note in job["notes"] if note["gap"]]
        assert {page for gap in gaps for page in gap["pages"]} == {2, 4}
        assert all("NAVIGATOR_OCR=true" in gap["remedy"] for gap in gaps)
        found = await answers(services, "flood sublimit")
        assert found
        for passage in found:
            first, last = passage.page_first or 0, passage.page_last or 0
            assert passage.gaps
            assert passage.gap_here == bool({2, 4} & set(range(first, last + 1))), passage
