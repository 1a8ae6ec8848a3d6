"""A parser in one file: texts come out in capitals, at a price. A real one asks a service."""

from __future__ import annotations

from decimal import Decimal

from clients.parser import OneRequestParser, ParserPlugin, RemoteParser, document_of
from pipeline.documents import ParsedDocument
from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.kinds import MediaType
from pipeline.settings import Settings

NAME = "shouting-1"
"""Name and version; another name parses every file anew."""


class ShoutingReader:
    """Reads a file in one request."""

    async def read(self, content: bytes, kind: MediaType) -> ParsedDocument:
        """The text of the file, in capitals."""
        text = content.decode("utf-8", "replace").upper()
        if not text.strip():
            raise ParseError(ParseCode.NO_TEXT, "The service found no text in the file.")
        return document_of([text], NAME, "shouting service")

    async def close(self) -> None:
        """Nothing to give back."""


def open_shouting(settings: Settings) -> RemoteParser:
    """The parser of `NAVIGATOR_PARSER_OPTIONS`."""
    return OneRequestParser(
        ShoutingReader(),
        service="shouting",
        parser_name=NAME,
        kinds={MediaType.MARKDOWN, MediaType.TEXT},
        usd_per_page=Decimal(settings.parser_options.get("usd_per_page", "0.002")),
    )


PLUGIN = ParserPlugin("a service that shouts", open_shouting)
