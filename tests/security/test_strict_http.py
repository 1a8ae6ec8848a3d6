"""Requests that two readers could take for different ones are refused; the connection closes."""

from __future__ import annotations

import json

import pytest

from app.api.strict_http import MAX_HEAD_BYTES, MAX_HEADERS
from tests.app.api.conftest import api, api_settings
from tests.app.api.serving import RunningApi
from tests.security.sockets import bearer, connected, exchanged, first_answer

__all__ = ["api", "api_settings"]

POST = b"POST /api/v1/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
GET = b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
SMUGGLED = b"GET /health/live?smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

FRAMING = {
    "length and chunks": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
    "in other letters": b"content-LENGTH: 4\r\ntransfer-ENCODING: Chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
    "the same length twice": b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "a list of lengths": b"Content-Length: 0, 0\r\n\r\n",
    "a signed length": b"Content-Length: +0\r\n\r\n",
    "a negative length": b"Content-Length: -1\r\n\r\n",
    "a length in hexadecimal": b"Content-Length: 0x0\r\n\r\n",
    "a length with an underscore": b"Content-Length: 1_0\r\n\r\n",
    "a length of 400 digits": b"Content-Length: " + b"9" * 400 + b"\r\n\r\n",
    "an empty length": b"Content-Length: \r\n\r\n",
    "chunks twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and identity": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "another encoding": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"Content-Length : 0\r\n\r\n",
    "a folded length": b"Content-Length:\r\n 0\r\n\r\n",
}
LINES = {
    "bare line feeds": b"GET /health/live HTTP/1.1\nHost: x\n\n",
    "one bare line feed": b"GET /health/live HTTP/1.1\r\nHost: x\nX-Y: z\r\n\r\n",
    "a bare line feed at the end": b"GET /health/live HTTP/1.1\r\nHost: x\r\n\n",
    "a first line that ends bare": b"GET /health/live HTTP/1.1\nHost: x\r\n\r\n",
    "a bare carriage return": b"GET /health/live HTTP/1.1\r\nHost: x\rX-Y: z\r\n\r\n",
    "a header folded by a space": GET + b"X-Y: a\r\n b\r\n\r\n",
    "a header folded by a tab": GET + b"X-Y: a\r\n\tb\r\n\r\n",
    "a folded first header": b"GET /health/live HTTP/1.1\r\n Host: x\r\n\r\n",
    "NUL in a header": GET + b"X-Y: a\x00b\r\n\r\n",
    "a control character in a header": GET + b"X-Y: a\x08b\r\n\r\n",
    "a form feed around a value": GET + b"X-Y:\x0ca\r\n\r\n",
    "two hosts": GET + b"Host: y\r\n\r\n",
    "no host": b"GET /health/live HTTP/1.1\r\n\r\n",
    "a header without a colon": GET + b"X-Y\r\n\r\n",
    "a name with a space": GET + b"X Y: z\r\n\r\n",
    "spaces in the address": b"GET /health/live  HTTP/1.1\r\nHost: x\r\n\r\n",
    "chunks in HTTP/1.0": CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + b"0\r\n\r\n",
    "an empty line first": b"\r\n" + GET + b"\r\n",
    "a TLS greeting": b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03" + bytes(100),
}
CHUNKS = {
    "an extension": b"2;a=b\r\n{}\r\n0\r\n\r\n",
    "a bare extension": b"2;\r\n{}\r\n0\r\n\r\n",
    "an extension with a bare line feed": b"2;a\nb\r\n{}\r\n0\r\n\r\n",
    "an extension with a bare carriage return": b"2;a\rb\r\n{}\r\n0\r\n\r\n",
    "an extension without end": b"2;" + b"a" * 5000,
    "a size without end": b"0" * 5000,
    "a size of 17 digits": b"00000000000000002\r\n{}\r\n0\r\n\r\n",
    "a size with a prefix": b"0x2\r\n{}\r\n0\r\n\r\n",
    "a signed size": b"+2\r\n{}\r\n0\r\n\r\n",
    "a size and a space": b"2 \r\n{}\r\n0\r\n\r\n",
    "no size": b"\r\n{}\r\n0\r\n\r\n",
    "a size that ends bare": b"2\n{}\r\n0\r\n\r\n",
    "a chunk that ends bare": b"2\r\n{}\n0\r\n\r\n",
    "a chunk that goes on": b"2\r\n{}xx0\r\n\r\n",
    "an end that is bare": b"2\r\n{}\r\n0\r\n\n",
    "a last chunk that ends bare": b"2\r\n{}\r\n0\n\r\n",
    "a trailer that ends bare": b"2\r\n{}\r\n0\r\nX-Y: z\n\n",
    "a folded trailer": b"2\r\n{}\r\n0\r\nX-Y: a\r\n b\r\n\r\n",
    "a trailer with lengths": b"0\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "a trailer with other chunks": b"2\r\n{}\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
}  # fmt: skip


def refused(answer: bytes, *statuses: int) -> None:
    """One answer came, a problem, and no other."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1, answer
    assert int(head.split(b" ")[1]) in statuses, head
    assert b"connection: close" in head.lower()
    assert b"content-type: application/problem+json" in head.lower()
    assert json.loads(body)["code"] == "malformed_request"


@pytest.mark.parametrize("sent", FRAMING.values(), ids=FRAMING)
def test_a_body_has_one_length(api: RunningApi, sent: bytes) -> None:
    """A length that is said twice, in two ways or as no number is refused."""
    refused(exchanged(api, POST + bearer(api) + sent + SMUGGLED), 400, 501)


@pytest.mark.parametrize("sent", LINES.values(), ids=LINES)
def test_a_line_ends_in_one_way(api: RunningApi, sent: bytes) -> None:
    """Lines end in CR LF, each header is one line, and no controls are in it."""
    refused(exchanged(api, sent + SMUGGLED), 400)


@pytest.mark.parametrize("sent", CHUNKS.values(), ids=CHUNKS)
@pytest.mark.parametrize("split", [False, True], ids=["at once", "byte by byte"])
def test_a_chunk_is_a_size_and_its_bytes(api: RunningApi, sent: bytes, split: bool) -> None:
    """No extension, no other line end: refused, also where the body comes after its head."""
    head = CHUNKED.replace(b"Host: x\r\n", b"Host: x\r\n" + bearer(api))
    if not split:
        refused(exchanged(api, head + sent + SMUGGLED), 400)
        return
    with connected(api) as opened:
        opened.sendall(head)
        answer = b""
        try:
            for each in sent:
                opened.sendall(bytes([each]))
            opened.sendall(SMUGGLED)
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            while piece := opened.recv(65536):
                answer += piece
        except ConnectionResetError:
            pass
    assert b"smuggled" not in answer
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert b"HTTP/1.1 200" not in answer


@pytest.mark.parametrize(
    "sent",
    [
        GET + b"X-Y: z\r\n" * MAX_HEADERS + b"\r\n",
        GET + b"X-Y: " + b"z" * MAX_HEAD_BYTES + b"\r\n\r\n",
        GET + b"X-Y: " + b"z" * MAX_HEAD_BYTES,
        b"GET /" + b"z" * MAX_HEAD_BYTES,
        b"z" * (MAX_HEAD_BYTES + 1),
    ],
    ids=["headers", "a header", "a header without end", "an address", "no line at all"],
)
def test_a_head_has_a_limit(api: RunningApi, sent: bytes) -> None:
    """Of headers and of bytes, whether the head ends or not."""
    refused(exchanged(api, sent), 431)


def test_an_honest_client_notices_nothing(api: RunningApi) -> None:
    """Long heads, chunks, trailers, a request behind another one, a head that drips."""
    long = GET + b"X-Long: " + b"z" * 16_000 + b"\r\n" + b"X-Y: z\r\n" * (MAX_HEADERS - 3)
    head = CHUNKED.replace(b"Host: x\r\n", b"Host: x\r\n" + bearer(api))
    body = b'{"question": "what is covered?"}'
    with connected(api) as opened:
        opened.sendall(long + b"\r\n")
        assert first_answer(opened).startswith(b"HTTP/1.1 200")
        opened.sendall(head + b"%X\r\n%b\r\n0\r\nX-Sum: 1\r\n\r\n" % (len(body), body))
        assert first_answer(opened).startswith(b"HTTP/1.1 200")
        opened.sendall(GET + b"\r\n" + GET + b"\r\n")
        assert b"ok" in first_answer(opened)
        for each in GET + b"\r\n":
            opened.sendall(bytes([each]))
        assert b"ok" in first_answer(opened)
