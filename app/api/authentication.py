"""Authenticates requests: a bearer token (JWT) becomes a caller, or the answer is 401.

Only the algorithms that fit the kind of key are ever accepted, whatever a token's header says:
HS256 with a shared secret, asymmetric ones with an identity provider's public keys.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import jwt
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.api.problems import Unauthenticated
from app.api.public_keys import RemoteKeys, keys_of_file
from app.api.secrets import jwt_secret
from app.api.subjects import LOCAL_ISSUER, user_of
from pipeline.errors import ConfigurationError
from pipeline.settings import Settings
from stages.protected_connections import require_http

SERVICE_ROLE = "service"
"""The `role` of an operator's token."""

_ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
               "ES256", "ES384", "ES512", "EdDSA")  # fmt: skip
_LEEWAY = timedelta(seconds=10)
_TIMES = ("exp", "nbf", "iat")
_LATEST = 2**53
"""Seconds that a number holds exactly, everywhere."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated caller of a request.

    Attributes:
        user_id: of the token's issuer and `sub`, see `app.api.subjects`.
        is_service: an operator, who may look at other users' documents.
        expires_at: in seconds since the epoch; streams end then.
        name: the token's `sub`.
    """

    user_id: UUID
    is_service: bool = False
    expires_at: float = field(default=math.inf, compare=False)
    name: str = field(default="", compare=False)


class TokenVerifier:
    """Verifies tokens (JWT) against the settings' secret or public keys.

    Raises:
        ConfigurationError: the file of public keys cannot be read, or their URL is plain.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._keys: Sequence[str | jwt.PyJWK] = ()
        self._remote: RemoteKeys | None = None
        if settings.jwks is None:
            self._keys = [jwt_secret(settings)]
            if settings.jwt_previous_secret is not None:
                self._keys = [*self._keys, settings.jwt_previous_secret.get_secret_value()]
        elif settings.jwks.startswith(("https://", "http://")):
            require_http(settings, settings.jwks, "the identity provider", "NAVIGATOR_JWKS")
            self._remote = RemoteKeys(settings.jwks)
        else:
            self._keys = keys_of_file(Path(settings.jwks))

    async def verify(self, token: str) -> Caller:
        """The caller that a token speaks for.

        Raises:
            Unauthenticated: it is forged, expired, for somebody else, or says no user.
            ServiceUnavailable: the identity provider's keys cannot be fetched.
        """
        try:
            keys = self._keys
            if self._remote is not None:
                keys = await self._remote.of(jwt.get_unverified_header(token).get("kid"))
            return self._caller(self._decode(token, keys))
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("The token has expired.") from None
        except (jwt.PyJWTError, ValueError):
            raise Unauthenticated("The token is not valid here.") from None

    def _decode(self, token: str, keys: Sequence[str | jwt.PyJWK]) -> dict[str, Any]:
        failure: jwt.PyJWTError = jwt.InvalidTokenError()
        issuer = self._settings.jwt_issuer
        for key in keys:
            try:
                return jwt.decode(
                    token,
                    key,
                    algorithms=["HS256"] if isinstance(key, str) else list(_ASYMMETRIC),
                    audience=self._settings.jwt_audience,
                    # `navigator token` signs with our own secret, whoever else does
                    issuer=[issuer, LOCAL_ISSUER] if issuer and isinstance(key, str) else issuer,
                    leeway=_LEEWAY,
                    options={"require": ["exp", "sub", "aud"]},
                )
            except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError) as error:
                failure = error
        raise failure

    def _caller(self, claims: dict[str, Any]) -> Caller:
        for name in _TIMES:
            if name in claims:
                _require_time(claims[name])
        user, name = user_of(claims, self._settings)
        service = claims.get("role") == SERVICE_ROLE
        return Caller(user, service, float(claims["exp"]), name)


def _require_time(value: object) -> None:
    """Make sure that a claim is a time (RFC 7519: a number, and no text, truth or infinity).

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LATEST:
        raise ValueError("no time")


def issue_token(settings: Settings, user: str, *, service: bool, hours: float) -> str:
    """A token for a user of this installation, signed with the settings' secret.

    Args:
        user: a name, also when it looks like an id: see NAVIGATOR_JWT_SUBJECT_IDS.

    Raises:
        ConfigurationError: tokens come from an identity provider.
    """
    if settings.jwks is not None:
        raise ConfigurationError(
            "Tokens come from the identity provider that NAVIGATOR_JWKS names.",
            remedy="Log in there, or unset NAVIGATOR_JWKS to sign tokens with a secret of our own.",
        )
    now = datetime.now(UTC)
    claims: dict[str, Any] = {
        "sub": unicodedata.normalize("NFC", user).strip(),
        "iss": LOCAL_ISSUER,
        "aud": settings.jwt_audience,
        "iat": now,
        "exp": now + timedelta(hours=hours),
    }
    if service:
        claims["role"] = SERVICE_ROLE
    return jwt.encode(claims, jwt_secret(settings), algorithm="HS256")


bearer = HTTPBearer(
    auto_error=False,
    bearerFormat="JWT",
    description="`sub`, of its `iss`, is the user; `role: service` marks an operator.",
)


async def authenticate(
    request: Request,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> Caller:
    """The caller of a request.

    Raises:
        Unauthenticated: there is no token, or it is not valid.
    """
    if given is None:
        raise Unauthenticated("This needs a bearer token.")
    verifier: TokenVerifier = request.app.state.parts.verifier
    return await verifier.verify(given.credentials)
