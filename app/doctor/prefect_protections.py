"""Diagnoses the protections of Prefect: its server, and what its runs may read."""

from __future__ import annotations

import asyncio
import os
import stat
from contextlib import AsyncExitStack
from pathlib import Path

import httpx

from app.doctor.diagnosis import Finding, Verdict
from app.prefect.access import address_of_stack, auth_file
from pipeline.errors import UsageError
from pipeline.roots import named_roots
from pipeline.settings import Settings

_SECONDS = 20.0


async def prefect_server(settings: Settings, stack: AsyncExitStack) -> Finding:
    """The server of Prefect answers nobody without its password."""
    part, home = "Prefect server", settings.home.absolute()
    ours = address_of_stack(home)
    url = os.environ.get("PREFECT_API_URL") or ours
    secret = auth_file(home / "prefect")
    if (mode := await asyncio.to_thread(_mode, secret)) & 0o077:
        detail = f"others may read the password in {secret} (mode {mode:04o})"
        return Finding(part, Verdict.PROBLEM, detail, f"Remove {secret} and start again.")
    if url is None:
        return Finding(part, Verdict.OK, "the one we start asks for the password of this home")
    if not await _is_open(url.rstrip("/")):
        return Finding(part, Verdict.OK, "it asks for a password")
    if url.rstrip("/") == ours:
        detail = "it answers without its password"
        return Finding(part, Verdict.PROBLEM, detail, "`navigator down`, then `navigator up`.")
    detail = "that of PREFECT_API_URL answers without a password: who reaches it is an operator"
    remedy = "Set PREFECT_SERVER_API_AUTH_STRING for it, and PREFECT_API_AUTH_STRING here."
    return Finding(part, Verdict.NOTE, detail, remedy)


def _mode(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


async def _is_open(url: str) -> bool:
    """Whether a stranger is told what only an operator may know."""
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as stranger:
            return (await stranger.get(f"{url}/admin/version")).is_success
    except (httpx.HTTPError, httpx.InvalidURL):
        return False


async def ingest_folders(settings: Settings, stack: AsyncExitStack) -> Finding:
    """Runs that a worker picks up read the folders that were named for them."""
    part = "Folders of runs"
    try:
        roots = await asyncio.to_thread(named_roots, settings.ingest_roots)
    except UsageError as error:
        return Finding(part, Verdict.PROBLEM, error.message, error.remedy)
    if not roots:
        return Finding(part, Verdict.OK, "runs of a worker take no files in by their paths")
    home = settings.home.absolute()
    if around := [root for root in roots if home.is_relative_to(root)]:
        detail = f"{around[0]} is named for runs, and the home folder with its secrets is in it"
        return Finding(part, Verdict.PROBLEM, detail, "Name a folder of documents alone.")
    return Finding(part, Verdict.OK, f"runs of a worker read {', '.join(map(str, roots))} only")
