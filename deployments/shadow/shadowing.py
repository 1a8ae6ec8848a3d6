"""Has a release work on a share of the new documents, and keeps what it makes beside what is
published, until enough were compared, the cap is reached, or a person stops it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from clients.storage.object_storage import Storage
from clients.storage.objects import ObjectMissing, checked
from deployments.shadow.candidate_process import (
    Candidate,
    CandidateEnded,
    handed_over,
    trouble_of,
)
from deployments.shadow.comparing import shadow_statistics
from pipeline.documents import ParsedDocument
from pipeline.errors import ConfigurationError, NavigatorError, TransientError
from pipeline.identity import sha256_hex
from pipeline.job_notes import gaps_of
from pipeline.settings import Settings
from pipeline.store import known_vectors, rate_limits, service_calls, shadows
from pipeline.store.engine import Database
from pipeline.store.service_calls import ServiceCall
from pipeline.store.shadows import Chosen, Shadow, ShadowResult
from stages.query_embedding import HERE

OPERATION = "shadow"
"""Of its calls in the ledger."""

_POLL_SECONDS = 2.0
_PAUSE_SECONDS = 5.0
_LEAST_PAUSE_SECONDS = 0.2
_TRIES = 5
_AT_ONCE = 16


class CapReached(NavigatorError):
    """The shadow may spend no more."""

    code = "cost_cap_reached"


class Asked(Protocol):
    """What works on the documents; see `CandidateProcess`."""

    async def start(self) -> Candidate:
        """Start it, again too."""

    async def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """One answer."""

    async def stop(self) -> None:
        """End it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the process that shadows works with."""

    settings: Settings
    database: Database
    storage: Storage
    told: Callable[[str], None]


async def follow(
    parts: Parts, shadow: Shadow, candidate: Candidate, process: Asked,
    *, deadline: float | None = None,
) -> str:  # fmt: skip
    """Compare documents as they are taken in; why it ended.

    Args:
        deadline: by the monotonic clock; None: until enough were compared.

    Raises:
        NavigatorError: the candidate or the database does not answer any more.
    """
    following = _Following(parts, shadow, candidate, process)
    while True:
        if (reason := await following.ended(deadline)) is not None:
            return reason
        try:
            worked = await following.once(deadline)
        except CapReached as error:
            return error.message
        if not worked:
            await asyncio.sleep(_POLL_SECONDS)


class _Following:
    """One shadow under way."""

    def __init__(self, parts: Parts, shadow: Shadow, candidate: Candidate, process: Asked) -> None:
        self._parts, self._shadow = parts, shadow
        self._candidate, self._process = candidate, process
        self._known: set[tuple[str, str]] = set()
        self._compared = 0

    async def ended(self, deadline: float | None) -> str | None:
        """Why nothing more is compared; None while something is."""
        async with self._parts.database.service() as connection:
            now = await shadows.shadow(connection, self._shadow.id)
        if now.ended_at is not None or now.reason:
            return now.reason
        if self._compared >= self._shadow.wanted:
            return "Enough documents were compared."
        if deadline is not None and time.monotonic() >= deadline:
            return "Its time was over."
        return None

    async def once(self, deadline: float | None) -> bool:
        """Compare what has ended meanwhile; whether there was something."""
        left = self._shadow.wanted - self._compared
        async with self._parts.database.service() as connection:
            found = await shadows.chosen(connection, self._shadow, min(left, _AT_ONCE))
        for each in found:
            result = await self._compared_with(each)
            async with self._parts.database.service() as connection:
                kept = await shadows.keep(connection, self._shadow.id, result)
            if kept:  # else its document was deleted meanwhile
                self._compared += 1
                self._say()
            if await self.ended(deadline) is not None:
                break
        return bool(found)

    def _say(self) -> None:
        self._parts.told(f"{self._compared} of {self._shadow.wanted} documents compared")

    async def _compared_with(self, job: Chosen) -> ShadowResult:
        content, text = await self._stored(job)
        published = await self._published(job, text)
        found, usd = await self._found(job, content, text)
        return ShadowResult(job.job_id, published, found, usd)

    async def _stored(self, job: Chosen) -> tuple[bytes | None, bytes | None]:
        keys = [job.storage_key, *([job.parsed_key] if job.parsed_key else [])]
        content, *texts = await self._parts.storage.get_all(keys)
        with suppress(ObjectMissing):
            text = texts[0] if texts and isinstance(texts[0], bytes) else None
            return checked(content, job.file_sha256), text
        return None, None

    async def _published(self, job: Chosen, text: bytes | None) -> dict[str, Any]:
        """What the release that runs has made of it."""
        async with self._parts.database.service() as connection:
            chunks = await shadows.published_chunks(connection, job)
        return {
            "state": job.state,
            "error": job.error_code,
            "text": sha256_hex(ParsedDocument.from_json(text).text) if text else None,
            "media_type": job.media_type,
            "pages": job.pages,
            "characters": job.characters,
            "tokens": job.tokens,
            "language": job.language,
            "chunks": [(str(each.id), each.sha256) for each in chunks],
            "gaps": sorted(note.kind for note in gaps_of(job.notes)),
            "seconds": job.stage_seconds,
            "usd": float(job.cost_usd),
        }

    # -- the candidate -------------------------------------------------------------------------

    async def _found(
        self, job: Chosen, content: bytes | None, text: bytes | None
    ) -> tuple[dict[str, Any], Decimal]:
        if content is None:
            return _failed("object_missing"), Decimal(0)
        same_parser = job.parser == self._candidate.parser
        try:
            return await self._worked_on(job, content, text if same_parser else None)
        except CandidateEnded as error:
            self._parts.told(f"The candidate failed on a document: {error.message}")
            await self._process.stop()
            await self._process.start()
            return _failed("candidate_ended"), Decimal(0)

    async def _worked_on(
        self, job: Chosen, content: bytes, text: bytes | None
    ) -> tuple[dict[str, Any], Decimal]:
        async with handed_over(content, text) as paths:
            answer = await self._process.ask({
                "do": "read", "job": str(job.job_id), "document": str(job.document_id),
                "source": job.source, **paths,
            })  # fmt: skip
        if answer["wanted"] and "failed" not in answer:
            return await self._finished(job, answer["wanted"])
        return _result(answer), Decimal(0)

    async def _finished(
        self, job: Chosen, wanted: Mapping[str, int]
    ) -> tuple[dict[str, Any], Decimal]:
        """Its verdict, with the texts embedded that have no vector in its space."""
        known = await self._known_of(job, wanted)
        tokens = sum(count for sha, count in wanted.items() if sha not in known)
        reserved = await self._reserved(tokens)
        # when the candidate dies over it, what it had bought is not known: the reservation stays
        answer = await self._asked_to_finish(sorted(known), tokens)
        spent = await self._billed(job, answer, tokens)
        if reserved != spent:
            async with self._parts.database.service() as connection:
                await shadows.settle(connection, self._shadow.id, spent - reserved)
        if (error := trouble_of(answer, "waits")) is not None:
            raise TransientError(error.message, code=error.code, remedy=error.remedy)
        self._known |= {(str(job.user_id), sha) for sha in wanted}
        return _result(answer), spent

    async def _asked_to_finish(self, known: Sequence[str], tokens: int) -> dict[str, Any]:
        """Its last answer, after some patience with the service that it asks."""
        for tried in range(1, _TRIES + 1):
            if tokens:
                await self._permitted(tokens)
            answer = await self._process.ask({"do": "finish", "known": known})
            if trouble_of(answer, "waits") is None or tried == _TRIES:
                break
            await asyncio.sleep(_PAUSE_SECONDS)
        return answer

    async def _known_of(self, job: Chosen, wanted: Mapping[str, int]) -> set[str]:
        """Texts that are not bought again: published ones, and what this shadow has bought."""
        async with self._parts.database.service() as connection:
            found = await known_vectors.known_hashes(
                connection, list(wanted), self._candidate.space_id, job.user_id,
                shared=self._parts.settings.share_vectors,
            )  # fmt: skip
        return found | {sha for sha in wanted if (str(job.user_id), sha) in self._known}

    async def _reserved(self, tokens: int) -> Decimal:
        usd = self._candidate.price(tokens)
        if not usd:
            return usd
        async with self._parts.database.service() as connection:
            if not await shadows.reserve(connection, self._shadow.id, usd):
                raise CapReached(f"The next document would pass ${self._shadow.max_cost_usd}.")
        return usd

    async def _permitted(self, tokens: int) -> None:
        """Wait for the provider's budget, which the documents that are published share."""
        while True:
            async with self._parts.database.service() as connection:
                provider = self._candidate.provider
                permit = await rate_limits.acquire_spare(connection, provider, tokens)
            if not permit.wait_seconds and not permit.circuit_open:
                return
            await asyncio.sleep(max(permit.wait_seconds, _LEAST_PAUSE_SECONDS))

    async def _billed(self, job: Chosen, answer: Mapping[str, Any], tokens: int) -> Decimal:
        """Write what it took into the ledger; the dollars."""
        bought, provider = answer["bought"], self._candidate.provider
        billed = bought["tokens"] or (tokens if answer.get("paid") else 0)
        if not billed or provider.partition("/")[0] in HERE:
            return Decimal(0)
        usd = self._candidate.price(billed)
        call = ServiceCall(
            provider, OPERATION, "ok", bought["seconds"], inputs=bought["requests"],
            tokens=billed, cost_usd=usd, request_id=bought["request_id"], user_id=job.user_id,
        )  # fmt: skip
        async with self._parts.database.service() as connection:
            await service_calls.record(connection, call)
        return usd


def _result(answer: Mapping[str, Any]) -> dict[str, Any]:
    error = trouble_of(answer, "failed")
    if error is not None and error.code == "parsing_is_paid":
        raise ConfigurationError(error.message, code=error.code, remedy=error.remedy)
    if error is not None:
        return _failed(error.code)
    found: dict[str, Any] = answer["result"]
    return found


def _failed(code: str) -> dict[str, Any]:
    """For a document on which the candidate did not come to an end."""
    return {"state": "not_finished", "error": code}


async def end(parts: Parts, shadow: Shadow, reason: str) -> Shadow:
    """End a shadow: only its statistics stay. Again it changes nothing."""
    async with parts.database.service() as connection:
        found = await shadows.results(connection, shadow.id)
        await shadows.end(connection, shadow.id, reason, shadow_statistics(shadow, found))
    async with parts.database.service() as connection:
        return await shadows.shadow(connection, shadow.id)
