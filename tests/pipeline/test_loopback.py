"""A proxy in the environment: this machine is reached directly, everything else through it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from pipeline.child_processes import child_environment
from pipeline.loopback import OWN_HOSTS, direct_loopback, free_port, unusable_proxy

_ASK = """
import sys, urllib.request, httpx
for url in sys.argv[1:]:
    print(httpx.get(url).text, urllib.request.urlopen(url).read().decode())
"""


@pytest.fixture
def answering() -> Iterator[int]:
    """A server that tells what it was asked for; a proxy is asked for a whole URL."""

    class Telling(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.path.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Telling) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_children_reach_this_machine_directly(answering: int) -> None:
    """With HTTP_PROXY alone, loopback is asked itself and the outside is asked of the proxy."""
    clean = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment = child_environment(clean | {"HTTP_PROXY": f"http://127.0.0.1:{answering}"})
    urls = [f"http://127.0.0.1:{answering}/here", f"http://localhost:{answering}/here"]
    outside = "http://outside.invalid/there"
    told = subprocess.run(
        [sys.executable, "-c", _ASK, *urls, outside],
        env=environment, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert told.stdout.split() == ["/here"] * 4 + [outside] * 2


def test_what_a_person_excepted_stays_excepted() -> None:
    """Both spellings get the hosts of either and our own; without a proxy nothing is set."""
    given = {"ALL_PROXY": "http://proxy:3128", "no_proxy": "a.example, b.example", "NO_PROXY": "c"}
    made = direct_loopback(given)
    assert made["NO_PROXY"] == made["no_proxy"]
    assert set(made["no_proxy"].split(",")) == {"a.example", "b.example", "c", *OWN_HOSTS}
    assert direct_loopback({"NO_PROXY": "c"}) == {}
    assert direct_loopback({"ALL_PROXY": "http://p", "NO_PROXY": "*"})["NO_PROXY"] == "*"


def test_a_proxy_that_no_client_can_use_is_named() -> None:
    """The variable is told, never its value, which may hold a password."""
    assert unusable_proxy({"https_proxy": "gopher://user:secret@proxy"}) == "https_proxy"
    assert unusable_proxy({"HTTP_PROXY": "proxy:3128", "HTTPS_PROXY": "http://proxy"}) is None


def test_a_free_port_is_none_that_outgoing_connections_get() -> None:
    """A server finds it free however many connections are made before it starts."""
    ports = {free_port() for _ in range(20)}
    assert len(ports) > 10
    assert max(ports) < 32_768
    for port in ports:
        with socket.socket() as server:
            server.bind(("127.0.0.1", port))
