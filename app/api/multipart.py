"""Parses multipart forms as a stream, so that no file is held in memory whole."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.api.problems import Unprocessable, Unsupported

MAX_PARTS = 64


@dataclass(slots=True)
class Part:
    """The head of a part.

    Attributes:
        filename: None for a plain field; as the client gave it, and not to be trusted.
    """

    name: str
    filename: str | None


@dataclass(slots=True)
class _Head:
    fields: dict[str, bytes] = field(default_factory=dict)
    name: bytes = b""
    value: bytes = b""


class _End:
    """A part is over."""


class Form:
    """The parts of a multipart/form-data body, in order.

    Args:
        content_type: of the request.
        body: its pieces.

    Raises:
        Unsupported: it is another kind of body.
    """

    def __init__(self, content_type: str, body: AsyncIterator[bytes]) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise Unsupported(
                "The body is no multipart/form-data.",
                remedy="Send a form with the file in the field `file`.",
            )
        self._body = body
        self._found: deque[Part | bytes | type[_End]] = deque()
        self._head = _Head()
        self._whole = False
        try:
            self._parser = MultipartParser(
                options[b"boundary"],
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._field,
                    "on_header_value": self._value,
                    "on_header_end": self._header,
                    "on_headers_finished": self._headed,
                    "on_part_data": self._data,
                    "on_part_end": lambda: self._found.append(_End),
                    "on_end": self._end,
                },
            )
        except FormParserError:
            raise _broken() from None

    async def parts(self) -> AsyncIterator[Part]:
        """The heads of the parts; what is left of a part when the next is asked for is dropped.

        Raises:
            Unprocessable: the body is no whole form, or has too many parts.
        """
        count = 0
        while (found := await self._next()) is not None:
            if isinstance(found, Part):
                count += 1
                if count > MAX_PARTS:
                    raise Unprocessable(f"A form may have {MAX_PARTS} parts at most.")
                yield found

    async def pieces(self) -> AsyncIterator[bytes]:
        """The content of the part whose head came last."""
        while isinstance(found := await self._next(), bytes):
            yield found

    async def text(self, limit: int) -> str:
        """The content of the part whose head came last, as text.

        Raises:
            Unprocessable: it is longer than so many bytes, or no UTF-8.
        """
        raw = b""
        async for piece in self.pieces():
            raw += piece
            if len(raw) > limit:
                raise Unprocessable("A field of the form is too long.")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise Unprocessable("A field of the form is no UTF-8 text.") from None

    async def _next(self) -> Part | bytes | type[_End] | None:
        while not self._found:
            piece = await anext(self._body, None)
            if piece is None:
                if not self._whole:
                    raise _broken()
                return None
            try:
                self._parser.write(piece)
            except FormParserError:
                raise _broken() from None
        return self._found.popleft()

    def _begin(self) -> None:
        self._head = _Head()

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._head.name += data[start:end]

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._head.value += data[start:end]

    def _header(self) -> None:
        head = self._head
        head.fields[head.name.decode("latin-1").lower()] = head.value
        head.name = head.value = b""

    def _headed(self) -> None:
        disposition, options = parse_options_header(self._head.fields.get("content-disposition"))
        name = options.get(b"name", b"")
        filename = options.get(b"filename")
        if disposition != b"form-data" or not name:
            raise _broken()
        given = filename.decode("utf-8", "replace") if filename is not None else None
        self._found.append(Part(name.decode("utf-8", "replace"), given))

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._found.append(data[start:end])

    def _end(self) -> None:
        self._whole = True


def _broken() -> Unprocessable:
    return Unprocessable("The form is broken off or malformed.", remedy="Send it again.")
