"""What LlamaParse refuses, and how the official SDK `llama-cloud` tells it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import llama_cloud
import pytest
from llama_cloud import LlamaCloud

from mocks import LlamaParseMock
from tests.contracts.documents import policy_pdf
from tests.contracts.serving_files import serving
from tests.contracts.test_llama_cloud import ended

pytestmark = pytest.mark.no_ledger("the vendor's client asks, not ours")

VALID: dict[str, Any] = {"tier": "fast", "version": "latest", "file_id": "dfl-unknown"}
KEY = {"authorization": "Bearer llx-test"}


def detail(caught: pytest.ExceptionInfo[llama_cloud.APIStatusError]) -> Any:
    """The `detail` of an error's body."""
    body = caught.value.body
    assert isinstance(body, dict)
    return body["detail"]


def test_an_empty_file(llama: LlamaCloud) -> None:
    """400 with these words."""
    with pytest.raises(llama_cloud.BadRequestError) as caught:
        llama.files.create(file=("a.md", b""), purpose="parse")
    assert detail(caught) == "Uploaded file is empty."


def test_an_unknown_job(llama: LlamaCloud) -> None:
    """404 with these words."""
    with pytest.raises(llama_cloud.NotFoundError) as caught:
        llama.parsing.get("pjb-00000000-0000-4000-8000-000000000000")
    assert detail(caught) == "Parse job not found"


def test_a_file_that_is_too_large() -> None:
    """413; the real limit is 512 MB."""
    with (
        LlamaParseMock(max_bytes=1000) as mock,
        LlamaCloud(api_key="llx-test", base_url=mock.base_url) as client,
    ):
        with pytest.raises(llama_cloud.APIStatusError) as caught:
            client.files.create(file=("a.md", b"x" * 1001), purpose="parse")
        assert caught.value.status_code == 413
        assert client.files.create(file=("a.md", b"x" * 1000), purpose="parse").id


@pytest.mark.parametrize(
    "changed",
    [
        {"tier": "best"},
        {"version": "yesterday"},
        {"file_id": None},
        {"source_url": "http://127.0.0.1/x"},
        {"page_ranges": {"target_pages": "0"}},
        {"page_ranges": {"target_pages": "two"}},
        {"page_ranges": {"max_pages": 0}},
    ],
    ids=str,
)
def test_a_field_that_is_wrong(stood_in: LlamaCloud, changed: dict[str, Any]) -> None:
    """422 with type, place, words and what was given."""
    with pytest.raises(llama_cloud.UnprocessableEntityError) as caught:
        stood_in.parsing.create(**{**VALID, **changed})
    assert [set(each) for each in detail(caught)] == [{"type", "loc", "msg", "input"}]


def test_the_wrong_key() -> None:
    """401, for the API and for nothing else: presigned addresses want no key."""
    with (
        LlamaParseMock(api_key="llx-right") as mock,
        LlamaCloud(api_key="llx-wrong", base_url=mock.base_url) as client,
        pytest.raises(llama_cloud.AuthenticationError),
    ):
        client.parsing.list()


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ("quota", 402, "You've exceeded the maximum number of credits for your plan."),
        ("rate_limit", 429, "Rate limit exceeded."),
        ({"kind": "status", "status": 500}, 500, "orrelation id"),
        ({"kind": "status", "status": 503}, 503, "orrelation id"),
    ],
    ids=str,
)
def test_scripted_refusals(
    parse_mock: LlamaParseMock, stood_in: LlamaCloud, fault: object, status: int, words: str
) -> None:
    """Credits that are spent, too many requests, and server errors; none says Retry-After."""
    parse_mock.faults({"fault": fault})
    with pytest.raises(llama_cloud.APIStatusError) as caught:
        stood_in.parsing.create(**VALID)
    assert caught.value.status_code == status
    assert words in detail(caught)
    assert "retry-after" not in caught.value.response.headers


def test_the_sdk_retries_a_429_five_times(
    parse_mock: LlamaParseMock, stood_in: LlamaCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By default one call is six requests: what counts requests has to know that."""
    monkeypatch.setattr(LlamaCloud, "_calculate_retry_timeout", lambda *_: 0.0)
    parse_mock.faults("rate_limit")
    with (
        LlamaCloud(api_key="llx-test", base_url=parse_mock.base_url) as client,
        pytest.raises(llama_cloud.RateLimitError),
    ):
        client.parsing.list()
    assert parse_mock.stats()["statuses"] == {"429": 6}


def test_uploads_a_minute() -> None:
    """Past the uploads of a minute (20 on the free tier) there is a 429 without Retry-After."""
    with (
        LlamaParseMock(uploads_per_minute=20) as mock,
        LlamaCloud(api_key="llx-test", base_url=mock.base_url, max_retries=0) as client,
    ):
        with pytest.raises(llama_cloud.RateLimitError) as caught:
            for number in range(25):
                client.files.create(file=("a.md", b"x%d" % number), purpose="parse")
        assert 20 <= mock.stats()["uploads"] <= 21
    assert "retry-after" not in caught.value.response.headers
    assert "Rate limit exceeded" in detail(caught)


def test_the_order_of_the_upload_form(parse_mock: LlamaParseMock) -> None:
    """The configuration stands before the file."""
    url = f"{parse_mock.base_url}/api/v2/parse/upload"
    parts: dict[str, tuple[str | None, str | bytes]] = {
        "configuration": (None, '{"tier": "fast", "version": "latest"}'),
        "file": ("a", b"x"),
    }
    with httpx.Client(headers=KEY) as client:
        assert client.post(url, files=parts).status_code == 200
        turned = dict(reversed(parts.items()))
        assert client.post(url, files=turned).status_code == 422


def test_a_source_is_fetched_from_this_machine_only(stood_in: LlamaCloud, tmp_path: Path) -> None:
    """`source_url` works on loopback; elsewhere it is refused, and redirects lead nowhere."""
    (tmp_path / "policy.pdf").write_bytes(policy_pdf())
    with serving(tmp_path) as there:
        jobs = [
            stood_in.parsing.create(tier="fast", version="latest", source_url=f"{there}/{name}")
            for name in ("policy.pdf", "away")
        ]
    read, failed = (ended(stood_in, job.id, "text") for job in jobs)
    assert read.text is not None
    assert len(read.text.pages) == 3
    assert "NO_DATA_FOUND_IN_FILE" in (failed.job.error_message or "")
    for elsewhere in ("http://169.254.169.254/", "https://example.com/a.pdf", "file:///etc/passwd"):
        with pytest.raises(llama_cloud.UnprocessableEntityError, match="source_url"):
            stood_in.parsing.create(tier="fast", version="latest", source_url=elsewhere)


def test_a_source_that_is_too_large(tmp_path: Path) -> None:
    """What is fetched has the same limit as what is uploaded, but fails the job."""
    (tmp_path / "large.md").write_bytes(b"x" * 2000)
    with (
        LlamaParseMock(max_bytes=1000) as mock,
        LlamaCloud(api_key="llx-test", base_url=mock.base_url) as client,
        serving(tmp_path) as there,
    ):
        url = f"{there}/large.md"
        job = client.parsing.create(tier="fast", version="latest", source_url=url)
        message = ended(client, job.id).job.error_message
    assert "DOCUMENT_TOO_LARGE" in (message or "")
