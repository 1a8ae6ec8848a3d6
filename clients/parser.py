"""Defines the parser protocols, and adapts a service that answers in one request to them.

A file that costs money is bought once, whatever dies in between: a service with jobs is asked for
the job of before (`find`), by an id that the file carries. `OneRequestParser` makes the same of a
service whose one request gives the text; a crash within that request may pay for it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple, Protocol
from uuid import uuid4

from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.errors import ServiceUnavailable
from pipeline.parsing.kinds import MediaType
from pipeline.text import normalize

if TYPE_CHECKING:
    from pipeline.settings import Settings

Pause = Callable[[float], Awaitable[object]]
"""Waits so many seconds, or until there is a reason to look sooner."""

Ready = Callable[[], Awaitable[object]]
"""Asked before what costs money is sent; what it raises ends the request."""


async def always() -> None:
    """For who need not ask."""


class UnknownJob(ServiceUnavailable):
    """The service does not know this job (any more): forget its id and submit the file again."""

    code = "unknown_parse_job"


class RemoteParse(NamedTuple):
    """A parsed file.

    Attributes:
        usd: what it cost in US dollars; None when the service does not tell, so that the list
            price counts.
        units: the same in the service's own unit (credits), where it has one.
    """

    document: ParsedDocument
    usd: Decimal | None = None
    units: Decimal | None = None


class RemoteParser(Protocol):
    """Parses files at a service. One event loop; safe for concurrent calls in it."""

    @property
    def service(self) -> str:
        """The name under which its rate limit, its circuit and its calls are kept."""
        ...

    @property
    def parser_name(self) -> str:
        """Name and version for a job's identity: another name parses every file anew."""
        ...

    @property
    def usd_per_page(self) -> Decimal:
        """The list price of a page, for plans and the cost cap."""
        ...

    @property
    def requests_per_minute(self) -> int | None:
        """How often all processes together may ask; None without a limit."""
        ...

    def reads(self, kind: MediaType) -> bool:
        """Whether it takes files of this kind; others are read on this machine."""
        ...

    async def submit(
        self, content: bytes, name: str, media_type: str, external_id: str, ready: Ready = always
    ) -> str:
        """Start to parse a file; the id by which `wait` knows it.

        Args:
            name: without anything of the user's.
            external_id: of this user's file, by which `find` knows it again.
            ready: asked before anything that costs money.

        Raises:
            ParseError: the file is refused.
            RateLimited, ServiceUnavailable: try again later.
            QuotaExhausted, ConfigurationError: stop.
        """
        ...

    async def find(self, external_id: str) -> str | None:
        """The job of a file that was submitted before, or None; asked after a crash."""
        ...

    async def wait(
        self, job_id: str, *, paged: bool = True, pause: Pause = asyncio.sleep
    ) -> RemoteParse:
        """Wait for a job's end.

        Args:
            paged: whether page numbers of this kind of file mean something to a reader.

        Raises:
            ParseError: the file cannot be read, or the deadline has passed.
            UnknownJob: submit it again.
            RateLimited, ServiceUnavailable: wait again later.
        """
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


@dataclass(frozen=True, slots=True)
class ParserPlugin:
    """A parser that a setting can choose.

    Attributes:
        summary: one line for help texts.
        open: makes the service's client of the settings; None: files are read on this machine.
            Raises ConfigurationError where a setting of its own is missing or wrong.
    """

    summary: str
    open: Callable[[Settings], RemoteParser] | None = None


LOCAL = ParserPlugin("on this machine, in limited processes of their own")


def document_of(pages: Sequence[str], parser: str, engine: str) -> ParsedDocument:
    """A document of its pages' Markdown, normalized as every text is.

    Args:
        parser: `RemoteParser.parser_name`. engine: what did it, for people.
    """
    normalized = [normalize(page) for page in pages]
    return ParsedDocument(
        tuple(ParsedPage(number, each.text) for number, each in enumerate(normalized, 1)),
        paged=True,
        parser=parser,
        engine=engine,
        replaced=sum(each.replaced for each in normalized),
    )


class DocumentReader(Protocol):
    """A service whose one request gives a file's text."""

    async def read(self, content: bytes, kind: MediaType) -> ParsedDocument:
        """The text; `document_of` makes it of the pages' Markdown.

        Raises:
            ParseError: it cannot be read.
            RateLimited, ServiceUnavailable: try again later.
            QuotaExhausted, ConfigurationError: stop.
        """
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


class OneRequestParser:
    """A `RemoteParser` over a `DocumentReader`: the answer is kept until `wait` asks for it.

    Args:
        service, parser_name, usd_per_page, requests_per_minute: as `RemoteParser` says.
        kinds: of file that the service takes.
    """

    def __init__(
        self,
        reader: DocumentReader,
        *,
        service: str,
        parser_name: str,
        kinds: Container[MediaType],
        usd_per_page: Decimal = Decimal(0),
        requests_per_minute: int | None = None,
    ) -> None:
        self._reader, self._kinds = reader, kinds
        self.service, self.parser_name = service, parser_name
        self.usd_per_page, self.requests_per_minute = usd_per_page, requests_per_minute
        self._answers: dict[str, ParsedDocument] = {}

    def reads(self, kind: MediaType) -> bool:
        """Whether the service takes files of this kind."""
        return kind in self._kinds

    async def submit(
        self, content: bytes, name: str, media_type: str, external_id: str, ready: Ready = always
    ) -> str:
        """Have the file read; the answer's id in this process."""
        await ready()
        document = await self._reader.read(content, MediaType(media_type))
        job_id = f"{self.service}-{uuid4()}"
        self._answers[job_id] = document
        return job_id

    async def find(self, external_id: str) -> str | None:
        """None: the service keeps no jobs."""
        return None

    async def wait(
        self, job_id: str, *, paged: bool = True, pause: Pause = asyncio.sleep
    ) -> RemoteParse:
        """The answer.

        Raises:
            UnknownJob: another process asked for it, and died with the answer.
        """
        if (document := self._answers.pop(job_id, None)) is None:
            raise UnknownJob(f"The answer of {self.service} was lost with its process.")
        return RemoteParse(replace(document, paged=paged))

    async def close(self) -> None:
        """Close the reader."""
        await self._reader.close()
