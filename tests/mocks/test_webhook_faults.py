"""What a fault script does to webhooks on their way: the mishaps that a receiver must survive."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import httpx
import pytest

from mocks import LlamaParseMock
from tests.contracts.receiving import Received, Receiver

pytestmark = pytest.mark.no_ledger("the mock server is asked by itself")

SECRET = "whsec-faults"
ENDS = ["parse.success", "parse.error"]


@cache
def service() -> httpx.Client:
    """One client for all: reading the certificates anew takes longer than a job."""
    return httpx.Client(headers={"authorization": "Bearer llx-test"}, trust_env=False)


@pytest.fixture(scope="module", autouse=True)
def closing() -> Iterator[None]:
    """The client is closed with the last test."""
    yield
    service().close()
    service.cache_clear()


@pytest.fixture(scope="module")
def running_parse() -> Iterator[LlamaParseMock]:
    with LlamaParseMock(job_seconds=0.1, time_scale=1.0) as mock:
        yield mock


@pytest.fixture
def parse_mock(running_parse: LlamaParseMock) -> LlamaParseMock:
    running_parse.reset()
    return running_parse


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def start(mock: LlamaParseMock, receiver: Receiver, *events: str, name: str = "a.md") -> str:
    hook: dict[str, Any] = {"webhook_url": receiver.url, "webhook_signing_secret": SECRET}
    if events:
        hook["webhook_events"] = list(events)
    url = f"{mock.base_url}/api/v1/beta/files"
    file = service().post(url, files={"file": (name, b"text")}).json()
    asked = {
        "tier": "fast", "version": "latest", "file_id": file["id"], "webhook_configurations": [hook]
    }  # fmt: skip
    answer = service().post(f"{mock.base_url}/api/v2/parse", json=asked)
    return str(answer.json()["id"])


def status(mock: LlamaParseMock, job_id: str) -> str:
    answer = service().get(f"{mock.base_url}/api/v2/parse/{job_id}").json()
    return str(answer["job"]["status"])


def until(condition: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _told(mock: LlamaParseMock) -> int:
    """Events that have arrived, or that never will."""
    counted = mock.stats()["webhooks"]
    return int(counted["delivered"] + counted["faults"].get("lost", 0))


def signed(delivery: Received) -> bool:
    digest = hmac.new(SECRET.encode(), delivery.body, hashlib.sha256).hexdigest()
    return delivery.headers.get("lc-signature") == f"sha256={digest}"


def webhooks(fault: object, **rule: Any) -> dict[str, Any]:
    return {"service": "webhooks", "fault": fault, **rule}


def test_lost(parse_mock: LlamaParseMock, receiver: Receiver) -> None:
    """A lost event never comes, and is counted; the job ends all the same."""
    parse_mock.faults(webhooks("lost", match={"event": "parse.success"}))
    job_id = start(parse_mock, receiver)
    receiver.wait_for(2)
    until(lambda: status(parse_mock, job_id) == "COMPLETED")
    time.sleep(0.2)
    assert receiver.kinds() == ["parse.pending", "parse.running"]
    counted = parse_mock.stats()["webhooks"]
    assert (counted["faults"], counted["attempts"]) == ({"lost": 1}, 2)
    assert counted["events"]["parse.success"] == 1


def test_duplicate(parse_mock: LlamaParseMock, receiver: Receiver) -> None:
    """The same event, byte for byte and with the same id, comes as often as asked."""
    parse_mock.faults(webhooks({"kind": "duplicate", "copies": 20}))
    start(parse_mock, receiver, *ENDS)
    deliveries = receiver.wait_for(20)
    assert len({each.body for each in deliveries}) == 1
    assert all(map(signed, deliveries))


def test_late(parse_mock: LlamaParseMock, receiver: Receiver) -> None:
    """A late event comes that much later, with the time at which it was made."""
    parse_mock.faults(webhooks({"kind": "late", "seconds": 0.4}))
    started = time.monotonic()
    start(parse_mock, receiver, *ENDS)
    delivery = receiver.wait_for(1)[0]
    assert delivery.at - started >= 0.5
    assert time.time() - delivery.event["timestamp"] >= 0.35


def test_early(receiver: Receiver) -> None:
    """An early success comes before the job is done: reading the job again tells the truth."""
    early = webhooks("early", match={"event": "parse.success"})
    with LlamaParseMock(job_seconds=4, faults=[early]) as mock:
        job_id = start(mock, receiver)
        receiver.wait_for(1)
        assert status(mock, job_id) in ("PENDING", "RUNNING")
        receiver.wait_for(3)
    assert receiver.kinds() == ["parse.success", "parse.pending", "parse.running"]


def test_reordered(parse_mock: LlamaParseMock, receiver: Receiver) -> None:
    """A reordered event comes after the one that follows it."""
    parse_mock.faults(webhooks("reordered", match={"event": "parse.running"}))
    start(parse_mock, receiver)
    receiver.wait_for(3)
    assert receiver.kinds() == ["parse.pending", "parse.success", "parse.running"]


@pytest.mark.parametrize("kind", ["forged", "unsigned", "altered"])
def test_not_authentic(parse_mock: LlamaParseMock, receiver: Receiver, kind: str) -> None:
    """A wrong secret, no signature, or a body that was changed: none of them verifies."""
    parse_mock.faults(webhooks(kind))
    job_id = start(parse_mock, receiver, *ENDS)
    delivery = receiver.wait_for(1)[0]
    assert not signed(delivery)
    assert ("lc-signature" in delivery.headers) == (kind != "unsigned")
    assert (delivery.event["data"]["job_id"] == job_id) == (kind != "altered")


def test_stale(parse_mock: LlamaParseMock, receiver: Receiver) -> None:
    """A stale event is signed rightly; only its signed timestamp betrays it."""
    parse_mock.faults(webhooks({"kind": "stale", "seconds": 900}))
    start(parse_mock, receiver, *ENDS)
    delivery = receiver.wait_for(1)[0]
    assert signed(delivery)
    assert 895 < time.time() - delivery.event["timestamp"] < 900 + 60


def test_a_seed_loses_the_same_events(parse_mock: LlamaParseMock, receiver: Receiver) -> None:
    """The same seed loses the events of the same jobs, in the order they were made."""
    lost: list[set[str]] = []
    for _ in range(2):
        parse_mock.reset()
        parse_mock.faults(webhooks("lost", rate=0.5, seed=11))
        jobs = [start(parse_mock, receiver, "parse.pending") for _ in range(12)]
        until(lambda: _told(parse_mock) == 12)
        came = {each.event["data"]["job_id"] for each in receiver.received}
        lost.append({str(n) for n, job_id in enumerate(jobs) if job_id not in came})
        assert parse_mock.stats()["webhooks"]["faults"]["lost"] == len(lost[-1])
    assert lost[0] == lost[1]
    assert 0 < len(lost[0]) < 12


def test_a_rule_may_name_the_file(parse_mock: LlamaParseMock, receiver: Receiver) -> None:
    """`contains` looks at the name of the job's file, so one document can be singled out."""
    parse_mock.faults(webhooks("lost", match={"contains": "unlucky"}))
    start(parse_mock, receiver, *ENDS, name="unlucky.md")
    lucky = start(parse_mock, receiver, *ENDS, name="lucky.md")
    assert [each.event["data"]["job_id"] for each in receiver.wait_for(1)] == [lucky]
    time.sleep(0.2)
    assert len(receiver.received) == 1


def test_a_reset_ends_deliveries(parse_mock: LlamaParseMock, receiver: Receiver) -> None:
    """After a reset no event of an older job comes any more."""
    parse_mock.faults(webhooks({"kind": "late", "seconds": 0.2}))
    start(parse_mock, receiver, *ENDS)
    parse_mock.reset()
    time.sleep(0.5)
    assert receiver.received == []
