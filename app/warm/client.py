"""Runs a command in the warm process, if there is one; else it runs here."""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import suppress

from app.warm import INGESTING
from app.warm.protocol import (
    ACCEPTED,
    INTERRUPT,
    Request,
    program_fingerprint,
    socket_path,
)
from pipeline.child_processes import how_it_ended

_SIGNALS = 128
"""An exit code above it tells the signal that ended a command."""
_CONNECT_SECONDS = 0.5
# After this the answer is waited for as long as the command takes.
_ACCEPT_SECONDS = 2.0


def run_warm(arguments: list[str], kind: str) -> int | None:
    """The exit code of the command, which wrote to this process's streams; None: nobody ran it.

    Args:
        kind: of the warm process.
    """
    if (path := socket_path(kind)) is None or not path.exists():
        return None
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_CONNECT_SECONDS)
        try:
            connection.connect(str(path))
            message = _request(arguments).message()
            # The first bytes carry the streams; whatever is longer follows.
            sent = socket.send_fds(connection, [message], [0, 1, 2])
            connection.settimeout(_ACCEPT_SECONDS)
            if rest := message[sent:]:
                connection.sendall(rest)
            if connection.recv(1) != ACCEPTED:
                return None
        except OSError:
            return None
        connection.settimeout(None)
        return _told(_ended(connection), kind)


def _told(code: int | None, kind: str) -> int | None:
    """Say what a person would wonder about; None: the command is to run here after all."""
    if code is None and kind == INGESTING:
        _say("The process that ran this was killed; it is run again, and goes on where it was.")
        return None
    if code is None:
        _say("The process that ran this was killed. Try again.")
        return 1
    if code != _SIGNALS + signal.SIGINT and code - _SIGNALS in signal.valid_signals():
        _say(f"The command was {how_it_ended(_SIGNALS - code)}.")
    return code


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


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


def _ended(connection: socket.socket) -> int | None:
    """Wait for the command's end; what interrupts this process interrupts the command.

    Returns:
        Its exit code; None when the warm process was killed, and the command with it.
    """
    while True:
        try:
            code = connection.recv(1)
            return code[0] if code else None
        except ConnectionError:
            return None
        except KeyboardInterrupt:
            with suppress(OSError):
                connection.sendall(INTERRUPT)
