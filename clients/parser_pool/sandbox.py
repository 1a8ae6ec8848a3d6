"""Parses in sandboxed worker processes, so that a hostile file costs itself only.

Nearly all files go to a worker with a hard time and memory limit; small Markdown
and plain texts are parsed in a thread, since decoding can neither hang nor grow. Pages are drawn
in the same workers. Runs on Linux and macOS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from clients.parser_pool.inside import Function, Parse
from clients.parser_pool.pool import WorkerPool
from clients.parser_pool.requests import CONVERT, COUNT, PARSE, RENDER, RESCUE, SNIFF
from clients.parser_pool.worker import Worker
from pipeline.documents import ParsedDocument
from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.local import check_size, convert_bytes, parse_bytes, rescue_bytes
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import MIB, ParseOptions
from pipeline.parsing.page_counts import count_bytes, pages_at_most
from pipeline.parsing.rendering import render_page
from pipeline.parsing.sniffing import sniff_bytes

INLINE_BYTES = MIB
"""Markdown and plain text up to this size are parsed in a thread."""

_INLINE = frozenset({MediaType.MARKDOWN, MediaType.TEXT})


def is_small(content: bytes, media_type: MediaType) -> bool:
    """Whether parsing it needs no process of its own."""
    return media_type in _INLINE and len(content) <= INLINE_BYTES


class ParserPool(WorkerPool):
    """Workers that are started when first needed, kept warm and replaced when worn.

    One pool may serve several event loops, one after the other or at once.

    Args:
        workers: documents parsed at the same time; each busy worker fills one processor.
        options: the limits of one document.
        parse: a module-level function; the worker imports it by name.
        rescue: tried once, in a fresh worker, on a PDF that ended its worker by a crash
            or by its hunger for memory; None gives up.
        render: draws one page; a module-level function as well.
        sniff: tells a file's kind; likewise.
        convert: makes a DOCX of a DOC with another program, in a worker that may start one.
        recycle_after: documents after which a worker is replaced; it also is when it still
            holds half of its memory limit.
    """

    def __init__(
        self,
        workers: int,
        options: ParseOptions | None = None,
        *,
        parse: Parse = parse_bytes,
        rescue: Parse | None = rescue_bytes,
        render: Function = render_page,
        sniff: Function = sniff_bytes,
        convert: Function = convert_bytes,
        recycle_after: int = 200,
    ) -> None:
        self._options = options or ParseOptions()
        self._parse = parse
        self._convert = convert
        self._has_rescue = rescue is not None
        functions: dict[str, Function] = {PARSE: parse, RENDER: render, SNIFF: sniff}
        functions[COUNT] = count_bytes
        functions |= {} if rescue is None else {RESCUE: rescue}
        made = [Worker(functions, self._options) for _ in range(workers)]
        super().__init__(made, recycle_after)

    async def parse(
        self, content: bytes, media_type: MediaType, passwords: Sequence[str] = ()
    ) -> ParsedDocument:
        """Parse one document. Cancelling the call ends the worker that is at it.

        A document without words is returned as such: see `validation.require_text`.

        Args:
            passwords: tried when the file is encrypted.

        Raises:
            ParseError: the file cannot be turned into text, or ended its worker (TIMEOUT,
                OUT_OF_MEMORY, CRASHED); the pool goes on.
            ServiceUnavailable: no worker could be started.
        """
        if is_small(content, media_type):
            return await asyncio.to_thread(self.parse_small, content, media_type)
        check_size(len(content), self._options)

        def parse(worker: Worker, stopped: Callable[[], bool]) -> ParsedDocument:
            if media_type is MediaType.DOC:
                made = self._converted(content, media_type, stopped, passwords)
                return worker.parse(made, MediaType.DOCX, stopped)
            return self._parsed(worker, content, media_type, stopped, passwords)

        return await self._in_worker(parse)

    async def render(
        self,
        content: bytes,
        media_type: MediaType,
        page: int,
        width: int,
        passwords: Sequence[str] = (),
        name: str | None = None,
    ) -> bytes:
        """Draw one page as a PNG, as `rendering.render_page` does, within the limits of a parse.

        Args:
            passwords: tried when the file is encrypted.
            name: of a file whose kind is not known: it is told first, in the same process.

        Raises:
            ParseError: the page cannot be drawn, or ended its worker (TIMEOUT, OUT_OF_MEMORY,
                CRASHED); the pool goes on.
            ServiceUnavailable: no worker could be started.
        """
        check_size(len(content), self._options)
        arguments: dict[str, int | str] = {"page": page, "width": width}
        arguments |= {} if name is None else {"name": name}

        def draw(worker: Worker, stopped: Callable[[], bool]) -> bytes:
            return worker.render(content, media_type, stopped, passwords=passwords, **arguments)

        return await self._in_worker(draw)

    async def sniff(self, content: bytes, name: str, *, remote: bool = False) -> MediaType:
        """Tell a file's kind as `media.sniff` does, within limits and away from the event loop.

        Args:
            name, remote: as for `media.sniff`.

        Raises:
            ParseError: as `media.sniff`; or the file ended its worker (TIMEOUT, OUT_OF_MEMORY,
                CRASHED), and the pool goes on.
            ServiceUnavailable: no worker could be started.
        """

        def tell(worker: Worker, stopped: Callable[[], bool]) -> MediaType:
            return worker.sniff(content, stopped, name=name, remote=remote)

        return await self._in_worker(tell)

    async def count_pages(
        self, content: bytes, media_type: MediaType, passwords: Sequence[str] = ()
    ) -> int:
        """Count a file's pages, or rather too many, within the limits of telling its kind.

        Raises:
            ParseError: as `page_counts.count_bytes`; or the file ended its worker.
            ServiceUnavailable: no worker could be started.
        """
        if is_small(content, media_type):
            return pages_at_most(content, media_type, self._options)

        def count(worker: Worker, stopped: Callable[[], bool]) -> int:
            return worker.count_pages(content, media_type, stopped, passwords=passwords)

        return await self._in_worker(count)

    def parse_small(self, content: bytes, media_type: MediaType) -> ParsedDocument:
        """Parse, in the calling thread, what `is_small`; many of them cost no visit each.

        Raises:
            ParseError: the file cannot be turned into text.
        """
        check_size(len(content), self._options)
        return self._parse(content, media_type, self._options)

    def _parsed(
        self,
        worker: Worker,
        content: bytes,
        media_type: MediaType,
        stopped: Callable[[], bool],
        passwords: Sequence[str],
    ) -> ParsedDocument:
        try:
            return worker.parse(content, media_type, stopped, passwords=passwords)
        except ParseError as error:
            if not self._may_rescue(error, media_type, worker):
                raise
        return worker.parse(content, media_type, stopped, function=RESCUE, passwords=passwords)

    def _converted(
        self,
        content: bytes,
        media_type: MediaType,
        stopped: Callable[[], bool],
        passwords: Sequence[str],
    ) -> bytes:
        """A DOC as DOCX, made in a worker for this file alone: its sandbox has more doors."""
        converter = Worker({CONVERT: self._convert}, self._options, programs=True)
        try:
            return converter.convert(content, media_type, stopped, passwords=passwords)
        finally:
            converter.kill()

    def _may_rescue(self, error: ParseError, media_type: MediaType, worker: Worker) -> bool:
        costly = error.parse_code in (ParseCode.CRASHED, ParseCode.OUT_OF_MEMORY)
        died = costly and worker.pid is None
        return self._has_rescue and died and media_type is MediaType.PDF
