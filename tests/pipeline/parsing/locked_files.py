"""Files with passwords, made in memory."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping

from openpyxl import Workbook


class _ZipCrypto:
    """The cipher of old ZIP programs (APPNOTE, 6.1): no secret, but still in use."""

    def __init__(self, password: bytes) -> None:
        self._keys = [0x12345678, 0x23456789, 0x34567890]
        for byte in password:
            self._update(byte)

    def _update(self, byte: int) -> None:
        one, two, three = self._keys
        one = ~zlib.crc32(bytes([byte]), ~one & 0xFFFFFFFF) & 0xFFFFFFFF
        two = ((two + (one & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        three = ~zlib.crc32(bytes([two >> 24]), ~three & 0xFFFFFFFF) & 0xFFFFFFFF
        self._keys = [one, two, three]

    def encrypt(self, data: bytes) -> bytes:
        """The bytes as they are stored."""
        out = bytearray()
        for byte in data:
            word = (self._keys[2] | 2) & 0xFFFF
            out.append(byte ^ ((word * (word ^ 1)) >> 8 & 0xFF))
            self._update(byte)
        return bytes(out)


def locked_zip(files: Mapping[str, bytes], password: str) -> bytes:
    """A ZIP whose files are all encrypted."""
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            # room for the twelve bytes that stand before the encrypted ones
            archive.writestr(name, bytes(12) + content)
    raw = bytearray(plain.getvalue())
    with zipfile.ZipFile(io.BytesIO(bytes(raw))) as archive:
        entries = archive.infolist()
        central = archive.start_dir
    for entry in entries:
        content = files[entry.filename]
        crc = zlib.crc32(content)
        head = bytes(11) + bytes([crc >> 24])
        at = entry.header_offset
        start = at + 30 + len(entry.filename.encode())
        locked = _ZipCrypto(password.encode()).encrypt(head + content)
        raw[start : start + len(locked)] = locked
        listed = raw.index(b"PK\x01\x02", central)
        for place, flags, sums in ((at, 6, 14), (listed, 8, 16)):
            raw[place + flags] |= 1
            raw[place + sums : place + sums + 4] = crc.to_bytes(4, "little")
            raw[place + sums + 8 : place + sums + 12] = len(content).to_bytes(4, "little")
        central = listed + 4
    return bytes(raw)


def locked_workbook(password: str) -> bytes:
    """A workbook that Excel would open with this password only."""
    from msoffcrypto.format.ooxml import OOXMLFile

    book = Workbook()
    assert book.active is not None
    book.active.append(["Age", "Premium"])
    book.active.append([30, 18.8])
    plain, locked = io.BytesIO(), io.BytesIO()
    book.save(plain)
    plain.seek(0)
    OOXMLFile(plain).encrypt(password, locked)
    return locked.getvalue()
