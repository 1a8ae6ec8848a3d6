"""Serializes parsed documents as JSON, for the parser's process and for the storage."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from pipeline.documents import Attachment, Member, ParsedDocument, ParsedPage
from pipeline.fidelity import Fidelity
from pipeline.layout import Box, Region, RegionKind, Table
from pipeline.notes import Note, NoteKind

_ALWAYS = ("paged", "parser", "engine", "fidelity")


def dump(document: ParsedDocument) -> bytes:
    """Returns a document as UTF-8 JSON; what has its default is left out."""
    data: dict[str, Any] = {
        "pages": [_page(page) for page in document.pages],
        "paged": document.paged,
        "parser": document.parser,
        "engine": document.engine,
        "replaced": document.replaced,
        "notes": [[note.kind, note.message, note.pages] for note in document.notes],
        "facts": dict(document.facts),
        "language": document.language,
        "attachments": [
            [each.name, b64encode(each.content).decode()] for each in document.attachments
        ],
        "members": [[each.name, each.sha256, each.size] for each in document.members],
    }
    if document.fidelity is not None:
        data["fidelity"] = _measured(document.fidelity)
    kept = {key: value for key, value in data.items() if value or key in _ALWAYS}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def load(raw: bytes) -> ParsedDocument:
    """Reads what `dump` wrote, now or in an earlier version.

    Raises:
        ValueError, KeyError, TypeError: these are other bytes.
    """
    data = json.loads(raw)
    if not isinstance(data, dict):
        raise TypeError("a stored document is an object")
    return ParsedDocument(
        pages=tuple(_read_page(page) for page in data.get("pages", ())),
        paged=data["paged"],
        parser=data["parser"],
        engine=data["engine"],
        replaced=data.get("replaced", 0),
        notes=tuple(_read_note(note) for note in data.get("notes", ())),
        facts=data.get("facts", {}),
        language=data.get("language", ""),
        attachments=tuple(
            Attachment(name, b64decode(content)) for name, content in data.get("attachments", ())
        ),
        members=tuple(Member(*each) for each in data.get("members", ())),
        fidelity=_read_fidelity(data.get("fidelity")),
    )


def _measured(fidelity: Fidelity) -> dict[str, Any]:
    return {name: value for name, value in asdict(fidelity).items() if value is not None}


def _read_fidelity(data: Any) -> Fidelity | None:
    return None if data is None else Fidelity(**data)


_PAGE_DEFAULTS = {
    each.name: each.default for each in fields(ParsedPage) if each.name not in ("number", "text")
}


def _page(page: ParsedPage) -> dict[str, Any]:
    found: dict[str, Any] = {"number": page.number, "text": page.text}
    for name, default in _PAGE_DEFAULTS.items():
        if (value := getattr(page, name)) != default:
            found[name] = value
    if page.regions:
        found["regions"] = [[r.kind, r.start, r.end, r.box] for r in page.regions]
    if page.tables:
        found["tables"] = [_table(table) for table in page.tables]
    return found


def _read_page(data: Any) -> ParsedPage:
    if isinstance(data, list):  # as it was stored before pages had regions and tables
        return ParsedPage(*data)
    size = data.get("size")
    return ParsedPage(
        number=data["number"],
        text=data["text"],
        scanned=data.get("scanned", False),
        error=data.get("error"),
        size=tuple(size) if size else None,
        regions=tuple(
            Region(RegionKind(kind), start, end, Box(*box))
            for kind, start, end, box in data.get("regions", ())
        ),
        tables=tuple(_read_table(table) for table in data.get("tables", ())),
        furniture=tuple(data.get("furniture", ())),
    )


def _table(table: Table) -> dict[str, Any]:
    found = {each.name: getattr(table, each.name) for each in fields(Table)}
    return {key: value for key, value in found.items() if value or key in ("start", "end")}


def _read_table(data: Mapping[str, Any]) -> Table:
    box = data.get("box")
    return Table(
        start=data["start"],
        end=data["end"],
        header=tuple(data.get("header", ())),
        rows=tuple(tuple(row) for row in data.get("rows", ())),
        caption=data.get("caption", ""),
        continues=data.get("continues", False),
        box=Box(*box) if box else None,
    )


def _read_note(data: Any) -> Note:
    if isinstance(data, str):  # as it was stored before notes had kinds
        return Note(NoteKind.REPAIRED, data)
    kind, message, pages = data
    return Note(NoteKind(kind), message, tuple(pages))
