"""Makes golden questions: of an answer that a person chose, or drawn from the corpus for review."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from pipeline.errors import UsageError
from pipeline.store import drawn_passages
from pipeline.store.engine import Database
from stages.golden.questions import Expected, GoldenQuestion

if TYPE_CHECKING:
    from pipeline.store.search import Passage

_QUOTE_WORDS, _QUOTE_LETTERS = 24, 1000


def of_passage(question: str, passage: Passage, user: str | None) -> GoldenQuestion:
    """The question, with a passage that answers it."""
    expected = expected_of(passage.name, passage.page_first, passage.text)
    return GoldenQuestion(question=question, expected=(expected,), user=user)


def expected_of(document: str, page: int | None, text: str) -> Expected:
    """A passage as a golden question expects it, however it will be cut."""
    return Expected(document=document, page=page, quote=_quoted(text))


def _quoted(text: str) -> str:
    """The first words: enough to tell the passage, however it will be cut."""
    return " ".join(text.split()[:_QUOTE_WORDS])[:_QUOTE_LETTERS]


async def drawn(
    database: Database, owner: UUID, count: int, user: str | None
) -> list[GoldenQuestion]:
    """Drafts of questions over passages that are drawn at random, each of another document first.

    A person writes the question: what stands there until then are the passage's headings.

    Raises:
        UsageError: nothing is published.
    """
    async with database.reader(owner) as connection:
        found = await drawn_passages.draw(connection, count)
    if not found:
        raise UsageError(
            "There is nothing published to draw from.",
            remedy="Take documents in with `navigator ingest PATH`.",
        )
    return [
        GoldenQuestion(
            question=" – ".join(each.heading_path)[:400] or each.name,
            expected=(expected_of(each.name, each.page, each.text),),
            user=user,
            draft=True,
        )
        for each in found
    ]


def with_new(
    questions: list[GoldenQuestion], new: list[GoldenQuestion]
) -> tuple[list[GoldenQuestion], int]:
    """The questions with the new ones, and how many there are of these.

    The same question again gets the new passage beside its others, and is no draft any more.
    """
    by_id = {each.id: each for each in questions}
    added = 0
    for each in new:
        known = by_id.get(each.id)
        if known is None:
            added += 1
            by_id[each.id] = each
        elif not each.draft:
            passages = dict.fromkeys((*known.expected, *each.expected))
            by_id[each.id] = known.model_copy(update={"expected": tuple(passages), "draft": False})
    return list(by_id.values()), added
