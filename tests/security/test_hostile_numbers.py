"""Signed and unsigned values that Python stumbles over: refused, and never a 500."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from uuid import uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from app.api.authentication import TokenVerifier
from app.api.public_keys import MAX_BYTES
from app.api.secrets import jwt_secret
from pipeline.errors import ConfigurationError, ServiceUnavailable
from pipeline.settings import Settings
from pipeline.webhooks import SIGNATURE_HEADER, sign
from tests.app.api.calling import is_problem
from tests.app.api.conftest import anna, api
from tests.app.api.serving import RunningApi

__all__ = ["anna", "api"]

WEBHOOK_SECRET = "a secret of webhooks, long enough"
HUGE = "9" * 400
NUMBERS = (
    HUGE, f"-{HUGE}", "9" * 5000, "1e400", "-1e400", "Infinity", "-Infinity", "NaN", "-1", "-0.5",
    "true", "false", '"9999999999"', '""', "[]", "[9999999999]", "{}", "9007199254740993",
)  # fmt: skip
DEEP = "[" * 5000 + "]" * 5000


@pytest.fixture(scope="module")
def api_settings(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Everything local, without limits of requests; webhooks are set up too."""
    return Settings(
        home=tmp_path_factory.mktemp("home"),
        database_url=SecretStr(module_database_url),
        requests_per_minute=0,
        llama_cloud_webhook_secret=SecretStr(WEBHOOK_SECRET),
    )


def part(raw: str | bytes) -> bytes:
    data = raw.encode() if isinstance(raw, str) else raw
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def signed(api: RunningApi, claims: str, header: str = '{"alg": "HS256", "typ": "JWT"}') -> str:
    """A token with these claims as they are written, signed as ours are."""
    message = part(header) + b"." + part(claims)
    mac = hmac.digest(jwt_secret(api.settings).encode(), message, hashlib.sha256)
    return (message + b"." + part(mac)).decode()


def asked(api: RunningApi, token: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{api.url}/api/v1/jobs", headers=headers, timeout=30)


def claims(**written: str) -> str:
    """Claims as JSON; each value as it is written."""
    good = {"sub": '"anna"', "aud": '"insurance-navigator"', "exp": str(int(time.time()) + 60)}
    return "{" + ", ".join(f'"{name}": {value}' for name, value in (good | written).items()) + "}"


@pytest.mark.parametrize("name", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("number", NUMBERS, ids=lambda each: each[:12])
def test_a_signed_time_is_a_time(api: RunningApi, name: str, number: str) -> None:
    """Of 400 digits, infinite, negative, true, a text or a list: the token is not valid."""
    is_problem(asked(api, signed(api, claims(**{name: number}))), 401, "unauthenticated")


@pytest.mark.parametrize(
    "written",
    [
        {"sub": "1"}, {"sub": "[]"}, {"sub": "true"}, {"sub": "null"}, {"sub": '"\\ud800"'},
        {"aud": "1"}, {"aud": "{}"}, {"aud": '[1, "insurance-navigator"]'}, {"aud": "[[]]"},
        {"exp": DEEP}, {"more": DEEP}, {"more": '{"a":' * 3000 + "1" + "}" * 3000},
    ],
    ids=lambda each: str(each)[:30],
)  # fmt: skip
def test_signed_claims_of_another_kind_are_refused(
    api: RunningApi, written: dict[str, str]
) -> None:
    """Whatever stands where a name or an audience should, and however deep it is."""
    is_problem(asked(api, signed(api, claims(**written))), 401, "unauthenticated")


@pytest.mark.parametrize(
    "header",
    [
        DEEP, '{"alg": "HS256", "a": ' + DEEP + "}", '{"alg": ["HS256"]}', '{"alg": 1}',
        '{"alg": "HS256", "kid": []}', '{"alg": "HS256", "kid": {}}',
        '{"alg": "HS256", "b64": false}',
        '{"alg": "HS256", "crit": 1}', '{"alg": "HS256", "n": ' + "9" * 5000 + "}", "null", "1",
    ],
    ids=lambda each: each[:30],
)  # fmt: skip
def test_a_header_that_nobody_signed_is_refused(api: RunningApi, header: str) -> None:
    """A token's header is read before its signature: anybody may write it."""
    token = part(header).decode() + "." + part(claims()).decode() + ".c2ln"
    is_problem(asked(api, token), 401, "unauthenticated")
    is_problem(asked(api, signed(api, "1")), 401, "unauthenticated")
    metrics = httpx.get(
        f"{api.url}/metrics",
        headers={"Authorization": f"Bearer {token}", "X-Forwarded-For": "203.0.113.9"},
    )
    is_problem(metrics, 401, "unauthenticated")


def test_a_good_token_is_taken(api: RunningApi) -> None:
    """With times as numbers, whole or not."""
    now = time.time()
    good = claims(nbf=str(now - 1), iat=str(int(now)), exp=str(now + 60.5))
    assert asked(api, signed(api, good)).status_code == 200


@pytest.mark.parametrize(
    "place",
    [
        f'["{HUGE}", "{uuid4()}"]', f'[{HUGE[:100]}, "{uuid4()}"]',
        '["2026-01-01T00:00:00Z", 1e400]',
        '["9999-12-31T23:59:59-23:59", "x"]', "Infinity", "NaN", "true", "[true, true]",
        "[" * 100 + "]" * 20, '{"a": 1}', "[[], []]", '["2026-13-45T00:00:00Z", 1]',
    ],
    ids=lambda each: each[:20],
)  # fmt: skip
def test_a_cursor_that_is_none_of_ours_is_refused(anna: httpx.Client, place: str) -> None:
    """Its numbers, times and depth are a stranger's."""
    for path in ("/jobs", "/documents"):
        is_problem(anna.get(path, params={"cursor": part(place).decode()}), 422)


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00-23:59"]
)
def test_a_cursor_at_the_ends_of_time_is_answered(anna: httpx.Client, at: str) -> None:
    """Times that Python or Postgres may not hold in UTC are a page or a mistake, not a 500."""
    cursor = part(json.dumps([at, str(uuid4())])).decode()
    for path in ("/jobs", "/documents"):
        assert anna.get(path, params={"cursor": cursor}).status_code in (200, 422)


@pytest.mark.parametrize("number", NUMBERS, ids=lambda each: each[:12])
def test_a_link_that_expires_at_no_time_is_refused(api: RunningApi, number: str) -> None:
    """A download and an upload by links whose time is no time."""
    query = {"expires": number, "signature": "x"}
    for method, path in (("GET", "originals/{}"), ("PUT", "uploads/{}/content")):
        address = f"{api.url}/api/v1/{path.format(uuid4())}"
        answer = httpx.request(
            method, address, params=query, content=b"x" if method == "PUT" else None
        )
        assert answer.status_code in (403, 422), answer.text


@pytest.mark.parametrize("number", NUMBERS, ids=lambda each: each[:12])
def test_a_signed_webhook_of_no_time_is_refused(api: RunningApi, number: str) -> None:
    """Whoever holds the secret makes no 500 either: malformed, or too far from our time."""
    body = (
        f'{{"event_id": "{uuid4()}", "event_type": "parse.success", "timestamp": {number}, '
        f'"data": {{"job_id": "a"}}}}'
    ).encode()
    headers = {SIGNATURE_HEADER: sign(WEBHOOK_SECRET, body), "Content-Type": "application/json"}
    answer = httpx.post(f"{api.url}/api/v1/webhooks/llamaparse", content=body, headers=headers)
    assert answer.status_code in (400, 401), answer.text


KEY_SETS = {
    "deep": f'{{"keys": {DEEP}}}',
    "a deep key": f'{{"keys": [{{"kty": "RSA", "n": {DEEP}}}]}}',
    "a key of numbers": f'{{"keys": [{{"kty": "RSA", "n": {HUGE}, "e": 1e400}}]}}',
    "a number that is too long": f'{{"keys": [{{"kty": "RSA", "n": {"9" * 5000}}}]}}',
    "infinite": '{"keys": [{"kty": "EC", "crv": Infinity, "x": NaN}]}',
    "keys of other kinds": '{"keys": [1, null, [], {"kty": []}, {"kty": {"a": 1}}]}',
    "a number for keys": '{"keys": 1}',
    "a list": "[]",
}


@pytest.fixture
def provider() -> Iterator[ThreadingHTTPServer]:
    """An identity provider that answers with its `content`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.server.content)  # type: ignore[attr-defined]

        def log_message(self, *_: object) -> None:
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.mark.parametrize("content", KEY_SETS.values(), ids=KEY_SETS)
async def test_a_hostile_key_set_is_none(
    provider: ThreadingHTTPServer, tmp_path: Path, content: str
) -> None:
    """From a URL the keys are away (503), from a file the settings are wrong."""
    provider.content = content.encode()  # type: ignore[attr-defined]
    url = f"http://127.0.0.1:{provider.server_address[1]}/keys"
    verifier = TokenVerifier(Settings(home=tmp_path, jwks=url))
    with pytest.raises(ServiceUnavailable):
        await verifier.verify((part('{"alg": "RS256", "kid": "1"}') + b".e30.c2ln").decode())
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(ConfigurationError):
        TokenVerifier(Settings(home=tmp_path, jwks=str(path)))


async def test_a_key_set_without_end_is_not_read(
    provider: ThreadingHTTPServer, tmp_path: Path
) -> None:
    """A good key behind more bytes than a key set has is none; without them it is taken."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(private.public_key()))
    keys = json.dumps({"keys": [public | {"kid": "1", "alg": "RS256"}]})
    token = jwt.encode(json.loads(claims()), private, "RS256", headers={"kid": "1"})
    url = f"http://127.0.0.1:{provider.server_address[1]}/keys"
    provider.content = (keys + " " * MAX_BYTES).encode()  # type: ignore[attr-defined]
    with pytest.raises(ServiceUnavailable):
        await TokenVerifier(Settings(home=tmp_path, jwks=url)).verify(token)
    provider.content = keys.encode()  # type: ignore[attr-defined]
    assert await TokenVerifier(Settings(home=tmp_path, jwks=url)).verify(token)
