"""Parses e-mails (EML): headers as facts, the letter as text, attachments as documents."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator, Mapping
from email.message import EmailMessage, Message
from email.utils import parsedate_to_datetime
from typing import Any

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.containers.members import Members, clean_name, is_accessory
from pipeline.parsing.flowing.blocks import ReadText
from pipeline.parsing.mail.bodies import joined, read_body, richer, text_of
from pipeline.parsing.mail.letter import Letter, letter_reading
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.reading import Reading

MAX_DEPTH = 30
MAX_PARTS = 5_000
SMALL_PICTURE_BYTES = 64 * 1024
"""A picture within the letter up to this size is a logo or a signature, no document."""

_HEADERS = {
    "from": "From", "to": "To", "cc": "Cc", "bcc": "Bcc", "reply_to": "Reply-To",
    "subject": "Subject", "message_id": "Message-ID", "in_reply_to": "In-Reply-To",
    "references": "References",
}  # fmt: skip
_ENCODED = re.compile(r"=\?[^?]{1,40}\?[bBqQ]\?[^?]{0,2000}\?=")


def read(content: bytes, options: ParseOptions) -> Reading:
    """Reads an e-mail.

    Raises:
        ParseError: ENCRYPTED (S/MIME or PGP), or BROKEN when there is nothing of an e-mail in it.
    """
    message = parsed_message(content)
    facts = header_facts(message)
    parts = _Parts()
    parts.take(message, 0)
    if parts.encrypted and not parts.texts:
        raise ParseError(ParseCode.ENCRYPTED, "The e-mail is encrypted (S/MIME or PGP).")
    if not facts and not parts.texts and not parts.members.found:
        raise ParseError(ParseCode.BROKEN, "The e-mail has neither headers nor a body.")
    body = joined(parts.texts)
    return letter_reading(Letter(facts, body.markdown, parts.members, body.notes))


def parsed_message(content: bytes) -> EmailMessage:
    """The message, whatever is wrong with it: the parser never refuses one."""
    if content.startswith(b"From "):
        content = content.partition(b"\n")[2]  # the line that stands before it in a mailbox
    content = content.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    return email.message_from_bytes(content, policy=email.policy.default)


def header_facts(message: EmailMessage) -> dict[str, str]:
    """What the headers say, by our names; those that are missing or empty are left out."""
    facts = {name: header(message, field) for name, field in _HEADERS.items()}
    facts["date"] = _date(header(message, "Date"))
    order = ("from", "to", "cc", "bcc", "reply_to", "date", "subject")
    named = {name: facts.pop(name) for name in order} | facts
    return {name: value for name, value in named.items() if value}


def header(message: EmailMessage, name: str) -> str:
    """A header's words; a broken one as far as it can be read."""
    try:
        value = message.get(name)
        text = "" if value is None else str(value)
    except Exception:  # the standard library's header parser has bugs of its own
        text = next((raw for key, raw in message.raw_items() if key.lower() == name.lower()), "")
    if _ENCODED.search(text):
        text = _decoded(text)
    raw = text.encode("utf-8", "surrogateescape")
    return " ".join(text_of(raw, None).split()) if not text.isascii() else " ".join(text.split())


def _decoded(text: str) -> str:
    from email.header import decode_header, make_header

    try:
        return str(make_header(decode_header(text)))
    except (LookupError, ValueError):
        return text


def _date(text: str) -> str:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return text
    return f"{moment:%Y-%m-%d %H:%M} {moment.strftime('%z')}".strip()


class _Parts:
    """Walks through a message: its texts in their order, and the files in it."""

    def __init__(self) -> None:
        self.texts: list[ReadText] = []
        self.members = Members()
        self.encrypted = False
        self._seen = 0

    def take(self, part: Message, depth: int, *, related: bool = False) -> None:
        """Takes a part with all parts in it."""
        self._seen += 1
        if depth > MAX_DEPTH or self._seen > MAX_PARTS:
            self.members.too_many += 1
            return
        kind = part.get_content_type()
        if kind in ("application/pkcs7-mime", "application/x-pkcs7-mime", "multipart/encrypted"):
            self.encrypted = True
        if kind == "message/rfc822":
            self._take_message(part)
        elif kind == "multipart/alternative":
            self._take_alternative(part, depth)
        elif part.is_multipart():
            for each in _inside(part):
                self.take(each, depth + 1, related=kind == "multipart/related" or related)
        else:
            self._take_leaf(part, kind, related)

    def _take_message(self, part: Message) -> None:
        inside = next(_inside(part), None)
        if isinstance(inside, EmailMessage):
            named = _filename(part) or (header(inside, "Subject") or "message") + ".eml"
            name = named if named.lower().endswith(".eml") else f"{named}.eml"
            self.members.add(clean_name(name.replace("/", "-")), _bytes_of(inside))

    def _take_alternative(self, part: Message, depth: int) -> None:
        """One letter, written several times: the richest writing of it, and all files."""
        found: dict[str, ReadText] = {}
        outer = self.texts
        for each in _inside(part):
            self.texts = []
            self.take(each, depth + 1, related=True)
            is_html = any(p.get_content_type() == "text/html" for p in _walk(each))
            if self.texts:
                found["html" if is_html else "plain"] = joined(self.texts)
        self.texts = outer
        nothing = ReadText("")
        chosen = richer(found.get("plain", nothing), found.get("html", nothing))
        if chosen.markdown:
            self.texts.append(chosen)

    def _take_leaf(self, part: Message, kind: str, related: bool) -> None:
        attached = part.get_content_disposition() == "attachment"
        name = _filename(part)
        is_text = kind in ("text/plain", "text/html", "message/delivery-status")
        if is_text and not attached and not (name and kind == "text/html"):
            self._take_text(part, kind)
            return
        data = payload(part)
        if not data or is_accessory(name, kind) or _is_decoration(part, kind, data, related):
            self.members.accessories += bool(data)
            return
        self.members.add(clean_name(name or f"attachment{_suffix(kind)}"), data)

    def _take_text(self, part: Message, kind: str) -> None:
        is_html = kind == "text/html"
        body = read_body(payload(part), part.get_content_charset(), html=is_html)
        if body.markdown:
            self.texts.append(body)


def _inside(part: Message) -> Iterator[Message]:
    inside = part.get_payload()
    yield from (
        (each for each in inside if isinstance(each, Message)) if isinstance(inside, list) else ()
    )


def _walk(part: Message) -> Iterator[Message]:
    for count, each in enumerate(part.walk()):
        if count > MAX_PARTS:
            return
        yield each


def payload(part: Message) -> bytes:
    """A part's bytes, decoded as far as they can be."""
    try:
        data: Any = part.get_payload(decode=True)
    except (ValueError, LookupError, AssertionError):
        data = None
    if isinstance(data, bytes):
        return data
    raw = part.get_payload()
    return raw.encode("utf-8", "surrogateescape") if isinstance(raw, str) else b""


def _filename(part: Message) -> str:
    try:
        name = part.get_filename() or ""
    except Exception:  # as in `header`
        return ""
    return _decoded(name) if _ENCODED.search(name) else name


def _bytes_of(message: EmailMessage) -> bytes:
    try:
        return message.as_bytes()
    except Exception:
        return message.as_bytes(policy=email.policy.compat32)


def _is_decoration(part: Message, kind: str, data: bytes, related: bool) -> bool:
    within = related or part.get("Content-ID") is not None
    return (
        kind.startswith("image/")
        and within
        and part.get_content_disposition() != "attachment"
        and len(data) <= SMALL_PICTURE_BYTES
    )


def _suffix(kind: str) -> str:
    import mimetypes

    return mimetypes.guess_extension(kind) or ""


Facts = Mapping[str, str]
