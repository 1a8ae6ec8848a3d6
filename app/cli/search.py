"""`navigator search`: finds a question's best chunks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.terminal import options
from app.terminal.companions import companions_as_json, print_companions
from app.terminal.console import answers, print_json, quantity, say, tell, text
from app.terminal.options import Json, User
from app.terminal.snippets import highlighted, snippet
from pipeline.chunk_roles import Role
from pipeline.editions import Edition
from pipeline.errors import NavigatorError, TransientError
from pipeline.highlights import question_words
from pipeline.identity import user_id
from pipeline.job_notes import JobNote
from pipeline.quotable import page_words, span_words
from pipeline.settings import Settings, load_settings
from stages.reranking import reranker_of
from stages.search import (
    CONTEXT_CHARACTERS,
    MAX_CONTEXT_CHARACTERS,
    SearchAnswer,
    ask,
    require_period,
    require_words,
)

if TYPE_CHECKING:
    from pipeline.citations import Citation, Copy
    from pipeline.store.search import Passage

_SNIPPET_CHARACTERS = 420
NOTHING_FITS = 3
"""The exit code of an answer that does not fit."""
_COPIES_NAMED = 3


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A question and where to look."""

    question: str
    mode: Literal["hybrid", "vector", "text"] = "hybrid"
    limit: int = 5
    user: str | None = None
    documents: Sequence[str] = ()
    tags: Sequence[str] = ()
    roles: Sequence[Role] = ()
    since: date | None = None
    until: date | None = None
    languages: Sequence[str] = ()
    context_characters: int = 0
    rerank: bool = False


async def search(request: SearchRequest, settings: Settings) -> SearchAnswer:
    """Answer a question from the user's published documents.

    Raises:
        UsageError: the question is empty, or the document filter names none or several.
    """
    from stages.citing import with_places
    from stages.services import open_reading, open_storage
    from stages.text_cache import TextCache

    require_words(request.question)  # before anything is opened
    require_period(request.since, request.until)
    reranker = reranker_of(settings) if request.rerank else None
    owner = user_id(request.user or settings.user)
    async with open_reading(settings) as (database, embedder):
        found = await ask(
            request.question, owner, database, embedder,
            mode=request.mode, limit=request.limit, document=request.documents,
            tags=request.tags, roles=request.roles,
            least_relevance=settings.search_least_relevance,
            since=request.since, until=request.until, languages=request.languages,
            context_characters=request.context_characters,
            reranker=reranker,
        )  # fmt: skip
    storage = await open_storage(settings)
    cited = await with_places(found.passages, request.question, storage, TextCache(), found.near)
    return replace(found, passages=cited)


def print_answer(request: SearchRequest, answer: SearchAnswer) -> None:
    """The passages for a person."""
    if not answer.published:
        say("There is nothing to search yet: take documents in with `navigator ingest PATH`.")
        return
    if answer.elsewhere and request.mode != "text":
        say(
            f"{quantity(answer.elsewhere, 'document')} of {answer.published:,} can only be found "
            f"by words, because another embedding model made their vectors. Ingest them again "
            f"to find them by meaning too.",
            "yellow",
        )
    for near in answer.near:
        say(f"No document says “{near.asked}”: “{near.taken}” was looked for too.", "yellow")
    if answer.away is not None:
        say(f"{_away(answer.away)} {answer.away.message} {answer.away.remedy}".strip(), "yellow")
    if not answer.passages:
        say(
            "Nothing in your documents fits: no passage answers that. Try other words, or fewer "
            "limits such as --document or --tag."
        )
        return
    if not answer.fits:
        say("Nothing in your documents fits. Perhaps, as the nearest that there is:", "yellow")
    for rank, passage in enumerate(answer.passages, 1):
        words = question_words(request.question, passage.language, answer.near)
        _print_passage(rank, passage, words)


def _print_passage(rank: int, passage: Passage, words: frozenset[str]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    # As the file says it: it must not steer the terminal.
    printed = text(edition(passage.citation)).plain
    title = Text.assemble(
        (f"{rank}. ", "bold"),
        (text(passage.name).plain, "bold cyan"),
        (f"  {printed}" if printed else "", "cyan"),
        (f"  {pages(passage)}" if pages(passage) else "", "cyan"),
        (f"  {passage.role}" if passage.role != Role.OTHER else "", "magenta"),
        (f"  relevance {passage.relevance or 0:.2f}", "dim"),
    )
    answers().print(title)
    for gap in passage.gaps:
        answers().print(Padding(text(_gap(gap, passage), "yellow"), (0, 0, 0, 3), expand=False))
    if passage.heading_path:
        answers().print(
            Padding(text(" › ".join(passage.heading_path), "italic"), (0, 0, 0, 3), expand=False)
        )
    if passage.context:
        shown_context = " · ".join(passage.context.split("\n"))
        answers().print(Padding(text(shown_context, "dim"), (0, 0, 0, 3), expand=False))
    cut = snippet(passage.text, words, _SNIPPET_CHARACTERS, passage.language)
    shown = highlighted(cut, words, passage.language)
    answers().print(Padding(shown, (0, 0, 0, 3), expand=False))
    if passage.copies:
        answers().print(Padding(text(_also(passage), "dim"), (0, 0, 0, 3), expand=False))
    print_companions(passage, words)
    tell("")


def _away(error: NavigatorError) -> str:
    """That words alone answered, and whether it passes by itself."""
    if isinstance(error, TransientError):
        return "Only words were looked for, since the embedding service is away."
    return "Only words were looked for, since the question got no vector."


def exit_code(answer: SearchAnswer) -> int:
    """0, or `NOTHING_FITS` when there are documents and none of them answers."""
    return 0 if answer.fits or not answer.published else NOTHING_FITS


def _also(passage: Passage) -> str:
    """Where else the same stands: ``The same in: a.pdf, page 3; b.pdf (Ed. 04/13) …``."""
    named = [
        ", ".join(
            filter(
                None,
                (
                    f"{each.document}{_in_brackets(each)}",
                    page_words(each.page_first, each.page_last),
                ),
            )
        )
        for each in passage.copies[:_COPIES_NAMED]
    ]
    more = passage.copy_count - len(named)
    return f"The same in: {'; '.join(named)}{f'; and {more:,} more' if more else ''}"


def _in_brackets(copy: Copy) -> str:
    return f" ({edition(copy)})" if edition(copy) else ""


def edition(cited: Citation | Copy | None) -> str:
    """``edition 04/13``, ``from 2026-01-01``, or nothing where neither is printed."""
    if cited is None:
        return ""
    return Edition(edition=cited.edition, effective_date=cited.effective_date).words


def _gap(gap: JobNote, passage: Passage) -> str:
    """What was not read: here, on the passage's own pages, or elsewhere in its document."""
    here = gap.on(passage.page_first, passage.page_last)
    return f"! {'Not read here' if here else 'Its document has gaps'}. {gap.message}"


def pages(passage: Passage) -> str:
    """``page 3``, ``pages 3–4``, ``paragraph 12``, or nothing where neither is known."""
    cited = passage.citation
    if passage.page_first is None and cited is not None:
        return span_words("paragraph", cited.paragraph_first, cited.paragraph_last)
    return page_words(passage.page_first, passage.page_last)


def as_json(request: SearchRequest, answer: SearchAnswer) -> dict[str, Any]:
    """The same for a program, with the whole text of each passage."""
    return {
        "question": request.question,
        "mode": request.mode,
        "published_documents": answer.published,
        "documents_in_other_spaces": answer.elsewhere,
        "near_words": [{"asked": near.asked, "taken": near.taken} for near in answer.near],
        "passages": [
            {
                "score": passage.score,
                "similarity": passage.similarity,
                "vector_rank": passage.vector_rank,
                "text_rank": passage.text_rank,
                "document": passage.name,
                "document_id": passage.document_id,
                "source": passage.source,
                "page_first": passage.page_first,
                "page_last": passage.page_last,
                "heading_path": passage.heading_path,
                "role": passage.role,
                "context": passage.context,
                "chunk_id": passage.chunk_id,
                "text": passage.text,
                "gap_here": passage.gap_here,
                "gaps": [gap.record() for gap in passage.gaps],
                "language": passage.language,
                "relevance": passage.relevance,
                "citation": asdict(passage.citation) if passage.citation else None,
                "copies": [asdict(each) for each in passage.copies],
                "copy_count": passage.copy_count,
                "companions": companions_as_json(passage),
                "companions_left_out": passage.companions_left_out,
                "rerank_score": passage.rerank_score,
            }
            for passage in answer.passages
        ],
        "relevance": answer.relevance,
        "fits": answer.fits,
        "answered_by": answer.answered_by,
        "warning": None if answer.away is None else f"{_away(answer.away)} {answer.away.message}",
    }


def command(
    question: Annotated[str, typer.Argument(help="In your own words.")],
    mode: options.Mode = "hybrid",
    limit: options.Limit = 5,
    user: User = None,
    document: Annotated[
        list[str] | None, typer.Option(help="Only in this document. Repeat for several.")
    ] = None,
    tag: options.Tags = None,
    role: options.Roles = None,
    since: options.Since = None,
    until: options.Until = None,
    language: options.Languages = None,
    context: Annotated[
        bool,
        typer.Option(
            "--context",
            help="With the rest of each clause, its definitions, exclusions and limits.",
        ),
    ] = False,
    context_characters: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MAX_CONTEXT_CHARACTERS,
            help=f"Room for these in the whole answer.  [default: {CONTEXT_CHARACTERS}]",
        ),
    ] = None,
    rerank: options.Rerank = False,
    json: Json = False,
) -> None:
    """Find the passages that answer a question."""
    room = context_characters or (CONTEXT_CHARACTERS if context else 0)
    request = SearchRequest(
        question, mode, limit, user, document or (), tag or (), role or (),
        options.day(since), options.day(until), language or (), room, rerank,
    )  # fmt: skip
    answer = asyncio.run(search(request, load_settings()))
    if json:
        print_json(as_json(request, answer))
    else:
        print_answer(request, answer)
    if code := exit_code(answer):
        raise typer.Exit(code)
