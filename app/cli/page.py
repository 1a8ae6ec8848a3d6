"""`navigator page DOCUMENT N`: shows what was read of a page, and its picture."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.terminal.console import print_json, print_line, quantity, say, tell_path
from app.terminal.desktop import has_desktop, show
from app.terminal.options import Json, User
from pipeline.errors import UsageError
from pipeline.identity import user_id
from pipeline.parsing.rendering import LONGEST_SIDE
from pipeline.private_files import write_private
from pipeline.settings import Settings, load_settings
from pipeline.sources import printable
from stages.document_lookup import find_one
from stages.page_view import PageMissing, PageView, draw_page, read_page

if TYPE_CHECKING:
    from clients.storage.object_storage import Storage
    from pipeline.notes import Note
    from pipeline.store.page_queries import VersionView


_LONGEST_LINE = 1_000_000


@dataclass(frozen=True, slots=True)
class ShownPage:
    """What was read of a page, and its picture where that was asked for."""

    view: PageView
    picture: bytes | None


async def look(
    settings: Settings, user: str | None, document: str, number: int, *, draw: bool
) -> ShownPage:
    """One page of the version that readers see, or of the newest while they see none.

    Raises:
        UsageError: there is no such document or page, or no picture of it.
    """
    from pipeline.retry_policy import LOOKING_SECONDS
    from pipeline.store.page_queries import find_version
    from stages.services import open_database, open_storage
    from stages.text_cache import TextCache

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack, patience_seconds=LOOKING_SECONDS)
        storage = await open_storage(settings)
        owner = user_id(user or settings.user)
        async with database.reader(owner) as connection:
            line = await find_one(connection, document)
            version = await find_version(connection, line.document_id)
        if version is None:
            raise UsageError("The document has no version.", remedy="Ingest its file again.")
        try:
            view = await read_page(
                lambda: database.reader(owner), storage, TextCache(), version, number
            )
            picture = await _drawn(settings, storage, version, number) if draw else None
        except PageMissing as error:
            raise UsageError(error.message, remedy=error.remedy) from error
        return ShownPage(view, picture)


async def _drawn(settings: Settings, storage: Storage, version: VersionView, number: int) -> bytes:
    from stages.parsers import parser_pool

    async with parser_pool(settings) as pool:
        passwords = settings.passwords_for(version.source)
        return await draw_page(storage, pool, version, number, LONGEST_SIDE, passwords)


def print_page(view: PageView) -> None:
    """A page for a person: its notes, then its text, then what was left out of it."""
    place = f"page {view.page.number:,} of {view.of:,}" if view.paged else "all of it"
    say(f"{printable(view.version.name)}, {place}, {quantity(len(view.chunks), 'chunk')}", "bold")
    if view.page.error:
        say(f"Not read: {view.page.error}", "yellow")
    for note in view.notes:
        _print_note(note)
    for line in (view.page.text or "No text was read on this page.").split("\n"):
        print_line(_shown(line))
    for line in view.page.furniture:
        say(f"Left out, since it repeats on other pages: {_shown(line)}", "dim")


def _shown(line: str) -> str:
    # A document's text must not steer the terminal.
    return printable(line.replace("\t", "    "), limit=_LONGEST_LINE)


def _print_note(note: Note) -> None:
    if note.is_gap:
        say(f"Not read: {note.message}", "yellow")
    else:
        say(f"Note: {note.message}", "dim")


def page_json(view: PageView, picture: Path | None = None) -> dict[str, Any]:
    """A page for a program, and where its picture was written."""
    page = view.page
    return {
        "document_id": view.version.document_id,
        "document": view.version.name,
        "version": view.version.version,
        "published": view.version.published,
        "page": page.number,
        "of": view.of,
        "text": page.text,
        "notes": [
            {"gap": note.is_gap, "kind": note.kind, "message": note.message, "pages": note.pages}
            for note in view.notes
        ],
        "error": page.error,
        "tables": [
            {"header": each.header, "rows": each.rows, "caption": each.caption}
            for each in page.tables
        ],
        "furniture": page.furniture,
        "chunks": [chunk.chunk_id for chunk in view.chunks],
        "picture": picture,
    }


def save(picture: bytes, output: Path | None) -> Path:
    """Write a page's picture where a person wants it, or to a file that only they can read.

    Raises:
        UsageError: it cannot be written there.
    """
    try:
        path = output or _private_file()
        write_private(path, picture)
    except OSError as error:
        raise UsageError(
            f"The picture cannot be written there ({error.strerror or type(error).__name__}).",
            remedy="Name another file with --output.",
        ) from None
    return path.absolute()


def _private_file() -> Path:
    with tempfile.NamedTemporaryFile(prefix="page-", suffix=".png", delete=False) as file:
        return Path(file.name)


def command(
    document: Annotated[str, typer.Argument(help="A path, a name, or the start of an id.")],
    number: Annotated[int, typer.Argument(metavar="N", min=1, help="From 1.")] = 1,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write its picture there, as a PNG.")
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open its picture.")] = False,
    user: User = None,
    json: Json = False,
) -> None:
    """Show what was read of one page, with its notes, and its picture."""
    draw = output is not None or open_it
    shown = asyncio.run(look(load_settings(), user, document, number, draw=draw))
    # For a program after the picture, so that a picture that cannot be written is the answer.
    if not json:
        print_page(shown.view)
    path = save(shown.picture, output) if shown.picture is not None else None
    if json:
        print_json(page_json(shown.view, path))
    elif path is not None:
        tell_path("The page's picture is", path)
    if path is not None and open_it and has_desktop():
        show(path.as_uri())
