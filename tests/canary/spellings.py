"""A word in the forms that files have it in, and where it is found."""

from __future__ import annotations

import base64
import json
import re
import sqlite3
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote


def spellings(word: str) -> set[bytes]:
    """A word as UTF-8 and UTF-16, composed and decomposed, in JSON, in a URL and in Base64."""
    found: set[bytes] = set()
    for form in ("NFC", "NFD"):
        text = unicodedata.normalize(form, word)
        raw = text.encode()
        found |= {raw, text.encode("utf-16-le"), json.dumps(text)[1:-1].encode()}
        found |= {quote(text).encode(), quote(text).lower().encode()}
        for shift in range(3):
            # the characters at both ends depend on what stands around the word
            coded = base64.b64encode(bytes(shift) + raw)
            found.add(coded[(0, 2, 3)[shift] : len(coded) // 4 * 4 - 4])
    return found


def contents(path: Path) -> Iterator[bytes]:
    """A file's bytes, what is packed in them, and each value of a SQLite database."""
    data = path.read_bytes()
    yield data
    for packed in re.finditer(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]", data):
        unpacker = zlib.decompressobj(47)
        try:
            yield unpacker.decompress(data[packed.start() :], 50_000_000)
        except zlib.error:
            continue
    if data.startswith(b"SQLite format 3\0"):
        yield from _values(path)


def _values(path: Path) -> Iterator[bytes]:
    """A long value lies in several pages, with others' bytes in between."""
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = bytes
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables.fetchall():
            for row in connection.execute(f'SELECT * FROM "{table.decode()}"'):
                yield b"\n".join(value for value in row if isinstance(value, bytes))


def files_naming(folder: Path, *words: str) -> set[str]:
    """Files below a folder, relative to it, that hold or are called one of the words."""
    wanted = {form for word in words for form in spellings(word)}
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if any(form in str(path.relative_to(folder)).encode() for form in wanted)
        or (path.is_file() and any(form in each for each in contents(path) for form in wanted))
    }
