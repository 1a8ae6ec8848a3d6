"""The shapes of answers: what was recorded, the mock servers and the real services agree."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from mocks import LlamaParseMock
from tests.contracts.real_services import BOTH, account
from tests.contracts.receiving import Receiver
from tests.contracts.shapes import RECORDED, differences, recorded

pytestmark = pytest.mark.no_ledger("the vendor's client asks, not ours")

MODEL = "text-embedding-3-small"


@dataclass(frozen=True)
class Side:
    """One side: its raw HTTP client, and whether unknown keys are a difference."""

    http: httpx.Client
    strict: bool

    def check(self, name: str, answer: httpx.Response) -> Any:
        """The answer's JSON, after its shape was compared with the recorded one."""
        value = answer.json()
        assert differences(name, value, strict=self.strict) == []
        return value

    def ended(self, path: str) -> dict[str, Any]:
        """A job once it has ended."""
        for _ in range(300):
            told: dict[str, Any] = self.http.get(path).json()
            if told.get("job", told)["status"] not in ("PENDING", "RUNNING"):
                return told
            time.sleep(0.02 if self.strict else 1)
        raise AssertionError("the job did not end")


@pytest.fixture(params=BOTH)
def openai_side(request: pytest.FixtureRequest) -> Iterator[Side]:
    if request.param == "mock":
        url, key = request.getfixturevalue("openai_mock").base_url, "sk-test"
    else:
        url, key = account("OPENAI")
    yield from _side(url, key, request.param == "mock")


@pytest.fixture(params=BOTH)
def parse_side(request: pytest.FixtureRequest) -> Iterator[Side]:
    if request.param == "mock":
        url, key = request.getfixturevalue("parse_mock").base_url, "llx-test"
    else:
        url, key = account("LLAMA_CLOUD")
    yield from _side(url, key, request.param == "mock")


def _side(url: str, key: str, strict: bool) -> Iterator[Side]:
    headers = {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60) as http:
        yield Side(http, strict)


def test_openai(openai_side: Side) -> None:
    """Embeddings and an error."""
    ask = openai_side.http.post
    openai_side.check("openai_embeddings", ask("/embeddings", json={"model": MODEL, "input": "x"}))
    openai_side.check("openai_error", ask("/embeddings", json={"model": MODEL, "input": []}))


def test_v2(parse_side: Side) -> None:
    """File, job, list, result, error and validation error."""
    http, check = parse_side.http, parse_side.check
    files = {"file": ("a.md", b"# Deductible")}
    file = check("file", http.post("/api/v1/beta/files", data={"purpose": "parse"}, files=files))
    asked = {"tier": "cost_effective", "version": "latest", "file_id": file["id"]}
    job = check("v2_job", http.post("/api/v2/parse", json=asked))
    check("v2_list", http.get("/api/v2/parse", params={"job_ids": job["id"]}))
    path = f"/api/v2/parse/{job['id']}"
    parse_side.ended(path)
    expand = {"expand": ["markdown", "text", "usage", "markdown_content_metadata"]}
    check("v2_result", http.get(path, params=expand))
    check("llamaparse_error", http.get("/api/v2/parse/pjb-00000000-0000-4000-8000-000000000000"))
    check("llamaparse_validation", http.post("/api/v2/parse", json={"tier": "fast"}))


@pytest.mark.parametrize("root", ["/api/parsing", "/api/v1/parsing"])
def test_v1(parse_side: Side, root: str) -> None:
    """Upload, job, the three results, and a job that failed."""
    http, check = parse_side.http, parse_side.check
    upload = {"file": ("a.md", b"# Deductible")}
    job = check("v1_upload", http.post(f"{root}/upload", files=upload))
    path = f"{root}/job/{job['id']}"
    parse_side.ended(path)
    check("v1_job", http.get(path))
    for kind in ("markdown", "text", "json"):
        check(f"v1_{kind}", http.get(f"{path}/result/{kind}"))
    broken = {"file": ("a.pdf", b"%PDF-1.7 and nothing more")}
    failed = http.post(f"{root}/upload", files=broken).json()["id"]
    parse_side.ended(f"{root}/job/{failed}")
    check("v1_failed_job", http.get(f"{root}/job/{failed}"))


def test_a_webhook_event(parse_mock: LlamaParseMock, receiver: Receiver) -> None:
    """The event in its envelope."""
    httpx.post(
        f"{parse_mock.base_url}/api/v1/parsing/upload",
        data={"webhook_url": receiver.url},
        files={"file": ("a.md", b"text")},
        headers={"authorization": "Bearer llx-test"},
    )
    assert differences("webhook_event", receiver.wait_for(1)[0].event) == []


def test_every_record_is_compared() -> None:
    """No recorded answer lies about unused, and each says where it is from."""
    source = Path(__file__).read_text("utf-8")
    for path in RECORDED.glob("*.json"):
        assert recorded(path.stem)["source"]
        assert f'"{path.stem}"' in source or path.stem in ("v1_markdown", "v1_text", "v1_json")


@pytest.mark.parametrize(
    ("got", "found"),
    [
        ({"detail": "text"}, []),
        ({}, ["detail is missing"]),
        ({"detail": 7}, ["detail is a number, not a text"]),
        ({"detail": "text", "code": 7}, ["code is new"]),
        ([], ["the answer is a list, not an object"]),
    ],
    ids=str,
)
def test_a_difference_is_found(got: Any, found: list[str]) -> None:
    """A missing key, another type and an unknown key are each said."""
    assert differences("llamaparse_error", got) == found
