"""`navigator search`: finds a question's best chunks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from app.terminal import options
from app.terminal.console import answers, print_json, quantity, say, tell, text
from app.terminal.options import Json, User
from app.terminal.snippets import highlighted, question_words, snippet
from pipeline.chunk_roles import Role
from pipeline.errors import NavigatorError, TransientError
from pipeline.identity import user_id
from pipeline.job_notes import JobNote
from pipeline.settings import Settings, load_settings
from stages.search import SearchAnswer, ask, require_words

if TYPE_CHECKING:
    from pipeline.store.search import Passage

_SNIPPET_CHARACTERS = 420
NOTHING_FITS = 3
"""The exit code of an answer that does not fit."""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A question and where to look."""

    question: str
    mode: Literal["hybrid", "vector", "text"] = "hybrid"
    limit: int = 5
    user: str | None = None
    document: str | None = None
    tags: Sequence[str] = ()
    roles: Sequence[Role] = ()


async def search(request: SearchRequest, settings: Settings) -> SearchAnswer:
    """Answer a question from the user's published documents.

    Raises:
        UsageError: the question is empty, or the document filter names none or several.
    """
    from stages.services import open_reading

    require_words(request.question)  # before anything is opened
    owner = user_id(request.user or settings.user)
    async with open_reading(settings) as (database, embedder):
        return await ask(
            request.question, owner, database, embedder,
            mode=request.mode, limit=request.limit, document=request.document,
            tags=request.tags, roles=request.roles,
            least_relevance=settings.search_least_relevance,
        )  # fmt: skip


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
    if answer.away is not None:
        say(f"{_away(answer.away)} {answer.away.message} {answer.away.remedy}".strip(), "yellow")
    if not answer.passages:
        say(
            "Nothing in your documents fits: no passage answers that. Try other words, or drop "
            "--document, --tag and --role."
        )
        return
    if not answer.fits:
        say("Nothing in your documents fits. Perhaps, as the nearest that there is:", "yellow")
    words = question_words(request.question)
    for rank, passage in enumerate(answer.passages, 1):
        _print_passage(rank, passage, words)


def _print_passage(rank: int, passage: Passage, words: frozenset[str]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    title = Text.assemble(
        (f"{rank}. ", "bold"),
        (text(passage.name).plain, "bold cyan"),
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
    shown = highlighted(snippet(passage.text, words, _SNIPPET_CHARACTERS), words)
    answers().print(Padding(shown, (0, 0, 0, 3), expand=False))
    tell("")


def _away(error: NavigatorError) -> str:
    """That words alone answered, and whether it passes by itself."""
    if isinstance(error, TransientError):
        return "Only words were looked for, since the embedding service is away."
    return "Only words were looked for, since the question got no vector."


def exit_code(answer: SearchAnswer) -> int:
    """0, or `NOTHING_FITS` when there are documents and none of them answers."""
    return 0 if answer.fits or not answer.published else NOTHING_FITS


def _gap(gap: JobNote, passage: Passage) -> str:
    """What was not read: here, on the passage's own pages, or elsewhere in its document."""
    here = gap.on(passage.page_first, passage.page_last)
    return f"! {'Not read here' if here else 'Its document has gaps'}. {gap.message}"


def pages(passage: Passage) -> str:
    """``page 3``, ``pages 3–4``, or nothing for a format without pages."""
    if passage.page_first is None:
        return ""
    if passage.page_first == passage.page_last:
        return f"page {passage.page_first}"
    return f"pages {passage.page_first}–{passage.page_last}"


def as_json(request: SearchRequest, answer: SearchAnswer) -> dict[str, Any]:
    """The same for a program, with the whole text of each passage."""
    return {
        "question": request.question,
        "mode": request.mode,
        "published_documents": answer.published,
        "documents_in_other_spaces": answer.elsewhere,
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
                "relevance": passage.relevance,
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
    document: Annotated[str | None, typer.Option(help="Only in this document.")] = None,
    tag: options.Tags = None,
    role: options.Roles = None,
    json: Json = False,
) -> None:
    """Find the passages that answer a question."""
    request = SearchRequest(question, mode, limit, user, document, tag or (), role or ())
    answer = asyncio.run(search(request, load_settings()))
    if json:
        print_json(as_json(request, answer))
    else:
        print_answer(request, answer)
    if code := exit_code(answer):
        raise typer.Exit(code)
