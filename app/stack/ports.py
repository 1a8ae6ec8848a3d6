"""Checks that the stack's ports are free before anything is started."""

from __future__ import annotations

import socket
from collections.abc import Sequence

import psutil

from app.stack.services import Service
from pipeline.errors import UsageError


def require_free_ports(services: Sequence[Service]) -> None:
    """Make sure that every service can listen where it is to.

    Raises:
        UsageError: a port is taken; the sentence names it and, where it can be seen, by whom.
    """
    for service in services:
        if service.port is not None and not is_free(service.port):
            raise UsageError(
                f"Port {service.port}, for {service.title}, is taken{_by_whom(service.port)}.",
                remedy="End what listens there, or move all ports: `navigator up "
                "--port-offset 100`.",
            )


def is_free(port: int) -> bool:
    """Whether a server could listen at the port of this machine."""
    with socket.socket() as probe:
        # As servers do: a port that was closed a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _by_whom(port: int) -> str:
    try:
        listening = psutil.net_connections("tcp")
    except psutil.Error:
        return ""
    for each in listening:
        here = each.status == psutil.CONN_LISTEN and each.laddr and each.laddr.port == port
        if here and each.pid is not None:
            return f" by process {each.pid}"
    return ""
