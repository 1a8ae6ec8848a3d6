"""Refuses HTTP/1.1 that two parsers could read differently (request smuggling protection).

A proxy and a server that disagree about where a request ends let one user's bytes become another's
request (request smuggling). h11 is lenient with bare line feeds, folded headers and a length beside
chunks, as old servers had to be; no client of today sends any of that.
"""

from __future__ import annotations

import re

import h11
from h11._receivebuffer import ReceiveBuffer  # its only place for the raw lines

MAX_HEAD_BYTES = 32 * 1024
"""Of a request's first line and headers together; a provider's token has up to 8,000."""
MAX_HEADERS = 100

# A line feed without its carriage return or the other way around, and other control characters.
_AMBIGUOUS = re.compile(rb"(?<!\r)\n|\r(?=[^\n])|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FRAMING = (b"content-length", b"transfer-encoding")
_LENGTH = re.compile(rb"[0-9]{1,18}")
# Extensions are refused: nobody sends them, and readers disagree over where they end.
_CHUNK = re.compile(rb"[0-9A-Fa-f]{1,16}\r\n")
_CHUNK_BYTES = 18


class StrictConnection(h11.Connection):
    """The server's side of a connection.

    Attributes:
        status: of the answer to what was refused.
    """

    status = 400

    def __init__(self) -> None:
        super().__init__(h11.SERVER, MAX_HEAD_BYTES)
        self._receive_buffer = _StrictLines()

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """What came next.

        Raises:
            h11.RemoteProtocolError: it is not HTTP, or could be read in two ways.
        """
        try:
            return super().next_event()
        except h11.RemoteProtocolError as error:
            self.status = error.error_status_hint
            raise


class _StrictLines(ReceiveBuffer):
    """Received bytes, whose lines are checked before anybody reads them."""

    def __init__(self) -> None:
        super().__init__()
        self._checked = 0

    def maybe_extract_lines(self) -> list[bytearray] | None:
        end = self._data.find(b"\r\n\r\n", max(0, self._checked - 3))
        whole = len(self._data) if end < 0 else end + 4
        if whole > MAX_HEAD_BYTES:
            raise _too_large()
        if not self._data.startswith(b"\r\n"):
            # What was looked at is not looked at again, so that a head that drips costs its size.
            if _AMBIGUOUS.search(self._data, max(0, self._checked - 1), whole):
                raise h11.LocalProtocolError("a line does not end as it must, or holds controls")
            self._checked = whole
        lines = super().maybe_extract_lines()
        if lines is not None:
            self._checked = 0
            _require_clear(lines)
        return lines

    def maybe_extract_next_line(self) -> bytearray | None:
        line = super().maybe_extract_next_line()
        if line is None and len(self._data) < _CHUNK_BYTES:
            return None
        if line is None or not _CHUNK.fullmatch(line):
            raise h11.LocalProtocolError("the size of a chunk is not as it must be")
        return line


def _require_clear(lines: list[bytearray]) -> None:
    if len(lines) > MAX_HEADERS + 1:
        raise _too_large()
    if any(line.startswith((b" ", b"\t")) for line in lines):
        raise h11.LocalProtocolError("a header is folded")
    fields = [line.partition(b":") for line in lines]
    framing = [(name.lower(), value) for name, _, value in fields if name.lower() in _FRAMING]
    if len(framing) > 1:
        raise h11.LocalProtocolError("the length of the body is said twice")
    for name, value in framing:
        if name == _FRAMING[0] and not _LENGTH.fullmatch(value.strip(b" \t")):
            raise h11.LocalProtocolError("the length of the body is no number")
        if name == _FRAMING[1] and not lines[0].endswith(b" HTTP/1.1"):
            raise h11.LocalProtocolError("chunks came with an HTTP that has none")


def _too_large() -> h11.LocalProtocolError:
    return h11.LocalProtocolError("the head is too large", error_status_hint=431)
