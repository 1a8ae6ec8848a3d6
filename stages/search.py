"""Searches a user's published documents for an answer: the core of every search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from pipeline.chunk_roles import Role
from pipeline.errors import NavigatorError, UsageError
from pipeline.logs import logger
from stages.document_lookup import find_one
from stages.reranking import CANDIDATES, reranked

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from clients.embedder import Embedder, EmbeddingSpace, Vectors
    from pipeline.store.engine import Database
    from pipeline.store.search import Passage, Query
    from pipeline.store.search_facts import SearchFacts
    from pipeline.words import NearWord


MODES = ("hybrid", "vector", "text")
_LOG = logger("navigator.search")
CONTEXT_CHARACTERS = 12_000
"""Room for what must be read with the passages, unless somebody says otherwise."""
MAX_CONTEXT_CHARACTERS = 100_000


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
        least_relevance: below it nothing fits; the calibration's own when None.
        context_characters: room for what must be read with the passages; 0 for nothing.
        reranker: the folder of the model that reads the best passages again, when one does.
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
    least_relevance: float | None = None
    context_characters: int = 0
    reranker: Path | None = None


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """The passages, best first, and what a person should know about the search.

    Attributes:
        published: documents that can be found at all.
        elsewhere: of these, documents that only words find, since another model embedded them.
        near: what was taken for words of the question that stand in none of the documents.
        relevance: how probable it is that the passages answer, 0 to 1.
        fits: whether that is enough; else the passages are the nearest, and may answer or not.
        answered_by: hybrid, vector or text.
        away: why it is text where a hybrid was asked for: no vector could be had now.
    """

    passages: Sequence[Passage]
    published: int
    elsewhere: int
    near: Sequence[NearWord] = ()
    relevance: float = 0.0
    fits: bool = False
    answered_by: str = "hybrid"
    away: NavigatorError | None = None


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
    least_relevance: float | None = None,
    context_characters: int = 0,
    reranker: Path | None = None,
) -> SearchAnswer:
    """Answer a question as a person asks it.

    Args:
        document: only in this one, or these: a path, a name or the start of an id each.
        since, until, languages, least_relevance: as of `Question`.
        context_characters: room for what must be read with the passages; 0 for nothing.
        reranker: the folder of the model that reads the best passages again, when one does.

    Raises:
        UsageError: the question is empty, or one of its limits names nothing.
    """
    require_words(text)
    one_of("mode", [mode], MODES)
    one_of("role", roles, tuple(Role))
    if limit < 1:
        raise UsageError("The limit is less than one passage.", remedy="Ask for at least one.")
    require_period(since, until)
    if not 0 <= context_characters <= MAX_CONTEXT_CHARACTERS:
        raise UsageError(
            f"The context cannot have {context_characters:,} characters.",
            remedy=f"Ask for 0 to {MAX_CONTEXT_CHARACTERS:,}.",
        )
    only: list[UUID] = []
    if document:
        named = [document] if isinstance(document, str) else document
        async with database.reader(owner) as connection:
            only = [(await find_one(connection, each)).document_id for each in named]
    question = Question(
        text=text, mode=mode, limit=limit, documents=only, tags=tags, roles=roles, since=since,
        until=until, languages=languages, least_relevance=least_relevance,
        context_characters=context_characters, reranker=reranker,
    )  # fmt: skip
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

    Where a hybrid search gets no vector from the embedding service, words alone answer.

    Raises:
        UsageError: the question cannot be turned into a vector.
        ServiceUnavailable, RateLimited, QuotaExhausted, ConfigurationError: no vector can be had
            for a search by vector.
    """
    from stages.query_embedding import is_here

    found = None
    async with database.reader(owner) as connection:
        known = await _known(connection, question, embedder.space)
        if not known.facts.published:
            return SearchAnswer([], 0, known.facts.elsewhere, answered_by=question.mode)
        if question.mode == "text" or is_here(embedder):
            asked = await _asked(question, owner, database, embedder)
            found = await _found(connection, question, asked, known, embedder.space)
    if found is None:  # no transaction waits for a service
        asked = await _asked(question, owner, database, embedder)
        async with database.reader(owner) as connection:
            found = await _found(connection, question, asked, known, embedder.space)
    passages = found.passages
    if question.reranker is not None:
        from stages.judging import judged_again

        passages = await reranked(question.text, passages, question.reranker, question.limit)
        passages = judged_again(passages)
        async with database.reader(owner) as connection:
            passages = await _shown(connection, question, found.query, passages)
    return SearchAnswer(
        passages, known.facts.published, known.facts.elsewhere, known.near,
        relevance=found.relevance, fits=found.fits,
        answered_by=found.asked.mode, away=found.asked.away,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Known:
    """What is known of the reader's documents before they are searched."""

    facts: SearchFacts
    near: Sequence[NearWord]


async def _known(connection: AsyncConnection, question: Question, space: EmbeddingSpace) -> _Known:
    from pipeline.store.rankings import EXACT_BELOW
    from pipeline.store.search_facts import search_facts
    from pipeline.store.vocabulary import near_words

    by_words = question.mode != "vector"
    facts = await search_facts(connection, space.id, None if by_words else EXACT_BELOW)
    if not facts.published or not by_words:
        return _Known(facts, [])
    return _Known(facts, await near_words(connection, question.text, facts))


@dataclass(frozen=True, slots=True)
class _Found:
    """What a search found: all that a reranker reads, or what is shown."""

    asked: _Asked
    query: Query
    passages: list[Passage]
    relevance: float
    fits: bool


async def _found(
    connection: AsyncConnection,
    question: Question,
    asked: _Asked,
    known: _Known,
    space: EmbeddingSpace,
) -> _Found:
    from pipeline.store.search import search_with_evidence
    from stages.judging import judged

    query = _query(question, asked, known, space)
    found, evidence = await search_with_evidence(connection, query)
    told = await judged(question.text, asked.mode, question.least_relevance, space, found, evidence)
    passages = told.passages
    if question.reranker is None:
        passages = await _shown(connection, question, query, passages)
    return _Found(asked, query, passages, told.relevance, told.fits)


async def _shown(
    connection: AsyncConnection, question: Question, query: Query, passages: Sequence[Passage]
) -> list[Passage]:
    """The passages that are shown, with their companions where these are asked for."""
    from pipeline.store.companions import with_companions

    # one whose better was removed meanwhile is not cited
    shown = [each for each in passages[: question.limit] if each.citation is not None]
    if not question.context_characters or not shown:
        return shown
    return await with_companions(connection, query, shown, question.context_characters)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question's mode and vector, as they can be had now."""

    mode: str
    vector: Vectors | None = None
    away: NavigatorError | None = None


async def _asked(question: Question, owner: UUID, database: Database, embedder: Embedder) -> _Asked:
    from stages.question_vectors import Away, question_vector

    if question.mode == "text":
        return _Asked("text")
    try:
        vector = await question_vector(question.text, owner, database, embedder)
    except Away as error:
        if question.mode == "vector":
            raise
        _LOG.warning("question_by_words_alone", code=error.code, reason=error.message)
        return _Asked("text", away=error)
    return _Asked(question.mode, vector)


def _query(question: Question, asked: _Asked, known: _Known, space: EmbeddingSpace) -> Query:
    from pipeline.ranking.fusion import fusion_of
    from pipeline.ranking.relevance import JUDGED
    from pipeline.store.search import Query, SearchMode

    return Query(
        text=question.text,
        mode=SearchMode(asked.mode),
        space_id=space.id,
        dimension=space.dimension,
        vector=asked.vector,
        limit=max(question.limit, JUDGED, CANDIDATES if question.reranker else 0),
        documents=tuple(question.documents),
        tags=tuple(question.tags),
        roles=tuple(question.roles),
        since=question.since,
        until=question.until,
        languages=tuple(question.languages),
        near=tuple(known.near),
        fusion=fusion_of(space.provider),
        shown=question.limit if question.reranker is None else None,
        facts=known.facts,
    )
