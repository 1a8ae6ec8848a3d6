"""Requests written byte by byte, as no client library would send them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from app.api.authentication import issue_token
from tests.app.api.serving import RunningApi

PATIENCE = 20


@contextmanager
def connected(api: RunningApi) -> Iterator[socket.socket]:
    """A connection to the API."""
    url = httpx.URL(api.url)
    with socket.create_connection((url.host, url.port or 0), timeout=PATIENCE) as opened:
        yield opened


def exchanged(api: RunningApi, sent: bytes) -> bytes:
    """Everything that is answered to these bytes, until the API closes the connection.

    Raises:
        TimeoutError: the connection is kept open.
    """
    with connected(api) as opened:
        opened.sendall(sent)
        return rest(opened)


def rest(opened: socket.socket) -> bytes:
    """What still comes until the other side closes."""
    answer = b""
    try:
        while piece := opened.recv(65536):
            answer += piece
    except ConnectionResetError:
        pass
    return answer


def first_answer(opened: socket.socket) -> bytes:
    """The head and the body of the next answer."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        piece = opened.recv(65536)
        assert piece, answer
        answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    length = int(lengths[0].partition(b":")[2])
    while len(body) < length:
        body += opened.recv(65536)
    return head + b"\r\n\r\n" + body


def bearer(api: RunningApi, user: str = "anna") -> bytes:
    """The header that signs a user in."""
    token = issue_token(api.settings, user, service=False, hours=1)
    return f"Authorization: Bearer {token}\r\n".encode()
