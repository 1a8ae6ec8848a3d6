"""Health and metrics: every part asked in bounded time, figures that a Prometheus can read."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from app.api.authentication import issue_token
from app.api.health import CHECK_SECONDS
from mocks import OpenAIMock
from pipeline.identity import user_id
from pipeline.settings import Settings
from pipeline.store import service_calls, webhook_events
from pipeline.store.service_calls import ServiceCall
from pipeline.webhooks import WebhookEvent
from tests.app.api.calling import accepted, is_problem, text
from tests.app.api.serving import RunningApi, serving
from tests.app.api.test_dispatching import black_hole

TOKEN = "a-token-for-prometheus"


@pytest.fixture(scope="module")
def openai() -> Iterator[OpenAIMock]:
    with OpenAIMock() as mock:
        yield mock


@pytest.fixture(scope="module")
def api_settings(api_settings: Settings, openai: OpenAIMock) -> Settings:
    """With embeddings from the mock server, so that there is a service to tell of."""
    return api_settings.model_copy(
        update={
            "embedder": "openai",
            "openai_api_key": SecretStr("sk-canary-operating"),
            "openai_base_url": openai.base_url,
            "metrics_token": SecretStr(TOKEN),
        }
    )


def figures(api: RunningApi) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of /metrics by name and labels."""
    time.sleep(2.1)  # what was read is kept for a moment
    answer = httpx.get(f"{api.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_health_names_every_part(api: RunningApi) -> None:
    """Database, storage, Prefect, worker, and the services; without Prefect it is still fine."""
    assert httpx.get(f"{api.url}/health/live").json() == {"status": "ok"}
    answer = httpx.get(f"{api.url}/health")
    found = answer.json()
    assert (answer.status_code, found["status"]) == (200, "ok")
    statuses = {name: part["status"] for name, part in found["parts"].items()}
    assert statuses == {
        "database": "ok", "storage": "ok", "prefect": "unused", "worker": "unused",
        "openai/text-embedding-3-small": "ok",
    }  # fmt: skip
    ready = httpx.get(f"{api.url}/health/ready")
    assert (ready.status_code, set(ready.json()["parts"])) == (200, {"database", "storage"})


def test_health_leaves_nothing_in_the_storage(api: RunningApi) -> None:
    """What is written for the check is removed."""
    httpx.get(f"{api.url}/health")
    folder = Path(api.settings.home) / "objects"
    assert [path for path in folder.rglob("*") if path.is_file() and "health" in str(path)] == []


def test_a_prefect_that_hangs_is_a_degradation_in_bounded_time(
    api_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Uploads are still taken, so it is no failure; and nobody waits for it."""
    with black_hole() as url:
        monkeypatch.setenv("PREFECT_API_URL", url)
        settings = api_settings.model_copy(update={"home": tmp_path})
        with serving(settings) as running:
            answer = httpx.get(f"{running.url}/health", timeout=60)
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    for name in ("prefect", "worker"):
        part = answer.json()["parts"][name]
        assert part["status"] == "degraded"
        # Not one of the longer time-outs of Prefect's client, which are other errors.
        assert part["detail"] == f"No answer within {CHECK_SECONDS:g} s."
    assert url not in answer.text


def test_a_storage_that_fails_is_503(api_settings: Settings, tmp_path: Path) -> None:
    """Ready and healthy no more, while the process lives; no path is told."""
    settings = api_settings.model_copy(update={"home": tmp_path})
    with serving(settings) as running:
        (tmp_path / "objects").rename(tmp_path / "objects-away")
        (tmp_path / "objects").write_text("in the way")
        answer = httpx.get(f"{running.url}/health")
        assert (answer.status_code, answer.json()["status"]) == (503, "failing")
        assert answer.json()["parts"]["storage"]["status"] == "failing"
        assert answer.json()["parts"]["database"]["status"] == "ok"
        assert httpx.get(f"{running.url}/health/ready").status_code == 503
        assert httpx.get(f"{running.url}/health/live").status_code == 200
        assert str(tmp_path) not in answer.text


def test_metrics_are_read_from_everybodys_work(api: RunningApi) -> None:
    """A published document, a refused one, services and requests: all of it in figures."""
    with api.client("dora") as dora:
        job = accepted(dora, text("canary-metrics"), name="canary-metrics.md")
        api.work_off(job["id"], user="dora")
        waiting = accepted(dora, text("waiting"))
        dora.get(f"/jobs/{waiting['id']}")
    found = figures(api)
    service = "openai/text-embedding-3-small"
    called = (("operation", "embed"), ("outcome", "ok"), ("service", service))
    assert found["navigator_documents", (("state", "complete"),)] == 1
    assert found["navigator_documents", (("state", "uploaded"),)] == 1
    assert found["navigator_documents", (("state", "quarantined"),)] == 0
    assert found["navigator_queue_jobs", ()] == 1
    assert found["navigator_queue_oldest_age_seconds", ()] > 0
    assert found["navigator_stage_seconds_count", (("stage", "embed"),)] == 1
    assert found["navigator_stage_seconds_sum", (("stage", "embed"),)] > 0
    assert found["navigator_service_calls_total", called] == 1
    assert found["navigator_service_tokens_total", called] > 10
    assert found["navigator_service_cost_usd_total", called] > 0
    assert found["navigator_circuit_state", (("service", service), ("state", "closed"))] == 1
    request = (("method", "GET"), ("route", "/api/v1/jobs/{job_id}"), ("status", "200"))
    assert found["navigator_http_request_duration_seconds_count", request] >= 1
    said = json.dumps([[name, list(labels)] for name, labels in found])
    for private in ("canary", job["id"], str(user_id("dora")), "dora", "sk-"):
        assert private not in said


def test_buckets_add_up_and_counters_only_grow(api: RunningApi) -> None:
    """A histogram's buckets never fall, its last is its count; the ledger is added up once."""
    first = figures(api)

    async def call_again() -> None:
        async with api.parts.database.service() as connection:
            await service_calls.record(connection, ServiceCall("llamaparse", "parse", "ok", 3.0))
            event = WebhookEvent(uuid4(), "parse.invented-by-the-sender", 0.0, "pjb-x")
            await webhook_events.receive(connection, event)

    api.run(call_again())
    second = figures(api)
    parse = (("operation", "parse"), ("outcome", "ok"), ("service", "llamaparse"))
    assert second["navigator_service_call_duration_seconds_count", parse] == 1
    buckets = {
        dict(labels)["le"]: value
        for (name, labels), value in second.items()
        if name == "navigator_service_call_duration_seconds_bucket"
        and dict(labels)["service"] == "llamaparse"
    }
    assert (buckets["2.5"], buckets["5.0"], buckets["+Inf"]) == (0, 1, 1)
    assert second["navigator_webhook_events_total", (("outcome", "unknown"), ("type", "other"))]
    for key, value in first.items():
        if key[0].endswith(("_total", "_count", "_bucket")):
            assert second[key] >= value, key


def test_metrics_are_for_who_may_read_them(api: RunningApi, api_settings: Settings) -> None:
    """The token, or an operator's; a user's own token, a wrong one and none are refused."""
    url = f"{api.url}/metrics"
    operator = issue_token(api_settings, "ops", service=True, hours=1)
    user = issue_token(api_settings, "anna", service=False, hours=1)
    is_problem(httpx.get(url), 401)
    for given, status in ((TOKEN, 200), (operator, 200), (user, 403), ("wrong", 401)):
        answer = httpx.get(url, headers={"Authorization": f"Bearer {given}"})
        assert answer.status_code == status, given


def test_without_a_token_this_machine_reads_them(api_settings: Settings, tmp_path: Path) -> None:
    """Who is forwarded from elsewhere is not on this machine."""
    settings = api_settings.model_copy(update={"home": tmp_path, "metrics_token": None})
    with serving(settings) as running:
        assert httpx.get(f"{running.url}/metrics").status_code == 200
        elsewhere = {"X-Forwarded-For": "203.0.113.7"}
        is_problem(httpx.get(f"{running.url}/metrics", headers=elsewhere), 401)
