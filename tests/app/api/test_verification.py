"""The HTTP API is verified as users reach it, by a canary that leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.states import Completed

from deployments.verification import api_canary
from deployments.verification.api_canary import ApiAnswers, judge_api, through_api
from deployments.verification.baseline import CanaryDocument
from deployments.verification.findings import Outcome
from pipeline.errors import ConfigurationError, ServiceUnavailable
from pipeline.identity import API_CANARIES, named_user
from pipeline.store.smoke_test import AUDIT, stored_rows
from tests.app.api.serving import RunningApi
from tests.prefect_server import PrefectServer

CANARY, STRANGER = map(named_user, API_CANARIES)


@pytest.fixture(autouse=True)
def tokens(api: RunningApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made here: the command that makes them is of a process of its own."""
    from app.api.authentication import issue_token

    monkeypatch.setattr(
        api_canary, "_token", lambda user: issue_token(api.settings, user, service=False, hours=1)
    )


@contextmanager
def worker(api: RunningApi) -> Iterator[None]:
    """Takes the canary's jobs through the stages as they come."""
    ends = threading.Event()

    async def waiting() -> list[str]:
        async with api.parts.services.database.service() as connection:
            query = sa.text(
                "SELECT id FROM upload_jobs WHERE user_id = :user AND state = 'uploaded'"
            )
            return [
                str(job) for job in (await connection.execute(query, {"user": CANARY})).scalars()
            ]

    def work() -> None:
        while not ends.wait(0.2):
            if jobs := api.run(waiting()):
                api.work_off(*jobs)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join(60)


def sent(api: RunningApi, server: PrefectServer, seconds: float = 60) -> ApiAnswers:
    """The canary's way through the API."""

    async def through() -> ApiAnswers:
        async with get_client() as client:
            return await through_api(api.parts.services, client, api.url, seconds)

    with server.in_this_process():
        return api.run(through())


def left(api: RunningApi) -> dict[str, int]:
    """Rows of both users, but the audit's."""

    async def read() -> dict[str, int]:
        found: dict[str, int] = {}
        async with api.parts.services.database.service() as connection:
            for user in (CANARY, STRANGER):
                rows = await stored_rows(connection, user)
                found |= {name: n for name, n in rows.items() if n and name not in AUDIT}
        return found

    return api.run(read())


def test_a_canary_through_the_api(api: RunningApi, prefect_server: PrefectServer) -> None:
    """It is published, found by its user alone, and nothing of it is left."""
    with worker(api):
        found = sent(api, prefect_server)
    expected = CanaryDocument(
        state="complete", chunks=tuple((str(n), "x") for n in range(found.job["chunks"]))
    )
    outcomes = {each.name: each.outcome for each in judge_api(found, expected)}
    assert outcomes.pop("upload to publication") is Outcome.TOLD
    assert set(outcomes.values()) == {Outcome.OK}, outcomes
    assert left(api) == {}


def test_its_flow_runs_are_removed(
    api: RunningApi, prefect_server: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prefect keeps neither the upload's run nor that of a sweep; another document's stays."""
    published = api_canary._published
    named: list[str] = []

    @flow
    def nothing() -> None:
        """A flow to have runs of."""

    async def runs(own: Any, found: ApiAnswers, seconds: float) -> None:
        await published(own, found, seconds)
        short = found.job["id"][:8]
        named.extend((f"upload {short}", f"job {short}", f"job other-{short}"))
        async with get_client() as client:
            for name in named:
                await client.create_flow_run(nothing, name=name, state=Completed())

    monkeypatch.setattr(api_canary, "_published", runs)
    sent(api, prefect_server, seconds=0.1)

    async def left_there() -> list[str]:
        async with get_client() as client:
            return [run.name for run in await client.read_flow_runs() if run.name in named]

    with prefect_server.in_this_process():
        assert api.run(left_there()) == [named[-1]]


def test_a_document_that_is_not_worked_on_is_told(
    api: RunningApi, prefect_server: PrefectServer
) -> None:
    """Without a worker the upload fails, and what was uploaded is removed all the same."""
    found = sent(api, prefect_server, seconds=0.5)
    wrong = [each.name for each in judge_api(found, None) if each.outcome is Outcome.FAILED]
    assert wrong == ["upload", "search"]
    assert left(api) == {}


def test_an_api_that_fails_half_way_leaves_nothing(
    api: RunningApi, prefect_server: PrefectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What came of the upload is removed when the API answers no more, also to the erasure."""

    async def fails(*_: Any) -> None:
        raise ServiceUnavailable("The API does not answer.")

    monkeypatch.setattr(api_canary, "_looked_for", fails)
    monkeypatch.setattr(api_canary, "_erased", lambda _: asyncio.sleep(0))
    with pytest.raises(ServiceUnavailable):
        sent(api, prefect_server, seconds=0.1)
    assert left(api) == {}


async def test_a_token_goes_by_tls_alone(api: RunningApi) -> None:
    """Another machine's API is not reached without TLS."""
    with pytest.raises(ConfigurationError, match="TLS"):
        await through_api(api.parts.services, None, "http://api.example.com", 1)  # type: ignore[arg-type]
