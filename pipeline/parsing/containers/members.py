"""Lists the members of a container: names, number, sizes, and which are no documents."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeline.documents import Attachment
from pipeline.notes import Note, NoteKind
from pipeline.parsing.options import MIB

MAX_MEMBERS = 500
MAX_MEMBER_BYTES = 192 * MIB
"""Of all the files inside one file, unpacked."""
_NAME_LENGTH = 120
_SEPARATOR = re.compile(r"[/\\]+")

# What mail programs and systems add, and nobody means as a document.
_ACCESSORY_SUFFIXES = (
    ".p7s", ".ics", ".vcf", ".sig", ".asc", ".ds_store", "thumbs.db", "desktop.ini",
)  # fmt: skip
_ACCESSORY_TYPES = frozenset(
    {
        "application/pkcs7-signature", "application/x-pkcs7-signature",
        "application/pgp-signature", "application/pgp-keys", "application/ics",
        "text/calendar", "text/vcard", "text/x-vcard", "text/directory",
    }
)  # fmt: skip


def clean_name(name: str, otherwise: str = "attachment") -> str:
    """A file's name without folders, control and direction characters, and not endless."""
    last = next((part for part in reversed(_SEPARATOR.split(name)) if part.strip(" .")), "")
    shown = "".join(c if c.isprintable() else " " for c in last)
    shown = " ".join(shown.split()) or otherwise
    if len(shown) <= _NAME_LENGTH:
        return shown
    stem, dot, suffix = shown.rpartition(".")
    end = f"{dot}{suffix}" if stem and len(suffix) <= 10 else ""
    return shown[: _NAME_LENGTH - 1 - len(end)] + "…" + end


def is_accessory(name: str, content_type: str = "") -> bool:
    """Whether a file is a signature, a calendar entry, a contact card or a system's own."""
    lower = name.lower()
    if lower.startswith("__macosx/") or clean_name(lower).startswith((".", "~$")):
        return True
    return content_type.lower() in _ACCESSORY_TYPES or lower.endswith(_ACCESSORY_SUFFIXES)


@dataclass
class Members:
    """Gathers the files inside a file, within the limits, and what is to be said of the others."""

    found: list[Attachment] = field(default_factory=list)
    accessories: int = 0
    too_many: int = 0
    unreadable: int = 0
    _bytes: int = 0

    def room_for(self, size: int) -> bool:
        """Whether a file of so many bytes may be added; if not, it is counted."""
        if len(self.found) >= MAX_MEMBERS or self._bytes + size > MAX_MEMBER_BYTES:
            self.too_many += 1
            return False
        return True

    def add(self, name: str, content: bytes) -> None:
        """Adds a file, if there is room for it."""
        if self.room_for(len(content)):
            self._bytes += len(content)
            self.found.append(Attachment(name, content))

    def notes(self) -> Iterable[Note]:
        """What was left out, without any names."""
        if self.too_many:
            message = (
                f"{_files(self.too_many)} left out: more than {MAX_MEMBERS} files or "
                f"{MAX_MEMBER_BYTES // MIB} MiB are inside."
            )
            yield Note(NoteKind.PART_NOT_READ, message)
        if self.unreadable:
            message = f"{_files(self.unreadable)} not read: damaged, or protected with a password."
            yield Note(NoteKind.PART_NOT_READ, message)
        if self.accessories:
            message = (
                f"{_files(self.accessories)} left out: signatures, calendar entries, contact "
                "cards or small pictures of the letter itself."
            )
            yield Note(NoteKind.HIDDEN_LEFT_OUT, message)


def _files(count: int) -> str:
    return "1 file inside was" if count == 1 else f"{count:,} files inside were"
