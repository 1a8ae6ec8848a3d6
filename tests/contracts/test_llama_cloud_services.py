"""The older SDK, `llama-cloud-services` 0.6.94, drives v1 of the mock server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mocks import LlamaParseMock
from tests.contracts.documents import policy_pdf
from tests.contracts.older_sdk import OlderSdk
from tests.contracts.real_services import BOTH, account
from tests.contracts.receiving import Receiver
from tests.contracts.serving_files import serving

pytestmark = [
    pytest.mark.long,  # an environment of its own is made for it
    pytest.mark.timeout(300),
    pytest.mark.no_ledger("the vendor's client asks, not ours"),
]


@pytest.fixture(scope="module")
def running_sdk(running_parse: LlamaParseMock) -> Iterator[OlderSdk]:
    with OlderSdk(running_parse.base_url, "llx-test") as sdk:
        yield sdk


@pytest.fixture
def stood_in(parse_mock: LlamaParseMock, running_sdk: OlderSdk) -> OlderSdk:
    return running_sdk


@pytest.fixture(params=BOTH)
def sdk(request: pytest.FixtureRequest) -> Iterator[OlderSdk]:
    """The SDK against the mock server, and against the real service when there is a key."""
    if request.param == "mock":
        yield request.getfixturevalue("stood_in")
        return
    with OlderSdk(*account("LLAMA_CLOUD")) as real:
        yield real


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PDF of three pages."""
    path = tmp_path_factory.mktemp("policies") / "policy.pdf"
    path.write_bytes(policy_pdf())
    return path


def test_the_sdk_is_the_pinned_one(stood_in: OlderSdk) -> None:
    """Its own environment holds the versions of the contract."""
    told = stood_in.call("versions")
    assert told == {"llama-cloud-services": "0.6.94", "llama-cloud": "0.1.46"}


@pytest.mark.parametrize(("kind", "separator"), [("markdown", None), ("text", "\n***\n")])
def test_load_data(sdk: OlderSdk, policy: Path, kind: str, separator: str | None) -> None:
    """One document whose pages are joined by `---` or by the separator asked for."""
    texts = sdk.call("load_data", policy, result_type=kind, page_separator=separator)["texts"]
    pages = texts[0].split(separator or "\n---\n")
    assert len(pages) == 3
    assert "deductible is $500" in pages[0]
    assert "90 days" in pages[2]


def test_parse_and_read_again(sdk: OlderSdk, policy: Path) -> None:
    """The JSON result has pages with text and Markdown; the raw results are read from /api/v1."""
    told = sdk.call("parse", policy, do_not_cache=True)
    assert [page["page"] for page in told["pages"]] == [1, 2, 3]
    assert "Eyeglasses" in told["pages"][1]["text"]
    assert (told["job_pages"], told["job_is_cache_hit"]) == (3, False)
    assert "Eyeglasses" in told["markdown"]
    assert "Claims" in told["text"]
    assert {"pages", "job_metadata"} <= set(told["json"])
    assert {"page", "text", "md", "images", "items"} <= set(told["json"]["pages"][0])


def test_both_roots_are_served(
    parse_mock: LlamaParseMock, stood_in: OlderSdk, policy: Path
) -> None:
    """The SDK makes and polls the job under /api/parsing and reads raw results from /api/v1."""
    stood_in.call("parse", policy)
    routes = parse_mock.stats()["routes"]
    assert routes["POST /api/parsing"] == 1
    assert routes["GET /api/parsing"] >= 2
    assert routes["GET /api/v1/parsing"] == 3


def test_options_are_sent_as_form_strings(
    parse_mock: LlamaParseMock, stood_in: OlderSdk, policy: Path
) -> None:
    """Language, mode, pages, cache and tier come with the upload and do what they say."""
    told = stood_in.call(
        "parse", policy, language="de", parse_mode="parse_page_with_agent", target_pages="0,2",
        do_not_cache=True, tier="agentic_plus",
    )  # fmt: skip
    assert [page["page"] for page in told["pages"]] == [1, 3]
    counted = parse_mock.stats()
    options = ("language", "parse_mode", "target_pages", "do_not_cache", "tier")
    assert all(counted["v1_options"][option] == 1 for option in options)
    assert counted["credits"] == 2 * 45.0
    assert [p["page"] for p in stood_in.call("parse", policy, max_pages=1)["pages"]] == [1]


def test_the_cache(parse_mock: LlamaParseMock, stood_in: OlderSdk, policy: Path) -> None:
    """The same bytes again are a cache hit that costs nothing, unless that is declined."""
    hits = [
        stood_in.call("parse", policy, **options)["job_is_cache_hit"]
        for options in ({}, {}, {"do_not_cache": True}, {"invalidate_cache": True})
    ]
    assert hits == [False, True, False, False]
    counted = parse_mock.stats()
    assert (counted["credits"], counted["jobs"]) == (3 * 9.0, 4)


def test_partitions_stop_at_the_end_of_the_file(stood_in: OlderSdk, policy: Path) -> None:
    """Asking for pages beyond the last one fails with NO_DATA_FOUND_IN_FILE, as the SDK expects."""
    results = stood_in.call("get_json", policy, partition_pages=3)["results"]
    assert [len(result["pages"]) for result in results] == [3]
    failed = stood_in.call("get_json", policy, target_pages="7-9")
    assert (failed["status"], failed["error_code"]) == ("ERROR", "NO_DATA_FOUND_IN_FILE")


def test_a_job_can_be_read_again_by_its_id(stood_in: OlderSdk, policy: Path) -> None:
    """`get_result` takes a job up that was made before."""
    job_id = stood_in.call("parse", policy)["job_id"]
    assert "deductible" in stood_in.call("again", job_id)["pages"][0]


CODES = [
    "UNSUPPORTED_FILE_TYPE", "PDF_IS_PROTECTED", "PDF_IS_BROKEN", "NO_DATA_FOUND_IN_FILE",
    "DOCUMENT_TOO_LARGE", "TOO_MANY_PAGES", "TIMEOUT",
]  # fmt: skip


@pytest.mark.parametrize("code", CODES)
def test_every_failure_code_reaches_the_caller(
    parse_mock: LlamaParseMock, stood_in: OlderSdk, policy: Path, code: str
) -> None:
    """ERROR comes with code and words, and the SDK raises them."""
    parse_mock.faults({"fault": {"kind": "job_error", "code": code}})
    failed = stood_in.call("parse", policy)
    assert (failed["error"], failed["error_code"]) == ("JobFailedException", code)
    assert failed["status"] == "ERROR"


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"kind": "page_error", "pages": [2]}, "PARTIAL_SUCCESS"),
        ("cancelled", "CANCELLED"),
        ({"kind": "cancelled", "spelling": "CANCELED"}, "CANCELED"),
    ],
    ids=str,
)
def test_the_other_ends(
    parse_mock: LlamaParseMock, stood_in: OlderSdk, policy: Path, fault: object, status: str
) -> None:
    """The SDK knows SUCCESS and PENDING only; every other end is an exception with its status."""
    parse_mock.faults({"fault": fault})
    failed = stood_in.call("parse", policy)
    assert (failed["error"], failed["status"]) == ("JobFailedException", status)


def test_partial_success_keeps_the_good_pages(parse_mock: LlamaParseMock, policy: Path) -> None:
    """Read without the SDK, a partly failed job gives the pages that worked."""
    parse_mock.faults({"fault": {"kind": "page_error", "pages": [2]}})
    root, key = f"{parse_mock.base_url}/api/v1/parsing", {"authorization": "Bearer llx-test"}
    with httpx.Client(headers=key) as client:
        files = {"file": ("policy.pdf", policy.read_bytes())}
        job: dict[str, Any] = client.post(f"{root}/upload", files=files).json()
        assert set(job) == {"id", "status"}
        assert job["status"] == "PENDING"
        while client.get(f"{root}/job/{job['id']}").json()["status"] == "PENDING":
            pass
        result = client.get(f"{root}/job/{job['id']}/result/json").json()
    assert [bool(page["text"]) for page in result["pages"]] == [True, False, True]


def test_a_source_on_this_machine(stood_in: OlderSdk, policy: Path) -> None:
    """`input_url` is fetched from loopback, and from nowhere else."""
    with serving(policy.parent) as there:
        told = stood_in.call("parse", f"{there}/policy.pdf")
        gone = stood_in.call("parse", f"{there}/missing.pdf")
    assert len(told["pages"]) == 3
    assert gone["error_code"] == "NO_DATA_FOUND_IN_FILE"
    refused = stood_in.call("parse", "http://169.254.169.254/latest/meta-data")
    assert "loopback addresses only" in refused["message"]


def test_the_webhook_url(stood_in: OlderSdk, policy: Path, receiver: Receiver) -> None:
    """`webhook_url` goes with the upload and hears of the job's end."""
    job_id = stood_in.call("parse", policy, webhook_url=receiver.url)["job_id"]
    assert receiver.wait_for(1)[0].event["data"]["job_id"] == job_id
    assert receiver.kinds() == ["parse.success"]


def test_the_sdk_waits_out_a_429(
    parse_mock: LlamaParseMock, stood_in: OlderSdk, policy: Path
) -> None:
    """The SDK tries an upload again after four seconds, without any Retry-After."""
    parse_mock.faults({"fault": "rate_limit", "times": 1})
    assert len(stood_in.call("parse", policy)["pages"]) == 3
    assert parse_mock.stats()["statuses"]["429"] == 1
