"""Access to the embedded Postgres: this account's processes, over a Unix socket, by name.

The kernel says which account is at the other end (`peer`), so there is no password to keep. Any
other role needs a password of its own, and there is no address on a network.
"""

from __future__ import annotations

import os
import pwd
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

from pipeline.store.connection_retries import retry_while_away
from pipeline.store.database_roles import OWNER_LOGIN, READER_LOGIN, SERVICE_LOGIN, settle_roles
from pipeline.store.database_urls import Addresses, driver_url
from pipeline.store.embedded_identity import Identity
from pipeline.store.embedded_tools import socket_folder
from pipeline.store.outages import translated

ADMINISTRATOR = "postgres"
_LOGINS = (ADMINISTRATOR, OWNER_LOGIN, SERVICE_LOGIN, READER_LOGIN)
_DATABASE = "postgres"
_PORT = "5432"
_MAP = "navigator"


def write_access(folder: Path, identity: Identity) -> None:
    """Write who may connect, before the server starts."""
    rules = (
        "# Written by insurance-navigator at each start.",
        f"local all {','.join(_LOGINS)} peer map={_MAP}",
        "local all all scram-sha-256",
    )
    name = pwd.getpwuid(os.geteuid()).pw_name.replace('"', '""')
    peers = (f'{_MAP} "{name}" {login}' for login in _LOGINS)
    _replace(folder, "pg_hba.conf", "\n".join(rules), identity)
    _replace(folder, "pg_ident.conf", "\n".join(peers), identity)


def _replace(folder: Path, name: str, text: str, identity: Identity) -> None:
    # The folder is the account's own, so nothing in it is followed or opened by its name.
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        draft = f"{name}.draft"
        with suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=place)
        file = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600, dir_fd=place)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            os.fchown(file, identity.uid, identity.gid)
            out.write(f"{text}\n")
        os.replace(draft, name, src_dir_fd=place, dst_dir_fd=place)
    finally:
        os.close(place)


def settle(folder: Path) -> None:
    """Make the logins in the running Postgres, and give the schema to its owner.

    Raises:
        DatabaseUnavailable: it does not accept connections for a while.
    """
    engine = sa.create_engine(driver_url(address(folder, ADMINISTRATOR)))

    def settled() -> None:
        with translated(engine.url), engine.begin() as connection:
            settle_roles(connection)

    try:
        retry_while_away(settled)  # after a crash it recovers first
    finally:
        engine.dispose()


def address(folder: Path, login: str) -> str:
    """The URL of the Postgres whose data lies in `folder`, as one of its logins."""
    query = {"host": str(socket_folder(folder)), "port": _PORT}
    url = sa.URL.create("postgresql", username=login, database=_DATABASE, query=query)
    return url.render_as_string(hide_password=False)


def addresses(folder: Path) -> Addresses:
    """As whom the pipeline, readers and migrations connect to it."""
    return Addresses(
        service=address(folder, SERVICE_LOGIN),
        reader=address(folder, READER_LOGIN),
        owner=address(folder, OWNER_LOGIN),
    )
