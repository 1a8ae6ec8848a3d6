"""Offers a worker's functions: parse a file, draw or count pages, convert, sniff a kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from clients.parser_pool.process import WorkerProcess
from clients.parser_pool.requests import (
    CONVERT,
    COUNT,
    PARSE,
    RENDER,
    SNIFF,
    Request,
    kind_in,
    number_in,
)
from pipeline.documents import ParsedDocument
from pipeline.parsing.media import MediaType


class Worker(WorkerProcess):
    """One worker, with a method for each of its functions; not thread-safe."""

    def parse(
        self,
        content: bytes,
        media_type: MediaType,
        stopped: Callable[[], bool],
        *,
        function: str = PARSE,
        passwords: Sequence[str] = (),
    ) -> ParsedDocument:
        """Parse one document; the worker is gone afterwards if the document ended it.

        Args:
            function: which of the parsers does it.
            passwords: tried when the file is encrypted; they go through the pipe alone.
            stopped: asked every 50 ms; true kills the worker and raises `CancelledError`.

        Raises:
            ParseError: what the parser said, or TIMEOUT, OUT_OF_MEMORY or CRASHED.
            ServiceUnavailable: no worker could be started.
        """
        request = Request(function, media_type, passwords=passwords)
        made = self.ask(content, request, stopped)
        assert isinstance(made, ParsedDocument)
        return made

    def render(
        self,
        content: bytes,
        media_type: MediaType,
        stopped: Callable[[], bool],
        *,
        passwords: Sequence[str] = (),
        **arguments: int | str,
    ) -> bytes:
        """Draw one page as a PNG; `stopped`, `passwords` and the errors as for `parse`.

        Args:
            arguments: as `rendering.render_page` takes them.
        """
        return self._bytes(content, Request(RENDER, media_type, arguments, passwords), stopped)

    def sniff(
        self, content: bytes, stopped: Callable[[], bool], *, name: str, remote: bool
    ) -> MediaType:
        """Tell a file's kind; `stopped` and the errors as for `parse`."""
        asked = Request(SNIFF, MediaType.TEXT, {"name": name, "remote": remote})
        return kind_in(self._bytes(content, asked, stopped))

    def count_pages(
        self,
        content: bytes,
        media_type: MediaType,
        stopped: Callable[[], bool],
        *,
        passwords: Sequence[str] = (),
    ) -> int:
        """Count pages, as `page_counts` does; `stopped` and the errors as for `parse`."""
        asked = Request(COUNT, media_type, passwords=passwords)
        return number_in(self._bytes(content, asked, stopped))

    def convert(
        self,
        content: bytes,
        media_type: MediaType,
        stopped: Callable[[], bool],
        *,
        passwords: Sequence[str] = (),
    ) -> bytes:
        """The file in another format; `stopped`, `passwords` and the errors as for `parse`."""
        return self._bytes(content, Request(CONVERT, media_type, passwords=passwords), stopped)

    def _bytes(self, content: bytes, request: Request, stopped: Callable[[], bool]) -> bytes:
        made = self.ask(content, request, stopped)
        assert isinstance(made, bytes)
        return made
