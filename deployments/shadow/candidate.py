"""Works on documents in a release's own code, for the process that started it.

`python -m deployments.shadow.candidate` says what it is, then answers each line of its input, in
JSON: `read` takes a document up to its chunks, `finish` embeds and judges. It is given neither the
database nor the storage, so nothing that it does is published or kept.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO
from uuid import UUID

from checks.suites_in_force import suite_versions
from clients.network.provider_errors import is_paid
from pipeline.documents import ParsedDocument
from pipeline.errors import NavigatorError, TransientError
from pipeline.settings import load_settings
from pipeline.worker_identity import release_of_process
from stages.shadowing import Given, Tools, Work, open_tools

PROTOCOL = 1
"""Raised when a question or an answer changes its meaning: two releases speak it."""


class Answering:
    """Answers questions about one document after the other."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._work: Work | None = None

    async def answer(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What came of it; an error is an answer too."""
        try:
            await self._do(asked)
        except NavigatorError as error:
            return _told(self._work) | _trouble(error)
        except Exception as error:  # a bug of the release is what a shadow is to find
            told = {"code": "internal_error", "message": type(error).__name__}
            return _told(self._work) | {"failed": told}
        return _told(self._work)

    async def _do(self, asked: Mapping[str, Any]) -> None:
        if asked["do"] == "read":
            self._work = Work(self._tools, _given(asked))
            await self._work.until_embedding()
        elif self._work is not None:
            await self._work.finish(asked["known"])


async def serve(tools: Tools, questions: TextIO, answers: TextIO) -> None:
    """Answer until the input ends."""
    _write(answers, told_of(tools))
    answering = Answering(tools)
    while line := await asyncio.to_thread(questions.readline):
        _write(answers, await answering.answer(json.loads(line)))


def told_of(tools: Tools) -> dict[str, Any]:
    """What this process is, for whoever started it."""
    embedder, remote = tools.embedder, tools.remote_parser
    return {
        "protocol": PROTOCOL,
        "release": release_of_process(),
        "parser": tools.version.parser,
        "chunker": tools.version.chunker,
        "space_id": str(tools.version.space_id),
        "provider": f"{embedder.space.provider}/{embedder.space.model}",
        "usd_per_million_tokens": str(embedder.price_per_million_tokens),
        "parsing_service": remote.service if remote is not None else None,
        "suites": suite_versions(tools.settings, tools.rules),
    }


def _given(asked: Mapping[str, Any]) -> Given:
    text = asked.get("text")
    return Given(
        job_id=UUID(asked["job"]),
        document_id=UUID(asked["document"]),
        source=asked["source"],
        content=Path(asked["content"]).read_bytes(),
        text=ParsedDocument.from_json(Path(text).read_bytes()) if text else None,
    )


def _told(work: Work | None) -> dict[str, Any]:
    if work is None:
        return {}
    wanted = {} if work.result.has_ended else work.wanted
    return {"result": asdict(work.result), "wanted": wanted, "bought": asdict(work.bought)}


def _trouble(error: NavigatorError) -> dict[str, Any]:
    told = {"code": error.code, "message": error.message, "remedy": error.remedy}
    kind = "waits" if isinstance(error, TransientError) else "failed"
    return {kind: told, "paid": is_paid(error)}


def _write(answers: TextIO, told: Mapping[str, Any]) -> None:
    answers.write(json.dumps(told) + "\n")
    answers.flush()


async def _main(questions: TextIO, answers: TextIO) -> int:
    try:
        async with open_tools(load_settings()) as tools:
            await serve(tools, questions, answers)
    except NavigatorError as error:
        _write(answers, {"protocol": PROTOCOL, **_trouble(error)})
        return 1
    return 0


def main() -> int:
    """Serve whoever holds the other end; the exit code."""
    # What a library prints must not come between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return asyncio.run(_main(sys.stdin, answers))


if __name__ == "__main__":
    sys.exit(main())
