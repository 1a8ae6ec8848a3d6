"""What was parsed already on the real database: found by whom, reserved by one."""

from __future__ import annotations

from typing import Any

from pipeline.store import parsed_files
from pipeline.store.engine import Database
from pipeline.store.parsed_files import FinishedParse, ParsedFile
from tests.pipeline.store.making import ANNA, BEN, FIRST, SECOND, table

FILE = (ANNA, "sha-of-a-file", "llamaparse-1")


async def reserve(store: Database, worker: str = FIRST, seconds: float = 60) -> ParsedFile:
    """Reserve in a transaction of its own."""
    async with store.service() as connection:
        return await parsed_files.reserve(connection, *FILE, worker, seconds)


async def finish(store: Database, *files: tuple[Any, str, str]) -> None:
    """Finished parses, each stored under its user's and parser's name."""
    done = [FinishedParse(*file, f"{file[0]}/{file[2]}", 1, 100) for file in files]
    async with store.service() as connection:
        await parsed_files.finish(connection, done)


async def release(store: Database, worker: str, *, forget: bool) -> None:
    """Give the reservation back in a transaction of its own."""
    async with store.service() as connection:
        await parsed_files.release(connection, *FILE, worker, forget=forget)


async def test_a_text_is_found_by_its_user_its_bytes_and_its_parser(store: Database) -> None:
    """Neither another user's text, nor another parser's or version's, answers for a file."""
    newer, other = (ANNA, FILE[1], "llamaparse-2"), (BEN, FILE[1], FILE[2])
    await finish(store, FILE)
    async with store.service() as connection:
        found = await parsed_files.find(connection, [FILE, newer, other])
    assert found == {FILE: f"{ANNA}/llamaparse-1"}
    await finish(store, newer, other)
    async with store.service() as connection:
        found = await parsed_files.find(connection, [other, newer])
    assert found == {newer: f"{ANNA}/llamaparse-2", other: f"{BEN}/llamaparse-1"}


async def test_only_a_finished_parse_is_found(store: Database) -> None:
    """A reservation says that somebody is at it, not that there is a text."""
    await reserve(store)
    async with store.service() as connection:
        assert await parsed_files.find(connection, [FILE]) == {}
    await finish(store, FILE)
    async with store.service() as connection:
        assert list(await parsed_files.find(connection, [FILE])) == [FILE]


async def test_a_finished_parse_is_never_reserved(store: Database) -> None:
    """Whoever asks is told where the text is, and holds nothing."""
    await reserve(store)
    await finish(store, FILE)
    for worker in (FIRST, SECOND):
        found = await reserve(store, worker)
        assert (found.mine, found.storage_key) == (False, f"{ANNA}/llamaparse-1")
    [row] = await table(store, "parsed_files")
    assert (row["state"], row["claimed_by"], row["lease_until"]) == ("done", None, None)


async def test_a_reservation_is_taken_over_after_its_lease_and_not_before(store: Database) -> None:
    """One worker at a time may submit a file, and a lost one is followed by the next."""
    assert (await reserve(store)).mine
    assert not (await reserve(store, SECOND)).mine
    assert (await reserve(store, FIRST, -1)).mine
    assert (await reserve(store, SECOND)).mine
    assert not (await reserve(store, FIRST)).mine


async def test_nobody_gives_back_anothers_reservation(store: Database) -> None:
    """Neither a release nor a forgetting by another worker frees the file; its holder's do."""
    await reserve(store)
    for forget in (False, True):
        await release(store, SECOND, forget=forget)
        assert [row["claimed_by"] for row in await table(store, "parsed_files")] == [FIRST]
    await release(store, FIRST, forget=False)
    assert (await reserve(store, SECOND)).mine
    await release(store, SECOND, forget=True)
    assert await table(store, "parsed_files") == []
