"""Reads Prefect's secret blocks by its API, without importing Prefect: a settings' source."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from pipeline.errors import ConfigurationError, ServiceUnavailable

_SECONDS = 10.0


def password_header(auth: str | None) -> dict[str, str]:
    """The header for a Prefect server that asks for user:password; empty without one."""
    if not auth:
        return {}
    return {"Authorization": f"Basic {base64.b64encode(auth.encode()).decode()}"}


@dataclass(frozen=True, slots=True)
class SecretBlocks:
    """The secret blocks of one server, each read when it is asked for.

    Attributes:
        auth: user:password, if it asks for one.
    """

    api_url: str
    auth: str | None = None

    def __call__(self, name: str) -> str | None:
        """The secret in the block of this name; None when there is none.

        Raises:
            ServiceUnavailable: the server does not answer as it should.
            ConfigurationError: it refuses the password.
        """
        path = f"block_types/slug/secret/block_documents/name/{quote(name, safe='')}"
        try:
            answer = httpx.get(
                f"{self.api_url}/{path}",
                params={"include_secrets": "true"},
                headers=password_header(self.auth),
                timeout=_SECONDS,
            )
            if answer.status_code == httpx.codes.NOT_FOUND:
                return None
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                raise ConfigurationError(
                    f"The Prefect server {self.api_url} refuses the password.",
                    remedy="Correct prefect_auth under secrets of the environment.",
                )
            answer.raise_for_status()
            return _value(answer.json())
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise ServiceUnavailable(
                f"The Prefect server {self.api_url} does not tell its secret block {name!r} "
                f"({type(error).__name__}).",
                remedy="Start it, or correct prefect.api_url of the environment.",
            ) from None


def _value(document: Any) -> str | None:
    value = document.get("data", {}).get("value") if isinstance(document, dict) else None
    return None if value in (None, "") else str(value)
