"""Searches a user's published documents for an answer: the core of every search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from pipeline.chunk_roles import Role
from pipeline.errors import EmbeddingError, UsageError
from pipeline.text import fold, normalize
from stages.document_lookup import find_one
from stages.query_embedding import QUESTION, embedded

if TYPE_CHECKING:
    from clients.embedder import Embedder, Vectors
    from pipeline.store.engine import Database
    from pipeline.store.search import Passage


MODES = ("hybrid", "vector", "text")


@dataclass(frozen=True, slots=True)
class Question:
    """A question and where to look.

    Attributes:
        mode: hybrid, vector or text. documents: only in these, when any is given.
        tags: only in documents that have all of them.
        roles: only passages that have one of them, when any is given.
        since, until: only documents of these days: of their effective date, else their edition,
            else when they were taken in.
        languages: only documents in one of them (ISO 639-1), when any is given.
    """

    text: str
    mode: str = "hybrid"
    limit: int = 5
    documents: Sequence[UUID] = ()
    tags: Sequence[str] = ()
    roles: Sequence[str] = ()
    since: date | None = None
    until: date | None = None
    languages: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """The passages, best first, and what a person should know about the search.

    Attributes:
        published: documents that can be found at all.
        elsewhere: of these, documents that only words find, since another model embedded them.
    """

    passages: Sequence[Passage]
    published: int
    elsewhere: int


async def ask(
    text: str,
    owner: UUID,
    database: Database,
    embedder: Embedder,
    *,
    mode: str = "hybrid",
    limit: int = 5,
    document: str | Sequence[str] | None = None,
    tags: Sequence[str] = (),
    roles: Sequence[str] = (),
    since: date | None = None,
    until: date | None = None,
    languages: Sequence[str] = (),
) -> SearchAnswer:
    """Answer a question as a person asks it.

    Args:
        document: only in this one, or these: a path, a name or the start of an id each.
        since, until, languages: as of `Question`.

    Raises:
        UsageError: the question is empty, or one of its limits names nothing.
    """
    require_words(text)
    one_of("mode", [mode], MODES)
    one_of("role", roles, tuple(Role))
    if limit < 1:
        raise UsageError("The limit is less than one passage.", remedy="Ask for at least one.")
    require_period(since, until)
    only: list[UUID] = []
    if document:
        named = [document] if isinstance(document, str) else document
        async with database.reader(owner) as connection:
            only = [(await find_one(connection, each)).document_id for each in named]
    question = Question(text, mode, limit, only, tags, roles, since, until, languages)
    return await answer(question, owner, database, embedder)


def require_words(text: str) -> None:
    """Make sure that a question says anything.

    Raises:
        UsageError: it is empty.
    """
    if not text.strip():
        raise UsageError("The question is empty.", remedy='Ask like this: navigator search "…"')


def require_period(since: date | None, until: date | None) -> None:
    """Make sure that a period has days in it.

    Raises:
        UsageError: it ends before it begins.
    """
    if since is not None and until is not None and until < since:
        raise UsageError(
            f"The period ends on {until}, before it begins on {since}.",
            remedy="Exchange the two days.",
        )


def one_of(what: str, given: Iterable[str], known: Sequence[str]) -> None:
    """Make sure that there is what is named.

    Raises:
        UsageError: there is not.
    """
    for each in given:
        if each not in known:
            raise UsageError(f"There is no {what} {each!r}.", remedy=f"One of: {', '.join(known)}.")


async def answer(
    question: Question, owner: UUID, database: Database, embedder: Embedder
) -> SearchAnswer:
    """Answer a question, as its user: nobody else's passage can be among the answers.

    Raises:
        UsageError: the question cannot be turned into a vector.
    """
    from pipeline.store import summary
    from pipeline.store.search import documents_in_other_spaces

    async with database.reader(owner) as connection:
        published = await summary.count_published(connection)
        elsewhere = await documents_in_other_spaces(connection, embedder.space.id)
    passages = await _passages(question, owner, database, embedder) if published else []
    return SearchAnswer(passages, published, elsewhere)


async def _passages(
    question: Question, owner: UUID, database: Database, embedder: Embedder
) -> list[Passage]:
    from pipeline.store.search import Query, SearchMode
    from pipeline.store.search import search as ask

    mode = SearchMode(question.mode)
    by_words = mode is SearchMode.TEXT
    query = Query(
        text=question.text,
        mode=mode,
        space_id=embedder.space.id,
        dimension=embedder.space.dimension,
        vector=None if by_words else await _vector(question.text, owner, database, embedder),
        limit=question.limit,
        documents=tuple(question.documents),
        tags=tuple(question.tags),
        roles=tuple(question.roles),
        since=question.since,
        until=question.until,
        languages=tuple(question.languages),
    )
    async with database.reader(owner) as connection:
        return await ask(connection, query)


async def _vector(text: str, owner: UUID, database: Database, embedder: Embedder) -> Vectors:
    asked = fold(normalize(text).text)
    try:
        answered = await embedded(asked, database, embedder, operation=QUESTION, owner=owner)
    except EmbeddingError as error:
        raise UsageError(
            f"The question cannot be turned into a vector: {error.message}",
            remedy="Ask it in words, or search by text alone.",
        ) from error
    vector: Vectors = answered.vectors[0]
    return vector
