"""The sender: open-loop, and a latency counts from the moment that was planned."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from app.load.arrivals import Arrival
from app.load.local_load import FOLDER_AT_ONCE, FOLDER_DOCUMENTS, Kind
from app.load.sending import Sender, User


@dataclass
class Server:
    """An HTTP server that says what it got.

    Attributes:
        waits_for: it answers nobody before so many requests are there.
    """

    status: bytes = b"200 OK"
    body: bytes = b'{"job": {"id": "j"}}'
    waits_for: int = 0
    heads: list[bytes] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    here: int = 0
    most: int = 0
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        if b"content-length:" in lower:
            length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
            self.bodies.append(await reader.readexactly(length))
        self.heads.append(head)
        self.here += 1
        self.most = max(self.most, self.here)
        if len(self.heads) >= self.waits_for:
            self.enough.set()
        await self.enough.wait()
        self.here -= 1
        lines = b"content-length: %d\r\nconnection: close\r\n\r\n" % len(self.body)
        writer.write(b"HTTP/1.1 " + self.status + b"\r\n" + lines + self.body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def sending(server: Server, users: int = 2) -> AsyncIterator[Sender]:
    """A sender for some users of a server."""
    listening = await asyncio.start_server(server.answer, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            yield Sender(client, [User(str(n), {"X-User": str(n)}) for n in range(users)], 1)


async def test_nobody_waits_for_an_answer() -> None:
    """Requests go out at their moments while none before them is answered."""
    server = Server(waits_for=20)
    planned = [Arrival(0.01 * number, Kind.STATUS, number % 2) for number in range(20)]
    async with sending(server) as sender:
        await asyncio.wait_for(sender.send(planned), 60)
    assert len(sender.timings.answers) == server.most == 20
    assert sender.timings.errors() == {}


async def test_latency_counts_from_the_planned_moment() -> None:
    """A request that is sent late, because the sender was held up, has waited all that time."""
    async with sending(Server()) as sender:
        await sender.ask(Kind.STATUS, sender.users[0], time.perf_counter() - 5)
    [answer] = sender.timings.answers
    assert answer.latency >= answer.late >= 5


async def test_a_held_up_sender_counts_as_latency() -> None:
    """While the sender's own loop is blocked, the requests that were due then are late."""
    async with sending(Server()) as sender:
        planned = [Arrival(0.05 * number, Kind.STATUS, 0) for number in range(5)]
        sent = asyncio.create_task(sender.send(planned))
        await asyncio.sleep(0.01)
        time.sleep(0.5)  # noqa: ASYNC251 - blocking is the point
        await sent
    assert max(each.late for each in sender.timings.answers) >= 0.25


@pytest.mark.parametrize(
    ("status", "error"), [(b"503 Service Unavailable", "503"), (b"429 Too Many", "429")]
)
async def test_refusals_are_errors_by_kind(status: bytes, error: str) -> None:
    """A refusal is counted by its status; it is no accepted document and has no job."""
    async with sending(Server(status)) as sender:
        await sender.ask(Kind.UPLOAD, sender.users[0], time.perf_counter())
        await sender.ask(Kind.SEARCH, sender.users[0], time.perf_counter())
    assert sender.timings.errors() == {f"upload {error}": 1, f"search {error}": 1}
    assert (sender.accepted, sender.users[0].job) == (0, None)


async def test_a_broken_connection_is_an_error() -> None:
    """An API that is not there is an error by its kind, and the load goes on."""
    async with httpx.AsyncClient(base_url="http://127.0.0.1:1") as client:
        sender = Sender(client, [User("a", {})], 1)
        await sender.send([Arrival(0, Kind.JOBS, 0), Arrival(0.01, Kind.JOBS, 0)])
    assert sender.timings.errors() == {"jobs ConnectError": 2}


async def test_another_server_is_an_error() -> None:
    """An answer that is none of this API's is an error too, and ends nothing."""
    async with sending(Server(body=b"<html>")) as sender:
        await sender.ask(Kind.UPLOAD, sender.users[0], time.perf_counter())
    assert sender.timings.errors() == {"upload not an answer of this API": 1}


async def test_a_folder_is_sent_as_the_dashboard_does() -> None:
    """All files of a folder are sent, never more at a time than the dashboard sends."""
    server = Server(waits_for=FOLDER_AT_ONCE)
    async with sending(server) as sender:
        await sender.send([Arrival(0, Kind.FOLDER, 1)])
    assert len(sender.timings.answers) == sender.accepted == FOLDER_DOCUMENTS
    assert server.most == FOLDER_AT_ONCE
    assert len(set(server.bodies)) == FOLDER_DOCUMENTS
    assert sender.users[1].job == "j"
    assert sender.users[0].job is None


async def test_each_endpoint_is_asked() -> None:
    """Every kind is its endpoint, with the user's headers; a state is that of the newest job."""
    server = Server()
    async with sending(server) as sender:
        for kind in (Kind.UPLOAD, Kind.STATUS, Kind.SEARCH, Kind.OVERVIEW, Kind.JOBS):
            await sender.ask(kind, sender.users[1], time.perf_counter())
    asked = [b" ".join(head.split()[:2]) for head in server.heads]
    assert asked == [
        b"POST /documents", b"GET /jobs/j", b"POST /search", b"GET /overview",
        b"GET /jobs?limit=20",
    ]  # fmt: skip
    assert all(b"x-user: 1" in head.lower() for head in server.heads)
