"""A source in one file: letters that a program keeps in a table of SQLite."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import closing

from clients.source import Item, ObjectGone, SourcePlugin
from pipeline.errors import ConfigurationError, ServiceUnavailable
from pipeline.source_address import SourceAddress


class LettersSource:
    """A table ``letters (id, changed, owner, body)``; each row is a document."""

    def __init__(self, database: str) -> None:
        self._database = database

    async def listing(self) -> AsyncIterator[Sequence[Item]]:
        """Every letter; the time of its last change is its stamp, its owner a label."""
        rows = await self._rows("SELECT id, length(body), changed, owner FROM letters")
        yield [Item(f"{id_}.md", size, changed, owner) for id_, size, changed, owner in rows]

    async def read(self, item: Item) -> AsyncIterator[bytes]:
        """A letter, as it was listed."""
        query = "SELECT body FROM letters WHERE id = ? AND changed = ?"
        rows = await self._rows(query, item.key.removesuffix(".md"), item.stamp)
        if not rows:
            raise ObjectGone("It changed while it was read.")
        yield rows[0][0].encode()

    async def labels(self, item: Item) -> Mapping[str, str]:
        """Whose it is, for ``--rights tag:owner``."""
        return {"owner": item.revision}

    async def is_gone(self, key: str) -> bool:
        """Whether there is no such letter any more."""
        return not await self._rows("SELECT 1 FROM letters WHERE id = ?", key.removesuffix(".md"))

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _rows(self, query: str, *values: str) -> list[tuple[str, ...]]:
        return await asyncio.to_thread(self._asked, query, values)

    def _asked(self, query: str, values: Sequence[str]) -> list[tuple[str, ...]]:
        try:
            with closing(sqlite3.connect(f"file:{self._database}?mode=ro", uri=True)) as database:
                return database.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise ServiceUnavailable(
                f"The letters do not answer ({type(error).__name__})."
            ) from None


def open_letters(address: SourceAddress, options: Mapping[str, str]) -> LettersSource:
    """The letters of ``letters://NAME``, in the file that an option names."""
    if "database" not in options:
        raise ConfigurationError(
            "The letters need a database.", remedy="Give --option database=/path/of/the.db."
        )
    return LettersSource(options["database"])


PLUGIN = SourcePlugin("letters in a table of SQLite", open_letters)
