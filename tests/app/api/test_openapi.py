"""The OpenAPI document against the API itself: no 500, and no answer that is not documented."""

from __future__ import annotations

import os
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.api.application import create_app
from app.api.signed_urls import PREFIX
from pipeline.settings import Settings
from tests.app.api.calling import accepted, text
from tests.app.api.serving import RunningApi

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def described() -> dict[str, Any]:
    """The document; making it opens nothing."""
    return create_app(Settings()).openapi()


def without_endless_streams(document: dict[str, Any]) -> dict[str, Any]:
    """What a client can read to its end; tests/app/api/test_events.py reads the stream."""
    paths = {path: each for path, each in document["paths"].items() if path != f"{PREFIX}/events"}
    return document | {"paths": paths}


@pytest.fixture(scope="module")
def token(api: RunningApi) -> str:
    """Of a user who has something."""
    with api.client("anna") as anna:
        for subject in ("one", "two"):
            accepted(anna, text(subject), source=subject)
        return anna.headers["Authorization"]


schema = schemathesis.openapi.from_dict(without_endless_streams(described()))


@schema.parametrize()
@settings(
    max_examples=int(os.environ.get("NAVIGATOR_TEST_REQUESTS", "15")),
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_documented(case: Any, api: RunningApi, token: str) -> None:
    """Whatever is sent, right or wrong, the answer is one that the document names."""
    headers = {"Authorization": token}
    case.call_and_validate(base_url=api.url, headers=headers, checks=CHECKS)


def test_every_route_is_described() -> None:
    """Each has words for a person, and each names 401 unless a signature stands for the token."""
    raw = described()
    signed = {
        f"{PREFIX}/uploads/{{upload_id}}/content",
        f"{PREFIX}/originals/{{job_id}}",
        f"{PREFIX}/reports/{{report_id}}/signed",
    }
    signed |= {"/health", "/health/live", "/health/ready"}  # these say nothing to be kept
    assert len(raw["paths"]) >= 12
    for path, methods in raw["paths"].items():
        for operation in methods.values():
            assert operation["description"]
            assert ("401" in operation["responses"]) == (path not in signed)
            assert bool(operation.get("security")) == (path not in signed)
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and not path.startswith("/health"):
                    assert list(answer["content"]) == ["application/problem+json"]


def test_the_document_is_served_to_everybody(api: RunningApi) -> None:
    """It holds nothing of anybody's; pages that load scripts from elsewhere are not served."""
    assert httpx.get(f"{api.url}{PREFIX}/openapi.json").json() == described()
    for page in ("/docs", "/redoc"):
        assert httpx.get(f"{api.url}{page}").status_code == 404
