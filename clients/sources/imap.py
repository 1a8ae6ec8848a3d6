"""Reads a mailbox as a source (IMAP4rev1): each message is a document, with what is attached to it.

The mailbox is only looked at: no message is marked as seen. The connection speaks TLS, but to this
machine itself. A message never changes, so its number is its stamp; when a server numbers anew
(UIDVALIDITY), the same messages are found again by their bytes.
"""

from __future__ import annotations

import asyncio
import base64
import imaplib
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from clients.network.certificates import trusted_certificates
from clients.network.connection_errors import connection_error
from clients.source import Item, ObjectGone, SourcePlugin
from pipeline.errors import ConfigurationError, ServiceUnavailable
from pipeline.loopback import OWN_HOSTS
from pipeline.source_address import SourceAddress

T = TypeVar("T")

_PIECE = 1024 * 1024
_MESSAGES_AT_ONCE = 1000
_SECONDS = 60.0
_MOST_ANSWER = 16 * 1024 * 1024
"""Bytes of one answer; a piece of a message has one, a list of a thousand a tenth."""
_KEY = re.compile(r"\A([0-9]++)-([0-9]++)\.eml")
_LISTED = re.compile(rb"\bUID ([0-9]{1,10})\b")
_SIZE = re.compile(rb"\bRFC822\.SIZE ([0-9]{1,15})\b")
_NUMBER = re.compile(rb"[0-9]{1,10}")
_REMEDY = "Check the source's URL and what --credentials names."


class _Bounded(imaplib.IMAP4):
    """A connection on which a server cannot send more than was asked for."""

    left = _MOST_ANSWER

    def read(self, size: int) -> bytes:
        self._take(size)
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._take(len(line))
        return line

    def _take(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise self.abort("too long an answer")


class _Encrypted(_Bounded, imaplib.IMAP4_SSL):
    """The same over TLS."""


class MailboxSource:
    """A folder of a mailbox. One connection, used by one request at a time.

    Args:
        address: server, user and folder.
        password: of the user.
    """

    def __init__(self, address: SourceAddress, password: str) -> None:
        self._address, self._password = address, password
        self._folder = address.path or "INBOX"
        self._turn = asyncio.Lock()
        self._connection: _Bounded | None = None
        self._validity = self._messages = 0

    async def listing(self) -> AsyncIterator[Sequence[Item]]:
        """Every message, some at a time."""
        await self._ask(self._select)
        for first in range(1, self._messages + 1, _MESSAGES_AT_ONCE):
            last = min(first + _MESSAGES_AT_ONCE - 1, self._messages)
            yield await self._ask(partial(self._listed, span=f"{first}:{last}"))

    def _listed(self, connection: _Bounded, span: str) -> list[Item]:
        answer = _done(connection.fetch(span, "(UID RFC822.SIZE)"))
        lines = [each for each in answer if isinstance(each, bytes)]
        found = [(_LISTED.search(line), _SIZE.search(line)) for line in lines]
        return [self._item(int(uid[1]), int(size[1])) for uid, size in found if uid and size]

    def _item(self, uid: int, size: int) -> Item:
        key = f"{self._validity}-{uid}.eml"
        return Item(key, size, stamp=key)

    async def read(self, item: Item) -> AsyncIterator[bytes]:
        """A message as it was sent, piece by piece."""
        uid = self._uid(item.key)
        at = 0
        while True:
            piece = await self._ask(partial(self._piece, uid=uid, start=at))
            if piece:
                yield piece
            # some servers do not know of parts, and answer with the whole message
            if len(piece) != _PIECE:
                return
            at += len(piece)

    def _piece(self, connection: _Bounded, uid: str, start: int) -> bytes:
        answer = _done(connection.uid("FETCH", uid, f"(UID BODY.PEEK[]<{start}.{_PIECE}>)"))
        for each in answer:
            found = _LISTED.search(each[0]) if isinstance(each, tuple) else None
            if found and found[1].decode() == uid and (len(each[1]) <= _PIECE or not start):
                return bytes(each[1])
        # a server may answer an empty string in place of a literal, at the very end of a message
        if start and any(isinstance(each, bytes) and _LISTED.search(each) for each in answer):
            return b""
        raise ObjectGone("It vanished while it was read.")

    def _uid(self, key: str) -> str:
        found = _KEY.fullmatch(key)
        if found is None or int(found[1]) != self._validity:
            raise ObjectGone("The mailbox was numbered anew.")
        return found[2]

    async def labels(self, item: Item) -> Mapping[str, str]:
        """None: what a message says of itself was written by whoever sent it."""
        return {}

    async def is_gone(self, key: str) -> bool:
        """Whether there is no message of this number any more."""
        try:
            uid = self._uid(key)
        except ObjectGone:
            return True
        answer = await self._ask(lambda c: _done(c.uid("FETCH", uid, "(UID)")))
        lines = [each for each in answer if isinstance(each, bytes)]
        return not any((found := _LISTED.search(e)) and found[1].decode() == uid for e in lines)

    async def close(self) -> None:
        """Sign out."""
        async with self._turn:
            connection, self._connection = self._connection, None
            if connection is not None:
                await asyncio.to_thread(_leave, connection)

    async def _ask(self, question: Callable[[_Bounded], T]) -> T:
        """An answer of the server, in a thread; the connection is made when there is none."""
        async with self._turn:
            return await asyncio.to_thread(self._asked, question)

    def _asked(self, question: Callable[[_Bounded], T]) -> T:
        try:
            if self._connection is None:
                self._connection = self._connected()
                self._select(self._connection)
            self._connection.left = _MOST_ANSWER
            return question(self._connection)
        except (imaplib.IMAP4.error, OSError, EOFError) as error:
            too_much = self._connection is not None and self._connection.left < 0
            self._drop()
            raise self._failed(error, too_much=too_much) from None

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.shutdown()

    def _failed(self, error: Exception, *, too_much: bool) -> Exception:
        # What the server said is not repeated: anybody may have written it.
        if too_much:
            return ServiceUnavailable("The mail server sent more than it was asked for.")
        if isinstance(error, imaplib.IMAP4.error):
            return ServiceUnavailable(f"The mail server failed ({type(error).__name__}).")
        return connection_error(error, "the mail server", self._address.url, "the source's URL")

    def _connected(self) -> _Bounded:
        host = self._address.host
        if self._address.scheme == "imap":
            connection = _Bounded(host, self._address.port or 143, timeout=_SECONDS)
        else:
            context = trusted_certificates()
            connection = _Encrypted(
                host, self._address.port or 993, ssl_context=context, timeout=_SECONDS
            )
        try:
            self._sign_in(connection)
        except imaplib.IMAP4.abort:
            connection.shutdown()
            raise
        except UnicodeEncodeError:
            connection.shutdown()
            raise ConfigurationError(
                "The mail server takes no names and passwords with other letters than ASCII.",
                remedy=_REMEDY,
            ) from None
        except imaplib.IMAP4.error:
            connection.shutdown()
            raise ConfigurationError(
                "The mail server does not let the source's user in.", remedy=_REMEDY
            ) from None
        return connection

    def _sign_in(self, connection: _Bounded) -> None:
        user = self._address.user or ""
        if "AUTH=PLAIN" in connection.capabilities:
            said = f"\0{user}\0{self._password}".encode()
            connection.authenticate("PLAIN", lambda _: said)
        else:
            connection.login(_quoted(user), self._password)

    def _select(self, connection: _Bounded) -> None:
        kind, [messages] = connection.select(_quoted(_utf7(self._folder)), readonly=True)
        if kind != "OK":
            raise ConfigurationError("The mailbox has no such folder.", remedy=_REMEDY)
        _, [validity] = connection.response("UIDVALIDITY")
        if not isinstance(validity, bytes) or not _NUMBER.fullmatch(validity):
            raise ServiceUnavailable("The mail server does not say how it numbers messages.")
        self._validity = int(validity)
        self._messages = int(messages) if messages and _NUMBER.fullmatch(messages) else 0


def _done(answer: tuple[str, list[Any]]) -> list[Any]:
    """What a server answered.

    Raises:
        imaplib.IMAP4.error: it refused.
    """
    kind, found = answer
    if kind != "OK":
        raise imaplib.IMAP4.error("refused")
    return found


def _leave(connection: _Bounded) -> None:
    try:
        connection.logout()
    except (imaplib.IMAP4.error, OSError):
        connection.shutdown()


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _utf7(name: str) -> str:
    """A folder's name as IMAP writes it: modified UTF-7 (RFC 3501, 5.1.3)."""

    def encoded(run: re.Match[str]) -> str:
        base = base64.b64encode(run[0].encode("utf-16-be")).decode().rstrip("=")
        return f"&{base.replace('/', ',')}-"

    return re.sub(r"[^\x20-\x7e]+", encoded, name.replace("&", "&-"))


def open_source(address: SourceAddress, options: Mapping[str, str]) -> MailboxSource:
    """The mailbox; whether it answers is found when it is listed.

    Raises:
        ConfigurationError: no user or password is given, or the connection would not be encrypted.
    """
    if address.scheme == "imap" and address.host not in OWN_HOSTS:
        raise ConfigurationError(
            "A mailbox on another machine is read over TLS only.", remedy="Begin it with imaps://."
        )
    password = options.get("password", "")
    if others := options.keys() - {"password"}:
        raise ConfigurationError(f"A mailbox has no option {min(others)[:40]!r}.", remedy=_REMEDY)
    if not address.user or not password:
        raise ConfigurationError(
            "A mailbox needs a user and a password.",
            remedy="Write imaps://user@host/folder, and name the password with --credentials.",
        )
    if any(ord(each) < ord(" ") for each in f"{address.user}{address.path}{password}"):
        raise ConfigurationError(
            "A mailbox's user, folder or password has a control character.", remedy=_REMEDY
        )
    return MailboxSource(address, password)


PLUGIN = SourcePlugin("a folder of a mailbox", open_source)
