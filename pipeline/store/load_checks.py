"""Checks untrusted rows beyond the schema's constraints: each user's rows stay together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import psycopg

from pipeline.store.schema import SCHEMA

_HASH = "[0-9a-f]{64}"
_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_TEXT_NAME = r"[^/[:cntrl:]\\]{1,200}\.json"


@dataclass(frozen=True, slots=True)
class _Check:
    """One question; a row that answers it is a fault.

    Attributes:
        needs: the columns that it asks about, which older schemas may lack.
    """

    sentence: str
    needs: tuple[str, ...]
    question: str


def _same_user(child: str, column: str, parent: str) -> _Check:
    return _Check(
        f"The backup's table {child} mixes up the rows of several users.",
        (f"{child}.{column}",),
        f"SELECT FROM {SCHEMA}.{child} AS c JOIN {SCHEMA}.{parent} AS p ON p.id = c.{column} "
        "WHERE p.user_id <> c.user_id",
    )


def _version_of(column: str) -> _Check:
    return _Check(
        "The backup has a document whose version is another document's.",
        (f"documents.{column}",),
        f"SELECT FROM {SCHEMA}.documents AS d JOIN {SCHEMA}.upload_jobs AS j "
        f"ON j.id = d.{column} WHERE j.document_id <> d.id",
    )


def _own_key(table: str, column: str, rule: str) -> _Check:
    return _Check(
        f"The backup's table {table} names a stored file that is not its user's.",
        (f"{table}.{column}",),
        f"SELECT FROM {SCHEMA}.{table} WHERE {column} IS NOT NULL AND NOT ({rule})",
    )


def _own_text(column: str) -> str:
    return (
        f"{column} ~ ('^' || user_id || '/parsed/' || file_sha256 || '/{_TEXT_NAME}$') "
        f"AND file_sha256 ~ '^{_HASH}$'"
    )


_CHECKS = (
    _same_user("upload_jobs", "document_id", "documents"),
    _same_user("documents", "parent_id", "documents"),
    _same_user("document_chunk_buffer", "job_id", "upload_jobs"),
    _same_user("document_chunks", "document_id", "documents"),
    _same_user("chunk_vectors", "chunk_id", "document_chunks"),
    _version_of("latest_job_id"),
    _version_of("published_job_id"),
    _own_key(
        "upload_jobs",
        "storage_key",
        f"file_sha256 ~ '^{_HASH}$' AND storage_key = user_id || '/raw/' || file_sha256",
    ),
    _own_key("upload_jobs", "parsed_key", _own_text("parsed_key")),
    _own_key("parsed_files", "storage_key", _own_text("storage_key")),
    _own_key(
        "unsettled_objects",
        "stem",
        f"stem ~ '^({_HASH}|incoming/{_UUID})$'",
    ),
)


def faults(connection: psycopg.Connection, columns: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """A sentence for each thing that is wrong with the rows of all tables."""
    present = {f"{table}.{column}" for table, all_ in columns.items() for column in all_}
    for check in _CHECKS:
        if present.issuperset(check.needs):
            found = connection.execute(f"SELECT EXISTS ({check.question})").fetchone()
            if found and found[0]:
                yield check.sentence
