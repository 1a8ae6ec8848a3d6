"""Runs a command in the warm process, if there is one; else it runs here."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress

from app.warm.protocol import (
    ACCEPTED,
    INTERRUPT,
    Request,
    program_fingerprint,
    socket_path,
)

_CONNECT_SECONDS = 0.5
# After this the answer is waited for as long as the command takes.
_ACCEPT_SECONDS = 2.0


def run_warm(arguments: list[str]) -> int | None:
    """The exit code of the command, which wrote to this process's streams; None: nobody ran it."""
    if (path := socket_path()) is None or not path.exists():
        return None
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_CONNECT_SECONDS)
        try:
            connection.connect(str(path))
            message = _request(arguments).message()
            # The first bytes carry the streams; whatever is longer follows.
            sent = socket.send_fds(connection, [message], [0, 1, 2])
            connection.settimeout(_ACCEPT_SECONDS)
            connection.sendall(message[sent:])
            if connection.recv(1) != ACCEPTED:
                return None
        except OSError:
            return None
        connection.settimeout(None)
        return _ended(connection)


def _request(arguments: list[str]) -> Request:
    os.umask(umask := os.umask(0o077))
    return Request(
        version=program_fingerprint(),
        arguments=arguments,
        environment=dict(os.environ),
        folder=os.getcwd(),  # noqa: PTH109
        umask=umask,
        encoding=sys.stdout.encoding,
        errors=sys.stdout.errors or "strict",
    )


def _ended(connection: socket.socket) -> int:
    """Wait for the command's end; what interrupts this process interrupts the command."""
    while True:
        try:
            code = connection.recv(1)
            return code[0] if code else 1
        except KeyboardInterrupt:
            with suppress(OSError):
                connection.sendall(INTERRUPT)
