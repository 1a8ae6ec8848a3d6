"""Sends a canary through the HTTP API, as a user does: what users reach is verified too.

A token is made for a user of its own, by the environment's own program; a document goes up, is
looked at, searched for and not found by another user. Both users are erased, whatever happened.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from deployments.prefect_answers import prefect_answers
from deployments.verification.baseline import CanaryDocument
from deployments.verification.canary_documents import QUESTIONS, canary_documents
from deployments.verification.findings import Finding, Outcome, failed, ok
from pipeline.child_processes import (
    NEUTRAL_FOLDER,
    child_environment,
    last_words,
    module_command,
)
from pipeline.errors import ConfigurationError, NavigatorError, ServiceUnavailable
from pipeline.identity import API_CANARIES, OPERATOR, named_user
from pipeline.store.smoke_test import AUDIT, stored_rows
from stages.erasing import erase
from stages.protected_connections import require_http
from stages.services import Services

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

PART = "api"
DOCUMENT = "policy.md"
"""The canary that goes through the API: it answers the first question."""
API_CORPUS = tuple(each for each in canary_documents() if each.name == DOCUMENT)

_TOKEN_HOURS = 0.25
_TOKEN_SECONDS = 60
_POLL_SECONDS = 0.25
_ANSWER_SECONDS = 20.0
_SETTLE_SECONDS = 20.0
_NO_REPORTS = Path("/nonexistent")
_USERS = tuple(map(named_user, API_CANARIES))
_LOOK = "Look into the logs of API and worker, and try `navigator check`."
_FINAL = frozenset({"COMPLETED", "FAILED", "CANCELLED", "CRASHED"})


@dataclass(slots=True)
class ApiAnswers:
    """What the API did with the canary.

    Attributes:
        job: as the API tells it at its end.
        first: whether the question's best passage is of the canary.
        stranger: passages that another user was given; sees_job: whether that user sees the job.
        left: tables that hold something of the users after they were erased.
    """

    job: dict[str, Any] = field(default_factory=dict)
    first: bool = False
    stranger: int = 0
    sees_job: bool = False
    left: tuple[str, ...] = ()
    seconds: float = 0.0


async def through_api(
    parts: Services, client: PrefectClient, url: str, seconds: float
) -> ApiAnswers:
    """Send the canary through the API at a URL; nothing is left of it, also after a failure.

    Args:
        client: of the environment's Prefect server, which would keep the document's run.
        seconds: that the document may take.

    Raises:
        ConfigurationError: users' tokens are an identity provider's, or would go without TLS.
        ServiceUnavailable: the API does not answer, or refuses.
    """
    require_http(parts.settings, url, "the API", "verification.api_url")
    found = ApiAnswers()
    await _clean(parts)  # what a killed verification left
    try:
        async with _opened(url, API_CANARIES[0]) as own, _opened(url, API_CANARIES[1]) as other:
            try:
                await _published(own, found, seconds)
                await _looked_for(own, other, found)
            finally:  # by the API, which knows whose the token is
                await _erased(own)
    finally:
        await _forget_run(client, found.job)
        found.left = tuple(await _left(parts))
        await _clean(parts)
    return found


@asynccontextmanager
async def _opened(url: str, user: str) -> AsyncIterator[httpx.AsyncClient]:
    token = await asyncio.to_thread(_token, user)
    async with httpx.AsyncClient(
        base_url=f"{url.rstrip('/')}/api/v1",
        headers={"Authorization": f"Bearer {token}"},
        timeout=_ANSWER_SECONDS,
    ) as client:
        yield client


def _token(user: str) -> str:
    """A token that ends by itself soon, made by this installation's own command."""
    command = module_command("app", "token", "--user", user, "--hours", str(_TOKEN_HOURS))
    done = subprocess.run(  # noqa: S603
        command, env=child_environment(os.environ), cwd=NEUTRAL_FOLDER, capture_output=True,
        text=True, timeout=_TOKEN_SECONDS, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise ConfigurationError(
            f"No token can be made for the canary: {last_words(done.returncode, done.stderr)}",
            code="no_canary_token",
            remedy="Where tokens come from an identity provider, unset verification.api_url.",
        )
    return done.stdout.strip()


async def _published(own: httpx.AsyncClient, found: ApiAnswers, seconds: float) -> None:
    [canary] = API_CORPUS
    began = time.monotonic()
    form = {"file": (DOCUMENT, canary.content, "text/markdown")}
    found.job = (await _ask(own, "POST", "/documents", files=form))["job"]
    while not found.job["ended"] and time.monotonic() - began < seconds:
        await asyncio.sleep(_POLL_SECONDS)
        found.job = await _ask(own, "GET", f"/jobs/{found.job['id']}")
    found.seconds = time.monotonic() - began


async def _looked_for(own: httpx.AsyncClient, other: httpx.AsyncClient, found: ApiAnswers) -> None:
    asked = {"question": QUESTIONS[0].text, "mode": QUESTIONS[0].mode}
    passages = (await _ask(own, "POST", "/search", json=asked))["passages"]
    found.first = bool(passages) and passages[0]["document_id"] == found.job["document_id"]
    found.stranger = len((await _ask(other, "POST", "/search", json=asked))["passages"])
    seen = await _request(other, "GET", f"/jobs/{found.job['id']}")
    found.sees_job = seen.status_code != httpx.codes.NOT_FOUND


async def _ask(client: httpx.AsyncClient, method: str, path: str, **rest: Any) -> Any:
    answer = await _request(client, method, path, **rest)
    if answer.is_success:
        return answer.json() if answer.content else None
    problem: dict[str, Any] = {}
    with suppress(ValueError):
        problem = answer.json()
    raise ServiceUnavailable(
        f"The API answers {method} {path.split('?')[0]} with {answer.status_code}: "
        f"{problem.get('detail') or problem.get('title') or 'no reason given'}",
        code="api_refuses",
        remedy=problem.get("remedy") or _LOOK,
    )


async def _request(
    client: httpx.AsyncClient, method: str, path: str, **rest: Any
) -> httpx.Response:
    try:
        return await client.request(method, path, **rest)
    except httpx.HTTPError as error:
        raise ServiceUnavailable(
            f"The API does not answer ({type(error).__name__}).",
            code="api_unavailable",
            remedy="Start it, or correct verification.api_url in the environment's file.",
        ) from None


# -- nothing is left -------------------------------------------------------------------------


async def _erased(own: httpx.AsyncClient) -> None:
    with suppress(NavigatorError):  # it is seen by what is left
        await _ask(own, "DELETE", "/users/me", params={"confirm": "erase"})


async def _clean(parts: Services) -> None:
    for user in _USERS:
        await erase(
            parts.database, parts.storage, parts.settings, user, OPERATOR, reports=_NO_REPORTS
        )


async def _left(parts: Services) -> set[str]:
    async with parts.database.service() as connection:
        rows = [await stored_rows(connection, user) for user in _USERS]
    return {name for each in rows for name, count in each.items() if count and name not in AUDIT}


async def _forget_run(client: PrefectClient, job: dict[str, Any]) -> None:
    """Remove the document's flow runs once they have ended: the upload's, and that of a sweep."""
    from prefect.client.schemas import filters

    if not job:
        return
    short = str(job["id"])[:8]
    named = filters.FlowRunFilterName(any_=[f"upload {short}", f"job {short}"])
    deadline = time.monotonic() + _SETTLE_SECONDS
    with suppress(NavigatorError), prefect_answers():
        while True:
            found = await client.read_flow_runs(flow_run_filter=filters.FlowRunFilter(name=named))
            ended = [each for each in found if each.state_type and each.state_type.value in _FINAL]
            for each in ended:
                await client.delete_flow_run(each.id)
            if len(ended) == len(found) or time.monotonic() > deadline:
                return
            await asyncio.sleep(_POLL_SECONDS)


# -- judging ---------------------------------------------------------------------------------


def judge_api(found: ApiAnswers, expected: CanaryDocument | None) -> Iterator[Finding]:
    """What is as it should be, and what is not.

    Args:
        expected: the same canary as the baseline has it.
    """
    yield _upload(found, expected)
    yield _judged("search", found.first, "the canary first", "something else", _LOOK)
    hidden = not found.stranger and not found.sees_job
    seen = f"{found.stranger} passages" + (", and its job" if found.sees_job else "")
    yield _judged(
        "another user", hidden, "nothing", seen, "Stop the API: it shows what is not theirs."
    )
    kept = ", ".join(found.left)
    yield _judged("nothing left", not found.left, "no row", f"rows in {kept}", _LOOK)
    yield Finding(PART, "upload to publication", Outcome.TOLD, found=f"{found.seconds:.1f} s")


def _upload(found: ApiAnswers, expected: CanaryDocument | None) -> Finding:
    job = found.job
    ended = f"{job['state']}, {job['chunks'] or 0} passages"
    wanted = "complete" if expected is None else expected.state
    chunks = job["chunks"] if expected is None else len(expected.chunks)
    if (job["state"], job["chunks"]) == (wanted, chunks):
        return ok(PART, "upload", ended)
    why = (job["error"] or {}).get("message", "")
    return failed(
        PART, "upload", f"{wanted}, {chunks or 0} passages", f"{ended} {why}".strip(), _LOOK
    )


def _judged(name: str, good: bool, expected: str, found: str, remedy: str) -> Finding:
    return ok(PART, name, expected) if good else failed(PART, name, expected, found, remedy)


def not_declared() -> Finding:
    """The environment does not say where its API is."""
    said = "verification.api_url is not set: what users reach was not tried"
    return Finding(PART, "all of it", Outcome.TOLD, found=said)
