"""Asks a Prefect server by its API, without importing Prefect: for what starts or checks one."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx

from pipeline.errors import ConfigurationError, ServiceUnavailable

_SECONDS = 30.0
_LOCKED_SECONDS = 60.0
_LOCKED = httpx.codes.SERVICE_UNAVAILABLE


def password_header(auth: str | None) -> dict[str, str]:
    """The header for a server that asks for user:password; empty without one."""
    if not auth:
        return {}
    return {"Authorization": f"Basic {base64.b64encode(auth.encode()).decode()}"}


def path_of(*parts: str) -> str:
    """A path of the API; each part is quoted."""
    return "/".join(quote(part, safe="") for part in parts)


@dataclass(frozen=True, slots=True)
class PrefectApi:
    """One server."""

    client: httpx.Client

    def read(self, path: str, **query: str) -> Any:
        """What the server has there; None when it has nothing."""
        answer = self._answer("GET", path, params=query)
        return None if answer.status_code == httpx.codes.NOT_FOUND else _found(answer)

    def ask(self, path: str, body: Mapping[str, Any]) -> Any:
        """The answer to a question that has a body."""
        return _found(self._answer("POST", path, json=body))

    def make(self, path: str, body: Mapping[str, Any]) -> bool:
        """Make something; False when it is there already."""
        answer = self._answer("POST", path, json=body)
        if answer.status_code == httpx.codes.CONFLICT:
            return False
        _found(answer)
        return True

    def change(self, path: str, body: Mapping[str, Any]) -> None:
        """Change some keys of something."""
        _found(self._answer("PATCH", path, json=body))

    def replace(self, path: str, body: Mapping[str, Any]) -> None:
        """Replace something."""
        _found(self._answer("PUT", path, json=body))

    def remove(self, path: str) -> None:
        """Remove something; it may be gone already."""
        answer = self._answer("DELETE", path)
        if answer.status_code != httpx.codes.NOT_FOUND:
            _found(answer)

    def _answer(self, method: str, path: str, **given: Any) -> httpx.Response:
        """The first answer that is not 503, or the last one, as every client of Prefect asks.

        A server on SQLite is locked for a moment whenever a worker or its own services write.
        """
        deadline, wait = time.monotonic() + _LOCKED_SECONDS, 0.1
        while (answer := self.client.request(method, path, **given)).status_code == _LOCKED:
            if time.monotonic() + wait > deadline:
                break
            time.sleep(wait)
            wait = min(wait * 2, 2.0)
        return answer


def _found(answer: httpx.Response) -> Any:
    answer.raise_for_status()
    return answer.json() if answer.content else None


@contextmanager
def prefect_api(
    url: str, auth: str | None = None, *, changing: bool = False
) -> Iterator[PrefectApi]:
    """The server at a URL, which ends with /api.

    Args:
        auth: user:password, if it asks for one.
        changing: something is to be changed, for which a server may want a CSRF token.

    Raises:
        ServiceUnavailable: it does not answer as it should.
        ConfigurationError: it refuses the password, or what it is to make.
    """
    try:
        with httpx.Client(base_url=url, headers=password_header(auth), timeout=_SECONDS) as client:
            if changing:
                client.headers.update(change_tokens(client))
            yield PrefectApi(client)
    except httpx.HTTPStatusError as error:
        raise _refusal(url, error) from None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise ServiceUnavailable(
            f"The Prefect server {url} does not answer as it should ({type(error).__name__}).",
            remedy="Start it, or correct its address.",
        ) from None


def change_tokens(client: httpx.Client) -> dict[str, str]:
    """The headers of a CSRF token, with which a client may change something.

    Raises:
        httpx.HTTPError: the server does not answer.
    """
    name = str(uuid4())
    answer = client.get("csrf-token", params={"client": name})
    if not answer.is_success:  # without CSRF protection, or refused: the request itself tells
        return {}
    return {"Prefect-Csrf-Client": name, "Prefect-Csrf-Token": answer.json()["token"]}


def _refusal(url: str, error: httpx.HTTPStatusError) -> ConfigurationError | ServiceUnavailable:
    code, path = error.response.status_code, error.request.url.path
    if code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return ConfigurationError(
            f"The Prefect server {url} refuses the password.",
            remedy="Correct where the environment says that prefect_auth is.",
        )
    if code == httpx.codes.UNPROCESSABLE_ENTITY:
        return ConfigurationError(
            f"The Prefect server {url} does not take what {path} was to be (HTTP {code}).",
            remedy="Compare the environment with the version of the server.",
        )
    return ServiceUnavailable(f"The Prefect server {url} answers {path} with HTTP {code}.")
