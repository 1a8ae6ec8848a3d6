"""Searches a user's published documents for an answer: the core of every search."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from pipeline.chunk_roles import Role
from pipeline.errors import NavigatorError, UsageError
from pipeline.logs import logger
from stages.document_lookup import find_one

if TYPE_CHECKING:
    from clients.embedder import Embedder, Vectors
    from pipeline.store.engine import Database
    from pipeline.store.search import Passage


MODES = ("hybrid", "vector", "text")
_LOG = logger("navigator.search")


@dataclass(frozen=True, slots=True)
class Question:
    """A question and where to look.

    Attributes:
        mode: hybrid, vector or text. document: only in this one, when given.
        tags: only in documents that have all of them.
        roles: only passages that have one of them, when any is given.
        least_relevance: below it nothing fits; the calibration's own when None.
    """

    text: str
    mode: str = "hybrid"
    limit: int = 5
    document: UUID | None = None
    tags: Sequence[str] = ()
    roles: Sequence[str] = ()
    least_relevance: float | None = None


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """The passages, best first, and what a person should know about the search.

    Attributes:
        published: documents that can be found at all.
        elsewhere: of these, documents that only words find, since another model embedded them.
        relevance: how probable it is that the passages answer, 0 to 1.
        fits: whether that is enough; else the passages are the nearest, and may answer or not.
        answered_by: hybrid, vector or text.
        away: why it is text where a hybrid was asked for: no vector could be had now.
    """

    passages: Sequence[Passage]
    published: int
    elsewhere: int
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
    document: str | None = None,
    tags: Sequence[str] = (),
    roles: Sequence[str] = (),
    least_relevance: float | None = None,
) -> SearchAnswer:
    """Answer a question as a person asks it.

    Args:
        document: only in this one: a path, a name or the start of an id.
        least_relevance: as of `Question`.

    Raises:
        UsageError: the question is empty, or one of its limits names nothing.
    """
    require_words(text)
    one_of("mode", [mode], MODES)
    one_of("role", roles, tuple(Role))
    if limit < 1:
        raise UsageError("The limit is less than one passage.", remedy="Ask for at least one.")
    only = None
    if document:
        async with database.reader(owner) as connection:
            only = (await find_one(connection, document)).document_id
    question = Question(text, mode, limit, only, tags, roles, least_relevance)
    return await answer(question, owner, database, embedder)


def require_words(text: str) -> None:
    """Make sure that a question says anything.

    Raises:
        UsageError: it is empty.
    """
    if not text.strip():
        raise UsageError("The question is empty.", remedy='Ask like this: navigator search "…"')


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
    from pipeline.store import summary
    from pipeline.store.search import documents_in_other_spaces

    async with database.reader(owner) as connection:
        published = await summary.count_published(connection)
        elsewhere = await documents_in_other_spaces(connection, embedder.space.id)
    if not published:
        return SearchAnswer([], published, elsewhere, answered_by=question.mode)
    asked = await _asked(question, owner, database, embedder)
    passages, judged, fits = await _judged(question, asked, owner, database, embedder)
    return SearchAnswer(passages, published, elsewhere, judged, fits, asked.mode, asked.away)


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


async def _judged(
    question: Question, asked: _Asked, owner: UUID, database: Database, embedder: Embedder
) -> tuple[list[Passage], float, bool]:
    """The passages with their relevance, the answer's, and whether it fits."""
    from pipeline.ranking.fusion import fusion_of
    from pipeline.ranking.relevance import JUDGED, calibration_of, relevance
    from pipeline.store.search import Query, SearchMode, search_with_evidence

    query = Query(
        text=question.text,
        mode=SearchMode(asked.mode),
        space_id=embedder.space.id,
        dimension=embedder.space.dimension,
        vector=asked.vector,
        limit=max(question.limit, JUDGED),
        document=question.document,
        tags=tuple(question.tags),
        roles=tuple(question.roles),
        fusion=fusion_of(embedder.space.provider),
    )
    async with database.reader(owner) as connection:
        found, evidence = await search_with_evidence(connection, query)
    calibration = calibration_of(embedder.space.provider, asked.mode)
    judged = relevance(question.text, found, evidence, calibration)
    least = question.least_relevance
    passages = [
        replace(passage, relevance=each)
        for passage, each in zip(found, judged.passages, strict=True)
    ]
    fits = bool(found) and judged.answer >= (calibration.threshold if least is None else least)
    return passages[: question.limit], judged.answer, fits
