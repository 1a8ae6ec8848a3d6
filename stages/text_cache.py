"""Caches the texts of documents in work, so that storage is not read at every stage.

Only a convenience: what is not here is read from storage, and after a restart nothing is here.
"""

from __future__ import annotations

from cachetools import LRUCache

from pipeline.documents import ParsedDocument

MAX_CHARACTERS = 16_000_000


class TextCache:
    """A cache (LRU) of parsed documents by their storage key.

    Args:
        max_characters: of all texts together; a longer one is not kept.
    """

    def __init__(self, max_characters: int = MAX_CHARACTERS) -> None:
        self._documents: LRUCache[str, ParsedDocument] = LRUCache(
            max_characters, getsizeof=lambda document: len(document.text)
        )

    def keep(self, key: str, document: ParsedDocument) -> None:
        """Remember what is stored under a key."""
        if len(document.text) <= self._documents.maxsize:
            self._documents[key] = document

    def find(self, key: str) -> ParsedDocument | None:
        """What is stored under a key, if it is remembered."""
        return self._documents.get(key)

    def drop(self, key: str) -> None:
        """Forget a document that is done with."""
        self._documents.pop(key, None)


MAX_CONTENT_BYTES = 128 * 1024 * 1024


class ContentCache:
    """The files inside documents that were just parsed, until they are documents themselves.

    Only a convenience: what is not here is unpacked again.
    """

    def __init__(self, max_bytes: int = MAX_CONTENT_BYTES) -> None:
        self._contents: LRUCache[str, list[bytes]] = LRUCache(
            max_bytes, getsizeof=lambda contents: sum(map(len, contents)) + 1
        )

    def keep(self, key: str, contents: list[bytes]) -> None:
        """Remember the files inside a document, by the key of its text."""
        if sum(map(len, contents)) < self._contents.maxsize:
            self._contents[key] = contents

    def take(self, key: str) -> list[bytes] | None:
        """The files inside a document, if they are remembered; they are forgotten now."""
        found: list[bytes] | None = self._contents.pop(key, None)
        return found
