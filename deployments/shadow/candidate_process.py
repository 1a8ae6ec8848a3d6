"""Starts a release's code beside the one that runs, without the database, and asks it."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from deployments.releases.installed import InstalledRelease
from pipeline.child_processes import (
    NEUTRAL_FOLDER,
    die_with_parent,
    last_line,
    safe_search_paths,
)
from pipeline.errors import ConfigurationError, NavigatorError, ServiceUnavailable

MODULE = "deployments.shadow.candidate"
_PROTOCOL = 1
_START_SECONDS = 120.0
_END_SECONDS = 20.0
_LINE_BYTES = 64 * 1024 * 1024
_SAID_BYTES = 4000

_WITHHELD = (
    "NAVIGATOR_DATABASE_", "NAVIGATOR_STORAGE_", "NAVIGATOR_JWT_", "NAVIGATOR_SIGNING_",
    "NAVIGATOR_METRICS_", "NAVIGATOR_HOME", "DATABASE_URL", "AWS_",
)  # fmt: skip
"""Beginnings of the variables that the candidate does not get: who has no database publishes
nothing. Those of Prefect it gets only where a saved block holds its parser or embedder."""
_BLOCKS = ("NAVIGATOR_PARSER_BLOCK", "NAVIGATOR_EMBEDDER_BLOCK")
_DATABASE_NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


class CandidateEnded(ServiceUnavailable):
    """The candidate's process ended, or did not answer in its time."""

    code = "candidate_ended"
    remedy = "Look what it says in the log of the command."


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a release says of itself when it has started."""

    parser: str
    chunker: str
    space_id: UUID
    provider: str
    usd_per_million_tokens: Decimal
    parsing_service: str | None
    suites: dict[str, str]

    @property
    def is_paid(self) -> bool:
        """Whether its embedder costs money."""
        return bool(self.usd_per_million_tokens)

    def price(self, tokens: int) -> Decimal:
        """The list price of embedding so many tokens, in US dollars."""
        return self.usd_per_million_tokens * tokens / 1_000_000


def candidate_of(told: Mapping[str, Any]) -> Candidate:
    """What a candidate has said of itself."""
    return Candidate(
        parser=told["parser"],
        chunker=told["chunker"],
        space_id=UUID(told["space_id"]),
        provider=told["provider"],
        usd_per_million_tokens=Decimal(told["usd_per_million_tokens"]),
        parsing_service=told["parsing_service"],
        suites=told["suites"],
    )


def withheld(variables: Mapping[str, str]) -> dict[str, str]:
    """The variables of a process of the environment, without what leads to its data."""
    blocks = any(variables.get(each) for each in _BLOCKS)
    left = {
        name: value
        for name, value in variables.items()
        if not name.startswith(_WITHHELD) and (blocks or not name.startswith("PREFECT_"))
    }
    return {**left, "NAVIGATOR_DATABASE_URL": _DATABASE_NOWHERE}


class CandidateProcess:
    """The candidate's process; one question at a time.

    Args:
        seconds: that one document may take.
    """

    def __init__(
        self, release: InstalledRelease, variables: Mapping[str, str], seconds: float
    ) -> None:
        self._release, self._variables, self._seconds = release, variables, seconds
        self._process: asyncio.subprocess.Process | None = None
        self._home = tempfile.TemporaryDirectory(prefix="navigator-shadow-home-")
        self._errors: asyncio.Task[str] | None = None

    async def start(self) -> Candidate:
        """Start it; what it says of itself.

        Raises:
            ConfigurationError: it does not start, or the release knows no shadows.
        """
        clean = {name: v for name, v in withheld(self._variables).items() if name != "PYTHONPATH"}
        self._process = await asyncio.create_subprocess_exec(
            self._release.python, "-P", "-m", MODULE,
            env={**clean, **safe_search_paths(clean), **self._release.variables(),
                 "NAVIGATOR_HOME": self._home.name},
            cwd=NEUTRAL_FOLDER, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, limit=_LINE_BYTES, preexec_fn=die_with_parent,
            start_new_session=True,  # Ctrl-C is for this process, which ends the other one
        )  # fmt: skip
        self._errors = asyncio.create_task(_tail(self._process.stderr))
        try:
            told = await self._answer(_START_SECONDS)
        except CandidateEnded as ended:
            await self.stop()
            said = await self._errors
            raise ConfigurationError(
                f"The release {self._release.id} does not start as a shadow: "
                f"{last_line(said) or ended.message}",
                remedy="It has to be made with a version that knows `navigator shadow`.",
            ) from None
        if told.get("protocol") != _PROTOCOL or (trouble := told.get("failed")) is not None:
            await self.stop()
            trouble = told.get("failed") or {}
            raise ConfigurationError(
                trouble.get("message") or f"{self._release.id} speaks another protocol of shadows.",
                remedy=trouble.get("remedy") or "Make both releases with versions that fit.",
            )
        return candidate_of(told)

    async def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """One answer.

        Raises:
            CandidateEnded: it ended, or took too long, and was ended; `start` it again.
        """
        process = self._process
        assert process is not None and process.stdin is not None
        try:
            process.stdin.write(json.dumps(question).encode() + b"\n")
            await process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            raise CandidateEnded("The candidate's process has ended.") from None
        return await self._answer(self._seconds)

    async def _answer(self, seconds: float) -> dict[str, Any]:
        process = self._process
        assert process is not None and process.stdout is not None
        try:
            async with asyncio.timeout(seconds):
                line = await process.stdout.readline()
        except (TimeoutError, ValueError):
            await self.stop()
            raise CandidateEnded(f"The candidate has not answered in {seconds:.0f} s.") from None
        if not line:
            raise CandidateEnded("The candidate's process has ended.")
        found: dict[str, Any] = json.loads(line)
        return found

    async def close(self) -> None:
        """End the process, and remove its folder."""
        await self.stop()
        await asyncio.to_thread(self._home.cleanup)

    async def stop(self) -> None:
        """End the process; again it does nothing."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_END_SECONDS):
                await process.wait()
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _tail(stream: asyncio.StreamReader | None) -> str:
    """The end of what a stream says, to its end."""
    said = b""
    while stream is not None and (piece := await stream.read(_SAID_BYTES)):
        said = (said + piece)[-_SAID_BYTES:]
    return said.decode("utf-8", "replace")


@asynccontextmanager
async def handed_over(content: bytes, text: bytes | None) -> AsyncIterator[dict[str, str]]:
    """A document's bytes in files that only this user reads, for the time of this block."""
    with tempfile.TemporaryDirectory(prefix="navigator-shadow-") as folder:
        paths = {"content": Path(folder) / "content"}
        await asyncio.to_thread(paths["content"].write_bytes, content)
        if text is not None:
            paths["text"] = Path(folder) / "text.json"
            await asyncio.to_thread(paths["text"].write_bytes, text)
        yield {name: str(path) for name, path in paths.items()}


def trouble_of(answer: Mapping[str, Any], name: str) -> NavigatorError | None:
    """What an answer says went wrong, of this kind: `waits` or `failed`."""
    told = answer.get(name)
    if told is None:
        return None
    return NavigatorError(told["message"], code=told["code"], remedy=told.get("remedy", ""))
