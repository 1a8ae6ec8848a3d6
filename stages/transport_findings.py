"""Finds how every connection of ours is protected, and whether what is stored is encrypted.

For `navigator doctor` and `navigator verify`. Nothing here raises for a part that is away or plain:
that is what is told. A finding names parts and variables, never an address or a secret.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from blocks.saved_blocks import load_block
from pipeline import transport
from pipeline.errors import NavigatorError
from pipeline.settings import Settings
from pipeline.transport import HTTP_REMEDY, POSTGRES_REMEDY, STORAGE_REMEDY, VARIABLE, Transport
from stages.encryption_at_rest import database_encryption, storage_encryption
from stages.protected_connections import LOGINS, of_logins

if TYPE_CHECKING:
    from pipeline.store.database_urls import Addresses


class State(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    NOTE = "note"  # allowed, and better otherwise
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class TransportFinding:
    """How one connection, or one place where things are stored, is protected.

    Attributes:
        name: of the part. detail: in words. remedy: what to do; empty when nothing is.
    """

    name: str
    state: State
    detail: str
    remedy: str = ""


_STATES = {
    Transport.LOCAL: State.OK,
    Transport.TLS: State.OK,
    Transport.UNPROVEN: State.NOTE,
    Transport.EXCEPTED: State.NOTE,
    Transport.PLAIN: State.PROBLEM,
}


async def transport_findings(settings: Settings) -> list[TransportFinding]:
    """Every connection that these settings make, then the encryption of what is stored.

    The connection to Postgres is opened, and told as Postgres itself sees it; of the others it is
    told what their addresses demand.
    """
    found = [each async for each in connection_findings(settings)]
    return [*found, *await at_rest_findings(settings)]


async def at_rest_findings(settings: Settings) -> list[TransportFinding]:
    """Whether stored files and the database are encrypted, as far as it can be seen."""
    return [await _storage_at_rest(settings), _database_at_rest(settings)]


async def connection_findings(settings: Settings) -> AsyncIterator[TransportFinding]:
    """Every connection, one by one."""
    async for each in _postgres(settings):
        yield each
    yield await _storage(settings)
    for name, variable, address in await _services(settings):
        yield _http(settings, name, variable, address)
    for name, variable, url in _named(settings):
        yield _http(settings, name, variable, url)
    if settings.alert_block:
        yield await _alerts(settings, settings.alert_block)


async def _postgres(settings: Settings) -> AsyncIterator[TransportFinding]:
    embedded = settings.database_url is None and settings.database_block is None
    if embedded:
        yield _finding("Postgres", Transport.LOCAL, "", "the embedded one, by a socket in its home")
        return
    try:
        addresses = await _addresses(settings)
    except NavigatorError as error:
        yield TransportFinding("Postgres", State.PROBLEM, error.message, error.remedy)
        return
    for login, found in of_logins(settings, addresses).items():
        main = login == LOGINS["service"]
        seen = await _seen_by_postgres(addresses) if main and found.allowed else ""
        part = "Postgres" if main else f"Postgres ({login})"
        yield _finding(part, found, POSTGRES_REMEDY, seen)


async def _addresses(settings: Settings) -> Addresses:
    """The database's URLs, also those that would be refused."""
    from stages.services import database_addresses

    return await database_addresses(settings, demand_tls=False)


async def _seen_by_postgres(addresses: Addresses) -> str:
    """What Postgres says of our connection; it is looked at alone, and never migrated."""
    from pipeline.store.engine import Database
    from pipeline.store.health import tls_version

    database = Database.at(addresses, pool_size=1, patience_seconds=0)
    try:
        async with database.login() as connection:
            version = await tls_version(connection)
    except NavigatorError:
        return ""  # told by who tries the database itself
    finally:
        await database.close()
    return f"Postgres says {version}" if version else "Postgres says: without TLS"


async def _storage(settings: Settings) -> TransportFinding:
    from stages.services import storage_url

    url, options = storage_url(settings), settings.storage_options
    if settings.storage_block:
        try:
            block = await load_block(settings.storage_block)
        except NavigatorError as error:
            return TransportFinding("Storage", State.PROBLEM, error.message, error.remedy)
        url, options = block.address, block.all_options()
    found = transport.of_storage(url, options, os.environ, settings.allowed_plain)
    return _finding("Storage", found, STORAGE_REMEDY)


async def _services(settings: Settings) -> list[tuple[str, str, str | None]]:
    """Name, variable and address of the services that are paid; None for what is on this machine.

    An address that its block keeps is read from there.
    """
    embedder = settings.openai_base_url if settings.resolved_embedder == "openai" else None
    parser = settings.llama_cloud_base_url if settings.parser == "llamaparse" else None
    return [
        ("Embedder", "OPENAI_BASE_URL", await _of_block(settings.embedder_block, embedder)),
        ("Parser", "LLAMA_CLOUD_BASE_URL", await _of_block(settings.parser_block, parser)),
    ]


async def _of_block(slug: str | None, otherwise: str | None) -> str | None:
    if slug is None:
        return otherwise
    try:
        return getattr(await load_block(slug), "base_url", None)
    except NavigatorError:
        return otherwise  # told by who tries the part itself


def _named(settings: Settings) -> list[tuple[str, str, str | None]]:
    """The same for what is no part of a run."""
    jwks = settings.jwks if settings.jwks and "://" in settings.jwks else None
    named: list[tuple[str, str, str | None]] = [
        ("Prefect", "PREFECT_API_URL", os.environ.get("PREFECT_API_URL") or None),
    ]
    if settings.public_url is not None:
        named.append(("API and webhooks", "NAVIGATOR_PUBLIC_URL", settings.public_url))
    if jwks is not None:
        named.append(("Identity provider", "NAVIGATOR_JWKS", jwks))
    return named


def _http(settings: Settings, name: str, variable: str, url: str | None) -> TransportFinding:
    found = Transport.LOCAL if url is None else transport.of_url(url, settings.allowed_plain)
    return _finding(name, found, HTTP_REMEDY.format(variable=variable))


async def _alerts(settings: Settings, slug: str) -> TransportFinding:
    try:
        block = await load_block(slug)
    except NavigatorError as error:
        return TransportFinding("Alerts", State.PROBLEM, error.message, error.remedy)
    found = block.transport(settings.allowed_plain)
    remedy = "Give it an address such as jsons:// or mailtos://."
    return _finding("Alerts", found, remedy)


def _finding(name: str, found: Transport, remedy: str, more: str = "") -> TransportFinding:
    advice = {
        Transport.UNPROVEN: "Use sslmode=verify-full with sslrootcert (for a storage, a "
        "certificate that is trusted), so that nobody can stand in for the server.",
        Transport.EXCEPTED: f"Right in a closed network alone; else take it out of {VARIABLE}.",
        Transport.PLAIN: f"{remedy} In a closed network, name its host in {VARIABLE}.",
    }.get(found, "")
    detail = f"{found.value}; {more}" if more else found.value
    return TransportFinding(name, _STATES[found], detail, advice)


async def _storage_at_rest(settings: Settings) -> TransportFinding:
    name = "Encryption of stored files"
    try:
        encrypted, detail, remedy = await storage_encryption(settings)
    except NavigatorError as error:
        return TransportFinding(name, State.PROBLEM, error.message, error.remedy)
    state = State.OK if encrypted else State.NOTE
    return TransportFinding(name, state, detail, remedy)


def _database_at_rest(settings: Settings) -> TransportFinding:
    detail, remedy = database_encryption(settings)
    return TransportFinding("Encryption of the database", State.NOTE, detail, remedy)
