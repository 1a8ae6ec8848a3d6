"""The receiver of webhooks, and the parsing that it wakes, with the mock server's own webhooks."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from clients.llamaparse.client import LlamaParseClient
from mocks import LlamaParseMock
from mocks.webhooks import Event, signature
from pipeline import webhooks
from pipeline.identity import user_id
from pipeline.settings import Settings, load_settings
from stages.services import open_services
from tests.app.api.calling import is_problem, text
from tests.app.api.database import rows_of
from tests.app.api.serving import RunningApi, serving
from tests.flows.corpus import query, states
from tests.ingesting import ingest

SECRET, OLD_SECRET = "whsec-of-these-tests", "whsec-the-one-before"
SLOW_CONNECTIONS = int(os.environ.get("NAVIGATOR_TEST_SLOW_CONNECTIONS", "500"))
WEBHOOKS_BESIDE = int(os.environ.get("NAVIGATOR_TEST_WEBHOOKS", "200"))


@pytest.fixture(scope="module")
def api_settings(api_settings: Settings) -> Settings:
    """With the receiver's secrets."""
    return api_settings.model_copy(
        update={
            "llama_cloud_webhook_secret": SecretStr(SECRET),
            "llama_cloud_webhook_previous_secret": SecretStr(OLD_SECRET),
        }
    )


@pytest.fixture
def service(api: RunningApi) -> Iterator[httpx.Client]:
    """LlamaCloud's side: it has no token."""
    with api.client(None) as client:
        yield client


def send(
    client: httpx.Client, event: Event, secret: str | None = SECRET, *, body: bytes | None = None
) -> httpx.Response:
    """Deliver an event, signed unless there is no secret; the body may be another."""
    signed = event.body("string")
    headers = {"Content-Type": "application/json"}
    if secret is not None:
        headers["LC-Signature"] = signature(secret, signed)
    sent = signed if body is None else body
    return client.post("/webhooks/llamaparse", content=sent, headers=headers)


def kept(api: RunningApi, event: Event) -> list[str]:
    """What is written down of an event."""

    async def read() -> list[dict[str, Any]]:
        found = await query(
            api.parts.services,
            "SELECT event_id::text, outcome FROM upload_pipeline.webhook_events",
        )
        return [dict(row) for row in found]

    return [row["outcome"] for row in api.run(read()) if row["event_id"] == event.event_id]


def test_a_job_that_nobody_knows_is_answered_like_any(
    api: RunningApi, service: httpx.Client
) -> None:
    """204 and a line in the ledger; the same event a hundred times is one."""
    event = Event("parse.success", "pjb-of-nobody")
    assert {send(service, event).status_code for _ in range(100)} == {204}
    assert kept(api, event) == ["unknown"]
    assert rows_of(api, "webhook_events", user_id("anna")) == []


def test_the_same_event_at_once_counts_once(api: RunningApi) -> None:
    """Copies that come together have one effect."""
    event = Event("parse.success", "pjb-at-once")
    with ThreadPoolExecutor(16) as pool, api.client(None) as client:
        answers = list(pool.map(lambda _: send(client, event).status_code, range(64)))
    assert set(answers) == {204}
    assert kept(api, event) == ["unknown"]


def test_the_secret_before_is_still_taken(api: RunningApi, service: httpx.Client) -> None:
    """Jobs that were submitted before the secret changed can still be heard of."""
    event = Event("parse.success", "pjb-rotated")
    assert send(service, event, OLD_SECRET).status_code == 204
    assert kept(api, event) == ["unknown"]


def test_forged_altered_and_unsigned_are_401(api: RunningApi, service: httpx.Client) -> None:
    """They are refused alike, and leave nothing behind."""
    event = Event("parse.success", "pjb-forged")
    altered = Event("parse.success", "pjb-altered", event.event_id)
    for answer in (
        send(service, event, "whsec-of-somebody-else"),
        send(service, event, None),
        send(service, event, body=altered.body("string")),
    ):
        is_problem(answer, 401, "webhook_forged")
    assert kept(api, event) == []


def test_stale_is_401_and_malformed_is_400(api: RunningApi, service: httpx.Client) -> None:
    """An old event sent again is refused whoever signed it; a signed riddle is no event."""
    stale = Event("parse.success", "pjb-stale").aged(3600)
    is_problem(send(service, stale), 401, "webhook_stale")
    assert kept(api, stale) == []
    body = json.dumps({"event_id": "1"}).encode()
    headers = {"LC-Signature": signature(SECRET, body)}
    answer = service.post("/webhooks/llamaparse", content=body, headers=headers)
    is_problem(answer, 400, "webhook_malformed")


def test_a_large_body_is_refused_before_it_is_read(api: RunningApi, service: httpx.Client) -> None:
    """By its length when that is told, else when it has become too long."""
    large = b"x" * (webhooks.MAX_BYTES + 1)
    is_problem(service.post("/webhooks/llamaparse", content=large), 413)
    answer = service.post("/webhooks/llamaparse", content=iter([large[:-2], large[:9]]))
    is_problem(answer, 413)


def test_without_a_secret_there_is_no_receiver(api_settings: Settings, tmp_path: Path) -> None:
    """An unset secret accepts nothing, least of all what is signed with an empty one."""
    settings = api_settings.model_copy(
        update={
            "home": tmp_path,
            "llama_cloud_webhook_secret": None,
            "llama_cloud_webhook_previous_secret": None,
        }
    )
    with serving(settings) as running, running.client(None) as client:
        is_problem(send(client, Event("parse.success", "pjb"), ""), 404)


@pytest.fixture(scope="module")
def llamaparse() -> Iterator[LlamaParseMock]:
    """A mock server whose jobs take a while."""
    with LlamaParseMock(job_seconds=0.4) as mock:
        yield mock


async def _ingest(
    api: RunningApi, mock: LlamaParseMock, folder: Path, poll_seconds: float
) -> dict[str, str]:
    """Ingest a folder by LlamaParse; how its documents ended."""
    settings = load_settings(
        **api.settings.model_dump(exclude_unset=True),
        parser="llamaparse",
        llama_cloud_api_key="llx-test",
        llama_cloud_base_url=mock.base_url,
        embedder="wordllama",
        public_url=api.url,
    )
    async with open_services(settings) as services:
        client = LlamaParseClient(
            SecretStr("llx-test"), base_url=mock.base_url, poll_seconds=poll_seconds,
            poll_most_seconds=poll_seconds, timeout=30, deadline_seconds=3600,
            webhook=webhooks.configuration(api.url, SECRET),
        )  # fmt: skip
        try:
            await ingest(replace(services, remote_parser=client), [folder], user_id("parsing"))
        finally:
            await client.close()
        return await states(services)


def test_a_webhook_wakes_the_parsing_at_once(
    api: RunningApi, llamaparse: LlamaParseMock, tmp_path: Path
) -> None:
    """Asked by itself only once an hour, the job's end is heard of by its webhook."""
    llamaparse.reset()
    (tmp_path / "woken.md").write_text(text("woken"))
    found = asyncio.run(_ingest(api, llamaparse, tmp_path, poll_seconds=3600))
    assert found["woken.md"] == "complete"
    outcomes = [row["outcome"] for row in rows_of(api, "webhook_events", user_id("parsing"))]
    assert "woken" in outcomes


@pytest.mark.parametrize(
    "fault",
    ["lost", "duplicate", {"kind": "late", "seconds": 1}, "early", "reordered", "forged",
     "unsigned", "altered", "stale"],
    ids=str,
)  # fmt: skip
def test_whatever_befalls_an_event_the_document_is_published(
    api: RunningApi, llamaparse: LlamaParseMock, tmp_path: Path, fault: Any
) -> None:
    """Polling is the truth: lost, early, late, false or repeated events change nothing."""
    llamaparse.reset()
    httpx.post(
        f"{llamaparse.base_url}/__mock/faults", json=[{"service": "webhooks", "fault": fault}]
    ).raise_for_status()
    subject = str(uuid4())
    (tmp_path / f"{subject}.md").write_text(text(subject))
    found = asyncio.run(_ingest(api, llamaparse, tmp_path, poll_seconds=0.5))
    assert found[f"{subject}.md"] == "complete"
    stats = llamaparse.stats()
    assert stats["jobs"] == 1
    assert sum(stats["webhooks"]["faults"].values()) == 1


def test_slow_connections_hold_up_no_webhook(api: RunningApi, service: httpx.Client) -> None:
    """Hundreds of connections that drip their request: events are still taken at once."""
    address = ("127.0.0.1", httpx.URL(api.url).port or 0)
    path = httpx.URL(f"{service.base_url}webhooks/llamaparse").path
    alone = _median_seconds(service, "alone", lambda _: None)
    with ExitStack() as stack:
        slow = []
        for number in range(SLOW_CONNECTIONS):
            each = stack.enter_context(socket.create_connection(address, timeout=10))
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\n"
            # Half of them have sent their head and drip the body.
            body = f"Content-Length: {30 + number}\r\n\r\n" if number % 2 else ""
            each.sendall((head + body).encode())
            slow.append(each)

        def drip(number: int) -> None:
            with suppress(ConnectionError):  # one whose time is over
                slow[number % len(slow)].sendall(b"x")

        beside = _median_seconds(service, "beside", drip)
    # One that had to wait for a slow connection would wait for that one's end.
    assert beside < 20 * alone


def _median_seconds(service: httpx.Client, name: str, before: Callable[[int], None]) -> float:
    """How long a webhook takes to be answered."""
    times = []
    for number in range(WEBHOOKS_BESIDE):
        before(number)
        began = time.monotonic()
        answer = send(service, Event("parse.success", f"pjb-{name}-{number}"))
        times.append(time.monotonic() - began)
        assert answer.status_code == 204
    return statistics.median(times)
