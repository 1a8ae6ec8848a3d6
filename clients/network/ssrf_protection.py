"""Connects to addresses that a service named only when they are public (SSRF protection).

The name is looked up once and the connection goes to what was checked, so that a name which
answers differently the next time (DNS rebinding) gains nothing. TLS still proves the name.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Iterable
from typing import Any

import httpcore
import httpx

from clients.network.certificates import trusted_certificates
from clients.network.provider_urls import OTHER_HOSTS
from pipeline.errors import ServiceUnavailable

_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_DOCUMENTATION = ipaddress.ip_network("3fff::/20")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_TEREDO = ipaddress.ip_network("2001::/32")
_AZURE_HOST = ipaddress.ip_address("168.63.129.16")  # answers every machine there, like metadata


class RefusedAddress(ServiceUnavailable):
    """A service named a host that is not fetched from, or whose name leads inside a network."""

    code = "refused_address"

    def __init__(self, message: str) -> None:
        super().__init__(message, remedy=OTHER_HOSTS)


def is_public(address: str) -> bool:
    """Whether an IP address lies in the public internet, also when it wraps an IPv4 address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is None:
            global_unicast = found in _GLOBAL_UNICAST and found not in _DOCUMENTATION
            return global_unicast and found not in _TEREDO and found.is_global
        found = inner
    plain = found.is_global and not (found.is_multicast or found.is_reserved)
    return plain and found != _AZURE_HOST


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects by TCP to hosts that are allowed, when each of their addresses is public.

    Args:
        allows: whether a host may be asked for anything.
        connect: who makes the connection to an address that was checked.
    """

    def __init__(
        self, allows: Callable[[str], bool], connect: httpcore.AsyncNetworkBackend | None = None
    ) -> None:
        self._allows = allows
        self._connect = connect or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 — as the interface has it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers.

        Raises:
            RefusedAddress: the host is another one, or any of its addresses is not public.
        """
        if not self._allows(host):
            raise RefusedAddress("A result was to be fetched from a host that is not allowed.")
        failed: Exception = httpcore.ConnectError("the name has no address")
        for address in await self._looked_up(host, port, seconds=timeout):
            try:
                return await self._connect.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 — as the interface has it
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: a socket of this machine is never meant.

        Raises:
            RefusedAddress: always.
        """
        raise RefusedAddress("A result was to be fetched from a socket of this machine.")

    async def sleep(self, seconds: float) -> None:
        """Wait before another try."""
        await asyncio.sleep(seconds)

    async def _looked_up(self, host: str, port: int, *, seconds: float | None) -> list[str]:
        """Every address of a host, when all of them are public."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("the name cannot be looked up") from error
        addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
        if not all(map(is_public, addresses)):
            raise RefusedAddress("A result was to be fetched from an address inside a network.")
        return addresses


def checked_client(allows: Callable[[str], bool], timeout: httpx.Timeout) -> httpx.AsyncClient:
    """A client that connects to allowed hosts at public addresses only.

    It follows no redirects and takes no proxies from the environment: a proxy would look names up
    by itself, past every check.
    """
    transport = httpx.AsyncHTTPTransport(trust_env=False)
    # httpx has no argument for it; tests see that the connections go this way
    transport._pool = httpcore.AsyncConnectionPool(
        ssl_context=trusted_certificates(), network_backend=CheckedBackend(allows), http2=False
    )
    return httpx.AsyncClient(
        transport=transport, timeout=timeout, follow_redirects=False, trust_env=False
    )
