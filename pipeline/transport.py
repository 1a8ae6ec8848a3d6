"""The rule for connections: TLS outside this machine, but for hosts that an operator names.

One rule for Postgres, storage, services, Prefect, alerts and the API. A name counts as this
machine's only when it says so itself: nothing is looked up, for an answer can be forged.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    import sqlalchemy as sa

VARIABLE = "NAVIGATOR_PLAIN_HOSTS"

_PROVEN = frozenset({"https", "wss"})
_LOCAL_SCHEMES = frozenset({"file", "memory", "unix"})
_CLOUD = frozenset({"s3", "s3a", "gs", "az", "adl", "azure", "abfs", "abfss"})
"""Of storage: https unless an endpoint says otherwise."""


class Transport(StrEnum):
    """How a connection is protected."""

    LOCAL = "this machine"
    TLS = "TLS"
    UNPROVEN = "TLS, but the server's name is not checked"
    EXCEPTED = "plain, by exception"
    PLAIN = "plain"

    @property
    def allowed(self) -> bool:
        """Whether it may be used."""
        return self is not Transport.PLAIN


_WORST_FIRST = (
    Transport.PLAIN, Transport.EXCEPTED, Transport.UNPROVEN, Transport.TLS, Transport.LOCAL,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlainHosts:
    """The hosts that may be reached without TLS: names, addresses and networks."""

    names: frozenset[str] = frozenset()
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    @classmethod
    def of(cls, said: str) -> PlainHosts:
        """Those that a setting names, by spaces or commas.

        Raises:
            ValueError: one of them stands for more than the host it names.
        """
        names, networks = set(), []
        for each in said.replace(",", " ").split():
            try:
                network = ipaddress.ip_network(each)
            except ValueError:
                names.add(_name(each))
                continue
            if not network.prefixlen and network.num_addresses > 1:
                raise ValueError(f"{each} is every address there is")
            networks.append(network)
        return cls(frozenset(names), tuple(networks))

    def __contains__(self, host: str) -> bool:
        """Whether a host is one of them."""
        address = _address(host)
        if address is None:
            return _plain_name(host) in self.names
        return any(address in each for each in self.networks)


def _name(given: str) -> str:
    if set(given) & set("*?/:@") or not given.isprintable():
        raise ValueError(f"{given!r} is no host's name, address or network")
    return _plain_name(given)


def _plain_name(host: str) -> str:
    return host.lower().rstrip(".")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its own name: localhost, 127.0.0.1, ::1."""
    address = _address(host)
    if address is not None:
        return address.is_loopback
    return _plain_name(host) == "localhost" or _plain_name(host).endswith(".localhost")


def of_host(host: str, allowed: PlainHosts) -> Transport:
    """How a connection without TLS to a host is to be called."""
    if is_loopback(host):
        return Transport.LOCAL
    return Transport.EXCEPTED if host in allowed else Transport.PLAIN


def of_url(url: str, allowed: PlainHosts) -> Transport:
    """How a connection to a URL is protected; one that cannot be read is plain."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return Transport.PLAIN
    scheme = parts.scheme.lower()
    if scheme in _LOCAL_SCHEMES:
        return Transport.LOCAL
    if scheme in _PROVEN or scheme in _CLOUD:
        return Transport.LOCAL if scheme in _PROVEN and is_loopback(host) else Transport.TLS
    return of_host(host, allowed)


def of_storage(
    url: str, options: Mapping[str, str], environment: Mapping[str, str], allowed: PlainHosts
) -> Transport:
    """How a connection to an object storage is protected: its URL and every endpoint of it."""
    found = [of_url(url, allowed)]
    # The store reads variables of its cloud as options; a proxy's address is none of an endpoint.
    named = {key.lower(): value for key, value in options.items()}
    if not any("endpoint" in key for key in named):
        named |= _cloud_variables(environment)
    found += [
        of_url(value, allowed)
        for key, value in named.items()
        if "proxy" not in key and value.strip().lower().startswith(("http://", "https://"))
    ]
    if named.get("allow_invalid_certificates", "").lower() == "true":
        found.append(Transport.UNPROVEN)
    if Transport.LOCAL in found[1:] and found[0] is Transport.TLS:
        found.pop(0)  # an endpoint of this machine stands in for the cloud's
    return worst(found)


def _cloud_variables(environment: Mapping[str, str]) -> dict[str, str]:
    prefixes = ("AWS_", "AZURE_", "GOOGLE_")
    return {
        name.lower(): value
        for name, value in environment.items()
        if name.upper().startswith(prefixes) and "ENDPOINT" in name.upper()
    }


def of_postgres(url: sa.URL, environment: Mapping[str, str], allowed: PlainHosts) -> Transport:
    """How a connection to Postgres is protected, as libpq reads a URL and PG… variables."""
    query = {name: _listed(value) for name, value in url.query.items()}
    mode = _last(query, "sslmode") or environment.get("PGSSLMODE", "")
    hosts = [host for host in (url.host or "",) if host]
    hosts += [each for name in ("host", "hostaddr") for each in query.get(name, [])]
    named = "service" in query or environment.get("PGSERVICE")
    if not hosts and not named:
        hosts = _listed(environment.get("PGHOST", "")) + _listed(environment.get("PGHOSTADDR", ""))
    if not hosts:
        hosts = ["?"] if named else ["/"]  # a service's host is not known; else a socket
    return worst(_of_postgres_host(host, mode, allowed) for host in hosts)


def _of_postgres_host(host: str, mode: str, allowed: PlainHosts) -> Transport:
    if host.startswith(("/", "@")):
        return Transport.LOCAL
    if mode == "verify-full":
        return Transport.TLS
    plain = of_host(host, allowed)
    if plain is Transport.LOCAL:
        return plain
    return Transport.UNPROVEN if mode in ("require", "verify-ca") else plain


def _listed(value: str | Sequence[str]) -> list[str]:
    values = [value] if isinstance(value, str) else value
    return [each.strip() for every in values for each in every.split(",") if each.strip()]


def _last(query: Mapping[str, Sequence[str]], name: str) -> str:
    return query[name][-1] if query.get(name) else ""


def worst(found: Iterable[Transport]) -> Transport:
    """The least protected of several; this machine when there are none."""
    return min(found, key=_WORST_FIRST.index, default=Transport.LOCAL)


def require(transport: Transport, what: str, remedy: str) -> None:
    """Refuse a connection that would be plain.

    Args:
        what: the connection, as a sentence begins. remedy: how it gets TLS.

    Raises:
        ConfigurationError: it leaves this machine without TLS, and no exception names its host.
    """
    if not transport.allowed:
        raise ConfigurationError(
            f"{what} leaves this machine without TLS.",
            remedy=f"{remedy} In a closed network, name its host in {VARIABLE}.",
        )


POSTGRES_REMEDY = "Add ?sslmode=verify-full&sslrootcert=FILE to its URL (at least sslmode=require)."
STORAGE_REMEDY = "Give it an endpoint that begins with https://."
HTTP_REMEDY = "Have {variable} begin with https://."
