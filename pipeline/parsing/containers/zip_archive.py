"""Opens ZIP archives within limits (zip bombs); their files become documents of their own."""

from __future__ import annotations

import io
import zipfile
import zlib
from lzma import LZMAError

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.containers.members import MAX_MEMBER_BYTES, Members, clean_name, is_accessory
from pipeline.parsing.options import MIB, ParseOptions
from pipeline.parsing.reading import Reading, one_page
from pipeline.parsing.texts import plain

_MAX_ENTRIES = 20_000
_UTF8 = 0x800
_ENCRYPTED = 0x1
_BROKEN = (
    zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, ValueError, NotImplementedError,
)  # fmt: skip


def read(content: bytes, options: ParseOptions) -> Reading:
    """Reads a ZIP archive: a list of its files, and the files.

    Raises:
        ParseError: BROKEN, ENCRYPTED, EMPTY or TOO_LARGE (its number of entries).
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _read(archive, options.passwords)
    except _BROKEN as error:
        message = "The ZIP archive is damaged: its list of files cannot be read."
        raise ParseError(ParseCode.BROKEN, message) from error


def _read(archive: zipfile.ZipFile, passwords: tuple[str, ...]) -> Reading:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if not entries:
        raise ParseError(ParseCode.EMPTY, "The ZIP archive has no files in it.")
    if len(entries) > _MAX_ENTRIES:
        message = f"The ZIP archive has {len(entries):,} files, more than {_MAX_ENTRIES:,}."
        raise ParseError(ParseCode.TOO_LARGE, message)
    members, names, locked = Members(), [], 0
    for entry in entries:
        name = _name(entry)
        if is_accessory(name):
            members.accessories += 1
            continue
        names.append(name)
        if not members.room_for(entry.file_size):
            continue
        data = _unpacked(archive, entry, passwords)
        locked += data is None and bool(entry.flag_bits & _ENCRYPTED)
        if data is None:
            members.unreadable += 1
        else:
            members.add(clean_name(name, "file"), data)
    if locked and not members.found:
        message = "The ZIP archive is protected with a password."
        raise ParseError(ParseCode.ENCRYPTED, message)
    return one_page(_listed(names), *members.notes(), attachments=tuple(members.found))


def _name(entry: zipfile.ZipInfo) -> str:
    """A file's name; an old archive's is in the code page of its maker."""
    if entry.flag_bits & _UTF8 or entry.filename.isascii():
        return entry.filename
    try:
        return plain.decode(entry.filename.encode("cp437"))
    except (UnicodeEncodeError, ParseError):
        return entry.filename


def _unpacked(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, passwords: tuple[str, ...]
) -> bytes | None:
    """A file's bytes; None when it is damaged or no password opens it."""
    encrypted = entry.flag_bits & _ENCRYPTED
    for password in passwords if encrypted else ("",):
        try:
            # the size that the archive declares binds: zipfile never unpacks more
            with archive.open(entry, pwd=password.encode() if encrypted else None) as part:
                return part.read(MAX_MEMBER_BYTES + MIB)
        except RuntimeError as error:
            if "password" not in str(error).lower():
                raise
        except _BROKEN:
            continue
    return None


def _listed(names: list[str]) -> str:
    count = "1 file" if len(names) == 1 else f"{len(names):,} files"
    lines = [f"- {' '.join(name.split())}" for name in names[:5_000]]
    return f"ZIP archive with {count}:\n\n" + "\n".join(lines)
