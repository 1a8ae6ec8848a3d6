"""Names and orders the members of a backup's archive."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.stack.archive import MANIFEST, OBJECTS, TABLES

_USER = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_RAW = r"raw/(?P<raw>[0-9a-f]{64})"
_PARSED = r"parsed/[0-9a-f]{64}/[^/\\\x00-\x1f\x7f]{1,200}\.json"
_NAMES = {
    TABLES: re.compile(r"[a-z][a-z0-9_]{0,62}/[0-9]{6}"),
    OBJECTS: re.compile(rf"{_USER}/(?:{_RAW}|{_PARSED})"),
}
_LONG_NAME = re.compile(rb"\A([1-9][0-9]{1,2}) path=([\x20-\x7e]++)\n")
_RANKS = {"": -1, TABLES: 0, OBJECTS: 1, MANIFEST: 2}
_FIRST_PIECE = 1


@dataclass(frozen=True, slots=True)
class Member:
    """A file in the archive: where its bytes lie."""

    name: str
    offset: int
    size: int

    @property
    def key(self) -> str | None:
        """Of an object; None for anything else."""
        folder, _, key = self.name.partition("/")
        return key if folder == OBJECTS else None

    @property
    def table(self) -> str | None:
        """Whose rows these are; None for anything else."""
        folder, _, rest = self.name.partition("/")
        return rest.partition("/")[0] if folder == TABLES else None

    @property
    def raw_sha256(self) -> str | None:
        """What an object's bytes have for a hash, if its key says so."""
        found = _NAMES[OBJECTS].fullmatch(self.key or "")
        return found["raw"] if found else None

    @property
    def piece(self) -> int:
        """The number of a piece of a table's rows."""
        return int(self.name.rpartition("/")[2])

    @property
    def rank(self) -> int:
        """Tables come before objects, and the manifest after them."""
        return _RANKS[self.name.partition("/")[0]]

    @property
    def has_our_name(self) -> bool:
        """Whether it is a name that a backup gives."""
        folder, _, rest = self.name.partition("/")
        return self.name == MANIFEST or (folder in _NAMES and bool(_NAMES[folder].fullmatch(rest)))


def long_name(content: bytes) -> str:
    """The name in an extended header that holds a name and nothing else; otherwise empty."""
    found = _LONG_NAME.fullmatch(content)
    return found[2].decode() if found and int(found[1]) == len(content) else ""


def is_our_key(key: str) -> bool:
    """Whether an object may have this key: then it leads nowhere but into the objects' folder."""
    return bool(_NAMES[OBJECTS].fullmatch(key))


def follows(before: Member, member: Member) -> bool:
    """Whether one may come next: no name comes twice, and no piece of a table is missing.

    A table may come only once, too, which is for who looks through the archive to see.
    """
    if before.rank != member.rank or before.table != member.table:
        is_first = member.table is None or member.piece == _FIRST_PIECE
        return before.rank <= member.rank and is_first
    if member.table is not None:
        return member.piece == before.piece + 1
    return member.name.encode() > before.name.encode()
