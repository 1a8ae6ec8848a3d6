"""What stands around every request: limits of rate, size and time, and headers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api.middleware import BODY_BYTES, SECURITY_HEADERS
from tests.app.api.calling import is_problem, text, upload
from tests.app.api.serving import RunningApi, serving


def test_every_answer_carries_the_security_headers(api: RunningApi, anna: httpx.Client) -> None:
    """Good or bad, authenticated or not."""
    with api.client(None) as nobody:
        answers = [anna.get("/jobs"), anna.get("/nothing"), nobody.get("/jobs"), anna.put("/jobs")]
    for answer in answers:
        assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
        assert "server" not in answer.headers


def test_a_user_who_asks_too_often_has_to_wait(api: RunningApi, tmp_path: Path) -> None:
    """Every answer says how many are left; then 429 says when; others are not touched."""
    settings = api.settings.model_copy(
        update={"requests_per_minute": 5, "uploads_per_minute": 2, "home": tmp_path}
    )
    with serving(settings) as limited, limited.client() as anna, limited.client("ben") as ben:
        for left in (4, 3):
            answer = upload(anna, text(f"limited {left}"))
            assert answer.status_code == 202
        is_problem(upload(anna, text("limited")), 429, "too_many_requests")
        answer = anna.get("/jobs")
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Limit"] == "5"
        assert answer.headers["RateLimit-Remaining"] == "1"
        assert 0 < int(answer.headers["RateLimit-Reset"]) <= 60
        anna.get("/jobs")
        refused = anna.get("/jobs")
        is_problem(refused, 429, "too_many_requests")
        assert 0 < int(refused.headers["Retry-After"]) <= 60
        assert refused.headers["RateLimit-Remaining"] == "0"
        assert ben.get("/jobs").headers["RateLimit-Remaining"] == "4"


def test_only_named_pages_elsewhere_may_ask(api: RunningApi, tmp_path: Path) -> None:
    """Without a setting no page of another origin; with it, those alone, and without cookies."""
    ours, theirs = "https://app.example.org", "https://evil.example.org"
    asking = {"Access-Control-Request-Method": "POST",
              "Access-Control-Request-Headers": "authorization,last-event-id"}  # fmt: skip
    settings = api.settings.model_copy(update={"cors_origins": ours, "home": tmp_path})
    with serving(settings) as open_, open_.client() as client, api.client() as closed:
        allowed = client.options("/jobs", headers=asking | {"Origin": ours})
        assert allowed.headers["Access-Control-Allow-Origin"] == ours
        assert "Access-Control-Allow-Credentials" not in allowed.headers
        answer = client.get("/nothing", headers={"Origin": ours})
        assert answer.headers["Access-Control-Allow-Origin"] == ours
        assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
        for refused in (
            client.options("/jobs", headers=asking | {"Origin": theirs}),
            client.get("/jobs", headers={"Origin": theirs}),
            closed.get("/jobs", headers={"Origin": ours}),
        ):
            assert "Access-Control-Allow-Origin" not in refused.headers


@pytest.mark.parametrize("said", [True, False])
def test_a_body_that_is_too_large_is_not_read(anna: httpx.Client, said: bool) -> None:
    """By its announced length, or once so much has come."""
    body = b'{"question": "' + b"a" * BODY_BYTES + b'"}'

    def pieces() -> Any:
        for start in range(0, len(body), 65536):
            yield body[start : start + 65536]

    content: Any = body if said else pieces()
    headers = {"Content-Type": "application/json"}
    is_problem(anna.post("/search", content=content, headers=headers), 413, "too_large")


def test_an_answer_that_takes_too_long_is_a_503(
    api: RunningApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request holds nothing for ever."""
    settings = api.settings.model_copy(update={"request_timeout_seconds": 0.2, "home": tmp_path})

    async def for_ever(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr("app.api.routes.jobs.list_jobs", for_ever)
    with serving(settings) as slow, slow.client() as client:
        answer = client.get("/jobs")
        is_problem(answer, 503, "timeout")
        assert answer.headers["Retry-After"]


def test_what_was_not_foreseen_says_nothing_of_itself(
    api: RunningApi,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A bug is a 500 without its text, which may quote what a user sent."""

    async def broken(*_: object) -> None:
        raise RuntimeError("canary")

    monkeypatch.setattr("app.api.routes.jobs.list_jobs", broken)
    settings = api.settings.model_copy(update={"home": tmp_path})
    with serving(settings) as running, running.client() as client:
        answer = client.get("/jobs")
    assert is_problem(answer, 500, "unexpected")
    assert "canary" not in answer.text
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    [record] = [each for each in caplog.records if each.getMessage() == "request_failed"]
    assert record.__dict__["error"] == "RuntimeError"
    assert record.__dict__["stack"][-1].startswith("test_middleware.py")
    assert "canary" not in repr([each.__dict__ for each in caplog.records])
