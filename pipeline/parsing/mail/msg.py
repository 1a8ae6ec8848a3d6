"""Parses Outlook messages (MSG) from the property streams of their OLE container."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from email.message import EmailMessage
from typing import TYPE_CHECKING

from pipeline.errors import ParseCode, ParseError
from pipeline.notes import Note, NoteKind
from pipeline.parsing.containers.members import Members, clean_name, is_accessory
from pipeline.parsing.flowing.blocks import ReadText
from pipeline.parsing.mail.bodies import read_body, richer
from pipeline.parsing.mail.eml import SMALL_PICTURE_BYTES, header_facts, parsed_message
from pipeline.parsing.mail.letter import Letter, letter_reading
from pipeline.parsing.mail.msg_properties import Path, Properties
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.reading import Reading

if TYPE_CHECKING:
    from olefile import OleFileIO

_MAX_DEPTH = 5
_SENDER = ((0x0C1A, 0x5D01, 0x0C1F), (0x0042, 0x5D02, 0x0065))
_CARBON_COPY, _TO = 2, 1
_PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp")


def read(content: bytes, options: ParseOptions) -> Reading:
    """Reads an Outlook message.

    Raises:
        ParseError: BROKEN.
    """
    import olefile

    try:
        with closing(olefile.OleFileIO(io.BytesIO(content))) as container:
            return letter_reading(_letter(container, (), 0))
    except (MemoryError, RecursionError, ParseError):
        raise
    except Exception as error:  # whatever a damaged container leads the library into
        message = "The Outlook message is damaged: its container cannot be read."
        raise ParseError(ParseCode.BROKEN, message) from error


def _letter(container: OleFileIO, where: Path, depth: int) -> Letter:
    properties = Properties(container, where)
    members = Members()
    for storage in _storages(container, where, "__attach_version1.0_"):
        _take_attachment(container, storage, members, depth)
    body = _body(properties)
    facts = _facts(container, where, properties)
    return Letter(facts, body.markdown, members, body.notes)


def _storages(container: OleFileIO, where: Path, prefix: str) -> Iterator[Path]:
    seen = {
        tuple(entry[: len(where) + 1])
        for entry in container.listdir(streams=True, storages=True)
        if tuple(entry[: len(where)]) == where
        and len(entry) > len(where)
        and entry[len(where)].startswith(prefix)
    }
    yield from sorted(seen)


def _facts(container: OleFileIO, where: Path, properties: Properties) -> dict[str, str]:
    people = _recipients(container, where)
    moment = properties.moment(0x0039) or properties.moment(0x0E06)
    found = {
        "from": next(filter(None, (_person(properties, *names) for names in _SENDER)), ""),
        "to": people.get(_TO) or properties.text(0x0E04),
        "cc": people.get(_CARBON_COPY) or properties.text(0x0E03),
        "date": f"{moment:%Y-%m-%d %H:%M} +0000" if moment else "",
        "subject": properties.text(0x0037),
        "message_id": properties.text(0x1035),
        "in_reply_to": properties.text(0x1042),
        "references": properties.text(0x1039),
    }
    # the headers as they came over the wire know what Outlook's own properties lack
    sent = properties.text(0x007D)
    wired = header_facts(parsed_message(sent.encode())) if sent else {}
    found = {name: " ".join(value.split()) or wired.get(name, "") for name, value in found.items()}
    return {name: value for name, value in found.items() if value}


def _recipients(container: OleFileIO, where: Path) -> dict[int, str]:
    found: dict[int, list[str]] = {}
    for storage in _storages(container, where, "__recip_version1.0_"):
        properties = Properties(container, storage)
        person = _person(properties, 0x3001, 0x39FE, 0x3003)
        if person:
            found.setdefault(properties.integer(0x0C15) or _TO, []).append(person)
    return {kind: ", ".join(people) for kind, people in found.items()}


def _person(properties: Properties, name: int, smtp: int, address: int) -> str:
    shown = properties.text(name)
    at = properties.text(smtp) or properties.text(address)
    at = at if "@" in at else ""
    return f"{shown} <{at}>" if shown and at and shown != at else shown or at


def _body(properties: Properties) -> ReadText:
    text = ReadText(properties.text(0x1000).strip())
    html = properties.binary(0x1013) or properties.text(0x1013).encode()
    page = read_body(html, None, html=True) if html else ReadText("")
    body = richer(text, page)
    if body.markdown:
        return body
    packed = properties.binary(0x1009)
    return _unpacked(packed) if packed else body


def _unpacked(packed: bytes) -> ReadText:
    from pipeline.parsing.office.rtf import compressed_text

    try:
        return ReadText(compressed_text(packed))
    except ParseError:
        message = "The letter's own text could not be unpacked."
        return ReadText("", (Note(NoteKind.PART_NOT_READ, message),))


def _take_attachment(container: OleFileIO, storage: Path, members: Members, depth: int) -> None:
    properties = Properties(container, storage)
    inside = (*storage, "__substg1.0_3701000D")
    if container.exists("/".join(inside)):
        _take_message(container, inside, properties, members, depth)
        return
    data = properties.binary(0x3701)
    name = properties.text(0x3707) or properties.text(0x3704) or properties.text(0x3001)
    if data is None:
        members.unreadable += 1  # a link to a file elsewhere
    elif is_accessory(name, properties.text(0x370E)) or _is_decoration(properties, name, data):
        members.accessories += 1
    elif data:
        members.add(clean_name(name), data)


def _is_decoration(properties: Properties, name: str, data: bytes) -> bool:
    within = bool(properties.text(0x3712)) or bool(properties.integer(0x7FFE))
    return within and name.lower().endswith(_PICTURES) and len(data) <= SMALL_PICTURE_BYTES


def _take_message(
    container: OleFileIO, where: Path, properties: Properties, members: Members, depth: int
) -> None:
    if depth >= _MAX_DEPTH or not container.exists("/".join((*where, Properties.STREAM))):
        members.unreadable += 1
        return
    letter = _letter(container, where, depth + 1)
    name = letter.facts.get("subject") or properties.text(0x3001) or "message"
    members.add(clean_name(name.replace("/", "-") + ".eml"), _as_eml(letter))
    # the e-mail made of it cannot say what it lacks
    members.unreadable += any(note.is_gap for note in letter.notes)


_FIELDS = {
    "from": "From", "to": "To", "cc": "Cc", "date": "Date", "subject": "Subject",
    "message_id": "Message-ID", "in_reply_to": "In-Reply-To", "references": "References",
}  # fmt: skip


def _as_eml(letter: Letter) -> bytes:
    """A message inside a message as an e-mail, since it is no file of its own there."""
    made = EmailMessage()
    for name, value in letter.facts.items():
        if name in _FIELDS:
            made[_FIELDS[name]] = value
    made.set_content(letter.body.encode("utf-8", "replace").decode())
    for each in letter.members.found:
        made.add_attachment(
            each.content, maintype="application", subtype="octet-stream", filename=each.name
        )
    return made.as_bytes()
