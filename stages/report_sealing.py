"""Seals quality reports: signs each with the installation's key, and chains it to the one before.

What is signed is a *statement*: which report it is, over what, the hashes of its figures and its
page, and the hash of the link before it in the chain.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from checks.report_json import section_hashes
from pipeline.canonical_json import canonical
from pipeline.errors import StorageUnavailable
from pipeline.identity import owner_mark, sha256_hex
from pipeline.settings import Settings
from pipeline.store import report_seals
from pipeline.store.clock import database_time
from pipeline.store.engine import Database
from pipeline.store.report_seals import SealRow
from stages.report_keys import ReportKeys, report_keys

FORMAT = "insurance-navigator-report-1"
_TRIES = 100


@dataclass(frozen=True, slots=True)
class SealedReport:
    """A report to be sealed.

    Attributes:
        report: its figures, as `checks.report_json.report_json` makes them.
        page: the HTML page, in UTF-8.
    """

    id: UUID
    user_id: UUID | None
    run_id: UUID | None
    owners: tuple[str, ...]
    report: Mapping[str, Any]
    page: bytes


def link_hash(row: SealRow) -> str:
    """The hash by which the next link names this one: of its statement and its signature."""
    return sha256_hex(f"{row.statement}\n{row.signature}")


def statement_of(row: SealRow) -> dict[str, Any]:
    """What a link states, as its columns have it; the hashes are its statement's alone."""
    return {
        "format": FORMAT,
        "number": row.number,
        "id": str(row.id),
        "kind": row.kind,
        "user": str(row.user_id) if row.user_id else None,
        "run": str(row.run_id) if row.run_id else None,
        "owners": list(row.owners),
        "made_at": row.made_at.astimezone(UTC).isoformat(),
        "previous": row.previous,
    }


async def seal_report(database: Database, keys: ReportKeys, made: SealedReport) -> SealRow:
    """Sign a report, store it and add it to the chain; one transaction.

    Raises:
        StorageUnavailable: so many are sealed at once that no number could be had.
    """
    content = canonical(made.report)
    hashes = {
        "content_sha256": sha256_hex(content),
        "sections": section_hashes(made.report),
        "page_sha256": sha256_hex(made.page),
    }
    packed = [gzip.compress(each, mtime=0) for each in (content, made.page)]
    link = _Link("report", made.id, made.user_id, made.run_id, made.owners)
    return await _append(database, keys, link, hashes, packed)


async def remove_reports(database: Database, settings: Settings, user: UUID, reason: str) -> int:
    """Erase the reports that are over a user's documents; the chain says that, when and why.

    Returns:
        How many there were.

    Raises:
        ConfigurationError: the key that signs their removal cannot be had; nothing is erased.
    """
    async with database.service() as connection:
        reports = await report_seals.reports_over(connection, user, owner_mark(user))
    if reports:  # without any, no key is needed
        keys = await asyncio.to_thread(report_keys, settings)
        for report in reports:
            # No user and no run: the link that stays says nothing of who was erased.
            link = _Link("removal", report, None, None, ())
            await _append(database, keys, link, {"reason": reason})
    return len(reports)


@dataclass(frozen=True, slots=True)
class _Link:
    """What a link is about."""

    kind: str
    report: UUID
    user_id: UUID | None
    run_id: UUID | None
    owners: tuple[str, ...]


async def _append(
    database: Database,
    keys: ReportKeys,
    link: _Link,
    told: Mapping[str, Any],
    packed: list[bytes] | None = None,
) -> SealRow:
    """Add a link with what it makes or removes, in one transaction."""
    for _ in range(_TRIES):
        async with database.service() as connection:
            before = await report_seals.newest(connection)
            now = await database_time(connection)
            row = _signed(keys, before, link, told, now)
            if await report_seals.add(connection, row):
                if packed is not None:
                    await report_seals.add_content(connection, link.report, link.user_id, *packed)
                else:
                    await report_seals.remove_content(connection, link.report)
                return row
    raise StorageUnavailable("The report could not be sealed.", remedy="Try it again.")


def _signed(
    keys: ReportKeys,
    before: SealRow | None,
    link: _Link,
    told: Mapping[str, Any],
    now: datetime,
) -> SealRow:
    row = SealRow(
        number=before.number + 1 if before else 1,
        id=link.report,
        kind=link.kind,
        user_id=link.user_id,
        run_id=link.run_id,
        owners=list(link.owners),
        made_at=now,
        previous=link_hash(before) if before else "",
        statement="",
        signature="",
    )
    statement = canonical({**statement_of(row), **told, "key": keys.signing})
    return replace(row, statement=statement.decode(), signature=keys.sign(statement))


def exported(row: SealRow, content: bytes) -> dict[str, Any]:
    """A report with its seal, as a file that can be verified elsewhere.

    Args:
        content: the figures as they are stored, gzipped.
    """
    return {
        "report": json.loads(gzip.decompress(content)),
        "seal": {"statement": json.loads(row.statement), "signature": row.signature},
    }
