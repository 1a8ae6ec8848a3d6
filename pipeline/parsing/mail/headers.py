"""Detects an e-mail or a saved web page by its first lines, where the name says nothing."""

from __future__ import annotations

import re

from pipeline.parsing.kinds import MediaType

_LINES = 200
_HEADER = re.compile(rb"([A-Za-z][A-Za-z0-9-]{1,60}):(.*)")
# Headers that nobody writes by hand at the top of a letter.
_TELLING = frozenset(
    {b"received", b"return-path", b"message-id", b"mime-version", b"delivered-to", b"x-mailer"}
)
_USUAL = frozenset({b"from", b"to", b"subject", b"date"})


def looks_like_mail(head: bytes) -> MediaType | None:
    """EML or MHTML when a text begins with the headers of an e-mail, else None."""
    found: dict[bytes, bytes] = {}
    for line in head[: 64 * 1024].splitlines()[:_LINES]:
        if not line.strip():
            break
        if line[:1] in b" \t":
            continue
        match = _HEADER.match(line)
        if match is None:
            if line.startswith(b"From ") and not found:
                continue  # the line before a mail in a mailbox
            return None
        found.setdefault(match[1].lower(), match[2])
    if not (found.keys() & _TELLING and found.keys() & _USUAL):
        return None
    saved = b"snapshot-content-location" in found or b"saved by" in found.get(b"from", b"").lower()
    return MediaType.MHTML if saved else MediaType.EML
