"""Makes a quality report: figures, page, signature; it is stored, and its page is a file too."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from checks.report import PageSeal, render
from checks.report_json import report_json
from checks.rules import Suite
from checks.suites_in_force import suites_in_force
from flows.report_builder import report_data
from pipeline.canonical_json import canonical
from pipeline.chunk_sizes import sizes_in_force
from pipeline.identity import sha256_hex
from pipeline.private_files import write_private
from pipeline.settings import Settings
from pipeline.store.engine import Database
from pipeline.store.remembered_sizes import remembered_sizes
from pipeline.store.report_seals import SealRow
from stages.report_keys import ReportKeys, report_keys
from stages.report_sealing import SealedReport, seal_report


@dataclass(frozen=True, slots=True)
class MadeReport:
    """A report that was made: its link in the chain, and its page."""

    seal: SealRow
    page: bytes


async def make_report(
    database: Database,
    settings: Settings,
    *,
    run_id: UUID | None = None,
    user_id: UUID | None = None,
    days: int = 30,
    max_tokens: int | None = None,
    suites: tuple[Suite, ...] | None = None,
    keys: ReportKeys | None = None,
) -> MadeReport:
    """Make a report, sign it and keep it in the database.

    Args:
        run_id: of this run only; over the last `days` when None.
        user_id: as this user sees it; of everybody's documents when None.
        max_tokens: the chunker's limit; that in force here when None.
        suites, keys: where they are open already.

    Raises:
        ConfigurationError: the key that signs cannot be had.
    """
    if keys is None:
        keys = await asyncio.to_thread(report_keys, settings)
    if suites is None:
        suites = await asyncio.to_thread(suites_in_force, settings)
    if max_tokens is None:
        async with database.service() as connection:
            max_tokens = sizes_in_force(settings, await remembered_sizes(connection)).tokens
    signing = keys
    data = await report_data(
        database,
        run_id=run_id,
        user_id=user_id,
        days=days,
        max_tokens=max_tokens,
        suites=suites,
    )
    report_id = uuid4()

    def made() -> SealedReport:
        figures = report_json(data)
        seal = PageSeal(str(report_id), sha256_hex(canonical(figures)), signing.signing)
        page = render(data, seal).encode("utf-8")
        return SealedReport(report_id, user_id, run_id, data.owners, figures, page)

    sealed = await asyncio.to_thread(made)
    return MadeReport(await seal_report(database, signing, sealed), sealed.page)


async def write_report(
    database: Database,
    settings: Settings,
    *,
    run_id: UUID | None = None,
    user_id: UUID | None = None,
    days: int = 30,
) -> tuple[MadeReport, Path]:
    """Make a report and write its page into the home folder; the report and the file's path.

    One name a run, ``latest.html`` for the report over time.
    """
    made = await make_report(database, settings, run_id=run_id, user_id=user_id, days=days)
    path = settings.home / "reports" / (f"run-{run_id}.html" if run_id else "latest.html")
    await asyncio.to_thread(_write, path, made.page)
    return made, path


def _write(path: Path, page: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(path, page)
