"""Companions on a real database: of whose documents, from which other ones, within what room."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from pipeline.store import embedding_spaces
from pipeline.store.companions import MAX_PASSAGES, with_companions
from pipeline.store.engine import Database
from pipeline.store.rankings import SEARCHABLE
from pipeline.store.schema import SCHEMA
from pipeline.store.search import Passage, Query, SearchMode, search

SPACE = UUID(int=7)
ALICE, BOB = UUID(int=1), UUID(int=2)
Part = tuple[str, str, tuple[str, ...]]
BAGGAGE: tuple[Part, ...] = (
    ("coverage", "We will pay for stolen baggage.", ("Baggage", "What is covered")),
    ("exclusion", "Cash and tickets.", ("Baggage", "Exclusions")),
    ("other", "Call us.", ("Contact",)),
    ("other", "Write to us.", ("Address",)),
)
ENDORSEMENT: tuple[Part, ...] = (
    ("endorsement", "This endorsement takes jewelry out of baggage.", ("Endorsement 1",)),
)

_DOCUMENT = sa.text(
    f"INSERT INTO {SCHEMA}.documents (id, user_id, source, name, tags)"
    " VALUES (:id, :user, :source, :name, :tags)"
)
_CHUNK = sa.text(
    f"""
    INSERT INTO {SCHEMA}.document_chunks (id, document_id, user_id, ordinal, occurrence, text,
        sha256, start_offset, end_offset, heading_path, page_first, page_last, tokens, context,
        role, search)
    SELECT id, :document, :user, :ordinal, 0, text, id::text, 0, 1, heading_path, :page, :page, 5,
        context, :role, {SEARCHABLE}
    FROM (SELECT gen_random_uuid() AS id, CAST(:text AS text) AS text,
                 CAST(:titles AS text[]) AS heading_path, '' AS context) AS chunk
    """
)


@pytest.fixture
async def corpus(database: Database) -> Database:
    """A database with an embedding space and nothing in it."""
    values = {"provider": "test", "model": "test", "version": "1"}
    await embedding_spaces.ensure_space(database, SPACE, dimension=4, **values)
    return database


async def publish(
    database: Database,
    user: UUID,
    parts: Sequence[Part],
    source: str = "/policies/travel.pdf",
    tags: Sequence[str] = (),
) -> UUID:
    """A document with these chunks, each on a page of its own, found by words alone."""
    document = uuid4()
    values = {"id": document, "document": document, "user": user, "source": source,
              "name": source.rpartition("/")[2], "tags": list(tags)}  # fmt: skip
    async with database.service() as connection:
        await connection.execute(_DOCUMENT, values)
        for ordinal, (role, text, titles) in enumerate(parts):
            row = {"ordinal": ordinal, "page": ordinal + 1, "role": role, "text": text}
            await connection.execute(_CHUNK, values | row | {"titles": list(titles)})
    return document


async def ask(
    database: Database, user: UUID, limit: int = 1, characters: int = 5_000
) -> list[Passage]:
    """The passages about what is stolen, with their companions."""
    query = Query("stolen", SearchMode.TEXT, SPACE, 4, limit=limit)
    async with database.reader(user) as connection:
        found = await search(connection, query)
        return await with_companions(connection, query, found, characters)


def texts(passages: Sequence[Passage]) -> list[str]:
    return [each.text for passage in passages for each in passage.companions]


async def test_an_exclusion_comes_with_its_clause(corpus: Database) -> None:
    """With its page, its chunk, its headings and the reason."""
    document = await publish(corpus, ALICE, BAGGAGE)
    passage = (await ask(corpus, ALICE))[0]
    assert texts([passage]) == ["Cash and tickets."]
    companion = passage.companions[0]
    assert (companion.document_id, companion.name, companion.page_first) == (
        document, "travel.pdf", 2,
    )  # fmt: skip
    assert companion.reason == "exclusion in the same section"
    assert companion.heading_path == ("Baggage", "Exclusions")


async def test_companions_are_of_the_readers_own_documents(corpus: Database) -> None:
    """Another user's endorsement in a folder of the same name and with the same tag is not seen."""
    for user in (ALICE, BOB):
        await publish(corpus, user, BAGGAGE, tags=["2026"])
    hers = await publish(corpus, ALICE, ENDORSEMENT, "/policies/endorsement.pdf", ["2026"])
    assert {each.document_id for each in (await ask(corpus, ALICE))[0].companions} > {hers}
    assert texts(await ask(corpus, BOB)) == ["Cash and tickets."]


@pytest.mark.parametrize(
    ("source", "tags", "comes"),
    [
        ("/policies/endorsement.pdf", [], True),
        ("/elsewhere/endorsement.pdf", ["2026"], True),
        ("/elsewhere/endorsement.pdf", [], False),
        ("/policies/of another/endorsement.pdf", [], False),
    ],
)
async def test_an_endorsement_comes_from_the_same_folder_or_tag(
    corpus: Database, source: str, tags: list[str], comes: bool
) -> None:
    """Of a document that lies elsewhere and shares nothing it does not."""
    await publish(corpus, ALICE, BAGGAGE, tags=["2026"])
    await publish(corpus, ALICE, ENDORSEMENT, source, tags)
    assert (ENDORSEMENT[0][1] in texts(await ask(corpus, ALICE))) is comes


async def test_bare_names_lie_in_no_folder(corpus: Database) -> None:
    """Uploads whose sources are names alone have nothing to do with each other."""
    await publish(corpus, ALICE, BAGGAGE, "travel.pdf")
    await publish(corpus, ALICE, ENDORSEMENT, "endorsement.pdf")
    assert texts(await ask(corpus, ALICE)) == ["Cash and tickets."]


async def test_another_policys_own_endorsements_do_not_come(corpus: Database) -> None:
    """A policy that holds endorsements is no endorsement of its neighbor in the folder."""
    await publish(corpus, ALICE, BAGGAGE)
    other = (("coverage", "We insure bags.", ("Cover",)), *ENDORSEMENT)
    await publish(corpus, ALICE, other, "/policies/another.pdf")
    assert texts(await ask(corpus, ALICE)) == ["Cash and tickets."]


async def test_what_does_not_fit_is_counted(corpus: Database) -> None:
    """Room for nothing shows nothing, and says how much that is."""
    await publish(corpus, ALICE, BAGGAGE)
    passage = (await ask(corpus, ALICE, characters=5))[0]
    assert (passage.companions, passage.companions_left_out) == ((), 1)


async def test_a_passage_is_no_companion(corpus: Database) -> None:
    """What the answer shows anyhow is not shown again."""
    parts = (*BAGGAGE, ("exclusion", "Baggage that is stolen abroad.", ("Baggage", "Exclusions")))
    await publish(corpus, ALICE, parts)
    passages = await ask(corpus, ALICE, limit=5)
    shown = [each.chunk_id for each in passages]
    beside = [each.chunk_id for passage in passages for each in passage.companions]
    assert len(passages) > 1
    assert len({*shown, *beside}) == len(shown) + len(beside)


async def test_few_passages_of_a_long_answer_have_companions(corpus: Database) -> None:
    """Each costs the reading of a document, so their number is bounded."""
    for number in range(MAX_PASSAGES + 2):
        own = [(role, f"{text} Plan {number}.", titles) for role, text, titles in BAGGAGE]
        await publish(corpus, ALICE, own, f"/{number}/travel.pdf")
    passages = await ask(corpus, ALICE, limit=50)
    assert len(passages) == MAX_PASSAGES + 2
    assert sum(bool(each.companions) for each in passages) == MAX_PASSAGES
