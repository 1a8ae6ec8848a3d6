"""Sends HTTP requests to LlamaParse: bounded in time and size, without redirects."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import SecretStr

from clients.llamaparse.errors import SERVICE, parse_error
from clients.llamaparse.pages import json_object
from clients.network.certificates import trusted_certificates
from clients.network.connection_errors import connection_error
from clients.network.provider_errors import BadAnswer, Refusal
from clients.network.provider_urls import (
    is_own_origin,
    plain_base_url,
    require_safe_download,
    result_hosts,
)
from clients.network.ssrf_protection import checked_client
from pipeline import correlation, tracing
from pipeline.api_keys import usable_key
from pipeline.errors import NavigatorError, ServiceUnavailable
from pipeline.http_dates import time_there

MAX_ANSWER_BYTES = 256 * 1024 * 1024
CONNECT_SECONDS = 10.0
UPLOAD_FACTOR = 10


class LlamaTransport:
    """Requests to one account.

    Args:
        timeout: seconds for one request, all told; an upload has ten times as long.
        hosts: of presigned results, beside the service's own and Amazon S3.

    Raises:
        ConfigurationError: the address is not a plain http or https address, or no request can
            carry the key.
    """

    def __init__(
        self, api_key: SecretStr, base_url: str, timeout: float, hosts: Collection[str] = ()
    ) -> None:
        self._api_key = usable_key(api_key, SERVICE)
        self.base_url = plain_base_url(base_url, "LLAMA_CLOUD_BASE_URL")
        self._timeout = timeout
        self._allows = result_hosts(hosts)
        self.time_there = datetime.now(UTC)
        """By the service's clock, at its last answer."""
        self._client: httpx.AsyncClient | None = None
        self._downloads: httpx.AsyncClient | None = None

    async def call(
        self,
        method: str,
        path: str,
        *,
        upload: bool = False,
        also_fine: Collection[int] = (),
        **options: Any,
    ) -> dict[str, Any]:
        """One request; the JSON object that it answers.

        Args:
            also_fine: statuses that are no error, and answered with an empty object.
            options: httpx's params, json, data, files.

        Raises:
            NavigatorError: as `parse_error` maps it; `BadAnswer`; `ServiceUnavailable`.
        """
        key = self._api_key.get_secret_value()
        headers = {"Authorization": f"Bearer {key}", **correlation.headers()}
        timeout = self._timeout * (UPLOAD_FACTOR if upload else 1)
        with tracing.span("LlamaParse request", method=method):
            status, head, body = await self._send(
                self._connected(),
                method,
                f"{self.base_url}{path}",
                timeout,
                headers=headers,
                **options,
            )
        self.time_there = time_there(head)
        if status in also_fine:
            return {}
        if not 200 <= status < 300:
            raise parse_error(Refusal(SERVICE, status, head, body))
        return json_object(body)

    async def download(self, url: str) -> dict[str, Any]:
        """The JSON object at a presigned address, which is asked for without our key.

        Elsewhere than at the service itself only public addresses are connected to, and no proxy.

        Raises:
            ServiceUnavailable: the address is not one to fetch, or does not answer (any more).
        """
        require_safe_download(url, self.base_url, SERVICE, self._allows)
        own = is_own_origin(url, self.base_url)
        client = self._connected() if own else self._checked()
        status, _, body = await self._send(client, "GET", url, self._timeout * UPLOAD_FACTOR)
        if status != 200:
            raise ServiceUnavailable(f"{SERVICE}'s result could not be fetched (HTTP {status}).")
        return json_object(body)

    async def close(self) -> None:
        """Close every connection."""
        clients = self._client, self._downloads
        self._client = self._downloads = None
        for client in clients:
            if client is not None:
                await client.aclose()

    async def _send(
        self, client: httpx.AsyncClient, method: str, url: str, seconds: float, **options: Any
    ) -> tuple[int, httpx.Headers, bytes]:
        error: NavigatorError
        try:
            # httpx bounds each read, not the whole answer: a dripping one needs this clock.
            async with (
                asyncio.timeout(seconds),
                client.stream(method, url, **options) as response,
            ):
                return response.status_code, response.headers, await _bounded(response)
        except (httpx.TimeoutException, TimeoutError):
            error = ServiceUnavailable(f"{SERVICE} did not answer within {seconds:g} s.")
        except httpx.HTTPError as broken:
            error = connection_error(broken, SERVICE, url, "LLAMA_CLOUD_BASE_URL")
        # httpx's errors hold the request and with it the key, so they do not travel on.
        raise error from None

    def _connected(self) -> httpx.AsyncClient:
        if self._client is None:
            _hide_queries()
            self._client = httpx.AsyncClient(
                timeout=self._timeouts(), follow_redirects=False, verify=trusted_certificates()
            )
        return self._client

    def _checked(self) -> httpx.AsyncClient:
        if self._downloads is None:
            _hide_queries()
            self._downloads = checked_client(self._allows, self._timeouts())
        return self._downloads

    def _timeouts(self) -> httpx.Timeout:
        return httpx.Timeout(self._timeout, connect=min(CONNECT_SECONDS, self._timeout))


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            raise BadAnswer(f"{SERVICE} answered more than {MAX_ANSWER_BYTES} bytes.")
    return bytes(body)


class _WithoutQueries(logging.Filter):
    """Cuts the query off the addresses that httpx logs: a presigned one is a secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                arg.copy_with(query=None) if isinstance(arg, httpx.URL) else arg
                for arg in record.args
            )
        return True


_FILTER = _WithoutQueries()


def _hide_queries() -> None:
    logging.getLogger("httpx").addFilter(_FILTER)
