"""The LlamaParse mock server on the wire: rows of the v2 contract that our client does not use."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from mocks import LlamaParseMock

pytestmark = pytest.mark.no_ledger("the mock server is asked by itself")

ASKED = {"tier": "agentic", "version": "latest"}


@pytest.fixture(scope="module")
def running_parse() -> Iterator[LlamaParseMock]:
    with LlamaParseMock(job_seconds=0.3, max_bytes=1000) as mock:
        yield mock


@pytest.fixture
def service(running_parse: LlamaParseMock) -> Iterator[httpx.Client]:
    running_parse.reset()
    headers = {"authorization": "Bearer llx-test"}
    with httpx.Client(base_url=running_parse.base_url, headers=headers) as client:
        yield client


def upload(service: httpx.Client, content: bytes = b"# Title", **asked: Any) -> dict[str, Any]:
    data = {"configuration": json.dumps({**ASKED, **asked})}
    answer = service.post("/api/v2/parse/upload", data=data, files={"file": ("a.md", content)})
    assert answer.status_code == 200, answer.text
    job: dict[str, Any] = answer.json()
    return job


def ended(service: httpx.Client, job_id: str, query: str = "") -> dict[str, Any]:
    for _ in range(100):
        answer: dict[str, Any] = service.get(f"/api/v2/parse/{job_id}{query}").json()
        if answer["job"]["status"] not in ("PENDING", "RUNNING"):
            return answer
        time.sleep(0.02)
    raise AssertionError("the job did not end")


def test_upload_and_parse_in_one(service: httpx.Client) -> None:
    """The bare job comes back, runs through its states, and gives its pages when asked."""
    job = upload(service, user_metadata={"mine": "1"})
    assert job["status"] == "PENDING"
    assert job["user_metadata"] == {"mine": "1"}
    answer = ended(service, job["id"], "?expand=markdown&expand=text&expand=usage")
    assert answer["job"]["usage"] == {"credits": 10.0}
    assert answer["markdown"]["pages"] == [
        {"page_number": 1, "success": True, "markdown": "# Title"}
    ]
    assert answer["text"]["pages"] == [{"page_number": 1, "text": "# Title"}]


def test_expand_by_commas_and_not_at_all(service: httpx.Client) -> None:
    """Commas do as repeating does; without expand there is the job alone."""
    job = upload(service)
    assert set(ended(service, job["id"])) == {"job"}
    assert {"markdown", "text"} < set(ended(service, job["id"], "?expand=markdown,text"))


def test_the_list_is_paged_and_filtered(service: httpx.Client) -> None:
    """The newest come first, page by page, by status or by id."""
    ids = [upload(service)["id"] for _ in range(5)]
    seen, token = [], ""
    while True:
        page = service.get("/api/v2/parse", params={"page_size": 2, "page_token": token}).json()
        assert page["total_size"] == 5
        seen += [item["id"] for item in page["items"]]
        token = page["next_page_token"]
        if token is None:
            break
    assert seen == ids[::-1]
    one = service.get("/api/v2/parse", params={"job_ids": ids[1]}).json()
    assert [item["id"] for item in one["items"]] == [ids[1]]
    assert service.get("/api/v2/parse", params={"status": "FAILED"}).json()["items"] == []


def test_delete_needs_an_end(service: httpx.Client) -> None:
    """A running job is not deleted; an ended one is, and is not found then."""
    job_id = upload(service)["id"]
    assert service.delete(f"/api/v2/parse/{job_id}").status_code == 409
    ended(service, job_id)
    assert service.delete(f"/api/v2/parse/{job_id}").status_code == 200
    answer = service.get(f"/api/v2/parse/{job_id}")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Parse job not found"})


def test_files(service: httpx.Client) -> None:
    """A file is kept under its external id, listed by it, read and deleted."""
    form = {"purpose": "parse", "external_file_id": "abc"}
    made = service.post("/api/v1/beta/files", data=form, files={"file": ("ü.md", b"x")}).json()
    assert made["external_file_id"] == "abc"
    listed = service.get("/api/v1/beta/files", params={"external_file_id": "abc"}).json()
    assert [item["id"] for item in listed["items"]] == [made["id"]]
    assert service.get(f"/api/v1/beta/files/{made['id']}").json()["name"] == "ü.md"
    assert service.delete(f"/api/v1/beta/files/{made['id']}").status_code == 204
    assert service.get(f"/api/v1/beta/files/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"version": "latest", "file_id": "x"}, 422),
        ({"tier": "best", "version": "latest", "file_id": "x"}, 422),
        ({"tier": "fast", "file_id": "x"}, 422),
        (ASKED, 422),
        ({**ASKED, "file_id": "x", "source_url": "https://example.test"}, 422),
        ({**ASKED, "file_id": "x"}, 404),
    ],
    ids=str,
)
def test_wrong_requests(service: httpx.Client, asked: dict[str, str], status: int) -> None:
    """Validation errors name the field in the service's form."""
    answer = service.post("/api/v2/parse", json=asked)
    assert answer.status_code == status
    if status == 422:
        assert set(answer.json()["detail"][0]) == {"type", "loc", "msg", "input"}


def test_limits_and_keys(service: httpx.Client) -> None:
    """A file that is too large, an empty one, and a missing key are refused."""
    for content, status in ((b"x" * 1001, 413), (b"", 400)):
        answer = service.post("/api/v1/beta/files", files={"file": ("a.md", content)})
        assert answer.status_code == status
    del service.headers["authorization"]
    assert service.get("/api/v2/parse").status_code == 401


def test_versions_and_both_services_on_one_port(service: httpx.Client) -> None:
    """The versions are told, and the OpenAI mock server is served beside."""
    versions = service.get("/api/v2/parse/versions").json()
    assert versions["latest"]["agentic"] in versions["agentic"]
    assert service.get("/v1/models").json()["object"] == "list"
    assert service.get("/nowhere").status_code == 404


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_texts_in_common_encodings(service: httpx.Client, encoding: str) -> None:
    """A text is read whichever of the usual encodings it was written in."""
    job = upload(service, "Selbstbeteiligung: 500 € für Überflutung".encode(encoding))
    pages = ended(service, job["id"], "?expand=text")["text"]["pages"]
    assert pages[0]["text"] == "Selbstbeteiligung: 500 € für Überflutung"
