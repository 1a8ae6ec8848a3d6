from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from clients.parser_pool.requests import CONVERT
from clients.parser_pool.sandbox import INLINE_BYTES, ParserPool
from clients.parser_pool.time_limit import TimeLimit, extra_seconds
from clients.parser_pool.worker import Worker
from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.local import rescue_bytes
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import MIB, ParseOptions
from tests.pipeline.parsing.hostile_parsers import burn, convert_as_told, obey, rescue
from tests.pipeline.parsing.made_files import SENTENCE, bomb_pdf, docx, pdf, policy_pdf

PDF = MediaType.PDF
STRICT = ParseOptions(timeout_seconds=1.0, memory_bytes=300 * MIB)


@pytest.fixture
async def pool() -> AsyncIterator[ParserPool]:
    async with ParserPool(2, STRICT, parse=obey, rescue=None) as pool:
        yield pool


@pytest.fixture
async def patient() -> AsyncIterator[ParserPool]:
    """A pool whose limit of time is far away."""
    options = replace(STRICT, timeout_seconds=600.0)
    async with ParserPool(2, options, parse=obey, rescue=None) as pool:
        yield pool


async def refusal(pool: ParserPool, content: bytes) -> ParseError:
    with pytest.raises(ParseError) as caught:
        await pool.parse(content, PDF)
    assert (await pool.parse(b"next", PDF)).text.endswith("4 PDF")
    return caught.value


async def wait_until_gone(pid: int, seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        await asyncio.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("order", "limit"),
    [(b"hang", "4 seconds."), (b"spin", "1 seconds of processor time.")],
)
async def test_a_hanging_document_ends_in_time(pool: ParserPool, order: bytes, limit: str) -> None:
    """A document that never ends is ended at its time limit, and the pool goes on."""
    await pool.parse(b"warm", PDF)
    # A processor that others use gives less than a second of itself in four, at times.
    for _ in range(5):
        error = await refusal(pool, order)
        assert error.parse_code is ParseCode.TIMEOUT
        if error.message.endswith(limit):
            return
    raise AssertionError(error.message)


async def test_more_pages_have_more_time() -> None:
    """Two seconds of work are too much for one page, and not for five."""
    limits = ParseOptions(timeout_seconds=1.0, page_seconds=1.0)
    async with ParserPool(1, limits, parse=burn, rescue=None) as pool:
        assert (await pool.parse(pdf(["x"] * 5), PDF)).text == "burnt"
        with pytest.raises(ParseError) as caught:
            await pool.parse(pdf(["x"]), PDF)
        assert caught.value.parse_code is ParseCode.TIMEOUT


def test_the_limit_counts_what_the_processor_did() -> None:
    """A document that got little of a busy processor is not given up for it, only much later."""
    limit = TimeLimit(10, used_before=100, started=time.monotonic() - 39)
    assert limit.passed(109) is None
    assert limit.passed(111) == "10 seconds of processor time"
    late = TimeLimit(10, started=time.monotonic() - 41)
    assert late.passed(1) == "40 seconds"
    assert limit.with_more(5).passed(114) is None
    ocr = ParseOptions(ocr=True, max_pages=3)
    assert extra_seconds(1, ocr) == 0
    assert extra_seconds(9, ocr) == 2 * ocr.ocr_page_seconds
    assert extra_seconds(9, ParseOptions()) == 8 * ParseOptions().page_seconds


@pytest.mark.parametrize("order", [b"eat", b"grab"])
async def test_memory_is_limited(patient: ParserPool, order: bytes) -> None:
    """A document that eats memory, slowly or at one grab, is ended at its limit."""
    error = await refusal(patient, order)
    assert error.parse_code is ParseCode.OUT_OF_MEMORY


@pytest.mark.parametrize("order", [b"segfault", b"exit:0", b"exit:7"])
async def test_a_crash_costs_one_document(pool: ParserPool, order: bytes) -> None:
    """A worker that dies, however it dies, takes only its document with it."""
    error = await refusal(pool, order)
    assert error.parse_code is ParseCode.CRASHED


async def test_a_pdf_that_crashes_its_worker_is_rescued() -> None:
    """A PDF that crashed the full parser is tried once more with the simple one; no other is."""
    async with ParserPool(1, STRICT, parse=obey, rescue=rescue) as pool:
        assert (await pool.parse(b"segfault", PDF)).text == "rescued"
        assert (await pool.parse(b"eat", PDF)).text == "rescued"
        for content, media_type, code in (
            (b"segfault", MediaType.DOCX, ParseCode.CRASHED),
            (b"refuse", PDF, ParseCode.BROKEN),
            (b"raise", PDF, ParseCode.CRASHED),
            (b"hang", PDF, ParseCode.TIMEOUT),
        ):
            with pytest.raises(ParseError) as caught:
                await pool.parse(content, media_type)
            assert caught.value.parse_code is code


def test_the_rescue_reads_the_words_alone() -> None:
    """The simple parser gives every page's words and says that headings and tables are missing."""
    document = rescue_bytes(policy_pdf(2), PDF, STRICT)
    assert "Section 2: Coverage" in document.pages[1].text
    assert "|" not in document.text
    assert [note.message for note in document.notes] == [
        "Pages 1 to 2 are read line by line, without headings and tables."
    ]


async def test_a_bug_costs_one_document_and_says_no_text(pool: ParserPool) -> None:
    """An unexpected exception is named by its type; its message may quote the document."""
    error = await refusal(pool, b"raise")
    assert error.parse_code is ParseCode.CRASHED
    assert "ValueError" in error.message
    assert "secret" not in error.message


async def test_reasons_cross_the_border(pool: ParserPool) -> None:
    """What the parser says of a file arrives as it was said, and the worker lives on."""
    before = await pool.parse(b"next", PDF)
    error = await refusal(pool, b"refuse")
    assert (error.parse_code, error.message) == (ParseCode.BROKEN, "The file is torn.")
    assert error.remedy
    assert await pool.parse(b"next", PDF) == before


async def test_prints_do_not_disturb(pool: ParserPool) -> None:
    """What a library prints does not get into the frames."""
    assert (await pool.parse(b"print", PDF)).text.endswith("5 PDF")


async def test_a_killed_worker_costs_one_document(pool: ParserPool) -> None:
    """kill -9 in the middle of a document ends that document only."""
    await pool.parse(b"warm", PDF)
    (pid,) = pool.pids
    hanging = asyncio.create_task(pool.parse(b"hang", PDF))
    await asyncio.sleep(0.2)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(ParseError) as caught:
        await hanging
    assert caught.value.parse_code is ParseCode.CRASHED
    assert (await pool.parse(b"next", PDF)).text.endswith("4 PDF")


async def test_a_worker_killed_while_idle_costs_nothing(pool: ParserPool) -> None:
    """A worker that died between two documents is replaced without a word."""
    await pool.parse(b"warm", PDF)
    (pid,) = pool.pids
    os.kill(pid, signal.SIGKILL)
    assert await wait_until_gone(pid)
    assert (await pool.parse(b"next", PDF)).text.endswith("4 PDF")


async def test_others_are_untouched_by_a_hostile_neighbor(pool: ParserPool) -> None:
    """While one document hangs, the others go through the other worker."""
    hanging = asyncio.create_task(pool.parse(b"hang", PDF))
    results = await asyncio.gather(*(pool.parse(b"x" * n, PDF) for n in range(1, 30)))
    assert [int(r.text.split()[1]) for r in results] == list(range(1, 30))
    with pytest.raises(ParseError):
        await hanging


async def test_cancelling_ends_the_worker(patient: ParserPool) -> None:
    """A call that is cancelled does not leave its worker at the document."""
    await patient.parse(b"warm", PDF)
    (pid,) = patient.pids
    task = asyncio.create_task(patient.parse(b"spin", PDF))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await wait_until_gone(pid)


async def test_what_a_converter_started_ends_with_it() -> None:
    """The programs that a converting worker has started end when the worker is ended."""
    worker = Worker({CONVERT: convert_as_told}, STRICT, programs=True)
    child = int(worker.convert(b"fork", MediaType.DOC, lambda: False))
    assert psutil.Process(child).ppid() == worker.pid
    worker.kill()
    assert await wait_until_gone(child)


async def test_workers_are_recycled() -> None:
    """After its number of documents a worker is replaced by a new process."""
    async with ParserPool(1, STRICT, parse=obey, rescue=None, recycle_after=2) as pool:
        texts = [(await pool.parse(b"x", PDF)).text for _ in range(4)]
    assert texts[0] == texts[1] != texts[2] == texts[3]


async def test_a_worker_that_was_begun_is_used() -> None:
    """A document finds the process that was started ahead; one that has died since is replaced."""
    options = replace(STRICT, timeout_seconds=600.0)
    async with ParserPool(1, options, parse=obey, rescue=None) as pool:
        pool.prepare()
        await asyncio.to_thread(pool._threads.submit(int).result)  # the one thread has begun it
        (begun,) = pool.pids
        assert (await pool.parse(b"x", PDF)).text.startswith(f"{begun} ")
        os.kill(begun, signal.SIGKILL)
        assert await wait_until_gone(begun)
        pool.prepare()
        assert not (await pool.parse(b"x", PDF)).text.startswith(f"{begun} ")


async def test_workers_start_when_needed_and_close_ends_them() -> None:
    """A pool has no process before the first document and none after it is closed."""
    pool = ParserPool(2, STRICT, parse=obey, rescue=None)
    assert list(pool.pids) == []
    await pool.parse(b"x", PDF)
    (pid,) = pool.pids
    hanging = asyncio.create_task(pool.parse(b"hang", PDF))
    await asyncio.sleep(0.1)
    await pool.close()
    await pool.close()
    assert pool.pids == ()
    assert await wait_until_gone(pid)
    with pytest.raises(asyncio.CancelledError):
        await hanging


def test_a_document_is_not_blamed_for_the_end_of_its_pool() -> None:
    """A worker that dies because its pool's threads end has not crashed on its document."""
    worker = Worker({"parse": obey}, STRICT)
    closing = threading.Event()

    def start_and_wait() -> None:
        worker.parse(b"x", PDF, closing.is_set)
        started.set()
        closing.wait(60)

    started = threading.Event()
    starter = threading.Thread(target=start_and_wait)
    starter.start()
    assert started.wait(30)
    threading.Timer(0.3, closing.set).start()
    with pytest.raises(CancelledError):
        worker.parse(b"hang", PDF, closing.is_set)
    starter.join()
    assert worker.pid is None


async def test_workers_see_no_secret(pool: ParserPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and addresses in our environment are not handed to a worker."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("DATABASE_URL", "postgresql://canary")
    names = (await pool.parse(b"environment", PDF)).text.split()
    assert "PATH" in names
    assert not {"OPENAI_API_KEY", "DATABASE_URL"} & set(names)


def test_one_pool_serves_several_loops() -> None:
    """A pool made outside of any event loop works in one after the other."""
    pool = ParserPool(1, STRICT, parse=obey, rescue=None)
    texts = {asyncio.run(pool.parse(b"x", PDF)).text for _ in range(3)}
    asyncio.run(pool.close())
    assert len(texts) == 1


async def test_small_texts_need_no_worker() -> None:
    """Small Markdown and plain texts are parsed in the process itself, large ones in a worker."""
    async with ParserPool(1) as pool:
        document = await pool.parse(b"# Policy", MediaType.MARKDOWN)
        assert document.text == "# Policy"
        assert pool.pids == ()
        large = b"word " * (INLINE_BYTES // 5 + 1)
        assert len((await pool.parse(large, MediaType.TEXT)).text) == len(large)
        assert len(pool.pids) == 1


async def test_the_real_parser_works_in_workers() -> None:
    """PDF and DOCX come back whole, and their refusals too."""
    async with ParserPool(1, ParseOptions(max_pages=20, max_file_bytes=MIB)) as pool:
        pages = (await pool.parse(policy_pdf(12), PDF)).pages
        assert "| Visit | $12 |" in pages[11].text
        assert SENTENCE in (await pool.parse(docx(), MediaType.DOCX)).text
        for content, code in (
            (b"", ParseCode.EMPTY),
            (b"%PDF-" + b"x" * MIB, ParseCode.TOO_LARGE),
            (bomb_pdf(80 * MIB), ParseCode.TOO_LARGE),
            (pdf(password="x"), ParseCode.ENCRYPTED),
            (pdf(["x"] * 21), ParseCode.TOO_MANY_PAGES),
        ):
            with pytest.raises(ParseError) as caught:
                await pool.parse(content, PDF)
            assert caught.value.parse_code is code


def test_workers_die_with_their_parent() -> None:
    """kill -9 of the parent leaves no worker behind, not even one in the middle of a document."""
    script = """
        import asyncio, sys
        sys.path.insert(0, sys.argv[1])
        from hostile_parsers import burn, obey, rescue
        from pipeline.parsing.media import MediaType
        from clients.parser_pool.sandbox import ParserPool

        async def main():
            pool = ParserPool(2, parse=obey, rescue=None)
            await pool.parse(b"warm", MediaType.PDF)
            asyncio.create_task(pool.parse(b"spin", MediaType.PDF))
            while len(pool.pids) < 1:
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.3)
            print(*pool.pids, flush=True)
            await asyncio.sleep(60)

        asyncio.run(main())
    """
    folder = str(Path(__file__).parents[2] / "pipeline" / "parsing")
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), folder], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent.stdout:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
        parent.wait()
    assert pids
    for pid in pids:
        assert asyncio.run(wait_until_gone(pid))
