"""Alerts over a real socket: sent, refused, without an answer, and never with their secret."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from pydantic import SecretStr, ValidationError

from blocks.alert_block import AlertBlock
from pipeline.transport import PlainHosts, Transport

# Apprise loads all its channels at first use, and one of them an old module of Python's.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

SECRET = "canary-51d0"


@dataclass
class Receiver:
    """A web address that keeps what it is sent."""

    port: int = 0
    status: str = "200 OK"
    bodies: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        self.bodies.append(json.loads(await reader.readexactly(length)))
        writer.write(f"HTTP/1.1 {self.status}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    server = await asyncio.start_server(receiver.answer, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    yield receiver
    server.close()
    await server.wait_closed()


async def test_sent(receiver: Receiver) -> None:
    """The channel gets the subject, the body and the level."""
    block = AlertBlock(address=f"json://127.0.0.1:{receiver.port}/x", level="failure")
    await block.notify(subject="Run stopped", body="The account has no money left.")
    assert [(each["title"], each["message"], each["type"]) for each in receiver.bodies] == [
        ("Run stopped", "The account has no money left.", "failure")
    ]


async def test_refused(receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    """An alert that is refused is said in the log, without the address, and raises nothing."""
    receiver.status = "403 Forbidden"
    block = AlertBlock(address=f"json://user:{SECRET}@127.0.0.1:{receiver.port}/x")
    await block.notify(subject="Run stopped", body="…")
    assert "'Run stopped' was not sent" in caplog.text
    assert SECRET not in caplog.text


async def test_nobody_there(caplog: pytest.LogCaptureFixture) -> None:
    """A channel that cannot be reached raises nothing either."""
    await AlertBlock(address="json://127.0.0.1:9/x").notify(subject="Run stopped", body="…")
    assert "was not sent" in caplog.text


def test_wrong_address(caplog: pytest.LogCaptureFixture) -> None:
    """An address that no channel understands is refused, and repeated nowhere."""
    with pytest.raises(ValidationError) as refused:
        AlertBlock(address=f"nonsense-{SECRET}")
    assert "no address that Apprise knows" in str(refused.value)
    assert SECRET not in str(refused.value) + caplog.text


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("json://hooks.example.org/x", Transport.PLAIN),
        ("jsons://hooks.example.org/x", Transport.TLS),
        ("json://127.0.0.1:9/x", Transport.LOCAL),
        ("json://mocks/x", Transport.EXCEPTED),
        ("mailto://u:p@mail.example.org", Transport.PLAIN),
        ("mailto://u:p@gmail.com", Transport.TLS),
        ("mailtos://u:p@mail.example.org", Transport.TLS),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#ops", Transport.TLS),
        ("syslog://", Transport.LOCAL),
    ],
)
def test_the_kind_of_address_says_whether_it_uses_tls(address: str, found: Transport) -> None:
    """A channel of Apprise's is plain only where its kind can be, and this one is."""
    block = AlertBlock(address=SecretStr(address))
    assert block.transport(PlainHosts.of("mocks")) is found
