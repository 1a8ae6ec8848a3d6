"""Diagnoses each part by trying it; a check raises, or returns what it found."""

from __future__ import annotations

import asyncio
import platform
import shutil
import socket
import sys
from contextlib import AsyncExitStack
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from app.doctor.diagnosis import Finding, Verdict
from app.version import program_version
from pipeline.errors import ConfigurationError, NavigatorError
from pipeline.private_files import open_home
from pipeline.settings import Settings
from stages.query_embedding import TRIAL, embedded

if TYPE_CHECKING:
    from clients.embedder import Embedder, EmbeddingAnswer

_GIB = 1024**3
_LEAST_FREE = 1 * _GIB
# Whoever asks what does not work is not to wait until it does.
_PATIENCE_SECONDS = 3.0
_PAGE = b"<html><body><h1>Trial</h1><p>The parser reads this sentence.</p></body></html>"


async def python(settings: Settings, stack: AsyncExitStack) -> Finding:
    """The interpreter and our own version."""
    detail = f"{platform.python_version()} on {platform.system()}; navigator "
    return Finding("Python", Verdict.OK, detail + program_version())


async def home_folder(settings: Settings, stack: AsyncExitStack) -> Finding:
    """Where the local default keeps everything."""
    return await asyncio.to_thread(_home_folder, settings.home)


def _home_folder(home: Path) -> Finding:
    try:
        open_home(home)
        trial = home / f".trial-{uuid4().hex}"
        trial.write_bytes(b"")
        trial.unlink()
    except OSError as error:
        return Finding(
            "Home folder",
            Verdict.PROBLEM,
            f"{home} cannot be written ({error.strerror}).",
            "Set NAVIGATOR_HOME to a folder that you may write to.",
        )
    return Finding("Home folder", Verdict.OK, str(home))


async def disk_space(settings: Settings, stack: AsyncExitStack) -> Finding:
    """Room for a corpus."""
    folder = next(each for each in (settings.home, *settings.home.parents) if each.exists())
    free = shutil.disk_usage(folder).free
    detail = f"{free / _GIB:.1f} GiB free"
    if free < _LEAST_FREE:
        remedy = "Free at least 1 GiB there, or set NAVIGATOR_HOME to a larger disk."
        return Finding("Disk space", Verdict.PROBLEM, detail, remedy)
    return Finding("Disk space", Verdict.OK, detail)


async def database(settings: Settings, stack: AsyncExitStack) -> Finding:
    """Reachable, new enough, migrated, and with the roles that row-level security needs."""
    from pipeline.store.health import describe, rights
    from pipeline.store.schema import READER_ROLE, SERVICE_ROLE
    from stages.services import open_database

    opened = await open_database(settings, stack, patience_seconds=_PATIENCE_SECONDS)
    roles = [SERVICE_ROLE] if opened.readers_apart else [SERVICE_ROLE, READER_ROLE]
    async with opened.login() as connection:
        missing = (await rights(connection, roles)).missing_roles
    if missing:
        raise ConfigurationError(
            f"The database login may not become {' or '.join(missing)}.",
            remedy=f"As a superuser: GRANT {', '.join(missing)} TO <the login>.",
        )
    async with opened.service() as connection:
        facts = await describe(connection)
    kind = "yours" if settings.database_url or settings.database_block else "embedded"
    detail = f"Postgres {facts.postgres} ({kind}), pgvector {facts.pgvector}"
    return Finding("Database", Verdict.OK, f"{detail}, schema {facts.revision}")


async def storage(settings: Settings, stack: AsyncExitStack) -> Finding:
    """An object written, read and removed."""
    from clients.storage.trial import try_storage
    from stages.services import open_storage

    opened = await open_storage(settings)
    await try_storage(opened, "doctor/")
    where = "your storage" if settings.storage_url or settings.storage_block else "a local folder"
    return Finding("Storage", Verdict.OK, f"{where}: written, read and removed")


async def embedder(settings: Settings, stack: AsyncExitStack) -> Finding:
    """One text embedded."""
    from stages.services import open_embedder

    opened = await open_embedder(settings)
    stack.push_async_callback(opened.close)
    answer = await _tried(opened, settings, stack)
    space = opened.space
    dollars = opened.price_per_million_tokens
    price = f"${dollars:.2f} a million tokens" if dollars else "free"
    detail = f"{space.provider}/{space.model}, {answer.vectors.shape[1]} dimensions, {price}"
    return Finding("Embedder", Verdict.OK, detail)


async def _tried(opened: Embedder, settings: Settings, stack: AsyncExitStack) -> EmbeddingAnswer:
    from stages.services import open_database

    text = "Does this insurance cover a burst pipe?"
    try:
        database = await open_database(settings, stack, patience_seconds=_PATIENCE_SECONDS)
    except NavigatorError:
        # Told by its own check; without a ledger the embedder is tried all the same.
        return await opened.embed([text])
    return await embedded(text, database, opened, operation=TRIAL)


async def chunks(settings: Settings, stack: AsyncExitStack) -> Finding:
    """How large they are, and whether other sizes would find more."""
    from app.terminal.chunk_sizes import DRY_RUN, recommendation, standing_words
    from stages.chunk_sizes import standing
    from stages.services import open_database

    database = await open_database(settings, stack, patience_seconds=_PATIENCE_SECONDS)
    found = await standing(settings, database)
    if note := recommendation(found):
        return Finding("Chunks", Verdict.NOTE, note, f"See `{DRY_RUN}`.")
    return Finding("Chunks", Verdict.OK, standing_words(found))


async def parser(settings: Settings, stack: AsyncExitStack) -> Finding:
    """One page read in a worker process; a remote parser is not called, since it is paid."""
    from clients.parser_pool.sandbox import ParserPool
    from pipeline.parsing.media import MediaType

    async with ParserPool(1) as pool:
        await pool.parse(_PAGE, MediaType.HTML)
    detail = f"local workers start and read ({settings.parse_workers} at a time)"
    if settings.parser == "llamaparse":
        detail += "; LlamaParse has a key, and is not asked because it charges"
    return Finding("Parser", Verdict.OK, detail)


async def text_recognition(settings: Settings, stack: AsyncExitStack) -> Finding:
    """Tesseract's data, which scanned pages and pictures need."""
    from pipeline.parsing.ocr import find_tessdata, installed_languages

    part, languages = "Text recognition", settings.ocr_languages
    found = await asyncio.to_thread(find_tessdata, None, languages)
    installed = await asyncio.to_thread(installed_languages)
    if found and settings.ocr:
        return Finding(part, Verdict.OK, f"on ({languages}), with tesseract's data in {found}")
    if settings.ocr and installed:
        detail = f"tesseract's data for {languages} is not all installed: {', '.join(installed)}."
        remedy = "Install the missing language, or change NAVIGATOR_OCR_LANGUAGES."
        return Finding(part, Verdict.PROBLEM, detail, remedy)
    if found:
        detail = "tesseract is installed but not used: scanned pages fail"
        return Finding(part, Verdict.NOTE, detail, "Set NAVIGATOR_OCR=true to read them.")
    install = "Install tesseract with its English data (Debian: tesseract-ocr-eng)"
    if settings.ocr:
        detail = "NAVIGATOR_OCR is on, but tesseract's English data is not installed."
        return Finding(part, Verdict.PROBLEM, detail, f"{install}, or unset NAVIGATOR_OCR.")
    detail = "tesseract is not installed: scanned pages fail"
    return Finding(part, Verdict.NOTE, detail, f"{install} and set NAVIGATOR_OCR=true.")


async def quality_gate(settings: Settings, stack: AsyncExitStack) -> Finding:
    """Great Expectations loads."""
    from checks.gate import warm_up

    await asyncio.to_thread(warm_up)
    return Finding(
        "Quality gate", Verdict.OK, f"Great Expectations {version('great_expectations')}"
    )


async def prefect(settings: Settings, stack: AsyncExitStack) -> Finding:
    """The server that is named answers, or one of ours could be started."""
    from app.prefect.access import require
    from app.prefect.server import join_prefect

    ours = f"Prefect {version('prefect')}"
    if url := join_prefect(settings.home, settings.prefect_auth_file):
        await asyncio.to_thread(require, url)
        return Finding("Prefect", Verdict.OK, f"{ours}; the server of PREFECT_API_URL answers")
    if settings.work_pool is not None:
        raise ConfigurationError(
            "NAVIGATOR_WORK_POOL needs a Prefect server that its workers can reach.",
            remedy="Set PREFECT_API_URL, or unset NAVIGATOR_WORK_POOL.",
        )
    await asyncio.to_thread(_try_our_server)
    return Finding("Prefect", Verdict.OK, f"{ours}; a local server is started for each run")


async def maintenance(settings: Settings, stack: AsyncExitStack) -> Finding:
    """What the last look at everything left to a person."""
    from app.terminal.maintenance import last_look
    from stages.services import open_database

    database = await open_database(settings, stack, patience_seconds=_PATIENCE_SECONDS)
    async with database.service() as connection:
        line, person = await last_look(connection)
    if person:
        return Finding("Maintenance", Verdict.PROBLEM, line, "See `navigator reconcile`.")
    return Finding("Maintenance", Verdict.OK, line)


async def report_signing(settings: Settings, stack: AsyncExitStack) -> Finding:
    """The key that signs reports, tried on the newest of them."""
    from stages.report_readiness import report_readiness
    from stages.services import open_database

    database = await open_database(settings, stack, patience_seconds=_PATIENCE_SECONDS)
    return Finding("Report key", Verdict.OK, await report_readiness(settings, database))


def _try_our_server() -> None:
    """Whether our server could be started: its program is there, and a local port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
    if not Path(sys.executable).exists():
        raise ConfigurationError("The Python interpreter has moved.", remedy="Run `make setup`.")
