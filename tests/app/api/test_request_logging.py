"""Every request has a correlation id, from its answer to the services that it came to use."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from uuid import UUID, uuid4

import httpx
import pytest

from pipeline.identity import user_id
from tests.app.api.calling import accepted, text, upload
from tests.app.api.database import rows_of
from tests.app.api.serving import RunningApi


@pytest.fixture
def clara(api: RunningApi) -> Iterator[httpx.Client]:
    """A user of this module's own."""
    with api.client("clara") as client:
        yield client


def test_a_given_id_is_kept_and_a_senseless_one_is_not(clara: httpx.Client) -> None:
    """A UUID comes back as it was sent; anything else is answered with a new one."""
    given = str(uuid4())
    assert clara.get("/jobs", headers={"X-Correlation-ID": given}).headers[
        "X-Correlation-ID"
    ] == given  # fmt: skip
    for senseless in ("7", "x" * 5000, "a b"):
        answer = clara.get("/jobs", headers={"X-Correlation-ID": senseless})
        assert UUID(answer.headers["X-Correlation-ID"])
    assert UUID(clara.get("/nowhere").headers["X-Correlation-ID"])


def test_an_upload_carries_its_id_through_every_stage(api: RunningApi, clara: httpx.Client) -> None:
    """The job's events, from its registration to its publication, have the request's id."""
    given = uuid4()
    clara.headers["X-Correlation-ID"] = str(given)
    job = accepted(clara, text("correlated"))
    api.work_off(job["id"], user="clara")
    events = rows_of(api, "job_events", user_id("clara"))
    assert {each["correlation_id"] for each in events} == {given}
    assert events[-1]["to_state"] == "complete"


def test_the_access_log_names_the_route_alone(
    clara: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    """No query, no id, no file's name, no token: method, route, status, time."""
    with caplog.at_level(logging.INFO, "navigator"):
        job = accepted(clara, text("canary-access"), name="canary-name.md")
        clara.get(f"/jobs/{job['id']}", params={"canary": "canary-query"})
        upload(clara, b"\x00\x01\x02" * 99, name="canary-other.bin")
        deadline = time.monotonic() + 240
        # The line is written when the answer has gone.
        while len(found := _finished(caplog)) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    told = [(record.method, record.route, record.status) for record in found]  # type: ignore[attr-defined]
    assert told == [
        ("POST", "/api/v1/documents", 202),
        ("GET", "/api/v1/jobs/{job_id}", 200),
        ("POST", "/api/v1/documents", 415),
    ]
    token = clara.headers["Authorization"].split()[1]
    said = " ".join(str(record.__dict__) for record in caplog.records)
    for secret in ("canary", token):
        assert secret not in said


def _finished(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.msg == "request_finished"]
