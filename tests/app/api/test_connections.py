"""Connections that drip are hung up on; others are left alone."""

from __future__ import annotations

import socket
import time

import httpx

from app.api.connections import bounded
from pipeline.settings import Settings
from tests.app.api.serving import serving


def test_a_head_that_drips_ends_its_connection(api_settings: Settings) -> None:
    """A first request, and a second on a connection kept alive, must begin in time."""
    with serving(api_settings, http=bounded(0.6)) as running:
        url = httpx.URL(running.url)
        for first in (b"", b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"):
            with socket.create_connection((url.host, url.port or 0), timeout=10) as dripping:
                if first:
                    dripping.sendall(first)
                    while not dripping.recv(1_000_000).endswith(b"}"):
                        pass
                began = time.monotonic()
                dripping.sendall(b"GET / HTTP/1.1\r\n")
                while time.monotonic() - began < 60:
                    dripping.settimeout(0.1)
                    try:
                        dripping.sendall(b"X: y\r\n")
                        if not dripping.recv(100):
                            break
                    except TimeoutError:
                        continue
                    except (ConnectionResetError, BrokenPipeError):
                        break
                # A connection that drips is never idle: without the limit this goes on for ever.
                assert 0.4 < time.monotonic() - began < 60


def test_a_connection_kept_alive_is_left_alone(api_settings: Settings) -> None:
    """Between two requests, and during an answer, nothing is due."""
    with serving(api_settings, http=bounded(2)) as running, running.client() as client:
        for _ in range(2):
            assert client.get("/jobs").status_code == 200
            time.sleep(2.5)
        assert client.get("/jobs").status_code == 200
