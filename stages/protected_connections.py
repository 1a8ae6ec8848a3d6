"""Holds each connection of a run to the rule for connections (`pipeline.transport`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline import transport
from pipeline.settings import Settings
from pipeline.transport import HTTP_REMEDY, POSTGRES_REMEDY, STORAGE_REMEDY, Transport

if TYPE_CHECKING:
    from pipeline.store.database_urls import Addresses

LOGINS = {
    "service": "DATABASE_URL",
    "reader": "NAVIGATOR_DATABASE_READER_URL",
    "owner": "NAVIGATOR_DATABASE_OWNER_URL",
}


def of_logins(settings: Settings, addresses: Addresses) -> dict[str, Transport]:
    """How the connection of each login is protected, by the variable that names it."""
    from pipeline.store.database_urls import driver_url  # not before it is needed: SQLAlchemy

    given = {LOGINS[name]: getattr(addresses, name) for name in LOGINS}
    return {
        name: transport.of_postgres(driver_url(url), os.environ, settings.allowed_plain)
        for name, url in given.items() if url is not None
    }  # fmt: skip


def require_postgres(settings: Settings, addresses: Addresses) -> Addresses:
    """The addresses, when each of them is this machine's, or TLS, or excepted.

    Raises:
        ConfigurationError: one is not.
    """
    for name, found in of_logins(settings, addresses).items():
        transport.require(found, f"The connection to Postgres ({name})", POSTGRES_REMEDY)
    return addresses


def require_storage(settings: Settings, url: str, options: Mapping[str, str]) -> None:
    """Make sure of the same for an object storage.

    Raises:
        ConfigurationError: it would be reached without TLS.
    """
    found = transport.of_storage(url, options, os.environ, settings.allowed_plain)
    transport.require(found, "The connection to the storage", STORAGE_REMEDY)


def require_http(settings: Settings, url: str | None, what: str, variable: str) -> None:
    """Make sure of the same for a service that is reached by HTTP; None is no service.

    Raises:
        ConfigurationError: it would be reached without TLS.
    """
    if url is not None:
        found = transport.of_url(url, settings.allowed_plain)
        remedy = HTTP_REMEDY.format(variable=variable)
        transport.require(found, f"The connection to {what}", remedy)
