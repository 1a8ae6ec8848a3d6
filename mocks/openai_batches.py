"""Mocks OpenAI's files and batches: requests by the file, answers by the file.

The answers come in another order than the requests, as they may: only `custom_id` matches them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson

from mocks import openai_errors as errors
from mocks.billing import Ledger
from mocks.multipart import form_fields
from mocks.openai_embeddings import embed
from mocks.wire import Request, Response, json_response

MAX_FILE_BYTES = 200 * 1024 * 1024
MAX_INPUTS = 50_000
ENDPOINT = "/v1/embeddings"


class BadBatch(ValueError):
    """A batch file that is refused as a whole: a code, words, and the line from 1."""

    def __init__(self, code: str, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.told = {"code": code, "message": message, "line": line, "param": None}


@dataclass(frozen=True)
class BatchFile:
    """An uploaded or an answered file."""

    name: str
    content: bytes
    purpose: str
    id: str = field(default_factory=lambda: f"file-{uuid4().hex}")
    created: int = field(default_factory=lambda: int(time.time()))

    def json(self) -> dict[str, Any]:
        """As the service tells it."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.content),
            "created_at": self.created,
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
        }


@dataclass
class BatchStore:
    """One account's files and batches.

    Args:
        seconds: from creating a batch to its end.
    """

    ledger: Ledger
    seconds: float
    files: dict[str, BatchFile] = field(default_factory=dict)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def forget(self) -> None:
        """End every batch under way."""
        for task in self._tasks:
            task.cancel()

    def respond(self, request: Request, route: list[str]) -> Response:
        """Answer a request to files or batches."""
        match request.method, route:
            case "POST", ["files"]:
                return self._upload(request)
            case "GET", ["files", key] if key in self.files:
                return json_response(200, self.files[key].json())
            case "GET", ["files", key, "content"] if key in self.files:
                return Response(200, self.files[key].content, {"content-type": "application/jsonl"})
            case "DELETE", ["files", key] if key in self.files:
                del self.files[key]
                return json_response(200, {"id": key, "object": "file", "deleted": True})
            case "POST", ["batches"]:
                return self._create(request)
            case "GET", ["batches"]:
                batches = list(self.batches.values())[::-1]
                return json_response(200, {"object": "list", "data": batches, "has_more": False})
            case "GET", ["batches", key] if key in self.batches:
                return json_response(200, self.batches[key])
            case "POST", ["batches", key, "cancel"] if key in self.batches:
                return self._cancel(self.batches[key])
        return errors.error(404, f"No such object: {route[-1]}", errors.INVALID)

    def _upload(self, request: Request) -> Response:
        form = form_fields(request)
        upload = form.get("file")
        if not isinstance(upload, tuple):
            return errors.error(400, "Missing required parameter: 'file'.", errors.INVALID)
        name, content = upload
        if len(content) > MAX_FILE_BYTES:
            return errors.error(413, "File is too large.", errors.INVALID)
        file = BatchFile(name, content, form.get("purpose", b"").decode())
        self.files[file.id] = file
        return json_response(200, file.json())

    def _create(self, request: Request) -> Response:
        try:
            asked = orjson.loads(request.body)
        except ValueError:
            return errors.invalid_body()
        file = self.files.get(str(asked.get("input_file_id")))
        if file is None or file.purpose != "batch":
            return errors.error(400, "There is no such file for a batch.", errors.INVALID)
        if asked.get("endpoint") != ENDPOINT:
            return errors.invalid_choice("endpoint", asked.get("endpoint"), repr(ENDPOINT))
        if asked.get("completion_window") != "24h":
            return errors.invalid_choice("completion_window", asked.get("completion_window"), "24h")
        batch = _batch(file.id, asked.get("metadata"))
        self.batches[batch["id"]] = batch
        task = asyncio.get_running_loop().create_task(self._work(batch, file))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return json_response(200, batch)

    def _cancel(self, batch: dict[str, Any]) -> Response:
        if batch["status"] in ("validating", "in_progress"):
            _enter(batch, "cancelled")
        return json_response(200, batch)

    async def _work(self, batch: dict[str, Any], file: BatchFile) -> None:
        await asyncio.sleep(self.seconds / 3)
        if batch["status"] == "cancelled":
            return None
        try:
            requests = _requests(file.content)
        except BadBatch as bad:
            batch["errors"] = {"object": "list", "data": [bad.told]}
            return _enter(batch, "failed")
        batch["request_counts"]["total"] = len(requests)
        _enter(batch, "in_progress")
        await asyncio.sleep(self.seconds / 3)
        answered: list[dict[str, Any]] = []
        for request in requests:
            if batch["status"] == "cancelled":
                return None
            answered.append(self._answer(request))
            await asyncio.sleep(0)  # other requests are served meanwhile
        _enter(batch, "finalizing")
        await asyncio.sleep(self.seconds / 3)
        self._keep(batch, answered)
        return _enter(batch, "completed")

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        response = embed(orjson.dumps(request["body"]), self.ledger, None)
        return {
            "id": f"batch_req_{uuid4().hex}",
            "custom_id": request["custom_id"],
            "response": {
                "status_code": response.status,
                "request_id": uuid4().hex,
                "body": orjson.loads(response.body),
            },
            "error": None,
        }

    def _keep(self, batch: dict[str, Any], answered: list[dict[str, Any]]) -> None:
        good = [each for each in answered if each["response"]["status_code"] == 200]
        bad = [each for each in answered if each["response"]["status_code"] != 200]
        batch["request_counts"] |= {"completed": len(good), "failed": len(bad)}
        for name, lines in (("output_file_id", good), ("error_file_id", bad)):
            if lines:
                content = b"".join(orjson.dumps(line) + b"\n" for line in lines[::-1])
                file = BatchFile(f"{batch['id']}_{name[:-8]}.jsonl", content, "batch_output")
                self.files[file.id] = file
                batch[name] = file.id


def _batch(file_id: str, metadata: Any) -> dict[str, Any]:
    now = int(time.time())
    return {
        "id": f"batch_{uuid4().hex}",
        "object": "batch",
        "endpoint": ENDPOINT,
        "errors": None,
        "input_file_id": file_id,
        "completion_window": "24h",
        "status": "validating",
        "output_file_id": None,
        "error_file_id": None,
        "created_at": now,
        "expires_at": now + 86_400,
        "request_counts": {"total": 0, "completed": 0, "failed": 0},
        "metadata": metadata,
    }


def _enter(batch: dict[str, Any], status: str) -> None:
    batch["status"] = status
    batch[f"{status}_at"] = int(time.time())


def _requests(content: bytes) -> list[dict[str, Any]]:
    requests: list[dict[str, Any]] = []
    seen: set[str] = set()
    for number, line in enumerate(content.splitlines(), 1):
        try:
            request = orjson.loads(line)
            custom_id, url, body = request["custom_id"], request["url"], request["body"]
        except (ValueError, KeyError, TypeError):
            raise BadBatch("invalid_json_line", "This line is no request.", number) from None
        if custom_id in seen:
            raise BadBatch("duplicate_custom_id", "This custom_id was used before.", number)
        if url != ENDPOINT or request.get("method") != "POST" or not isinstance(body, dict):
            raise BadBatch("mismatched_url", "The url is not the batch's endpoint.", number)
        seen.add(custom_id)
        requests.append(request)
    if not requests:
        raise BadBatch("empty_file", "The file holds no request.")
    if sum(_inputs(requests)) > MAX_INPUTS:
        raise BadBatch("too_many_tasks", f"A batch holds at most {MAX_INPUTS} inputs.")
    return requests


def _inputs(requests: Iterable[dict[str, Any]]) -> Iterable[int]:
    for request in requests:
        given = request["body"].get("input")
        several = isinstance(given, list) and given and not isinstance(given[0], int)
        yield len(given) if several else 1
