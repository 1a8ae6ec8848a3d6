"""Writes made-up passages in COPY's binary format, as the tables of ours hold them.

A million of them are made and written in minutes: what Postgres would work out from a text, its
words among it, is made here for a whole group at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from benchmarks.search_scale.passages import (
    DIMENSION,
    PASSAGES_OF_DOCUMENT,
    VOCABULARY,
    Passages,
    passage_ids,
    word,
)
from pipeline.words import RULE

HEAD, END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"

CHUNK_COLUMNS = (
    "id, document_id, user_id, ordinal, occurrence, sha256, start_offset, end_offset,"
    " heading_path, tokens, words_rule, role, text, search"
)
VECTOR_COLUMNS = "space_id, chunk_id, user_id, sha256, embedding"

FIRST_DOCUMENT = 10**6
RARE_ROLE, USUAL_ROLE = b"limit", b"other"  # of the same length
_ROLE_EVERY = 10
_NO_HEADINGS = (0).to_bytes(8, "big") + (25).to_bytes(4, "big")  # no dimension, of text
_UUID, _INT, _HASH = "V16", ">i4", "S64"


def chunk_rows(group: Passages, users: int) -> Iterator[bytes]:
    """The rows of `document_chunks`, in the order of `CHUNK_COLUMNS`."""
    texts = _texts(group.words)
    fixed = _fixed_columns(group, users, [len(text) for text in texts])
    for row, (text, search) in enumerate(zip(texts, _searches(group.words), strict=True)):
        yield b"".join((fixed[row].tobytes(), _sized(text), _sized(search)))


def vector_rows(group: Passages, users: int, space: UUID) -> bytes:
    """The rows of `chunk_vectors`, in the order of `VECTOR_COLUMNS`."""
    layout = [*_column("space", _UUID, 16), *_column("chunk", _UUID, 16),
              *_column("user", _UUID, 16), *_column("hash", _HASH, 64),
              ("vector_bytes", ">i4"), ("dimension", ">i2"), ("unused", ">i2"),
              ("values", ">f4", (DIMENSION,))]  # fmt: skip
    rows = np.zeros(len(group.words), dtype=[("fields", ">i2"), *layout])
    rows["fields"] = 5
    _fill(rows, "space", np.frombuffer(space.bytes, _UUID), 16)
    _fill(rows, "chunk", passage_ids(group.first, len(rows)), 16)
    _fill(rows, "user", _uuids(group.documents % users + 1), 16)
    _fill(rows, "hash", _hashes(group), 64)
    rows["vector_bytes"], rows["dimension"] = 4 + 4 * DIMENSION, DIMENSION
    rows["values"] = group.vectors
    return rows.tobytes()


def _fixed_columns(group: Passages, users: int, lengths: Sequence[int]) -> NDArray[np.void]:
    layout = [*_column("id", _UUID, 16), *_column("document", _UUID, 16),
              *_column("user", _UUID, 16), *_column("ordinal", _INT, 4),
              *_column("occurrence", _INT, 4), *_column("hash", _HASH, 64),
              *_column("start", _INT, 4), *_column("end", _INT, 4),
              *_column("headings", "V12", 12), *_column("tokens", _INT, 4),
              *_column("rule", ">i2", 2), *_column("role", "S5", 5)]  # fmt: skip
    rows = np.zeros(len(group.words), dtype=[("fields", ">i2"), *layout])
    rows["fields"] = 14
    numbers = group.first + np.arange(len(rows))
    _fill(rows, "id", passage_ids(group.first, len(rows)), 16)
    _fill(rows, "document", _uuids(group.documents + FIRST_DOCUMENT), 16)
    _fill(rows, "user", _uuids(group.documents % users + 1), 16)
    _fill(rows, "ordinal", numbers % PASSAGES_OF_DOCUMENT, 4)
    _fill(rows, "occurrence", 0, 4)
    _fill(rows, "hash", _hashes(group), 64)
    _fill(rows, "start", 0, 4)
    _fill(rows, "end", lengths, 4)
    _fill(rows, "headings", np.frombuffer(_NO_HEADINGS, "V12"), 12)
    _fill(rows, "tokens", 200, 4)
    _fill(rows, "rule", RULE, 2)
    _fill(rows, "role", np.where(numbers % _ROLE_EVERY, USUAL_ROLE, RARE_ROLE), 5)
    return rows


def _column(name: str, kind: str, size: int) -> list[tuple[str, str]]:
    return [(f"{name}_bytes", ">i4"), (name, kind)]


def _fill(rows: NDArray[np.void], name: str, values: object, size: int) -> None:
    rows[f"{name}_bytes"], rows[name] = size, values


def _uuids(numbers: NDArray[np.int64]) -> NDArray[np.void]:
    halves = np.zeros((len(numbers), 2), ">u8")
    halves[:, 1] = numbers
    return halves.view(_UUID)[:, 0]


def _hashes(group: Passages) -> list[bytes]:
    return [b"%064x" % (group.first + row) for row in range(len(group.words))]


def _sized(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


@cache
def _vocabulary() -> tuple[NDArray[np.object_], NDArray[np.int32]]:
    """Every word, and its place among all of them as Postgres sorts lexemes, byte by byte."""
    spelled = np.array([word(number).encode() for number in range(VOCABULARY)], object)
    places = np.empty(VOCABULARY, np.int32)
    places[np.argsort(spelled)] = np.arange(VOCABULARY)
    return spelled, places


def _texts(words: NDArray[np.int64]) -> list[bytes]:
    spelled = _vocabulary()[0]
    return [b" ".join(row) for row in spelled[words].tolist()]


def _searches(words: NDArray[np.int64]) -> Iterator[bytes]:
    """Each passage's words as a `tsvector` in binary: the lexemes sorted, each with its places."""
    spelled, places = _vocabulary()
    rows, length = words.shape
    order = np.argsort(places[words], axis=1, kind="stable")
    ordered = np.take_along_axis(words, order, axis=1)
    new = np.ones(words.shape, bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    starts = np.flatnonzero(new)  # every passage begins with one
    counts = np.diff(starts, append=words.size)
    pieces = np.full((rows * length, 3), b"", object)
    pieces[starts, 0] = spelled[ordered.ravel()[starts]]
    pieces[starts, 1] = _numbers(b"\0", length)[counts]
    pieces[:, 2] = _numbers(b"", length)[order.ravel() + 1]
    for row, lexemes in enumerate(new.sum(axis=1).tolist()):
        found = pieces[row * length : (row + 1) * length].ravel().tolist()
        yield lexemes.to_bytes(4, "big") + b"".join(found)


@cache
def _numbers(before: bytes, most: int) -> NDArray[np.object_]:
    return np.array([before + number.to_bytes(2, "big") for number in range(most + 1)], object)
