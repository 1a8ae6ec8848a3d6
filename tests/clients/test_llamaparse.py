"""The LlamaParse client against the mock server: every path, every failure, nothing paid twice."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import traceback
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from pydantic import SecretStr

from clients.llamaparse.client import LlamaParseClient
from clients.llamaparse.errors import job_error
from clients.network.provider_errors import BadAnswer
from clients.network.provider_urls import require_safe_download
from clients.parser import UnknownJob
from mocks import LlamaParseMock
from pipeline.errors import (
    ConfigurationError,
    NavigatorError,
    ParseCode,
    ParseError,
    QuotaExhausted,
    RateLimited,
    ServiceUnavailable,
)
from pipeline.identity import sha256_hex
from tests.clocks import DAY, moved

pytestmark = pytest.mark.no_ledger("the client is asked by itself, without a pipeline")

KEY = SecretStr("llx-canary-key")
NAME = "canary.md"
TEXT = b"# Deductible\n\nThe annual deductible is $500."


@pytest.fixture(scope="module")
def running() -> Iterator[LlamaParseMock]:
    with LlamaParseMock(inline_bytes=4000) as mock:
        yield mock


async def test_a_job_is_found_by_the_services_clock() -> None:
    """Also by a client whose clock is a month ahead: it is not submitted again."""
    with LlamaParseMock(process=True) as apart, moved(30 * DAY):
        client = client_of(apart)
        job = await client.submit(TEXT, NAME, "text/markdown", sha256_hex(TEXT))
        assert await client.find(sha256_hex(TEXT)) == job
        await client.close()


@pytest.fixture
def mock(running: LlamaParseMock) -> LlamaParseMock:
    running.reset()
    return running


def client_of(mock: LlamaParseMock, **options: Any) -> LlamaParseClient:
    quick = {"poll_seconds": 0.01, "poll_most_seconds": 0.05, "timeout": 10, "deadline_seconds": 5}
    return LlamaParseClient(KEY, base_url=mock.base_url, **{**quick, **options})


@pytest.fixture
async def client(mock: LlamaParseMock) -> AsyncIterator[LlamaParseClient]:
    client = client_of(mock)
    yield client
    await client.close()


async def submit(client: LlamaParseClient, content: bytes = TEXT, name: str = "policy.md") -> str:
    return await client.submit(content, name, "text/markdown", sha256_hex(content))


def pdf(*pages: str, password: str | None = None) -> bytes:
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    lock = StandardEncryption(password, strength=128) if password else None
    canvas = Canvas(out, encrypt=lock)
    for text in pages:
        canvas.drawString(72, 720, text)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


async def test_a_pdf_comes_back_page_by_page(
    mock: LlamaParseMock, client: LlamaParseClient
) -> None:
    """The pages have their numbers and texts, the credits are told, and the upload has a name."""
    job = await submit(client, pdf("The deductible is $500.", "Eyeglasses: every second year."))
    document, _, credits = await client.wait(job)
    assert [page.number for page in document.pages] == [1, 2]
    assert "deductible is $500" in document.pages[0].text
    assert "Eyeglasses" in document.pages[1].text
    assert (document.paged, document.parser) == (True, "llamaparse-v2-cost_effective-1")
    assert document.parser == client.parser_name
    assert credits == Decimal("6.0") == Decimal(str(mock.stats()["credits"]))


async def test_a_text_is_normalized(client: LlamaParseClient) -> None:
    """NULs are replaced and counted, and a format without pages says so."""
    document, *_ = await client.wait(await submit(client, b"one\x00two\r\nthree"), paged=False)
    assert document.pages[0].text == "one\ufffdtwo\nthree"
    assert (document.replaced, document.paged) == (1, False)


async def test_the_fast_tier_gives_text(mock: LlamaParseMock) -> None:
    """The fast tier has no Markdown, so its text is asked for."""
    client = client_of(mock, tier="fast")
    document, _, credits = await client.wait(await submit(client))
    await client.close()
    assert "deductible" in document.text
    assert (document.parser, credits) == ("llamaparse-v2-fast-1", Decimal("1.0"))


async def test_a_large_result_comes_from_its_own_address(
    mock: LlamaParseMock, client: LlamaParseClient, caplog: pytest.LogCaptureFixture
) -> None:
    """The presigned address is fetched without the key, and its signature is in no log line."""
    caplog.set_level(logging.INFO)
    document, *_ = await client.wait(await submit(client, b"many words " * 1000))
    assert len(document.text) > 4000
    assert mock.stats()["presigned"] == 1
    assert "mock-results" in caplog.text
    assert "signature" not in caplog.text


async def test_a_crash_between_submitting_and_recording_pays_once(
    mock: LlamaParseMock, client: LlamaParseClient
) -> None:
    """`find` tells the job that was started before, among many others and in this tier only."""
    content = b"the one that was submitted"
    assert await client.find(sha256_hex(content)) is None
    job = await submit(client, content)
    for number in range(105):
        await submit(client, f"other {number}".encode())
    assert await client.find(sha256_hex(content)) == job
    other_tier = client_of(mock, tier="agentic")
    assert await other_tier.find(sha256_hex(content)) is None
    await other_tier.close()
    document, *_ = await client.wait(job)
    assert document.text == content.decode()
    assert mock.stats()["repeated_jobs"] == 0


async def test_a_dropped_answer_is_found_again(
    mock: LlamaParseMock, client: LlamaParseClient
) -> None:
    """When the answer to the submission is lost, the job exists and is not paid for again."""
    mock.faults({"fault": "drop", "match": {"method": "POST", "path": "/api/v2/parse"}, "times": 1})
    with pytest.raises(ServiceUnavailable):
        await submit(client)
    found = await client.find(sha256_hex(TEXT))
    assert found is not None
    assert (await client.wait(found))[0].text.startswith("# Deductible")
    assert mock.stats()["credits"] == mock.stats()["unique_credits"] == 3.0


async def test_an_upload_without_a_job_is_used_again(
    mock: LlamaParseMock, client: LlamaParseClient
) -> None:
    """A crash between upload and submission does not upload the file a second time."""
    mock.faults({"fault": {"kind": "status"}, "match": {"path": "/api/v2/parse"}})
    with pytest.raises(ServiceUnavailable):
        await submit(client)
    mock.faults()
    await client.wait(await submit(client))
    assert mock.stats()["uploads"] == 1


async def test_a_failed_job_is_not_found(mock: LlamaParseMock, client: LlamaParseClient) -> None:
    """A retry by a person starts a new job instead of reading the old failure."""
    mock.faults({"fault": "job_error", "match": {"path": "/api/v2/parse"}, "times": 1})
    failed = await submit(client)
    with pytest.raises(ParseError):
        await client.wait(failed)
    assert await client.find(sha256_hex(TEXT)) is None
    assert (await client.wait(await submit(client)))[0].pages


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (pdf("secret", password="pw"), ParseCode.ENCRYPTED),
        (b"%PDF-1.7 and nothing more", ParseCode.BROKEN),
        (b"\xff\xfe\x00\xd8binary", ParseCode.UNSUPPORTED_TYPE),
        (pdf(""), ParseCode.NO_TEXT),
        (b"", ParseCode.EMPTY),
    ],
    ids=["encrypted", "broken", "binary", "no text", "empty"],
)
async def test_bad_files(client: LlamaParseClient, content: bytes, code: ParseCode) -> None:
    """What is wrong with the file itself ends in the right code with a remedy."""
    with pytest.raises(ParseError) as caught:
        await client.wait(await submit(client, content))
    assert caught.value.parse_code is code
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("UNSUPPORTED_FILE_TYPE", ParseCode.UNSUPPORTED_TYPE),
        ("PDF_IS_PROTECTED", ParseCode.ENCRYPTED),
        ("PDF_IS_BROKEN", ParseCode.BROKEN),
        ("NO_DATA_FOUND_IN_FILE", ParseCode.NO_TEXT),
        ("DOCUMENT_TOO_LARGE", ParseCode.TOO_LARGE),
        ("TOO_MANY_PAGES", ParseCode.TOO_MANY_PAGES),
        ("TIMEOUT", ParseCode.TIMEOUT),
        ("SOMETHING_NEW", ParseCode.CRASHED),
    ],
)
async def test_failure_codes(
    mock: LlamaParseMock, client: LlamaParseClient, code: str, expected: ParseCode
) -> None:
    """Every code of a failed job is one of ours, and the service's words are not repeated."""
    message = f"Job failed with {code}: canary"
    mock.faults({"fault": {"kind": "job_error", "message": message}})
    with pytest.raises(ParseError) as caught:
        await client.wait(await submit(client))
    assert caught.value.parse_code is expected
    assert "canary" not in caught.value.message


def test_a_job_may_fail_without_words() -> None:
    """A failure without any message is still one of ours."""
    assert job_error(None).parse_code is ParseCode.CRASHED


async def test_pages_that_failed_are_kept_as_such(
    mock: LlamaParseMock, client: LlamaParseClient
) -> None:
    """The other pages are there, the failed one says why, and a person is told."""
    mock.faults({"fault": {"kind": "page_error", "pages": [2]}})
    document, *_ = await client.wait(await submit(client, pdf("one", "two", "three")))
    assert [page.error is None for page in document.pages] == [True, False, True]
    assert document.pages[1].error == "The page could not be rendered"
    assert [note.message for note in document.notes] == ["LlamaParse could not read page 2."]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "status", "status": 401}, ConfigurationError),
        ({"kind": "status", "status": 307}, ConfigurationError),
        ({"kind": "status", "status": 422}, ConfigurationError),
        ({"kind": "status", "status": 413}, ParseError),
        ("quota", QuotaExhausted),
        ("rate_limit", RateLimited),
        ({"kind": "status", "status": 500}, ServiceUnavailable),
        ({"kind": "status", "status": 503}, ServiceUnavailable),
        ("reset", ServiceUnavailable),
        ("truncated_body", ServiceUnavailable),
        ({"kind": "hang", "seconds": 3}, ServiceUnavailable),
        ("truncated_json", BadAnswer),
        ("not_json", BadAnswer),
    ],
    ids=str,
)
async def test_faults_while_submitting(
    mock: LlamaParseMock, fault: object, expected: type[NavigatorError]
) -> None:
    """Each fault is one error of the right class; key and file name are not in it."""
    hangs = isinstance(fault, dict) and fault["kind"] == "hang"
    client = client_of(mock, timeout=0.3 if hangs else 10)
    mock.faults({"fault": fault})
    with pytest.raises(NavigatorError) as caught:
        await submit(client, name=NAME)
    await client.close()
    assert type(caught.value) is expected
    assert "canary" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "fault", [{"kind": "status", "status": 502}, "reset", "truncated_json", "rate_limit"], ids=str
)
async def test_polling_has_patience(
    mock: LlamaParseMock, client: LlamaParseClient, fault: object
) -> None:
    """A few failed looks in a row do not lose a job; too many are told to the caller."""
    job = await submit(client)
    mock.faults({"fault": fault, "times": 4})
    assert (await client.wait(job))[0].pages
    mock.faults({"fault": fault})
    with pytest.raises((ServiceUnavailable, RateLimited)):
        await client.wait(job)


async def test_a_job_that_never_ends_is_given_up(mock: LlamaParseMock) -> None:
    """At the deadline the job is cancelled, so that it costs nothing more."""
    client = client_of(mock, deadline_seconds=0.4)
    mock.faults({"fault": "stuck", "match": {"path": "/api/v2/parse"}})
    job = await submit(client)
    with pytest.raises(ParseError) as caught:
        await client.wait(job)
    assert caught.value.parse_code is ParseCode.TIMEOUT
    assert await client.find(sha256_hex(TEXT)) is None
    await client.close()


@pytest.mark.parametrize("fault", ["lost", "cancelled"])
async def test_a_job_that_is_gone_is_submitted_again(
    mock: LlamaParseMock, client: LlamaParseClient, fault: str
) -> None:
    """A job that the service forgot or somebody cancelled tells the caller to start anew."""
    mock.faults({"fault": fault, "match": {"path": "/api/v2/parse"}, "times": 1})
    job = await submit(client)
    with pytest.raises(UnknownJob):
        await client.wait(job)
    assert (await client.wait(await submit(client)))[0].pages


async def test_pages_with_wrong_numbers_are_no_document(
    mock: LlamaParseMock, client: LlamaParseClient
) -> None:
    """A page told twice is a bad answer, never a document."""
    mock.faults({"fault": "wrong_pages", "match": {"path": "/api/v2/parse"}})
    with pytest.raises(BadAnswer):
        await client.wait(await submit(client))


async def test_cancelling(client: LlamaParseClient) -> None:
    """A running job can be cancelled; an ended and an unknown one are no error."""
    job = await submit(client)
    await client.cancel(job)
    with pytest.raises(UnknownJob):
        await client.wait(job)
    await client.cancel(job)
    await client.cancel("pjb-unknown")


async def test_missing_usage_is_no_error(mock: LlamaParseMock, client: LlamaParseClient) -> None:
    """Of a service that does not tell the credits, nothing is said: not that they were none."""
    mock.faults("no_usage")
    assert (await client.wait(await submit(client))).usd is None


async def test_many_jobs_at_once(mock: LlamaParseMock, client: LlamaParseClient) -> None:
    """Concurrent jobs do not mix their texts."""

    async def parse(number: int) -> str:
        content = f"document number {number}".encode()
        return (await client.wait(await submit(client, content)))[0].text

    texts = await asyncio.gather(*map(parse, range(20)))
    assert texts == [f"document number {number}" for number in range(20)]


@pytest.mark.parametrize(
    ("url", "taken"),
    [
        ("https://results.s3.amazonaws.com/a?X-Amz-Signature=1", True),
        ("https://results.s3.eu-central-1.amazonaws.com/a", True),
        ("https://api.cloud.llamaindex.ai/x", True),
        ("https://api.example.com/x", False),
        ("https://results.s3.amazonaws.com:8443/a", False),
        ("http://results.s3.amazonaws.com/a", False),
        ("https://169.254.169.254/latest/meta-data", False),
        ("https://[::1]/x", False),
        ("https://[64:ff9b::a9fe:a9fe]/x", False),
        ("https://localhost/x", False),
        ("https://metadata.google.internal/x", False),
        ("https://2130706433/x", False),
        ("https://0x7f.1/x", False),
        ("https://127.0.0.1.:443/x", False),
        ("https://user:pw@results.s3.amazonaws.com/a", False),
        ("file:///etc/passwd", False),
        ("https://bad:port/x", False),
        ("", False),
    ],
)
def test_which_result_addresses_are_fetched(url: str, taken: bool) -> None:
    """Only https at the service's own hosts is fetched, so nothing of our network is reached."""
    if taken:
        require_safe_download(url, "https://api.cloud.llamaindex.ai", "LlamaParse")
        return
    with pytest.raises(ServiceUnavailable):
        require_safe_download(url, "https://api.cloud.llamaindex.ai", "LlamaParse")


class Redirecting(BaseHTTPRequestHandler):
    """A completed job whose result lies at an address that redirects to another one."""

    asked: list[tuple[str, str | None]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("authorization")))
        host = self.headers["host"]
        job = {"id": "j", "status": "COMPLETED"}
        where = {"markdown": {"presigned_url": f"http://{host}/result"}}
        body = json.dumps({"job": job, "result_content_metadata": where}).encode()
        redirect = self.path == "/result"
        self.send_response(302 if redirect else 200)
        if redirect:
            self.send_header("location", f"http://{host}/inside")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


async def test_a_redirected_result_is_not_followed() -> None:
    """The result's address is asked without the key, and where it redirects is not asked at all."""
    Redirecting.asked = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Redirecting)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    client = LlamaParseClient(KEY, base_url=f"http://127.0.0.1:{server.server_port}")
    try:
        with pytest.raises(ServiceUnavailable, match="302"):
            await client.wait("j")
    finally:
        await client.close()
        server.shutdown()
        server.server_close()
        thread.join()
    assert ("/result", None) in Redirecting.asked
    assert not any(path == "/inside" for path, _ in Redirecting.asked)


@pytest.mark.parametrize("url", ["api.cloud.llamaindex.ai", "https://me:secret@example.test"])
def test_a_wrong_address_is_said_at_once(url: str) -> None:
    """An address that is none, or that holds a password, is a wrong setting."""
    with pytest.raises(ConfigurationError) as caught:
        LlamaParseClient(KEY, base_url=url)
    assert "secret" not in caught.value.message + caught.value.remedy
