"""Diagnoses each protection: whether it is in force, and how to enable it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import psutil

from app.doctor.api_protections import api_limits
from app.doctor.configuration import code
from app.doctor.diagnosis import Finding, Verdict
from app.doctor.parser_sandbox import check_parser_sandbox
from app.doctor.permissions import openings
from app.doctor.prefect_protections import ingest_folders, prefect_server
from app.doctor.tenant_protections import tenants
from app.doctor.transport_protections import connections, encryption_at_rest
from pipeline.private_files import account, objection, remedy
from pipeline.settings import Settings

Protection = Callable[[Settings, AsyncExitStack], Awaitable[Finding]]
_NAMED = 3


def protections() -> Sequence[tuple[str, Protection]]:
    """Each protection by the name of its line; one that a part adds is one line here."""
    return (
        ("Code", code),
        ("Home folder access", home_folder),
        ("File modes", file_modes),
        ("Postgres account", postgres_account),
        ("Database login", database_login),
        ("Prefect server", prefect_server),
        ("Folders of runs", ingest_folders),
        ("Parser sandbox", check_parser_sandbox),
        ("API", api_limits),
        ("Users", tenants),
        ("Connections", connections),
        ("Encryption at rest", encryption_at_rest),
    )


async def home_folder(settings: Settings, stack: AsyncExitStack) -> Finding:
    """Nobody else may write in the home folder, nor replace it."""
    part, home = "Home folder access", settings.home.resolve()
    if not home.exists():
        return Finding(part, Verdict.NOTE, f"{home} is not made yet")
    if (reason := objection(found := home.stat())) is not None:
        return Finding(part, Verdict.PROBLEM, f"{home} {reason}", remedy(found))
    for folder in home.parents:
        above = folder.stat()
        # In a sticky folder, such as /tmp, nobody replaces what is another's.
        if above.st_mode & 0o002 and not above.st_mode & 0o1000:
            detail = f"everybody may write in {folder}, and so replace what is in it"
            return Finding(part, Verdict.PROBLEM, detail, f"`chmod o-w {folder}`, or move it.")
    return Finding(part, Verdict.OK, "nobody else can write in it or replace it")


async def file_modes(settings: Settings, stack: AsyncExitStack) -> Finding:
    """Everything in the home folder is its owner's alone."""
    part = "File modes"
    if not settings.home.exists():
        return Finding(part, Verdict.OK, "new files are their owner's alone")
    found = await asyncio.to_thread(openings, settings.home)
    if not found:
        return Finding(part, Verdict.OK, "everything in the home folder is its owner's alone")
    detail = f"{len(found):,} open wider than to the owner: {', '.join(map(str, found[:_NAMED]))}"
    detail += ", …" if len(found) > _NAMED else ""
    return Finding(part, Verdict.PROBLEM, detail, "`navigator doctor --fix` closes them.")


async def postgres_account(settings: Settings, stack: AsyncExitStack) -> Finding:
    """The embedded Postgres runs as an account without rights of its own."""
    from pipeline.store.embedded_tools import postmaster

    part = "Postgres account"
    if settings.database_url is not None or settings.database_block is not None:
        return Finding(part, Verdict.OK, "yours: another machine's or service's to say")
    if (process := await asyncio.to_thread(postmaster, settings.home / "postgres")) is None:
        return Finding(part, Verdict.NOTE, "the embedded Postgres does not run")
    uid, groups = process.uids().real, _groups(process)
    detail = f"the embedded Postgres runs as {account(uid)}, in no further group"
    if uid == 0 or groups:
        detail = f"the embedded Postgres runs as {account(uid)}, in the groups {groups}"
    verdict = Verdict.PROBLEM if uid == 0 else Verdict.NOTE if groups else Verdict.OK
    return Finding(part, verdict, f"{detail}; only this account's processes connect to it")


def _groups(process: psutil.Process) -> list[int]:
    """Groups of a process beside its first, when it is not simply this person's."""
    if process.uids().real == psutil.Process().uids().real:
        return []
    lines = Path(f"/proc/{process.pid}/status").read_text("ascii").splitlines()
    named = next((line.split()[1:] for line in lines if line.startswith("Groups:")), [])
    return [int(each) for each in named if int(each) != process.gids().real]


async def database_login(settings: Settings, stack: AsyncExitStack) -> Finding:
    """The pipeline's login is bound by row-level security."""
    from pipeline.retry_policy import LOOKING_SECONDS
    from pipeline.store.health import rights
    from stages.services import open_database

    part = "Database login"
    opened = await open_database(settings, stack, patience_seconds=LOOKING_SECONDS)
    async with opened.login() as connection:
        held = await rights(connection)
    if held.unbound:
        what = " and ".join(held.unbound)
        detail = f"the pipeline's login {held.login} {what}: row-level security does not bind it"
        advice = (
            "Give DATABASE_URL a plain login, and NAVIGATOR_DATABASE_OWNER_URL the one that owns "
            "the schema; it is used for migrations and new embedding spaces only."
        )
        return Finding(part, Verdict.NOTE, detail, advice)
    apart = "readers" if opened.readers_apart else ""
    apart += " and " * bool(apart and opened.owner_apart) + "migrations" * opened.owner_apart
    detail = f"{held.login} is no superuser and is bound by row-level security"
    detail += f"; {apart} have logins of their own" if apart else ""
    return Finding(part, Verdict.OK, detail)
