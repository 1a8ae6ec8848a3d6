"""The token is looked at before a body: who has none is answered without its being read."""

from __future__ import annotations

import json
import re
from uuid import UUID

import pytest

from app.api.connections import LINGER_BYTES
from app.api.signed_urls import PREFIX
from tests.app.api.conftest import api, api_settings
from tests.app.api.serving import RunningApi
from tests.app.api.test_openapi import described
from tests.security.sockets import bearer, connected, first_answer, rest

__all__ = ["api", "api_settings"]

PIECE = b"10000\r\n" + b" " * 65536 + b"\r\n"
ROOM = 32 * 1024 * 1024
"""More than the sockets' buffers of any system hold on the way."""


def guarded() -> list[tuple[str, str]]:
    """Every method and path that wants a token, with ids in it."""
    return [
        (method.upper(), re.sub(r"\{number\}", "1", re.sub(r"\{\w*id\}", str(UUID(int=7)), path)))
        for path, methods in described()["paths"].items()
        for method, operation in methods.items()
        if "401" in operation["responses"] and path != "/metrics" and "webhooks" not in path
    ]


@pytest.mark.parametrize(("method", "path"), guarded(), ids=lambda each: each.split("/")[-1])
@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
def test_every_route_looks_at_the_token_first(
    api: RunningApi, method: str, path: str, kind: str
) -> None:
    """A body of ten gigabytes is announced, a few bytes come: the answer is 401, at once."""
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n"
    with connected(api) as opened:
        opened.sendall(f"{head}Content-Length: 10000000000\r\n\r\n{{".encode())
        answer = first_answer(opened)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "unauthenticated"


@pytest.mark.parametrize("path", ["/search", "/uploads", "/documents"])
def test_a_body_without_end_is_not_read(api: RunningApi, path: str) -> None:
    """The answer comes while the client sends; then little is taken, and the connection ends."""
    kind = "multipart/form-data; boundary=x" if path == "/documents" else "application/json"
    head = f"POST {PREFIX}{path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n"
    with connected(api) as opened:
        opened.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + PIECE)
        assert first_answer(opened).startswith(b"HTTP/1.1 401 ")
        sent = 0
        try:
            while sent < LINGER_BYTES + ROOM:
                opened.sendall(PIECE)
                sent += len(PIECE)
        except (BrokenPipeError, ConnectionResetError):
            return
    raise AssertionError(f"{sent} bytes were taken after the answer")


def test_a_body_that_drips_after_its_answer_is_ended(
    api: RunningApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slowly the rest comes, the connection ends in time."""
    monkeypatch.setattr("app.api.connections.LINGER_SECONDS", 0.5)
    with connected(api) as opened:
        opened.sendall(b"POST /api/v1/search HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n")
        assert first_answer(opened).startswith(b"HTTP/1.1 401 ")
        opened.settimeout(0.1)
        for _ in range(200):
            try:
                opened.sendall(b" ")
                if not opened.recv(100):
                    return
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                return
    raise AssertionError("the connection was kept open")


def test_a_connection_whose_body_ends_is_kept(api: RunningApi) -> None:
    """A client that sends the rest of a small body may go on with the same connection."""
    body = b'{"question": "what?"}'
    head = b"POST /api/v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with connected(api) as opened:
        opened.sendall(head + b"Content-Length: %d\r\n\r\n{" % len(body))
        assert first_answer(opened).startswith(b"HTTP/1.1 401 ")
        opened.sendall(body[1:])
        opened.sendall(head + bearer(api) + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        assert first_answer(opened).startswith(b"HTTP/1.1 200 ")


def test_a_token_gets_no_more_than_the_limit(api: RunningApi) -> None:
    """With a token, a JSON body without end is a 413 after 64 kB."""
    head = b"POST /api/v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with connected(api) as opened:
        opened.sendall(head + bearer(api) + b"Transfer-Encoding: chunked\r\n\r\n" + PIECE + PIECE)
        answer = first_answer(opened)
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"65536 bytes" in answer
        opened.sendall(
            b"0\r\n\r\nGET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        assert b'"ok"' in rest(opened)
