"""Filters by date and language on a real database; test_search has the other ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from pipeline.store import narrowing
from pipeline.store.engine import Database
from pipeline.store.schema import SCHEMA
from pipeline.store.search import SearchMode
from tests.pipeline.store.test_search import ALICE, ANY_MODE, SPACE, ask, corpus, publish, question

__all__ = ["corpus"]

_JOB = sa.text(
    f"""
    INSERT INTO {SCHEMA}.upload_jobs (id, document_id, user_id, version, correlation_id,
        file_sha256, file_bytes, storage_key, parser, chunker, space_id, facts, language,
        created_at)
    VALUES (:id, :document, :user, 1, :id, 'x', 1, 'x', 'x', 'x', :space,
        CAST(:facts AS jsonb), :language, :at)
    """
)
_PUBLISHED = sa.text(f"UPDATE {SCHEMA}.documents SET published_job_id = :id WHERE id = :document")


async def version(
    database: Database,
    text: str,
    *,
    facts: str = "{}",
    language: str = "en",
    day: str = "2026-05-01",
) -> UUID:
    """A published document whose version has these facts and was taken in on a day."""
    document = await publish(database, ALICE, [text])
    values: dict[str, Any] = {
        "id": uuid4(), "document": document, "user": ALICE, "space": SPACE, "facts": facts,
        "language": language, "at": datetime.fromisoformat(day).replace(hour=12, tzinfo=UTC),
    }  # fmt: skip
    async with database.service() as connection:
        await connection.execute(_PUBLISHED, values)
        await connection.execute(_JOB, values)
    return document


async def found(database: Database, mode: SearchMode, **limits: Any) -> set[UUID]:
    """The documents that answer."""
    asked = replace(question("hail", mode, limit=50), **limits)
    return {each.document_id for each in await ask(database, ALICE, asked)}


@ANY_MODE
async def test_documents_of_a_period(corpus: Database, mode: SearchMode) -> None:
    """By the effective date, else the edition's, else the day of taking in; both ends included."""
    both = '{"effective_date": "2025-01-01", "edition_date": "2013-04-01"}'
    effective = await version(corpus, "Hail one.", facts=both)
    edition = await version(corpus, "Hail two.", facts='{"edition_date": "2013-04-01"}')
    plain = await version(corpus, "Hail three.", day="2026-05-01")
    odd = await version(corpus, "Hail four.", facts='{"effective_date": "soon"}', day="2026-05-02")
    old = await publish(corpus, ALICE, ["Hail five."])  # without a version, of today
    today = {old} if date.today() > date(2026, 5, 2) else set()
    assert await found(corpus, mode, since=date(2025, 1, 1)) >= {effective, plain, odd} | today
    assert edition not in await found(corpus, mode, since=date(2013, 4, 2))
    assert await found(corpus, mode, until=date(2013, 4, 1)) == {edition}
    assert await found(corpus, mode, until=date(2025, 1, 1)) == {edition, effective}
    in_may = {"since": date(2026, 5, 1), "until": date(2026, 5, 1)}
    assert await found(corpus, mode, **in_may) == {plain}


@ANY_MODE
async def test_documents_in_a_language(corpus: Database, mode: SearchMode) -> None:
    """Only documents in one of the languages; one whose language is unknown is in none."""
    english = await version(corpus, "Hail.", language="en")
    spanish = await version(corpus, "Hail dos.", language="es")
    await version(corpus, "Hail x.", language="")
    assert await found(corpus, mode, languages=("es",)) == {spanish}
    assert await found(corpus, mode, languages=("es", "en")) == {english, spanish}
    assert await found(corpus, mode, languages=("fr",)) == set()


async def test_a_narrow_filter_is_exact(corpus: Database) -> None:
    """One document among many that answer better is found, whatever stands before it."""
    for n in range(3):
        await publish(corpus, ALICE, [f"Hail, hail {n}-{m}." for m in range(60)])
    wanted = await version(corpus, "A word about hail.", language="es")
    for mode in SearchMode:
        assert await found(corpus, mode, languages=("es",)) == {wanted}
        assert await found(corpus, mode, documents=(wanted,)) == {wanted}


async def test_a_citation_tells_the_version(corpus: Database) -> None:
    """Edition, dates and language of the published version stand in the citation."""
    facts = '{"form": "CG 00 01", "edition": "04 13", "edition_date": "2013-04-01"}'
    document = await version(corpus, "Hail.", facts=facts)
    [passage] = await ask(corpus, ALICE, question("hail"))
    cited = passage.citation
    assert cited is not None
    assert (cited.document_id, cited.version, cited.language) == (document, 1, "en")
    assert (cited.form, cited.edition, cited.edition_date) == ("CG 00 01", "04 13", "2013-04-01")
    assert (cited.effective_date, cited.date) == (None, "2013-04-01")
    assert cited.highlights == ((0, 4),)


@pytest.mark.parametrize("told", ["2026-01-01x", "01/01/2026", "", "9999999"])
async def test_a_fact_that_is_no_day_is_passed_over(corpus: Database, told: str) -> None:
    """What a file says of itself may be anything; then the day of taking in counts."""
    await version(corpus, "Hail.", facts=f'{{"effective_date": "{told}"}}', day="2026-05-01")
    [passage] = await ask(corpus, ALICE, question("hail"))
    assert passage.citation is not None
    assert (passage.citation.effective_date, passage.citation.date) == (None, "2026-05-01")


@ANY_MODE
async def test_a_filter_is_resolved_once(
    corpus: Database, mode: SearchMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many documents pass it, a search asks once which ones do."""
    wanted = await version(corpus, "Hail uno.", language="es")
    await version(corpus, "Hail.")
    asked: list[str] = []

    def noted(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.extend([statement] if "most_documents" in statement else [])

    sa.event.listen(sa.Engine, "before_cursor_execute", noted)
    try:
        for most in (narrowing.MOST_DOCUMENTS, 0):
            monkeypatch.setattr(narrowing, "MOST_DOCUMENTS", most)
            asked.clear()
            assert await found(corpus, mode, languages=("es",)) == {wanted}
            assert len(asked) == 1
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", noted)
