"""Stands in for the channels that alerts reach: web addresses and a mail server, real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any


@dataclass
class WebReceiver:
    """A web address that keeps what it is sent.

    Attributes:
        status: What it answers.
        requests: Path and JSON of each.
    """

    port: int = 0
    status: str = "200 OK"
    requests: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ", 2)[1]
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = await reader.readexactly(int(fields.get("content-length", 0)))
        self.requests.append((path, json.loads(body)))
        # Slack answers "ok", PagerDuty and Teams with 202.
        writer.write(
            f"HTTP/1.1 {self.status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok".encode()
        )
        await writer.drain()
        writer.close()


@asynccontextmanager
async def web_receiver() -> AsyncIterator[WebReceiver]:
    """A web address for the time of the block."""
    made = WebReceiver()
    server = await asyncio.start_server(made._answer, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


@dataclass
class MailReceiver:
    """A mail server that keeps what it is sent."""

    port: int = 0
    mails: list[Message] = field(default_factory=list)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).strip().upper():
            if line == b"DATA":
                writer.write(b"354 go on\r\n")
                self.mails.append(message_from_bytes(await _mail(reader)))
            writer.write(b"221 bye\r\n" if line == b"QUIT" else b"250 ok\r\n")
            await writer.drain()
            if line == b"QUIT":
                break
        writer.close()


async def _mail(reader: asyncio.StreamReader) -> bytes:
    lines = []
    while (line := await reader.readline()) != b".\r\n":
        lines.append(line)
    return b"".join(lines)


@asynccontextmanager
async def mail_receiver() -> AsyncIterator[MailReceiver]:
    """A mail server for the time of the block."""
    made = MailReceiver()
    server = await asyncio.start_server(made._answer, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
