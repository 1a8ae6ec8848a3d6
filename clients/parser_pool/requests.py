"""Defines a worker's requests, one of its functions over a file each, and decodes answers."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from clients.parser_pool.frames import BYTES, DOCUMENT, ERROR
from pipeline.documents import ParsedDocument
from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import ParseOptions

PARSE, RESCUE, RENDER, CONVERT, SNIFF = "parse", "rescue", "render", "convert", "sniff"
COUNT = "count"
"""The names of the functions."""

_LOOK_SECONDS = 5.0

_DOING = {
    RENDER: ("Drawing the page", "drew this page"),
    CONVERT: ("Converting", "converted this file"),
    SNIFF: ("Telling the file's kind", "looked at it"),
    COUNT: ("Counting the pages", "counted its pages"),
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        arguments: handed to the function by name, after the content, its type and the options.
        passwords: tried when the file is encrypted; they go through the pipe alone.
        number: drawn by chance; its answers bear it, and a file cannot answer for the next one.
    """

    function: str
    media_type: MediaType
    arguments: Mapping[str, int | str] = field(default_factory=dict)
    passwords: Sequence[str] = ()
    number: int = field(default_factory=lambda: 1 + secrets.randbits(63))

    @property
    def parses(self) -> bool:
        """Whether the answer is a document; else it is bytes."""
        return self.function in (PARSE, RESCUE)

    def line(self, size: int) -> bytes:
        """The request as the worker reads it.

        Args:
            size: of the file's content in bytes.
        """
        request = {
            "function": self.function,
            "media_type": self.media_type.value,
            "arguments": dict(self.arguments),
            "passwords": list(self.passwords),
            "counted": self.parses and self.media_type is MediaType.PDF,
            "size": size,
            "number": self.number,
        }
        return json.dumps(request).encode() + b"\n"

    def seconds(self, options: ParseOptions) -> float:
        """What it may take, of processor time; a look at a file has less than reading it."""
        most = options.timeout_seconds
        return min(most, _LOOK_SECONDS) if self.function in (SNIFF, COUNT) else most

    @property
    def doing(self) -> str:
        """What the worker is at, at the beginning of a sentence."""
        return _DOING.get(self.function, ("Parsing",))[0]

    @property
    def did(self) -> str:
        """What it was at when it died, after "while it"."""
        return _DOING.get(self.function, ("", "read this file"))[1]


def understood(request: Request, kind: bytes, answer: bytes) -> ParsedDocument | bytes:
    """What a worker answered; not believed to be well-formed, since a file may have written it.

    Raises:
        ParseError: what the worker said of the file, or CRASHED for what is no answer.
    """
    try:
        if kind == ERROR:
            reason = json.loads(answer)
            said = ParseError(ParseCode(reason["code"]), str(reason["message"]))
        elif kind == DOCUMENT and request.parses:
            return ParsedDocument.from_json(answer)
        elif kind == BYTES and not request.parses:
            return answer
        else:
            said = _no_answer()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        said = _no_answer()
    raise said


def pages_in(answer: bytes) -> int:
    """The number of pages that a worker found; 1 when it answered no number."""
    return int(answer) if answer.isdigit() and len(answer) < 10 else 1


def number_in(answer: bytes) -> int:
    """The number of pages that a worker counted.

    Raises:
        ParseError: CRASHED, for what is no number.
    """
    if not answer.isdigit() or len(answer) > 9:
        raise _no_answer()
    return max(1, int(answer))


def kind_in(answer: bytes) -> MediaType:
    """The kind that a worker told.

    Raises:
        ParseError: CRASHED, for what is no kind.
    """
    try:
        return MediaType(answer.decode())
    except ValueError:
        raise _no_answer() from None


def _no_answer() -> ParseError:
    return ParseError(ParseCode.CRASHED, "The parser's process gave an answer that is none.")
