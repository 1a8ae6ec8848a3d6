"""Decrypts office files with the passwords that were given."""

from __future__ import annotations

import io

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.kinds import SAID, MediaType
from pipeline.parsing.office_kinds import OLE, ole_streams

_OFFICE = frozenset({MediaType.DOCX, MediaType.XLSX, MediaType.XLSB, MediaType.PPTX})
_OLD = frozenset({MediaType.XLS, MediaType.DOC})


def unlocked(content: bytes, media_type: MediaType, passwords: tuple[str, ...]) -> bytes:
    """The file without its encryption, or as it is when it has none.

    Raises:
        ParseError: ENCRYPTED, when no password opens it.
    """
    if not content.startswith(OLE):
        return content
    if media_type in _OFFICE and "EncryptedPackage" not in ole_streams(content):
        message = f"It is {SAID[media_type]} by its name, and damaged: it holds no document."
        raise ParseError(ParseCode.BROKEN, message)
    if media_type in _OFFICE or (media_type in _OLD and passwords):
        return _decrypted(content, media_type, passwords)
    return content


def _decrypted(content: bytes, media_type: MediaType, passwords: tuple[str, ...]) -> bytes:
    import msoffcrypto

    what = SAID[media_type]
    try:
        file = msoffcrypto.OfficeFile(io.BytesIO(content))
        if not file.is_encrypted():
            return content
    except Exception as error:  # whatever a damaged container leads the library into
        raise ParseError(ParseCode.BROKEN, f"It is {what} that is damaged.") from error
    for password in passwords:
        out = io.BytesIO()
        try:
            file.load_key(password=password)
            file.decrypt(out)
        except Exception:  # noqa: S112 — a wrong password is told in many ways
            continue
        return out.getvalue()
    message = f"It is {what} that is protected with a password."
    raise ParseError(ParseCode.ENCRYPTED, message)
