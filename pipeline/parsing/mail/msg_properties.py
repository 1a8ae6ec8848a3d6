"""Reads the properties of an object in an Outlook message (MS-OXMSG)."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.errors import ParseError
from pipeline.parsing.texts import plain

if TYPE_CHECKING:
    from olefile import OleFileIO

Path = tuple[str, ...]

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_TIME, _INTEGER, _BOOLEAN = 0x0040, 0x0003, 0x000B
_UNICODE, _ANSI, _BINARY = "001F", "001E", "0102"
_CODE_PAGES = (0x3FFD, 0x3FDE)


class Properties:
    """One object's properties: of the message itself, a recipient or an attachment."""

    STREAM = "__properties_version1.0"

    def __init__(self, container: OleFileIO, where: Path) -> None:
        self._container = container
        self._where = where

    def text(self, number: int) -> str:
        """A text, or an empty one."""
        if (raw := self._stream(number, _UNICODE)) is not None:
            return raw.decode("utf-16-le", "replace").rstrip("\x00")
        if (raw := self._stream(number, _ANSI)) is not None:
            return self._decoded(raw.rstrip(b"\x00"))
        return ""

    def binary(self, number: int) -> bytes | None:
        """Bytes, or None."""
        return self._stream(number, _BINARY)

    def integer(self, number: int) -> int:
        """A number or a truth, or 0."""
        raw = self._fixed.get((number, _INTEGER), self._fixed.get((number, _BOOLEAN)))
        return int.from_bytes(raw[:4], "little") if raw else 0

    def moment(self, number: int) -> datetime | None:
        """A time, or None."""
        raw = self._fixed.get((number, _TIME))
        ticks = int.from_bytes(raw, "little") if raw else 0
        try:
            return _EPOCH + timedelta(microseconds=ticks // 10) if ticks else None
        except OverflowError:
            return None

    @cached_property
    def _fixed(self) -> dict[tuple[int, int], bytes]:
        """Properties of eight bytes, by number and kind."""
        raw = self._open(self.STREAM) or b""
        embedded = bool(self._where) and self._where[-1].endswith("000D")
        head = 24 if embedded else 8 if self._where else 32
        found = {}
        for at in range(head, len(raw) - 15, 16):
            kind, number = struct.unpack_from("<HH", raw, at)
            found[number, kind] = raw[at + 8 : at + 16]
        return found

    def _stream(self, number: int, kind: str) -> bytes | None:
        return self._open(f"__substg1.0_{number:04X}{kind}")

    def _open(self, name: str) -> bytes | None:
        path = "/".join((*self._where, name))
        if not self._container.exists(path):
            return None
        with self._container.openstream(path) as stream:
            data: bytes = stream.read()
        return data

    def _decoded(self, raw: bytes) -> str:
        for number in _CODE_PAGES:
            page = self.integer(number)
            try:
                return raw.decode({65001: "utf-8", 28591: "latin-1"}.get(page, f"cp{page}"))
            except (LookupError, ValueError):
                continue
        try:
            return plain.decode(raw) if raw else ""
        except ParseError:
            return raw.decode("cp1252", "replace")
