"""A mailbox as a source: messages with what is attached to them, over TLS, and only looked at."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest

from pipeline.errors import ConfigurationError, ServiceUnavailable, UsageError
from pipeline.identity import user_id
from pipeline.source_address import SourceAddress
from pipeline.source_definition import SourceDefinition
from stages.services import Services
from stages.sources.opening import opened_source
from tests.clients.authority import Authority
from tests.flows.corpus import Opener, query
from tests.imap_server import PASSWORD, USER, MailServer, imap
from tests.reading_sources import add, policy_text, read

ANNA = user_id("anna")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who signed the server's certificate."""
    made = Authority.made(tmp_path_factory.mktemp("authority"))
    made.context()
    return made


@pytest.fixture(scope="module")
def running(authority: Authority) -> Iterator[MailServer]:
    """One server for the module."""
    pem = authority.folder / "service.pem"
    with imap(pem, pem) as server:
        yield server


@pytest.fixture
def server(running: MailServer) -> MailServer:
    """The server with an empty mailbox."""
    running.tell("clear")
    return running


@pytest.fixture
def mailbox(
    server: MailServer, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> SourceDefinition:
    """The mailbox as a source of Anna's; its password is in a file."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    url = f"imaps://{quote(USER, safe='')}@127.0.0.1:{server.port}/Schäden"
    return SourceDefinition(url, ANNA, uuid4(), "mail", credentials=f"file:{secret}")


def letter(subject: str, attached: str | None = None) -> str:
    """A message, with a document attached to it."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@b.example", "c@d.example", subject
    message.set_content(f"Dear colleagues, this is {subject}, which pays 100 dollars.\n")
    if attached is not None:
        message.add_attachment(policy_text(attached), filename=f"{attached}.md")
    return message.as_string().replace("\n", "\r\n")


async def placed(services: Services) -> set[str]:
    """The living documents, by their sources below the mailbox."""
    found = await query(
        services, "SELECT source FROM upload_pipeline.documents WHERE deleted_at IS NULL"
    )
    return {row["source"].partition("/Schäden/")[2] for row in found}


async def test_messages_become_documents_with_what_is_attached(
    local: Opener, server: MailServer, mailbox: SourceDefinition
) -> None:
    """Each message is fetched once, is not marked as seen, and goes when it was removed."""
    server.deliver(letter("Storm damage"))
    second = server.deliver(letter("Flood damage", attached="flood"))
    async with local() as services:
        mailbox = await add(services, mailbox)
        first = await read(services, mailbox)
        assert await placed(services) == {"7-1.eml", "7-2.eml", "7-2.eml#1/flood.md"}
        again = await read(services, mailbox)
        server.deliver(letter("Hail damage"))
        third = await read(services, mailbox)
        server.tell("remove", uid=second)
        fourth = await read(services, mailbox)
        assert await placed(services) == {"7-1.eml", "7-3.eml"}
    assert sorted(first.downloaded) == ["7-1.eml", "7-2.eml"]
    assert again.downloaded == []
    assert third.downloaded == ["7-3.eml"]
    assert fourth.counts["deleted"] == 2  # with what was attached
    assert server.tell("fetched")["commands"] == []


async def test_a_mailbox_numbered_anew_keeps_its_documents(
    local: Opener, server: MailServer, mailbox: SourceDefinition
) -> None:
    """Another UIDVALIDITY: the messages are read again and found again by their bytes."""
    server.deliver(letter("Storm damage"))
    server.deliver(letter("Flood damage"))
    async with local() as services:
        mailbox = await add(services, mailbox)
        await read(services, mailbox)
        server.tell("renumber")
        later = await read(services, mailbox)
        assert await placed(services) == {"8-3.eml", "8-4.eml"}
        jobs = await query(services, "SELECT count(*) AS n FROM upload_pipeline.upload_jobs")
    assert (later.counts["moved"], later.counts["new"], later.counts["deleted"]) == (2, 0, 0)
    assert jobs[0]["n"] == 2


@pytest.mark.parametrize("whole", [False, True])
async def test_a_long_message_comes_in_pieces_or_whole(
    local: Opener, server: MailServer, mailbox: SourceDefinition, whole: bool
) -> None:
    """Three mebibytes, from a server that knows of parts and from one that does not."""
    text = letter("Storm damage") + "x" * 79 * 1 + "\r\n" + ("y" * 78 + "\r\n") * 40_000
    server.deliver(text)
    if whole:
        server.tell("whole")
    async with local(), opened_source(mailbox) as source:
        [item] = [each async for page in source.listing() for each in page]
        assert b"".join([piece async for piece in source.read(item)]) == text.encode()


async def test_a_wrong_password_is_said_without_it(
    local: Opener, mailbox: SourceDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does the sentence repeat what the server said."""
    monkeypatch.setenv("MAIL_PASSWORD", "guessed")
    async with local() as services:
        with pytest.raises(ConfigurationError, match="does not let the source's user in") as told:
            await read(services, replace(mailbox, credentials="env:MAIL_PASSWORD"))
    assert "guessed" not in str(told.value) + told.value.remedy


async def test_a_certificate_that_nobody_signed_is_refused(
    local: Opener, server: MailServer, mailbox: SourceDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the company's authority, nothing is sent to the server."""
    monkeypatch.delenv("SSL_CERT_FILE")
    async with local() as services:
        with pytest.raises(ConfigurationError, match="is not trusted"):
            await read(services, mailbox)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("imap://anna@mail.example.com/INBOX", "over TLS only"),
        ("imaps://mail.example.com/INBOX", "needs a user"),
    ],
)
async def test_a_mailbox_elsewhere_is_read_over_tls_alone(
    local: Opener, mailbox: SourceDefinition, url: str, said: str
) -> None:
    """Plain IMAP is for this machine; and a user is needed in any case."""
    async with local() as services:
        with pytest.raises(ConfigurationError, match=said):
            await read(services, replace(mailbox, url=url))


def test_a_url_with_a_password_is_refused_without_repeating_it() -> None:
    """It would stand in the database, in lists and in logs."""
    with pytest.raises(UsageError, match="holds a password") as told:
        SourceAddress.of("imaps://anna:hunter2@mail.example.com/INBOX")
    assert "hunter2" not in str(told.value) + told.value.remedy


async def test_a_server_that_sends_without_end_is_left(
    local: Opener, mailbox: SourceDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than was asked for, in a literal that would fill the memory: the run fails cleanly."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        flood = threading.Thread(target=_flood, args=(listening,), daemon=True)
        flood.start()
        port = listening.getsockname()[1]
        url = f"imap://anna@127.0.0.1:{port}/INBOX"
        async with local() as services:
            monkeypatch.setenv("MAIL_PASSWORD", "guessed")
            hostile = replace(mailbox, url=url, credentials="env:MAIL_PASSWORD")
            with pytest.raises(ServiceUnavailable, match="more than it was asked for"):
                await read(services, hostile)
        flood.join(20)


def _flood(listening: socket.socket) -> None:
    connection, _ = listening.accept()
    with connection, connection.makefile("rwb") as stream:
        stream.write(b"* OK ready\r\n")
        stream.flush()
        while line := stream.readline():
            tag, command, *_ = line.split()
            if command == b"CAPABILITY":
                stream.write(b"* CAPABILITY IMAP4rev1\r\n")
            elif command == b"EXAMINE":
                stream.write(b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n")
            elif command == b"FETCH":
                stream.write(b"* 1 FETCH (UID 1 RFC822.SIZE {99999999999}\r\n")
                stream.flush()
                continue
            stream.write(tag + b" OK done\r\n")
            stream.flush()
