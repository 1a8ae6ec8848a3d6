"""Shows one page of a document: its picture and what was read of it, for API and command line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clients.storage.objects import checked
from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.errors import NavigatorError, ParseCode, ParseError
from pipeline.notes import Note
from pipeline.pages import ChunkOnPage, chunks_on
from pipeline.parsing.media import MediaType, unnamed
from pipeline.parsing.rendering import can_be_drawn, refuse_missing
from pipeline.store.page_queries import VersionView, chunks_between
from stages.text_storage import text_to_show

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from clients.parser_pool.sandbox import ParserPool
    from clients.storage.object_storage import Storage
    from stages.text_cache import TextCache


class PageMissing(NavigatorError):
    """There is no such page, no text or no picture of it."""

    code = "not_found"


class PageNotDrawn(NavigatorError):
    """There is a page, and drawing it failed."""

    code = "page_not_drawn"
    remedy = "Download the original to see this page."


@dataclass(frozen=True, slots=True)
class PageView:
    """What was read of one page.

    Attributes:
        of: how many pages the document has.
        paged: whether page numbers mean something to a reader.
        notes: those about this page or the whole document, gaps first.
        drawn: whether there is a picture of it.
    """

    version: VersionView
    page: ParsedPage
    of: int
    paged: bool
    notes: tuple[Note, ...]
    chunks: list[ChunkOnPage]
    drawn: bool


async def read_page(
    reading: Callable[[], AbstractAsyncContextManager[AsyncConnection]],
    storage: Storage,
    texts: TextCache,
    version: VersionView,
    number: int,
) -> PageView:
    """What was read of one page, with the chunks on it.

    Args:
        reading: opens a transaction that sees what the reader may see.

    Raises:
        PageMissing: there is no such page, or the version was not read.
        ObjectMissing: its text is no longer stored.
    """
    document = await text_to_show(storage, texts, _parsed_key(version))
    _refuse_missing(number, len(document.pages))
    page, begins = document.pages[number - 1], document.page_starts[number - 1]
    async with reading() as connection:
        stored = await chunks_between(connection, version, begins, begins + len(page.text))
    return PageView(
        version, page, len(document.pages), document.paged, notes_on(document, number),
        chunks_on(page, begins, stored), can_be_drawn(version.media_type),
    )  # fmt: skip


def notes_on(document: ParsedDocument, number: int) -> tuple[Note, ...]:
    """The notes about one page or about the whole document, gaps first."""
    found = [note for note in document.notes if not note.pages or number in note.pages]
    return tuple(sorted(found, key=lambda note: not note.is_gap))


async def draw_page(
    storage: Storage,
    pool: ParserPool,
    version: VersionView,
    number: int,
    width: int,
    passwords: Sequence[str],
) -> bytes:
    """A page's picture as a PNG.

    Args:
        passwords: tried when the file is encrypted.

    Raises:
        PageMissing: there is no such page, or files of this kind have no pages.
        PageNotDrawn: the file cannot be opened, or drawing it took too much.
        ObjectMissing: its bytes are no longer stored.
    """
    refuse_undrawn(version, number)
    stored = await storage.get(version.storage_key)
    content = await asyncio.to_thread(checked, stored, version.file_sha256)
    try:
        kind = MediaType(version.media_type or MediaType.TEXT)
        name = None if version.media_type else unnamed(version.name)
        return await pool.render(content, kind, number, width, passwords, name)
    except ParseError as error:
        if error.parse_code is ParseCode.NO_PAGE:
            raise PageMissing(error.message, remedy=error.remedy) from error
        if error.parse_code is ParseCode.UNSUPPORTED_TYPE:
            raise _no_picture() from error
        raise PageNotDrawn(f"There is no picture of this page. {error.message}") from error


def refuse_undrawn(version: VersionView, number: int) -> None:
    """Refuse what can be told to have no picture without opening the file.

    Raises:
        PageMissing: there is no such page, or files of this kind have no pages.
    """
    # Of what was never read the kind is not known yet: drawing looks at its bytes.
    if version.media_type is not None and not can_be_drawn(version.media_type):
        raise _no_picture()
    if version.pages is not None:
        _refuse_missing(number, version.pages)


def _no_picture() -> PageMissing:
    """What is said of files that have no pages of their own."""
    return PageMissing(
        "This kind of file has no pages of its own, so there is no picture of one.",
        code="no_picture",
        remedy="Read its text as page 1, or download the original.",
    )


def _refuse_missing(number: int, count: int) -> None:
    try:
        refuse_missing(number, count)
    except ParseError as error:
        raise PageMissing(error.message, remedy=error.remedy) from None


def _parsed_key(version: VersionView) -> str:
    if version.parsed_key is not None:
        return version.parsed_key
    if version.error_message:
        message = f"This version could not be read. {version.error_message}"
        raise PageMissing(message, remedy="See its history for what to do.")
    raise PageMissing("This version has not been read yet.", remedy="Wait until it is parsed.")
