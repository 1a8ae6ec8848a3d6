"""Parses files by LlamaParse's v2 API: submits a file, finds its job again, polls for its pages.

Nothing is paid for twice: a job carries the caller's `external_id` in its metadata and the file
carries it too, so that after a crash between submitting and recording `find` tells the job's id.
Polling is the truth; a webhook, which is asked for when there is an address for it, only makes the
next look come sooner.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

from clients.llamaparse.errors import SERVICE, job_error
from clients.llamaparse.pages import credits_of, document, object_field, text_field
from clients.llamaparse.submission import EXTERNAL_ID, PARSER_KEY, own_job
from clients.llamaparse.transport import LlamaTransport
from clients.parser import Pause, Ready, RemoteParse, UnknownJob, always
from pipeline.errors import ParseCode, ParseError, RateLimited, TransientError
from pipeline.parsing.kinds import CONTAINERS, MediaType
from pipeline.retry_policy import POLLING_FAILURES

LLAMA_CLOUD_URL = "https://api.cloud.llamaindex.ai"
PARSER_VERSION = "1"

# How far back and how many jobs `find` looks through; it only follows a recent crash.
LOOK_BACK = timedelta(days=7)
LIST_PAGE, LIST_PAGES = 100, 50

CREDITS_PER_PAGE = {"fast": 1, "cost_effective": 3, "agentic": 10, "agentic_plus": 45}
"""What a page costs by the vendor's list; what is billed comes with the answer."""


def parser_name(tier: str) -> str:
    """The name and version that go into a job's identity."""
    return f"llamaparse-v2-{tier}-{PARSER_VERSION}"


class LlamaParseClient:
    """A client of one account. One event loop; safe for concurrent calls in it.

    Args:
        tier: fast (text only), cost_effective, agentic or agentic_plus.
        version: `latest` or one of the tier's dates.
        deadline_seconds: for one `wait`.
        poll_seconds, poll_most_seconds: the first and the longest pause between two looks.
        timeout: seconds for one request; an upload has ten times as long.
        webhook: the configuration that jobs are submitted with, if any.
        result_hosts: of presigned results, beside the service's own and Amazon S3.
        usd_per_credit: the account's price of a credit in US dollars.
        requests_per_minute: how often all processes together may ask; None without a limit.

    Raises:
        ConfigurationError: the address is not a plain http or https address.
    """

    def __init__(
        self,
        api_key: SecretStr,
        *,
        base_url: str = LLAMA_CLOUD_URL,
        tier: str = "cost_effective",
        version: str = "latest",
        deadline_seconds: float = 900.0,
        poll_seconds: float = 1.0,
        poll_most_seconds: float = 10.0,
        timeout: float = 60.0,
        webhook: Mapping[str, Any] | None = None,
        result_hosts: Sequence[str] = (),
        usd_per_credit: Decimal = Decimal("0.001"),
        requests_per_minute: int | None = None,
    ) -> None:
        self._transport = LlamaTransport(api_key, base_url, timeout, result_hosts)
        self.tier = tier
        self._version = version
        self._deadline = deadline_seconds
        self._poll = (poll_seconds, poll_most_seconds)
        self._webhook = webhook
        self._usd_per_credit = usd_per_credit
        self.requests_per_minute = requests_per_minute
        # The fast tier gives no Markdown.
        self._kind = "text" if tier == "fast" else "markdown"

    @property
    def address(self) -> str:
        """Where files are sent, for the rule that connections are held to."""
        return self._transport.base_url

    @property
    def service(self) -> str:
        """The name of its rate limit, circuit and calls."""
        return "llamaparse"

    @property
    def usd_per_page(self) -> Decimal:
        """The list price of a page in this tier, in US dollars."""
        return CREDITS_PER_PAGE[self.tier] * self._usd_per_credit

    def reads(self, kind: MediaType) -> bool:
        """Everything but what files are inside of."""
        return kind not in CONTAINERS and kind is not MediaType.MHTML

    @property
    def parser_name(self) -> str:
        """For the job's identity, e.g. ``llamaparse-v2-agentic-1``."""
        return parser_name(self.tier)

    async def submit(
        self,
        content: bytes,
        name: str,
        media_type: str,
        external_id: str,
        ready: Ready = always,
    ) -> str:
        """Start a job for a file and return the job's id.

        After an error that may have come too late (`ServiceUnavailable`), or after a crash, ask
        `find` before submitting again: the job may exist.

        Args:
            name: shown to people in the service's console.
            external_id: the content's sha256; an upload that is there already is used again.
            ready: asked before the file is sent and before the job is; what it raises ends this.

        Raises:
            ParseError: the file is refused (empty, too large).
            ConfigurationError, QuotaExhausted, RateLimited, ServiceUnavailable: as said there.
        """
        file_id = await self._file(external_id)
        if file_id is None:
            await ready()
            file_id = await self._upload(content, name, media_type, external_id)
        body: dict[str, Any] = {
            "file_id": file_id,
            "tier": self.tier,
            "version": self._version,
            # what one user paid for would cost another one nothing, and be there at once
            "disable_cache": True,
            "user_metadata": {EXTERNAL_ID: external_id, PARSER_KEY: self.parser_name},
        }
        if self._webhook is not None:
            # Kept with a file_id; `parse/upload` drops it without a word.
            body["webhook_configurations"] = [dict(self._webhook)]
        await ready()
        return text_field(await self._transport.call("POST", "/api/v2/parse", json=body), "id")

    async def find(self, external_id: str) -> str | None:
        """The newest job of ours for this content in this tier that has not failed, or None."""
        if await self._file(external_id) is None:
            return None
        # By the service's clock, which dates its jobs.
        since = (self._transport.time_there - LOOK_BACK).isoformat()
        query: dict[str, str | int] = {"page_size": LIST_PAGE, "created_at_on_or_after": since}
        for _ in range(LIST_PAGES):
            answer = await self._transport.call("GET", "/api/v2/parse", params=query)
            found = own_job(answer.get("items"), external_id, self.parser_name)
            following = answer.get("next_page_token")
            if found is not None or not following:
                return found
            query["page_token"] = str(following)
        return None

    async def wait(
        self, job_id: str, *, paged: bool = True, pause: Pause = asyncio.sleep
    ) -> RemoteParse:
        """Wait for a job's end; the document and what it cost, if the service tells.

        Args:
            paged: whether page numbers of this kind of file mean something to a reader.
            pause: between two looks; may end early when there is news.

        Raises:
            ParseError: the job failed, or the deadline has passed (the job is cancelled then).
            UnknownJob: forget the id and submit again.
            BadAnswer, ServiceUnavailable, RateLimited: after some patience; wait again later.
        """
        try:
            async with asyncio.timeout(self._deadline):
                job = await self._ended(job_id, pause)
        except TimeoutError:
            raise await self._too_late(job_id) from None
        if job["status"] == "FAILED":
            raise job_error(job.get("error_code") or job.get("error_message"))
        if job["status"] == "CANCELLED":
            raise UnknownJob(f"{SERVICE}'s job was cancelled.")
        result, credits = await self._result(job_id)
        engine = f"{SERVICE} v2 {self.tier} {self._version}"
        names = {"parser": self.parser_name, "engine": engine}
        parsed = document(result, self._kind, paged=paged, **names)
        usd = None if credits is None else credits * self._usd_per_credit
        return RemoteParse(parsed, usd, credits)

    async def cancel(self, job_id: str) -> None:
        """Stop a job; one that has ended, or that nobody knows, is no error."""
        await self._transport.call("POST", f"{_job_path(job_id)}/cancel", also_fine=(404, 409))

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.close()

    async def _ended(self, job_id: str, pause: Pause) -> Mapping[str, Any]:
        seconds, longest = self._poll
        failures = 0
        while True:
            wait, waiting = seconds, pause
            try:
                job = object_field(await self._job(job_id), "job")
                if text_field(job, "status") in ("COMPLETED", "FAILED", "CANCELLED"):
                    return job
                failures = 0
            except UnknownJob:
                raise
            except TransientError as error:
                failures += 1
                if failures >= POLLING_FAILURES:
                    raise
                waiting = asyncio.sleep  # no news makes a troubled service be asked sooner
                if isinstance(error, RateLimited) and error.retry_after is not None:
                    wait = max(seconds, error.retry_after)
            await waiting(wait)
            seconds = min(seconds * 1.5, longest)

    async def _too_late(self, job_id: str) -> ParseError:
        # A job that cannot be cancelled now ends by the service's own time limit.
        with contextlib.suppress(TransientError):
            await self.cancel(job_id)
        message = f"{SERVICE} did not end the job within {self._deadline:g} s."
        return ParseError(ParseCode.TIMEOUT, message)

    async def _result(self, job_id: str) -> tuple[Mapping[str, Any], Decimal | None]:
        answer = await self._job(job_id, expand=[self._kind, "usage"])
        credits = credits_of(object_field(answer, "job"))
        result = answer.get(self._kind)
        if isinstance(result, dict):
            return result, credits
        # Too large to come inline.
        if "result_content_metadata" not in answer:
            answer = await self._job(job_id, expand=[f"{self._kind}_content_metadata"])
        metadata = object_field(object_field(answer, "result_content_metadata"), self._kind)
        url = text_field(metadata, "presigned_url")
        return await self._transport.download(url), credits

    async def _job(self, job_id: str, expand: Iterable[str] = ()) -> dict[str, Any]:
        return await self._transport.call("GET", _job_path(job_id), params={"expand": list(expand)})

    async def _file(self, external_id: str) -> str | None:
        query = {"external_file_id": external_id}
        items = (await self._transport.call("GET", "/api/v1/beta/files", params=query)).get("items")
        for item in items if isinstance(items, list) else []:
            # The filter is the service's; that it worked is checked here.
            if isinstance(item, dict) and item.get("external_file_id") == external_id:
                return text_field(item, "id")
        return None

    async def _upload(self, content: bytes, name: str, media_type: str, external_id: str) -> str:
        answer = await self._transport.call(
            "POST",
            "/api/v1/beta/files",
            data={"purpose": "parse", "external_file_id": external_id},
            files={"file": (name, content, media_type)},
            upload=True,
        )
        return text_field(answer, "id")


def _job_path(job_id: str) -> str:
    return f"/api/v2/parse/{quote(job_id, safe='')}"
