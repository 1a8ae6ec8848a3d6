"""Turns the versions that a quality report is about into what a reader is told of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from checks.report_documents import DocumentVersion, Verdict
from pipeline.job_notes import gaps_of
from pipeline.sources import printable
from pipeline.states import FAILED, JobState
from pipeline.store.report_documents import VersionRow, pages_of_chunks

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

Pages = Mapping[tuple[UUID, int], int]
_CHUNK = "chunk "


async def document_versions(
    connection: AsyncConnection, rows: Sequence[VersionRow]
) -> tuple[DocumentVersion, ...]:
    """Every version with its verdicts; failing chunks are told with their page."""
    failing = {
        (row.job_id, ordinal)
        for row in rows
        for verdict in row.verdicts
        for example in verdict["examples"]
        if (ordinal := failing_chunk(example)) is not None
    }
    pages = await pages_of_chunks(connection, sorted(failing)) if failing else {}
    return tuple(_version(row, pages) for row in rows)


def failing_chunk(example: str) -> int | None:
    """The number of the chunk that an example begins with, as the gate words it."""
    head, found, _ = example.partition(":")
    number = head.removeprefix(_CHUNK)
    if not found or number == head or not (number.isascii() and number.isdigit()):
        return None
    return int(number) if len(number) < 10 else None


def with_page(example: str, job: UUID, pages: Pages) -> str:
    """An example with the page of its chunk, where that is known."""
    ordinal = failing_chunk(example)
    page = None if ordinal is None else pages.get((job, ordinal))
    if page is None:
        return example
    head, _, rest = example.partition(":")
    return f"{head} (page {page}):{rest}"


def _version(row: VersionRow, pages: Pages) -> DocumentVersion:
    gaps = gaps_of(row.notes)
    failed = row.state in FAILED
    return DocumentVersion(
        job_id=str(row.job_id),
        name=printable(row.name),
        version=row.version,
        sha256=row.file_sha256,
        state=JobState(row.state),
        at=row.at,
        inside=printable(row.inside or ""),
        source="" if row.source.startswith("upload:") else printable(row.source),
        media_type=row.media_type or "",
        pages=row.pages,
        chunks=row.chunks,
        tokens=row.tokens,
        judged=tuple(f"{suite} {version}" for suite, version in sorted(row.suites.items())),
        verdicts=tuple(
            _verdict(each, row.job_id, pages) for each in row.verdicts if not _told_by_gaps(each)
        ),
        gaps=tuple(gap.message for gap in gaps),
        remedies=tuple(dict.fromkeys(gap.remedy for gap in gaps if gap.remedy)),
        notes=tuple(
            str(note["message"]) for note in row.notes if not note.get("gap") and "message" in note
        ),
        personal=row.personal_data,
        code=(row.error_code or "") if failed else "",
        message=(row.error_message or "") if failed else "",
        remedy=(row.error_remedy or "") if failed else "",
        attempts=row.attempts,
        acknowledged_at=row.acknowledged_at,
    )


def _told_by_gaps(found: Mapping[str, Any]) -> bool:
    """Whether it is the warning that something was not read, which the gaps tell one by one."""
    return bool(found["rule"] == "gaps" and found["severity"] == "warning")


def _verdict(found: Mapping[str, Any], job: UUID, pages: Pages) -> Verdict:
    told = found["examples"] or [found["sentence"]]
    sentences = tuple(printable(with_page(str(each), job, pages)) for each in told)
    return Verdict(found["suite"], found["rule"], found["severity"], sentences)
