"""Tokens: whom the API lets in, and everybody whom it does not."""

from __future__ import annotations

import base64
import json
import stat
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.api.authentication import Caller, TokenVerifier, issue_token
from app.api.problems import Unauthenticated
from app.api.public_keys import RemoteKeys
from app.api.secrets import jwt_secret, signing_key
from pipeline.errors import ConfigurationError, ServiceUnavailable
from pipeline.identity import subject_user, user_id
from pipeline.settings import Settings
from tests.app.api.serving import RunningApi

SECRET = "a secret of more than thirty-two characters"
PRIVATE = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def claims(**changes: Any) -> dict[str, Any]:
    """What a good token says, with changes; None leaves a claim out."""
    good = {"sub": "anna", "aud": "insurance-navigator", "exp": time.time() + 60}
    return {name: value for name, value in (good | changes).items() if value is not None}


def signed(secret: Any = SECRET, algorithm: str = "HS256", **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, algorithm=algorithm)


def unsigned(**changes: Any) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims(**changes))}."


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings with a home of the test's own."""
    return lambda **given: Settings(home=tmp_path / "home", **given)


@pytest.fixture
def key_set(tmp_path: Path) -> str:
    """A file with an identity provider's public key."""
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(PRIVATE.public_key()))
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps({"keys": [public | {"kid": "1", "alg": "RS256", "use": "sig"}]}))
    return str(path)


async def test_a_good_token_names_its_user(settings: Callable[..., Settings]) -> None:
    """The user is the token's subject; only `role: service` makes an operator."""
    verifier = TokenVerifier(settings(jwt_secret=SECRET))
    assert await verifier.verify(signed()) == Caller(user_id("anna"))
    assert await verifier.verify(signed(role="service")) == Caller(user_id("anna"), True)
    assert await verifier.verify(signed(role="admin")) == Caller(user_id("anna"))


@pytest.mark.parametrize(
    "token",
    [
        unsigned(),
        signed("another secret of more than thirty-two characters"),
        signed(algorithm="HS512", secret=SECRET * 2),
        signed(exp=time.time() - 60),
        signed(exp=None),
        signed(aud="another-service"),
        signed(aud=None),
        signed(sub=None),
        signed(sub=""),
        signed(sub=" "),
        signed(sub="a\x00b"),
        signed(nbf=time.time() + 600),
        signed(iss="https://elsewhere.example"),
        signed(PRIVATE, "RS256"),
        "",
        "a.b.c",
        "\N{SNOWMAN}",
        signed() + "x",
    ],
)
async def test_every_other_token_is_refused(settings: Callable[..., Settings], token: str) -> None:
    """Unsigned, forged, expired, for another audience or issuer, without a user, or no token."""
    issuer = None if "iss" not in _unverified(token) else "https://login.example"
    verifier = TokenVerifier(settings(jwt_secret=SECRET, jwt_issuer=issuer))
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


def _unverified(token: str) -> dict[str, Any]:
    try:
        return dict(jwt.decode(token, options={"verify_signature": False}))
    except jwt.PyJWTError:
        return {}


async def test_public_keys_accept_their_own_algorithm_only(
    settings: Callable[..., Settings], key_set: str
) -> None:
    """With public keys, a token signed by HMAC with the public key as its secret is refused."""
    verifier = TokenVerifier(settings(jwks=key_set))
    assert await verifier.verify(signed(PRIVATE, "RS256")) == Caller(subject_user("", "anna"))
    pem = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "typ": "JWT"}, claims())
    )
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        header + b"." + body, pem
    )
    confused = b".".join((header, body, base64.urlsafe_b64encode(mac).rstrip(b"="))).decode()
    other = ec.generate_private_key(ec.SECP256R1())
    for token in (confused, unsigned(), signed(), signed(other, "ES256")):
        with pytest.raises(Unauthenticated):
            await verifier.verify(token)


class Provider:
    """An identity provider's URL of keys, over a real socket, that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: tuple[int, bytes] = (200, b'{"keys": []}')
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                self.send_response(outer.answer[0])
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(outer.answer[1])))
                self.end_headers()
                self.wfile.write(outer.answer[1])

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/keys"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def offer(self, **keys: Any) -> None:
        """Answer with these public keys, by id."""
        algorithm = jwt.algorithms.RSAAlgorithm
        offered = [
            json.loads(algorithm.to_jwk(key.public_key())) | {"kid": kid, "alg": "RS256"}
            for kid, key in keys.items()
        ]
        self.answer = (200, json.dumps({"keys": offered}).encode())


@pytest.fixture
def provider() -> Iterator[Provider]:
    """An identity provider."""
    made = Provider()
    yield made
    made.server.shutdown()
    made.server.server_close()


async def test_keys_behind_a_url_are_kept_and_renewed(provider: Provider) -> None:
    """Asked once, then again for an unknown key, but not for each; away, the known ones stay."""
    now = [0.0]
    keys = RemoteKeys(provider.url, clock=lambda: now[0])
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    provider.offer(one=PRIVATE)
    for _ in range(3):
        assert [key.key_id for key in await keys.of("one")] == ["one"]
    for _ in range(3):
        assert await keys.of("two") == []
    assert provider.asked == 1
    provider.offer(one=PRIVATE, two=other)
    now[0] = 31.0
    assert [key.key_id for key in await keys.of("two")] == ["two"]
    assert provider.asked == 2
    for answer in ((500, b""), (302, b""), (200, b"no json"), (200, b'{"keys": []}')):
        provider.answer = answer
        now[0] += 700.0
        assert [key.key_id for key in await keys.of("one")] == ["one"]
    assert provider.asked == 6


async def test_a_provider_signs_tokens(
    settings: Callable[..., Settings], provider: Provider
) -> None:
    """Its key lets its users in; without its keys nobody comes in, and that is said."""
    verifier = TokenVerifier(settings(jwks=provider.url))
    token = jwt.encode(claims(), PRIVATE, "RS256", headers={"kid": "one"})
    provider.answer = (500, b"")
    with pytest.raises(ServiceUnavailable):
        await verifier.verify(token)
    provider.offer(one=PRIVATE)
    verifier = TokenVerifier(settings(jwks=provider.url))
    assert await verifier.verify(token) == Caller(subject_user("", "anna"))
    for wrong in (signed(), unsigned(), "x", jwt.encode(claims(), PRIVATE, "RS256", {"kid": "2"})):
        with pytest.raises(Unauthenticated):
            await verifier.verify(wrong)


async def test_the_previous_secret_is_accepted_but_signs_nothing(
    settings: Callable[..., Settings],
) -> None:
    """While a secret is replaced, older tokens go on being good."""
    old, new = settings(jwt_secret=SECRET), settings(jwt_secret=SECRET + "!")
    both = settings(jwt_secret=SECRET + "!", jwt_previous_secret=SECRET)
    token = issue_token(old, "anna", service=False, hours=1)
    assert await TokenVerifier(both).verify(token) == Caller(user_id("anna"))
    with pytest.raises(Unauthenticated):
        await TokenVerifier(new).verify(token)
    fresh = issue_token(both, "anna", service=True, hours=1)
    assert await TokenVerifier(new).verify(fresh) == Caller(user_id("anna"), True)


def test_a_shared_secret_among_public_keys_is_refused(
    settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """A key set with a symmetric key would let whoever reads it sign tokens."""
    path = tmp_path / "oct.json"
    path.write_text(json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"}]}))
    with pytest.raises(ConfigurationError, match="shared secret"):
        TokenVerifier(settings(jwks=str(path)))


def test_without_a_secret_one_is_made_once_and_kept(settings: Callable[..., Settings]) -> None:
    """The embedded default is not open: its secret is the home folder's own, for its owner only."""
    made = settings()
    assert jwt_secret(made) == jwt_secret(made)
    assert len(jwt_secret(made)) >= 32
    assert stat.S_IMODE((made.home / "api-secret").stat().st_mode) == 0o600
    assert signing_key(made) != jwt_secret(made).encode()


def test_over_http(api: RunningApi) -> None:
    """Without a token, or with a bad one, the answer is a problem that says how to log in."""
    with api.client(None) as nobody:
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic YTpi"}):
            answer = nobody.get("/documents", headers=headers)
            assert answer.status_code == 401
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.json()["remedy"]
    with api.client("anna") as anna:
        assert anna.get("/documents").json() == {"items": [], "next": None}
