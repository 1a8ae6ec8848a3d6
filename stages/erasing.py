"""Erases a user: rows, stored files and the reports that name their documents.

Prefect is told ids alone, so nothing there names them. What no program can reach is said.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from clients.storage.object_storage import Storage
from pipeline.identity import owner_mark
from pipeline.store import erasure, holds
from pipeline.store.engine import Database
from stages.garbage_collection import remove_orphaned_objects

_OWNERS = re.compile(r'<meta name="owners" content="([0-9a-f ]*)">')
LEFT = (
    "Backups and exports that were made before hold what they held: remove or age them out.",
    "Postgres keeps removed rows in its files and its log until it overwrites them.",
    "Reports and log files on other machines, and copies of reports, are theirs to remove.",
    "A file of golden questions is whoever's who wrote it: take out what quotes the documents.",
    "Prefect keeps ids, states and times; a path that somebody typed into its pages, and runs of "
    "versions before this one, until its server forgets them (ours: after 14 days).",
)
"""What an erasure does not reach, as sentences."""


@dataclass(frozen=True, slots=True)
class ErasedUser:
    """What an erasure took away: documents, published passages, stored files, reports."""

    documents: int
    passages: int
    objects: int
    reports: int


async def erase(
    database: Database, storage: Storage, reports: Path, user: UUID, actor_id: UUID
) -> ErasedUser:
    """Erase a user; again it erases what was left when it was interrupted.

    Args:
        reports: the folder of this machine's reports.
        actor_id: who asked, for the access log.

    Raises:
        LegalHold: a document of theirs has to be kept; nothing is erased.
    """
    async with database.service() as connection:
        await holds.require_none_of(connection, user)
        runs = await erasure.runs_with(connection, user)
    # Before the rows, which say what reports there are: reports can be written again.
    removed = await _remove_reports(database, reports, runs, user)
    async with database.service() as connection:
        done = await erasure.erase_user(connection, user, actor_id)
    objects = await storage.delete_under(f"{user}/")
    await remove_orphaned_objects(database, storage, user)
    removed += await _remove_reports(database, reports, runs, user)
    return ErasedUser(len(done.documents), done.chunks, objects, removed)


async def _remove_reports(
    database: Database, folder: Path, runs: Collection[UUID], user: UUID
) -> int:
    """Remove the reports on these runs, on runs that are gone, and the one over all with them."""
    found = await asyncio.to_thread(lambda: sorted(folder.glob("run-*.html")))
    by_run = {run: path for path in found if (run := _run_of(path)) is not None}
    async with database.service() as connection:
        gone = await erasure.unknown_runs(connection, list(by_run))
    unwanted = [path for run, path in by_run.items() if run in gone or run in runs]
    over_all = folder / "latest.html"
    if await asyncio.to_thread(_is_over, over_all, user):
        unwanted.append(over_all)
    return await asyncio.to_thread(_unlink, unwanted)


def _is_over(report: Path, user: UUID) -> bool:
    """Whether a report is over documents of the user; so is one that does not say over whose."""
    try:
        page = report.read_text("utf-8", "replace")
    except FileNotFoundError:
        return False
    owners = _OWNERS.search(page)
    return owners is None or owner_mark(user) in owners[1].split()


def _run_of(path: Path) -> UUID | None:
    with suppress(ValueError):
        return UUID(path.stem.removeprefix("run-"))
    return None


def _unlink(paths: Collection[Path]) -> int:
    removed = 0
    for path in paths:
        with suppress(FileNotFoundError):
            path.unlink()
            removed += 1
    return removed
