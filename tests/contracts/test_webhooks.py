"""Webhooks as LlamaCloud sends them: events, both encodings, headers, signature, delivery."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from itertools import pairwise
from typing import Any

import httpx
import llama_cloud
import pytest
from llama_cloud import LlamaCloud

from mocks import LlamaParseMock
from tests.contracts.receiving import Received, Receiver

pytestmark = pytest.mark.no_ledger("the vendor's client asks, not ours")

SECRET = "whsec-contract"
TEXT = b"# Deductible\n\nThe annual deductible is $500."


def start(client: LlamaCloud, receiver: Receiver, **configuration: Any) -> str:
    """A job of which the receiver hears; its id."""
    file = client.files.create(file=("policy.md", TEXT), purpose="parse")
    hook: Any = {"webhook_url": receiver.url, "webhook_signing_secret": SECRET, **configuration}
    job = client.parsing.create(
        tier="agentic", version="latest", file_id=file.id, webhook_configurations=[hook]
    )
    return job.id


def signed(delivery: Received, secret: str = SECRET) -> bool:
    digest = hmac.new(secret.encode(), delivery.body, hashlib.sha256).hexdigest()
    return delivery.headers.get("lc-signature") == f"sha256={digest}"


def test_a_job_tells_its_course(
    parse_mock: LlamaParseMock, stood_in: LlamaCloud, receiver: Receiver
) -> None:
    """Pending, running, success, each with an id of its own, the job's id and the time."""
    job_id = start(stood_in, receiver)
    events = [each.event for each in receiver.wait_for(3)]
    assert [e["event_type"] for e in events] == ["parse.pending", "parse.running", "parse.success"]
    assert {e["data"]["job_id"] for e in events} == {job_id}
    assert len({e["event_id"] for e in events}) == 3
    assert all(abs(e["timestamp"] - time.time()) < 5 for e in events)
    assert stood_in.parsing.get(job_id).job.status == "COMPLETED"
    counted = parse_mock.stats()["webhooks"]
    assert (counted["delivered"], counted["attempts"], counted["given_up"]) == (3, 3, 0)
    assert counted["events"] == {"parse.pending": 1, "parse.running": 1, "parse.success": 1}


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "job_error", "code": "TIMEOUT"}, "parse.error"),
        ("page_error", "parse.partial_success"),
        ("cancelled", "parse.cancelled"),
    ],
    ids=str,
)
def test_every_end_has_its_event(
    parse_mock: LlamaParseMock,
    stood_in: LlamaCloud,
    receiver: Receiver,
    fault: object,
    expected: str,
) -> None:
    """A failed, a partly failed and a cancelled job each say so."""
    parse_mock.faults({"fault": fault, "match": {"path": "/api/v2/parse"}})
    start(stood_in, receiver)
    receiver.wait_for(3)
    assert receiver.kinds() == ["parse.pending", "parse.running", expected]


def test_cancelling_is_told(receiver: Receiver) -> None:
    """A job that its owner cancels ends with that event and no other."""
    with (
        LlamaParseMock(job_seconds=60) as mock,
        LlamaCloud(api_key="llx-test", base_url=mock.base_url) as client,
    ):
        client.parsing.cancel(start(client, receiver))
        receiver.wait_for(2)
        time.sleep(0.15)
    assert receiver.kinds() == ["parse.pending", "parse.cancelled"]


def test_only_what_was_subscribed_comes(stood_in: LlamaCloud, receiver: Receiver) -> None:
    """`webhook_events` chooses."""
    start(stood_in, receiver, webhook_events=["parse.success", "parse.error"])
    receiver.wait_for(1)
    time.sleep(0.1)
    assert receiver.kinds() == ["parse.success"]


@pytest.mark.parametrize(("output_format", "outer"), [(None, str), ("string", str), ("json", dict)])
def test_both_encodings(
    stood_in: LlamaCloud, receiver: Receiver, output_format: str | None, outer: type
) -> None:
    """`string`, the default, is JSON encoded twice; `json` once. The signature is of the bytes."""
    start(stood_in, receiver, webhook_output_format=output_format)
    delivery = receiver.wait_for(1)[0]
    assert isinstance(json.loads(delivery.body), outer)
    assert set(delivery.event) == {"event_id", "event_type", "timestamp", "data"}
    assert signed(delivery)


def test_headers_and_signature(stood_in: LlamaCloud, receiver: Receiver) -> None:
    """Agent, event id and type, the caller's own headers, and HMAC-SHA256 over the raw body."""
    start(stood_in, receiver, webhook_headers={"X-Tenant": "acme"})
    delivery = receiver.wait_for(1)[0]
    headers = delivery.headers
    assert headers["user-agent"] == "llamaindex-webhook-service/1.0"
    assert headers["x-webhook-event-id"] == delivery.event["event_id"]
    assert headers["x-webhook-event-type"] == delivery.kind == "parse.pending"
    assert headers["x-tenant"] == "acme"
    assert re.fullmatch(r"sha256=[0-9a-f]{64}", headers["lc-signature"])
    assert signed(delivery)
    assert not signed(delivery, "another secret")


def test_without_a_secret_there_is_no_signature(stood_in: LlamaCloud, receiver: Receiver) -> None:
    """Who gives no secret gets no LC-Signature."""
    start(stood_in, receiver, webhook_signing_secret=None)
    assert "lc-signature" not in receiver.wait_for(1)[0].headers


def test_saved_configurations(stood_in: LlamaCloud, receiver: Receiver) -> None:
    """A configuration is saved, never tells its secret, and is named by its id."""
    saved = stood_in.webhook_configs.create(
        webhook_url=receiver.url, webhook_events=["parse.success"], webhook_signing_secret=SECRET
    )
    assert saved.has_secret
    assert SECRET not in saved.to_json()
    file = stood_in.files.create(file=("a.md", TEXT), purpose="parse")
    stood_in.parsing.create(
        tier="fast", version="latest", file_id=file.id, webhook_configuration_ids=[saved.id]
    )
    assert signed(receiver.wait_for(1)[0])
    stood_in.webhook_configs.delete(saved.id)
    with pytest.raises(llama_cloud.UnprocessableEntityError):
        stood_in.parsing.create(
            tier="fast", version="latest", file_id=file.id, webhook_configuration_ids=[saved.id]
        )


@pytest.mark.parametrize(("answers", "delivered"), [([500], 1), ([302, 503], 1), ([500] * 3, 0)])
def test_three_attempts(receiver: Receiver, answers: list[int], delivered: int) -> None:
    """Anything but a 2xx is tried again after 1 s and 2 s, the same event, then given up."""
    receiver.answers = list(answers)
    with (
        LlamaParseMock(job_seconds=0.5, time_scale=0.1) as mock,
        LlamaCloud(api_key="llx-test", base_url=mock.base_url) as client,
    ):
        start(client, receiver, webhook_events=["parse.success"])
        deliveries = receiver.wait_for(len(answers) + delivered)
        time.sleep(0.3)
        counted = mock.stats()["webhooks"]
    assert len({each.body for each in deliveries}) == 1
    assert len(deliveries) == len(answers) + delivered == counted["attempts"]
    assert (counted["delivered"], counted["given_up"]) == (delivered, 1 - delivered)
    pauses = [b.at - a.at for a, b in pairwise(deliveries)]
    assert all(pause >= wanted for pause, wanted in zip(pauses, (0.1, 0.2), strict=False))


def test_a_receiver_that_does_not_answer_in_time(receiver: Receiver) -> None:
    """After the time limit of an attempt (30 s by default) it counts as failed."""
    receiver.when_received = lambda _: time.sleep(0.3)
    with (
        LlamaParseMock(time_scale=0.01, webhook_timeout=0.1) as mock,
        LlamaCloud(api_key="llx-test", base_url=mock.base_url) as client,
    ):
        start(client, receiver, webhook_events=["parse.success"])
        receiver.wait_for(3)
        counted = mock.stats()["webhooks"]
        assert counted["delivered"] == 0
        assert set(counted["statuses"]) <= {"ReadTimeout", "TimeoutError"}


@pytest.mark.parametrize(
    "url",
    ["http://10.0.0.1/x", "http://169.254.169.254/", "https://example.com/x", "ftp://127.0.0.1/x",
     "http://[::ffff:10.0.0.1]/", "http://127.0.0.1.example.com/", ""],
)  # fmt: skip
def test_events_leave_this_machine_only_when_allowed(stood_in: LlamaCloud, url: str) -> None:
    """A receiver elsewhere is refused when the job is made, so no event is silently lost."""
    file = stood_in.files.create(file=("a.md", TEXT), purpose="parse")
    with pytest.raises(llama_cloud.UnprocessableEntityError, match="webhook_url"):
        stood_in.parsing.create(
            tier="fast", version="latest", file_id=file.id,
            webhook_configurations=[{"webhook_url": url}],
        )  # fmt: skip


def test_a_host_may_be_allowed_by_name() -> None:
    """In a network of containers the API's host is named on purpose."""
    with LlamaParseMock(webhook_hosts="api, dashboard") as mock:
        asked = {"webhook_configurations": json.dumps([{"webhook_url": "http://api:8000/hooks"}])}
        url = f"{mock.base_url}/api/parsing/upload"
        headers = {"authorization": "Bearer llx-test"}
        answer = httpx.post(url, data=asked, files={"file": ("a.md", TEXT)}, headers=headers)
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("configuration", "field"),
    [
        ({"webhook_events": []}, "webhook_events"),
        ({"webhook_output_format": "xml"}, "webhook_output_format"),
        ({"webhook_headers": {"X-Bad": "a\r\nb"}}, "webhook_headers"),
    ],
    ids=str,
)
def test_a_wrong_configuration_is_refused(
    stood_in: LlamaCloud, receiver: Receiver, configuration: dict[str, Any], field: str
) -> None:
    """The refusal names the field; nothing that could split headers goes through."""
    with pytest.raises(llama_cloud.UnprocessableEntityError, match=field):
        start(stood_in, receiver, **configuration)


def v1_upload(mock: LlamaParseMock, **form: str) -> str:
    answer = httpx.post(
        f"{mock.base_url}/api/v1/parsing/upload",
        data=form,
        files={"file": ("policy.md", TEXT)},
        headers={"authorization": "Bearer llx-test"},
    )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


def test_v1_takes_the_configurations_as_a_form_string(
    parse_mock: LlamaParseMock, receiver: Receiver
) -> None:
    """The same JSON as a text, the same events, the same signature."""
    hook = {"webhook_url": receiver.url, "webhook_signing_secret": SECRET}
    job_id = v1_upload(parse_mock, webhook_configurations=json.dumps([hook]))
    deliveries = receiver.wait_for(3)
    assert receiver.kinds() == ["parse.pending", "parse.running", "parse.success"]
    assert deliveries[2].event["data"]["job_id"] == job_id
    assert all(map(signed, deliveries))


def test_v1_webhook_url_hears_of_the_end(parse_mock: LlamaParseMock, receiver: Receiver) -> None:
    """The plain URL is called at the end of the job, unsigned."""
    v1_upload(parse_mock, webhook_url=receiver.url)
    delivery = receiver.wait_for(1)[0]
    time.sleep(0.1)
    assert receiver.kinds() == ["parse.success"]
    assert "lc-signature" not in delivery.headers
