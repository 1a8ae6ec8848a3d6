"""Smoke test (`navigator check`): one small document through everything, by the public ways in.

The check has a user of its own, whom it erases at the end, also after a failure.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from uuid import uuid4

import httpx

from app.stack.smoke_test_document import SmokeTest
from app.stack.status_file import api_of_stack, running_stack
from pipeline.errors import NavigatorError, ServiceUnavailable
from pipeline.identity import user_id
from pipeline.settings import Settings
from pipeline.store.smoke_test import AUDIT, gate_summary, remote_parses, stored_rows
from stages.report_readiness import report_readiness
from stages.services import open_database

SECONDS = 60.0
_POLL_SECONDS = 0.1
_WEBHOOK_SECONDS = 10.0
DEFAULT_URL = "http://127.0.0.1:8000"


@dataclass(slots=True)
class Step:
    """One thing that was tried.

    Attributes:
        seconds: how long it took.
        detail: what was found, or why it failed.
        remedy: what to do when it failed.
        outcome: ok, failed or skipped.
    """

    name: str
    outcome: str = "ok"
    seconds: float = 0.0
    detail: str = ""
    remedy: str = ""


async def check(settings: Settings, url: str | None, told: Callable[[Step], None]) -> list[Step]:
    """Try everything, one step after the other; the steps after a failed one are left out.

    Args:
        url: where the API is; None: that of the running stack, else its usual place.
        told: called with each step as it ends.
    """
    name = f"navigator-check-{uuid4().hex}"
    steps: list[Step] = []
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=20))
        client.base_url = httpx.URL(url or api_of_stack(settings.home.absolute()) or DEFAULT_URL)
        database = await open_database(settings, stack)
        smoke = SmokeTest(settings, client, database, user_id(name))
        stack.push_async_callback(_clean, smoke)
        trying = [
            ("health", lambda: _health(smoke)),
            ("token", lambda: _token(smoke, name)),
            ("upload", lambda: _upload(smoke)),
            ("publish", lambda: _publish(smoke)),
            ("webhook", lambda: _webhook(smoke)),
            ("search", lambda: _search(smoke)),
            ("quality", lambda: _quality(smoke)),
            ("delete", lambda: _delete(smoke)),
            ("nothing left", lambda: _nothing_left(smoke)),
            ("report key", lambda: report_readiness(settings, database)),
        ]
        for label, attempt in trying:
            failed = any(step.outcome == "failed" for step in steps)
            steps.append(Step(label, "skipped") if failed else await _timed(label, attempt))
            told(steps[-1])
    return steps


async def _timed(name: str, attempt: Callable[[], Awaitable[str]]) -> Step:
    step, began = Step(name), time.monotonic()
    try:
        async with asyncio.timeout(SECONDS):
            step.detail = await attempt()
        if step.detail.startswith(_NOT_HERE):
            step.outcome = "skipped"
    except NavigatorError as error:
        step.outcome, step.detail, step.remedy = "failed", error.message, error.remedy
    except TimeoutError:
        step.outcome, step.detail = "failed", f"It did not end within {SECONDS:.0f} s."
        step.remedy = "Look into the logs of worker and API, and `navigator doctor`."
    step.seconds = time.monotonic() - began
    return step


async def _health(smoke: SmokeTest) -> str:
    answer = await smoke.request("GET", "/health")
    parts = answer.json().get("parts", {})
    unwell = {name: part for name, part in parts.items() if part["status"] == "failing"}
    if unwell or not parts:
        said = "; ".join(f"{name}: {part['detail']}" for name, part in unwell.items())
        raise ServiceUnavailable(
            f"The API is not well: {said or answer.status_code}", remedy="Look into its log."
        )
    return ", ".join(f"{name} {part['status']}" for name, part in sorted(parts.items()))


async def _token(smoke: SmokeTest, name: str) -> str:
    from app.api.authentication import issue_token

    token = issue_token(smoke.settings, name, service=False, hours=0.1)
    smoke.client.headers["Authorization"] = f"Bearer {token}"
    await smoke.ask("GET", "/jobs")
    return "accepted by the API"


async def _upload(smoke: SmokeTest) -> str:
    file = ("trial.md", smoke.content, "text/markdown")
    accepted = await smoke.ask("POST", "/documents", files={"file": file})
    smoke.job = accepted["job"]
    return f"{len(smoke.content)} bytes accepted as {accepted['outcome']}"


async def _publish(smoke: SmokeTest) -> str:
    while not smoke.job["ended"]:
        await asyncio.sleep(_POLL_SECONDS)
        smoke.job = await smoke.ask("GET", f"/jobs/{smoke.job['id']}")
    if not smoke.job["published"]:
        error = smoke.job["error"] or {}
        raise NavigatorError(
            f"The document ended as {smoke.job['state']}: {error.get('message', '')}",
            remedy=error.get("remedy", ""),
        )
    return f"{smoke.job['chunks']} passages"


_NOT_HERE = "not used"


async def _webhook(smoke: SmokeTest) -> str:
    """Only where LlamaParse parsed and has a URL to call: then its call has to come."""
    async with smoke.database.service() as connection:
        if not await remote_parses(connection, smoke.user):
            return f"{_NOT_HERE}: the local parser read the document"
    if not _asks_for_webhooks(smoke.settings):
        return f"{_NOT_HERE}: no address to call and no secret are set"
    deadline = time.monotonic() + _WEBHOOK_SECONDS
    while not (await _rows(smoke)).get("webhook_events"):
        if time.monotonic() > deadline:
            raise ServiceUnavailable(
                f"LlamaParse's webhook has not come within {_WEBHOOK_SECONDS:.0f} s; the document "
                "was published because its parse was asked for as well.",
                remedy="Check that NAVIGATOR_PUBLIC_URL is an address that LlamaParse can reach.",
            )
        await asyncio.sleep(_POLL_SECONDS)
    return "came"


def _asks_for_webhooks(settings: Settings) -> bool:
    stack = running_stack(settings.home.absolute())
    if stack is not None and "mocks" in stack.services:
        return True  # `navigator up` sets both when it uses them
    return settings.public_url is not None and settings.llama_cloud_webhook_secret is not None


async def _search(smoke: SmokeTest) -> str:
    question = f"What is the deductible of the {smoke.word} endorsement?"
    found = await smoke.ask("POST", "/search", json={"question": question})
    best = found["passages"][0] if found["passages"] else None
    if best is None or smoke.word not in best["text"]:
        raise NavigatorError(
            "The published document is not found by its own words.",
            remedy="`navigator doctor` tries embedder and database.",
        )
    return f"found first of {len(found['passages'])} passages"


async def _quality(smoke: SmokeTest) -> str:
    async with smoke.database.service() as connection:
        seen = await gate_summary(connection, smoke.user)
    if not seen.evaluated or seen.failed:
        raise NavigatorError(
            f"The quality gate judged {seen.evaluated} values and refused {seen.failed}.",
            remedy="`navigator report` shows what it found.",
        )
    return f"{seen.suites} suites judged {seen.evaluated} values, all good"


async def _delete(smoke: SmokeTest) -> str:
    await smoke.ask("DELETE", f"/documents/{smoke.job['document_id']}")
    found = await smoke.ask("POST", "/search", json={"question": smoke.word})
    if found["passages"]:
        raise NavigatorError("The deleted document is still found.")
    erased = await smoke.ask("DELETE", "/users/me", params={"confirm": "erase"})
    return f"and its user with {erased['objects']} stored files"


async def _nothing_left(smoke: SmokeTest) -> str:
    left = {name: count for name, count in (await _rows(smoke)).items() if count}
    if kept := {name for name in left if name not in AUDIT}:
        raise NavigatorError(f"Rows are left in {', '.join(sorted(kept))}.")
    return "but the audit's bare facts"


async def _rows(smoke: SmokeTest) -> dict[str, int]:
    async with smoke.database.service() as connection:
        return await stored_rows(connection, smoke.user)


async def _clean(smoke: SmokeTest) -> None:
    """Erase the user once more, whatever happened; the API may be what has failed."""
    with suppress(NavigatorError):
        if "Authorization" in smoke.client.headers:
            await smoke.ask("DELETE", "/users/me", params={"confirm": "erase"})
