"""Loads an identity provider's public keys (JWKS) from a file or its URL, and caches them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import jwt

from clients.network.certificates import trusted_certificates
from pipeline.errors import ConfigurationError, ServiceUnavailable
from pipeline.logs import logger
from pipeline.regular_files import read_regular

KEPT_SECONDS = 600.0
REFRESH_SECONDS = 30.0
"""A token of an unknown key makes us look for new ones, but not more often than this."""
_TIMEOUT_SECONDS = 5.0
MAX_BYTES = 256 * 1024
"""Of a key set; a provider's has some 5,000."""
_LOG = logger("navigator.api")


def keys_of(document: object) -> Sequence[jwt.PyJWK]:
    """The keys of a JSON Web Key Set; those that we cannot use are left out.

    Raises:
        ConfigurationError: it is none, or holds a shared secret.
    """
    try:
        keys = jwt.PyJWKSet.from_dict(document).keys  # type: ignore[arg-type]
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"The keys that NAVIGATOR_JWKS names cannot be read ({type(error).__name__}).",
            remedy="Give the URL or a file of the identity provider's JSON Web Key Set.",
        ) from None
    if any(key.key_type == "oct" for key in keys):
        raise ConfigurationError(
            "The keys that NAVIGATOR_JWKS names hold a shared secret.",
            remedy="Use NAVIGATOR_JWT_SECRET for a shared secret; a key set holds public keys.",
        )
    return keys


def keys_of_file(path: Path) -> Sequence[jwt.PyJWK]:
    """The keys of a file.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        return keys_of(json.loads(read_regular(path)))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"The file that NAVIGATOR_JWKS names cannot be read ({type(error).__name__}).",
            remedy="Give the URL or a file of the identity provider's JSON Web Key Set.",
        ) from None


class RemoteKeys:
    """The keys behind a URL; fetched when first needed, never followed elsewhere.

    Args:
        clock: seconds.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._keys: Sequence[jwt.PyJWK] = ()
        self._tried: float | None = None
        self._fetching = asyncio.Lock()

    async def of(self, key_id: str | None) -> Sequence[jwt.PyJWK]:
        """The keys that a token may be signed with.

        Raises:
            ServiceUnavailable: none was ever fetched.
        """
        async with self._fetching:
            if self._outdated(key_id):
                await self._fetch()
        if not self._keys:
            raise ServiceUnavailable(
                "The identity provider's keys cannot be fetched.",
                remedy="Try again in a moment; operators: check NAVIGATOR_JWKS.",
            )
        return [key for key in self._keys if key_id is None or key.key_id in (None, key_id)]

    def _outdated(self, key_id: str | None) -> bool:
        if self._tried is None:
            return True
        age = self._clock() - self._tried
        known = key_id is None or key_id in {key.key_id for key in self._keys}
        return age > (KEPT_SECONDS if self._keys and known else REFRESH_SECONDS)

    async def _fetch(self) -> None:
        self._tried = self._clock()
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                self._keys = keys_of(json.loads(await self._document()))
        except (
            httpx.HTTPError, httpx.InvalidURL, ValueError, RecursionError, TimeoutError,
            ConfigurationError,
        ) as error:  # fmt: skip
            # Those that are known go on being good: the provider may be away for a moment.
            _LOG.warning("public_keys_unavailable", error=type(error).__name__)

    async def _document(self) -> bytes:
        found = bytearray()
        async with (
            httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, verify=trusted_certificates()) as client,
            client.stream("GET", self._url) as answer,
        ):
            answer.raise_for_status()
            async for piece in answer.aiter_bytes():
                found += piece
                if len(found) > MAX_BYTES:
                    raise ValueError("too large")
        return bytes(found)
