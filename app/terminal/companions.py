"""Prints what must be read with a passage: each companion with its reason, page and section."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.terminal.console import answers, text
from app.terminal.snippets import highlighted, snippet
from pipeline.companions.model import Relation
from pipeline.quotable import page_words

if TYPE_CHECKING:
    from pipeline.companions.model import Companion
    from pipeline.store.search import Passage

_SNIPPET_CHARACTERS = 280


def print_companions(passage: Passage, words: frozenset[str]) -> None:
    """What must be read with a passage, indented below it; nothing when there is none."""
    from rich.padding import Padding

    for companion in passage.companions:
        answers().print(Padding(_title(companion, passage), (0, 0, 0, 3), expand=False))
        first = companion.relation == Relation.DEFINITION  # and not where the question's words are
        sought = frozenset[str]() if first else words
        shown = highlighted(snippet(companion.text, sought, _SNIPPET_CHARACTERS), words)
        answers().print(Padding(shown, (0, 0, 0, 5), expand=False))
    if passage.companions_left_out:
        left = (
            f"+ {passage.companions_left_out:,} more left out for want of room:"
            " --context-characters makes more."
        )
        answers().print(Padding(text(left, "dim"), (0, 0, 0, 3), expand=False))


def _title(companion: Companion, passage: Passage) -> Any:
    from rich.text import Text

    other = companion.document_id != passage.document_id
    pages = page_words(companion.page_first, companion.page_last)
    return Text.assemble(
        ("+ ", "bold"),
        (text(companion.reason).plain, "bold green"),
        (f"  {text(companion.name).plain}" if other else "", "cyan"),
        (f"  {pages}" if pages else "", "cyan"),
        (f"  {text(companion.heading_path[-1]).plain}" if companion.heading_path else "", "italic"),
    )


def companions_as_json(passage: Passage) -> list[dict[str, Any]]:
    """The same for a program, with the whole text of each."""
    return [
        {
            "relation": companion.relation,
            "reason": companion.reason,
            "document": companion.name,
            "document_id": companion.document_id,
            "source": companion.source,
            "page_first": companion.page_first,
            "page_last": companion.page_last,
            "heading_path": list(companion.heading_path),
            "role": companion.role,
            "context": companion.context,
            "chunk_id": companion.chunk_id,
            "text": companion.text,
        }
        for companion in passage.companions
    ]
