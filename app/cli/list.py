"""`navigator list`: lists documents with their state, version, pages, chunks and tags."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.terminal import options
from app.terminal.console import answers, number, print_json, right, say, table, text
from app.terminal.database import reading
from app.terminal.documents import line_json, state_text
from app.terminal.gaps import where_lacking
from app.terminal.options import Json, User
from pipeline.settings import Settings, load_settings
from pipeline.states import states_named

if TYPE_CHECKING:
    from pipeline.store.document_queries import DocumentView


@dataclass(frozen=True, slots=True)
class Listing:
    """Documents, and how many there are in all."""

    documents: Sequence[DocumentView]
    total: int


async def listing(
    settings: Settings, user: str | None, state: str | None, tags: Sequence[str], limit: int
) -> Listing:
    """Documents by name.

    Args:
        state: published, gaps, failed, waiting, or a state of the state machine.

    Raises:
        UsageError: there is no such state.
    """
    from pipeline.store.document_queries import DocumentFilter, documents_by_name

    states = states_named(state) if state else None
    async with reading(settings, user) as connection:
        chosen = DocumentFilter(states, tags)
        found, total = await documents_by_name(connection, chosen, limit=limit)
    return Listing(found, total)


def print_listing(shown: Listing) -> None:
    """The documents for a person."""
    if not shown.documents:
        say("There are no such documents.")
        return
    tagged = any(each.tags for each in shown.documents)
    printed = any(each.edition.words for each in shown.documents)
    lacking = any(where_lacking(each.notes) for each in shown.documents)
    foreign = any(each.language not in ("", "en") for each in shown.documents)
    rows = table(
        ("Document", {"overflow": "fold"}), ("State", {"no_wrap": True}), right("Version"),
        right("Pages"), right("Chunks"), ("Id", {"no_wrap": True}),
        *(["Language"] if foreign else []), *(["Tags"] if tagged else []),
        *(["Edition"] if printed else []), *(["Not read"] if lacking else []),
    )  # fmt: skip
    for each in shown.documents:
        rows.add_row(
            text(each.name),
            state_text(each),
            number(each.version),
            number(each.pages),
            number(each.chunks),
            str(each.document_id)[:8],
            *([text(each.language)] if foreign else []),
            *([text(", ".join(each.tags))] if tagged else []),
            *([text(each.edition.words.removeprefix("edition "))] if printed else []),
            *([text(where_lacking(each.notes), "yellow")] if lacking else []),
        )
    answers().print(rows)
    left = shown.total - len(shown.documents)
    if left:
        say(f"… and {left:,} more; --limit shows more of them.")


def listing_json(shown: Listing) -> dict[str, Any]:
    """The listing for a program."""
    return {"total": shown.total, "documents": [line_json(each) for each in shown.documents]}


def command(
    state: Annotated[
        str | None, typer.Option(help="published, gaps, failed, waiting, or an exact state.")
    ] = None,
    tag: options.Tags = None,
    limit: options.Limit = 100,
    user: User = None,
    json: Json = False,
) -> None:
    """List documents with their state, version, pages, chunks and tags."""
    shown = asyncio.run(listing(load_settings(), user, state, tag or (), limit))
    if json:
        print_json(listing_json(shown))
    else:
        print_listing(shown)
