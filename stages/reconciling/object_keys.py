"""Reads an object key of the storage: whose it is and what it belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID

from clients.storage.objects import INCOMING

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_RAW = re.compile(rf"({_UUID})/raw/([0-9a-f]{{64}})")
_TEXT = re.compile(rf"({_UUID})/parsed/([0-9a-f]{{64}})/.++")
_INCOMING = re.compile(rf"({_UUID})/({INCOMING}{_UUID})")


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key of ours.

    Attributes:
        stem: names what belongs together, see `clients.storage.objects`.
        is_text: it is of a parsed text.
    """

    key: str
    user: UUID
    stem: str
    is_text: bool


def stored_key(key: str) -> StoredKey | None:
    """What a key says; None for one that nothing here makes."""
    for pattern in (_RAW, _TEXT, _INCOMING):
        if found := pattern.fullmatch(key):
            return StoredKey(key, UUID(found[1]), found[2], pattern is _TEXT)
    return None
