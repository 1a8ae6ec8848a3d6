"""What tests ask of the API, in few words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import SHUT_RDWR
from typing import Any

import httpx

SAMPLES = Path(__file__).parents[3] / "samples/files"
ENCRYPTED = SAMPLES / "workers-compensation-encrypted.pdf"


def upload(
    client: httpx.Client, content: bytes | str, name: str = "policy.md", **fields: Any
) -> httpx.Response:
    """Upload a file; `source` and `tags` as fields."""
    raw = content.encode() if isinstance(content, str) else content
    return client.post("/documents", files={"file": (name, raw)}, data=fields)


def accepted(client: httpx.Client, content: bytes | str, **fields: Any) -> dict[str, Any]:
    """Upload a file that is taken; its job."""
    answer = upload(client, content, **fields)
    assert answer.status_code in (200, 202), answer.text
    job: dict[str, Any] = answer.json()["job"]
    return job


def text(subject: str) -> str:
    """A document that can be published, about something."""
    return f"# {subject}\n\n" + f"The policy of {subject} covers {subject} and nothing else. " * 8


def is_problem(answer: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """Make sure that an answer is a problem as RFC 9457 has it; its content."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    content: dict[str, Any] = answer.json()
    assert content["status"] == status
    assert content["title"]
    assert content["detail"].endswith(".")
    assert content["type"].endswith(content["code"])
    if code is not None:
        assert content["code"] == code
    return content


def break_off(answer: httpx.Response) -> None:
    """End a stream that another thread is reading."""
    connection = answer.extensions["network_stream"].get_extra_info("socket")
    with suppress(OSError):  # broken off already
        connection.shutdown(SHUT_RDWR)


class Stream:
    """Server-sent events as they come."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.iter_lines()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        event: dict[str, Any] = {}
        for line in self._lines:
            if not line and "data" in event:
                yield {**event, "data": json.loads(event["data"])}
                event = {}
            elif line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = value

    def until(self, name: str) -> list[dict[str, Any]]:
        """The events up to one of this name, with it."""
        found = []
        for event in self:
            found.append(event)
            if event["event"] == name:
                return found
        raise AssertionError(f"the stream ended without {name}: {found}")


@contextmanager
def watching(client: httpx.Client, path: str, last: str | None = None) -> Iterator[Stream]:
    """Watch events until the end of the block."""
    headers = {"Last-Event-ID": last} if last else {}
    with client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        yield Stream(answer)
