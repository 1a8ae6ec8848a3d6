"""LlamaParse v2 through the official SDK, `llama-cloud` 2.x: jobs, files, results, traps.

What takes `llama` also runs against the real service when there is a key; what takes `stood_in`
needs a scripted fault, a counter or a setting, so it runs against the mock server only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args

import httpx
import llama_cloud
import pytest
from llama_cloud import AsyncLlamaCloud, LlamaCloud
from llama_cloud._polling import PollingError
from llama_cloud.types import ParsingCreateResponse, ParsingGetResponse

from mocks import LlamaParseMock
from tests.contracts.documents import POLICY, pdf, policy_pdf

pytestmark = pytest.mark.no_ledger("the vendor's client asks, not ours")

QUICK: dict[str, Any] = {"polling_interval": 0.02, "max_interval": 0.05}
STATUSES = Literal["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"]


def start(
    client: LlamaCloud, content: bytes = b"# Title", name: str = "a.md", **options: Any
) -> ParsingCreateResponse:
    """A job for a file of its own; the cheapest tier that gives Markdown unless told otherwise."""
    file = client.files.create(file=(name, content), purpose="parse")
    asked = {"tier": "cost_effective", "version": "latest", "file_id": file.id, **options}
    return client.parsing.create(**asked)


def ended(client: LlamaCloud, job_id: str, *expand: str) -> ParsingGetResponse:
    """The job once it has ended."""
    for _ in range(600):
        answer = client.parsing.get(job_id, expand=list(expand))
        if answer.job.status not in ("PENDING", "RUNNING"):
            return answer
        time.sleep(0.02 if client.base_url.host == "127.0.0.1" else 1)
    raise AssertionError("the job did not end")


def texts(answer: ParsingGetResponse) -> list[str]:
    assert answer.text is not None
    return [page.text for page in answer.text.pages]


def test_a_job_answers_bare_and_gives_its_pages(llama: LlamaCloud) -> None:
    """POST answers the job itself; its pages come whole, as Markdown and as text."""
    job = start(llama, policy_pdf(), "policy.pdf", user_metadata={"mine": "1"})
    assert job.status in get_args(STATUSES)
    assert job.user_metadata == {"mine": "1"}
    answer = ended(llama, job.id, "markdown", "text", "usage")
    assert answer.job.status == "COMPLETED"
    assert answer.job.usage is not None
    assert (answer.job.usage.credits or 0) > 0
    assert answer.markdown is not None
    assert [(page.page_number, page.success) for page in answer.markdown.pages] == [
        (1, True), (2, True), (3, True)
    ]  # fmt: skip
    assert all(part in text for part, text in zip(POLICY, texts(answer), strict=True))


def test_without_expand_there_is_the_job_alone(llama: LlamaCloud) -> None:
    """Pages come only when asked for."""
    answer = ended(llama, start(llama).id)
    assert answer.markdown is None
    assert answer.text is None


def test_expand_is_repeated_by_the_sdk_and_may_have_commas(
    parse_mock: LlamaParseMock, stood_in: LlamaCloud
) -> None:
    """`expand=a&expand=b` and `expand=a,b` mean the same."""
    job_id = start(stood_in).id
    by_sdk = ended(stood_in, job_id, "markdown", "text")
    url = f"{parse_mock.base_url}/api/v2/parse/{job_id}?expand=markdown,text"
    by_commas = httpx.get(url, headers={"authorization": "Bearer llx-test"}).json()
    assert {"job", "markdown", "text"} == set(by_commas)
    assert by_sdk.to_dict(mode="json")["markdown"] == by_commas["markdown"]


@pytest.mark.parametrize(
    ("ranges", "numbers"),
    [
        ({"target_pages": "1,3"}, [1, 3]),
        ({"target_pages": "2-3"}, [2, 3]),
        ({"max_pages": 1}, [1]),
        ({"max_pages": 1, "target_pages": "3"}, [3]),
    ],
    ids=str,
)
def test_page_ranges(llama: LlamaCloud, ranges: dict[str, Any], numbers: list[int]) -> None:
    """Pages are counted from 1 and keep their numbers; a choice goes before a limit."""
    job = start(llama, policy_pdf(), "policy.pdf", page_ranges=ranges)
    answer = ended(llama, job.id, "text")
    assert answer.text is not None
    assert [page.page_number for page in answer.text.pages] == numbers


def test_upload_and_parse_in_one(llama: LlamaCloud) -> None:
    """`/upload` takes the configuration as JSON and then the file, in this order."""
    job = llama.parsing.create(
        tier="fast", version="latest", upload_file=("policy.pdf", policy_pdf())
    )
    assert len(texts(ended(llama, job.id, "text"))) == 3


def test_uploading_in_one_drops_metadata_and_saved_webhooks(
    parse_mock: LlamaParseMock, stood_in: LlamaCloud
) -> None:
    """The SDK drops them without a word: so a file is made first, and parsed by its id."""
    job = stood_in.parsing.create(
        tier="fast", version="latest", upload_file=("a.md", b"text"),
        user_metadata={"mine": "1"}, webhook_configuration_ids=["whc-that-does-not-exist"],
    )  # fmt: skip
    assert job.user_metadata == {}
    assert start(stood_in, user_metadata={"mine": "1"}).user_metadata == {"mine": "1"}


def test_the_list_is_filtered_and_paged(llama: LlamaCloud) -> None:
    """By ids, status and time; page by page, each with a token for the next."""
    before = datetime.now(UTC) - timedelta(minutes=5)
    ids = [start(llama, f"text {number}".encode()).id for number in range(3)]
    for job_id in ids:
        ended(llama, job_id)
    asked: dict[str, Any] = {"job_ids": ids, "created_at_on_or_after": before}
    first = llama.parsing.list(**asked, page_size=2)
    assert len(first.items) == 2
    assert first.next_page_token
    assert {job.id for job in llama.parsing.list(**asked, page_size=2)} == set(ids)
    assert llama.parsing.list(job_ids=ids, status="FAILED").items == []
    assert llama.parsing.list(job_ids=ids, created_at_on_or_before=before).items == []


def test_the_shape_of_the_list(parse_mock: LlamaParseMock, stood_in: LlamaCloud) -> None:
    """items, next_page_token and total_size."""
    start(stood_in)
    url, key = f"{parse_mock.base_url}/api/v2/parse", {"authorization": "Bearer llx-test"}
    told = httpx.get(url, headers=key).json()
    assert set(told) == {"items", "next_page_token", "total_size"}
    assert (told["next_page_token"], told["total_size"]) == (None, 1)


def test_cancel_and_delete() -> None:
    """A running job can be cancelled and not deleted; an ended one can be deleted, once."""
    with (
        LlamaParseMock(job_seconds=60) as mock,
        LlamaCloud(api_key="llx-test", base_url=mock.base_url, max_retries=0) as client,
    ):
        job = start(client)
        with pytest.raises(llama_cloud.ConflictError):
            client.parsing.delete(job.id)
        assert client.parsing.cancel(job.id).status == "CANCELLED"
        assert client.parsing.delete(job.id).id == job.id
        with pytest.raises(llama_cloud.NotFoundError, match="Parse job not found"):
            client.parsing.get(job.id)


def test_versions(llama: LlamaCloud) -> None:
    """Each tier has dated versions, and a latest one among them."""
    told = llama.parsing.list_versions()
    for tier in ("fast", "cost_effective", "agentic", "agentic_plus"):
        assert getattr(told.latest, tier) in getattr(told, tier)


def test_files(llama: LlamaCloud) -> None:
    """A file is found again by its external id (there is no idempotency header), and deleted."""
    external = f"contract-{time.time_ns()}"
    file = llama.files.create(file=("ü.md", b"text"), purpose="parse", external_file_id=external)
    found = llama.files.list(external_file_id=external)
    assert [item.id for item in found.items] == [file.id]
    assert found.items[0].external_file_id == external
    llama.files.delete(file.id)
    assert llama.files.list(external_file_id=external).items == []


def test_large_results_come_through_presigned_urls() -> None:
    """Beyond the inline limit there are size, existence and an address that needs no key."""
    with (
        LlamaParseMock(inline_bytes=1000) as mock,
        LlamaCloud(api_key="llx-test", base_url=mock.base_url) as client,
    ):
        job = start(client, b"many words " * 500)
        answer = ended(client, job.id, "markdown")
        assert answer.markdown is None
        assert answer.result_content_metadata is not None
        told = answer.result_content_metadata["markdown"]
        assert told.exists
        assert told.presigned_url is not None
        fetched = httpx.get(told.presigned_url)
        assert told.size_bytes == len(fetched.content) > 5000
        assert fetched.json()["pages"][0]["markdown"].startswith("many words")


def test_a_failed_page(parse_mock: LlamaParseMock, stood_in: LlamaCloud) -> None:
    """A page that failed says so among those that did not."""
    parse_mock.faults({"fault": {"kind": "page_error", "pages": [2], "message": "no luck"}})
    answer = ended(stood_in, start(stood_in, policy_pdf(), "policy.pdf").id, "markdown")
    assert answer.markdown is not None
    told = [page.to_dict(mode="json") for page in answer.markdown.pages]
    assert told[1] == {"page_number": 2, "success": False, "error": "no luck"}
    assert [page["success"] for page in told] == [True, False, True]


def test_states_follow_the_clock() -> None:
    """A job is pending, then running, then completed, after seconds a job and a page, scaled."""
    with (
        LlamaParseMock(job_seconds=2, page_seconds=1, time_scale=0.5) as mock,
        LlamaCloud(api_key="llx-test", base_url=mock.base_url) as client,
    ):
        job = start(client, policy_pdf(), "policy.pdf")
        began, seen = time.monotonic(), [job.status]
        while seen[-1] != "COMPLETED":
            time.sleep(0.01)
            status = client.parsing.get(job.id).job.status
            seen += [status] if status != seen[-1] else []
        took = time.monotonic() - began
    assert seen == ["PENDING", "RUNNING", "COMPLETED"]
    assert took > 2


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (lambda: pdf("secret", password="open sesame"), "a.pdf", "PDF_IS_PROTECTED"),
        (lambda: b"%PDF-1.7 and nothing more", "a.pdf", "PDF_IS_BROKEN"),
        (lambda: b"\x00\xff\xfe\xfd\x80", "a.xyz", "UNSUPPORTED_FILE_TYPE"),
        (lambda: pdf("", ""), "a.pdf", "NO_DATA_FOUND_IN_FILE"),
    ],
    ids=["protected", "broken", "unsupported", "no text"],
)
def test_what_a_file_gets_wrong_fails_its_job(
    llama: LlamaCloud, content: Callable[[], bytes], name: str, code: str
) -> None:
    """The code stands in the job's error message."""
    answer = ended(llama, start(llama, content(), name).id)
    assert answer.job.status == "FAILED"
    assert code in (answer.job.error_message or "")


def test_limits_fail_the_job() -> None:
    """Too many pages, and a job that takes longer than its time limit."""
    with (
        LlamaParseMock(job_seconds=20, time_scale=0.01, max_pages=2) as mock,
        LlamaCloud(api_key="llx-test", base_url=mock.base_url) as client,
    ):
        long = start(client, policy_pdf(), "policy.pdf")
        slow = start(client, processing_control={"timeouts": {"base_in_seconds": 5}})
        assert "TOO_MANY_PAGES" in (ended(client, long.id).job.error_message or "")
        assert "TIMEOUT" in (ended(client, slow.id).job.error_message or "")


def test_a_page_has_at_most_64_kilobytes(stood_in: LlamaCloud) -> None:
    """The rest of a longer page is not read."""
    answer = ended(stood_in, start(stood_in, b"x" * 70_000).id, "text")
    assert len(texts(answer)[0]) == 65_536


async def test_the_async_wait_does_not_raise(
    parse_mock: LlamaParseMock, stood_in: LlamaCloud
) -> None:
    """It hands back FAILED jobs and time-outs as if all were well; the plain one raises."""
    parse_mock.faults({"fault": {"kind": "job_error", "code": "PDF_IS_BROKEN"}})
    failed = start(stood_in)
    parse_mock.faults("stuck")
    stuck = start(stood_in)
    async with AsyncLlamaCloud(api_key="llx-test", base_url=parse_mock.base_url) as client:
        wait = client.parsing.wait_for_completion
        assert (await wait(failed.id, **QUICK)).status == "FAILED"
        assert (await wait(stuck.id, timeout=0.1, **QUICK)).status == "RUNNING"
    with pytest.raises(PollingError):
        stood_in.parsing.wait_for_completion(failed.id, **QUICK)


@pytest.mark.parametrize(("variable", "used"), [("LLAMA_CLOUD_API_KEY", True), ("OTHER", False)])
def test_the_environment(
    parse_mock: LlamaParseMock, monkeypatch: pytest.MonkeyPatch, variable: str, used: bool
) -> None:
    """Key and address come from LLAMA_CLOUD_API_KEY (or LLAMA_PARSE_API_KEY) and …_BASE_URL."""
    for name in ("LLAMA_CLOUD_API_KEY", "LLAMA_PARSE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LLAMA_CLOUD_BASE_URL", parse_mock.base_url)
    monkeypatch.setenv(variable, "llx-from-environment")
    if not used:
        monkeypatch.setenv("LLAMA_PARSE_API_KEY", "llx-older-name")
    with LlamaCloud() as client:
        assert client.base_url.port == parse_mock.port
        assert client.api_key == ("llx-from-environment" if used else "llx-older-name")
        assert client.parsing.list().items == []
