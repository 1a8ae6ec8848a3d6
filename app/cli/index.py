"""`navigator index`: how the search indexes stand, and building them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.terminal.console import answers, number, print_json, right, say, table, tell
from app.terminal.options import Json
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipeline.store.index_figures import SpaceFigures, WordFigures

group = typer.Typer(
    help="Show the indexes for words and vectors, build them, or build them anew.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Words = Annotated[bool, typer.Option("--words", help="Only the index for words.")]
Vectors = Annotated[bool, typer.Option("--vectors", help="Only those for vectors.")]
_MEGABYTE = 1024 * 1024


async def figures(settings: Settings) -> tuple[WordFigures, list[SpaceFigures]]:
    """How the indexes stand."""
    from pipeline.store import index_figures
    from stages.services import open_database

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        async with database.service() as connection:
            words = await index_figures.word_figures(connection)
            return words, await index_figures.space_figures(connection)


async def build(settings: Settings, *, words: bool, vectors: bool, anew: bool) -> None:
    """Build the indexes, and say how far it is."""
    from stages.index_building import build_vectors, build_words
    from stages.services import open_database

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        if words:
            await build_words(database, say, anew=anew)
        if vectors:
            await build_vectors(database, settings.hnsw_min_vectors, say, anew=anew)


def as_json(words: WordFigures, spaces: list[SpaceFigures]) -> dict[str, Any]:
    """The figures for programs."""
    return {"words": asdict(words), "spaces": [asdict(each) for each in spaces]}


@group.command()
def status(json: Json = False) -> None:
    """Show what is indexed, what waits, and the recall of the vector indexes."""
    _show(load_settings(), json=json)


@group.command(name="build")
def build_missing(words: Words = False, vectors: Vectors = False, json: Json = False) -> None:
    """Index what waits, and build vector indexes that are missing."""
    _build_and_show(words, vectors, anew=False, json=json)


@group.command()
def rebuild(words: Words = False, vectors: Vectors = False, json: Json = False) -> None:
    """Build the indexes anew from the passages; searches are answered meanwhile."""
    _build_and_show(words, vectors, anew=True, json=json)


def _build_and_show(words: bool, vectors: bool, *, anew: bool, json: bool) -> None:
    settings, both = load_settings(), words == vectors
    asyncio.run(build(settings, words=words or both, vectors=vectors or both, anew=anew))
    _show(settings, json=json)


def _show(settings: Settings, *, json: bool) -> None:
    words, spaces = asyncio.run(figures(settings))
    if json:
        print_json(as_json(words, spaces))
        return
    tell(
        f"Words: {words.indexed:,} passages indexed in {words.segments:,} segments of "
        f"{words.users:,} users ({words.bytes / _MEGABYTE:,.0f} MB); {words.waiting:,} are scanned."
    )
    rows = table("Space", right("Vectors"), right("Index"), right("Recall"), right("Worst"))
    for each in spaces:
        size = "none" if each.bytes is None else f"{each.bytes / _MEGABYTE:,.0f} MB"
        rows.add_row(
            each.model, number(each.vectors), size, _percent(each.recall), _percent(each.worst)
        )
    answers().print(rows)
    for each in spaces:
        if each.narrower:
            tell(
                f"The vector index of {each.model} was built by an older release, or when it was "
                "small, and may find less than a new one: build it anew with "
                "`navigator index rebuild --vectors`."
            )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
