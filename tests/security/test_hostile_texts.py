"""Untrusted text never stops a process: hostile files at the API, at `plan`, and in the stages."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.api.authentication import issue_token
from app.terminal.snippets import snippet
from clients.parser_pool.sandbox import ParserPool
from pipeline.chunking import ChunkerOptions, chunk_document
from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.errors import ParseCode, ParseError
from pipeline.highlights import question_words
from pipeline.layout import Box, Region, RegionKind, Table
from pipeline.loopback import free_port
from pipeline.pages import StoredChunk, chunks_on
from pipeline.parsing.assessment.validation import assess
from pipeline.parsing.kinds import MediaType
from pipeline.parsing.local import parse_bytes
from pipeline.parsing.media import sniff
from pipeline.parsing.options import ParseOptions
from pipeline.settings import Settings
from pipeline.text import fold, normalize
from pipeline.tokens import tokenizer
from tests.app.api.serving import serving
from tests.app.navigating import Navigator
from tests.pipeline.parsing.hostile_parsers import spin
from tests.security.hostile_texts import HOSTILE

# A test that waits so long has met a process that stands still.
PATIENCE = 120
SECRET = "a secret of the test, long enough for HS256"


@pytest.fixture(scope="module")
def api_url(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API as the command starts it: a process that a hostile text might stop."""
    port = free_port()
    folder = tmp_path_factory.mktemp("hostile")
    command = Navigator(
        folder / "home",
        {
            "DATABASE_URL": module_database_url,
            "NAVIGATOR_JWT_SECRET": SECRET,
            "NAVIGATOR_UPLOADS_PER_MINUTE": "0",
            "NAVIGATOR_REQUESTS_PER_MINUTE": "0",
        },
    )
    with (folder / "log").open("wb") as log:  # a pipe that nobody reads would stop it
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "api", "--port", str(port)],
            cwd=folder, env=command.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url, process)
        yield url
    finally:
        process.kill()
        process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, "the API ended while it started"
        try:
            if httpx.get(f"{url}/health/live", timeout=PATIENCE).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError("the API did not start")


def _client(url: str, user: str) -> httpx.Client:
    token = issue_token(Settings(jwt_secret=SECRET), user, service=False, hours=1)
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=f"{url}/api/v1", headers=headers, timeout=PATIENCE)


def _sent(client: httpx.Client, name: str, content: bytes) -> int:
    return client.post("/documents", files={"file": (name, content)}).status_code


def _sent_in_two_steps(client: httpx.Client, name: str, content: bytes) -> int:
    announced = client.post("/uploads", json={"name": name}).json()
    link = announced["upload"]
    client.request(link["method"], link["url"], content=content).raise_for_status()
    return client.post(f"/uploads/{announced['id']}/complete").status_code


@pytest.mark.timeout(600)
@pytest.mark.parametrize("send", [_sent, _sent_in_two_steps])
def test_hostile_uploads_hold_up_nobody(
    api_url: str, send: Callable[[httpx.Client, str, bytes], int]
) -> None:
    """While hostile texts are uploaded others are answered, and each is taken or refused."""
    with (
        _client(api_url, "mallory") as mallory,
        _client(api_url, "anna") as anna,
        ThreadPoolExecutor(4) as pool,
    ):
        sent = {name: pool.submit(send, mallory, name, HOSTILE[name]) for name in HOSTILE}
        answered = 0
        while not all(each.done() for each in sent.values()):
            assert anna.get("/jobs").status_code == 200
            answered += 1
    codes = {name: each.result() for name, each in sent.items()}
    assert answered
    assert codes["comments.txt"] in (200, 202)
    assert set(codes.values()) <= {200, 202, 415, 422}, codes


@pytest.mark.timeout(600)
def test_plan_comes_to_its_end(tmp_path: Path, module_database_url: str) -> None:
    """`navigator plan` tells what would become of every hostile file of a folder."""
    folder = tmp_path / "files"
    folder.mkdir()
    for name, content in HOSTILE.items():
        (folder / name).write_bytes(content)
    command = Navigator(tmp_path / "home", {"DATABASE_URL": module_database_url})
    process = command.start("plan", *sorted(folder.iterdir()), "--user", "planner", "--json")
    try:
        out, err = process.communicate(timeout=500)
    finally:
        process.kill()
    told = json.loads(out)
    named = {Path(each["source"]).name for each in told["documents"]}
    assert set(HOSTILE) <= {name.split("#")[0] for name in named}, err


def test_telling_a_kind_has_a_limit(module_database_url: str, tmp_path: Path) -> None:
    """What never ends telling a file's kind is ended, its upload refused, and others are served."""
    settings = Settings(
        home=tmp_path / "home", database_url=module_database_url, parse_timeout_seconds=1
    )
    with serving(settings) as api, api.client("anna") as anna:
        hostile = ParserPool(1, ParseOptions(timeout_seconds=1), sniff=spin)
        services = replace(api.parts.services, parser=hostile)
        api.app.state.parts = replace(api.parts, services=services)
        with ThreadPoolExecutor(1) as pool:
            sent = pool.submit(_upload, anna, b"spin")
            answered = 0
            while not sent.done():
                assert anna.get("/jobs").status_code == 200
                answered += 1
        refused = sent.result()
        api.run(hostile.close())
    assert answered > 1
    assert (refused.status_code, refused.json()["code"]) == (422, "parse_timeout")


def _upload(client: httpx.Client, content: bytes) -> httpx.Response:
    return client.post("/documents", files={"file": ("a.txt", content)}, timeout=PATIENCE)


async def test_a_pool_goes_on_after_a_kind_that_could_not_be_told() -> None:
    """The worker that never came to an end is replaced, and tells the next file's kind."""
    async with ParserPool(1, ParseOptions(timeout_seconds=1), sniff=spin) as pool:
        with pytest.raises(ParseError) as caught:
            await pool.sniff(b"spin", "a.txt")
        assert caught.value.parse_code is ParseCode.TIMEOUT
        assert await pool.sniff(b"# words", "a.md") is MediaType.MARKDOWN


async def test_the_pool_tells_what_the_function_tells() -> None:
    """A kind, a refusal and what only LlamaParse reads are told by the process as by `sniff`."""
    async with ParserPool(1) as pool:
        assert await pool.sniff(HOSTILE["names.zip"], "a.zip") is MediaType.ZIP
        assert await pool.sniff(b"<!-- a --> <html>", "a.md") is MediaType.MARKDOWN
        assert await pool.sniff(b"<!-- a --> <html>", "a") is MediaType.HTML
        with pytest.raises(ParseError) as caught:
            await pool.sniff(b"GIF", "a.pdf")
        assert caught.value.parse_code is ParseCode.UNSUPPORTED_TYPE


COUNTER = tokenizer("cl100k_base")
WORDS = question_words("how long do I wait for dental crowns")


def _parsed(kind: MediaType) -> Callable[[str], object]:
    def parse(text: str) -> object:
        try:
            return parse_bytes(text.encode(), kind, ParseOptions())
        except ParseError as error:
            return error

    return parse


def _document(text: str) -> ParsedDocument:
    return ParsedDocument((ParsedPage(1, text),), False, "test", "test")


def _sniffed(text: str) -> None:
    for name in ("a.txt", "a.md", "a", "a.html", "a.pdf", "a.eml", "a.csv", "a.docx", "a.xls"):
        try:
            sniff(text.encode(), name)
        except ParseError:
            continue


STEPS: dict[str, Callable[[str], Any]] = {
    "sniff": _sniffed,
    "normalize": normalize,
    "fold": lambda text: fold(normalize(text).text),
    "text": _parsed(MediaType.TEXT),
    "Markdown": _parsed(MediaType.MARKDOWN),
    "HTML": _parsed(MediaType.HTML),
    "mail": _parsed(MediaType.EML),
    "CSV": _parsed(MediaType.CSV),
    "RTF": _parsed(MediaType.RTF),
    "assess": lambda text: assess(_document(text)),
    "chunk": lambda text: chunk_document(_document(text), ChunkerOptions(), COUNTER),
    # of a passage, which is of a normalized text: piles of marks are cut there
    "snippet": lambda text: snippet(normalize(text).text, WORDS, 420),
}
PUMPS = [
    "<!---->", "<!--", "<a ", "<table><tr><td>", "-", "| ", "|-", "a|b\n-|-\n", "# A: \n",
    "- a\n", "```\n", "`", "[^", "[^a]: b\n", "![](data:a/b;base64,", "data:;", "\u0301\u0323",
    "\uff9e\u0344", "\u0301\xad", " ", "\n", "\t", "1.", "A. ", "$1 ", ": ", "@", "A1",
    "Page 1\n", "=?utf-8?q?a?=", "From: a\n", ',"', "{\\b ", "\\'e9", "&#", "&amp;", "eyJ-",
    "x-://", "**", "_a", "Mr. ", "\x1c",
]  # fmt: skip
SHORT, WORTH_JUDGING, MOST_GROWTH = 5_000, 0.2, 8


def _seconds(step: Callable[[str], Any], pump: str, size: int) -> float:
    text = "A b.\n" + pump * (size // len(pump)) + "x"
    started = time.process_time()
    step(text)
    return max(time.process_time() - started, 1e-6)


@pytest.mark.parametrize("name", STEPS)
def test_every_step_takes_linear_time(name: str) -> None:
    """Four times as much of what is hostile to a step takes it about four times as long."""
    step = STEPS[name]
    step("What is loaded at the first use. Words.")
    for pump in PUMPS:
        if _seconds(step, pump, 4 * SHORT) < WORTH_JUDGING:
            continue
        growth = min(
            _seconds(step, pump, 8 * SHORT) / _seconds(step, pump, 2 * SHORT) for _ in range(2)
        )
        assert growth < MOST_GROWTH, pump


def test_a_page_of_many_regions_is_shown_in_linear_time() -> None:
    """Where chunks stand on a page is looked up, not searched for: the work grows as they do."""

    def seconds(count: int) -> float:
        box = Box(0, 0, 1, 1)
        regions = [Region(RegionKind.PARAGRAPH, n * 10, n * 10 + 9, box) for n in range(count)]
        tables = [Table(n * 10, n * 10 + 9, (), (), box=box) for n in range(count)]
        page = ParsedPage(1, "123456789\n" * count, regions=tuple(regions), tables=tuple(tables))
        chunks = [StoredChunk(None, n, n * 10, n * 10 + 9, [], "", "") for n in range(count)]  # type: ignore[arg-type]
        started = time.process_time()
        assert len(chunks_on(page, 0, chunks)) == count
        return max(time.process_time() - started, 1e-6)

    assert min(seconds(16_000) / seconds(4_000) for _ in range(3)) < MOST_GROWTH
