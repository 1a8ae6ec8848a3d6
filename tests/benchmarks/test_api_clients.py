"""The benchmark's clients: what they count is what happened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import pytest

from benchmarks.api import clients
from benchmarks.api.clients import Timings, drive


@asynccontextmanager
async def _api(status: bytes) -> AsyncIterator[str]:
    """An API that answers every upload with a job and every status with the given body."""
    numbers = count()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if b"content-length:" in head:
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
        body = b'{"id": "%d"}' % next(numbers) if head.startswith(b"post") else status
        ok = b"200 OK" if body else b"500 Internal Server Error"
        length_line = b"content-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        writer.write(b"HTTP/1.1 " + ok + b"\r\n" + length_line + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("status", "published", "wrong"),
    [(b'{"state": "complete"}', True, False), (b'{"state": "parsed"}', False, False),
     (b"", False, True)],
)  # fmt: skip
async def test_clients_count_publications_and_errors(
    monkeypatch: pytest.MonkeyPatch, status: bytes, published: bool, wrong: bool
) -> None:
    """What is published is counted as such, and an error is not taken for an answer."""
    monkeypatch.setattr(clients, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(clients, "PATIENCE_SECONDS", 0.1)
    async with _api(status) as url:
        found: Timings = await drive(url, [{}, {}], 0.5, lambda made: made["id"], seed=1)
    assert found.uploads
    assert found.statuses
    assert (found.published > 0, bool(found.errors)) == (published, wrong)
