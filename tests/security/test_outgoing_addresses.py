"""What a service names as the address of its result leads nowhere inside our network."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from clients.network.provider_urls import require_safe_download, result_hosts
from clients.network.ssrf_protection import CheckedBackend, RefusedAddress, is_public
from pipeline.errors import ServiceUnavailable
from pipeline.settings import Settings

ROOT = Path(__file__).parents[2]
SERVICE = "https://api.cloud.llamaindex.ai"
BUCKET = "results.s3.us-east-1.amazonaws.com"

PUBLIC = ("93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34", "64:ff9b::5db8:d822")
INSIDE = (
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.1", "198.18.0.1", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::",
    "2002:a00:1::1", "2001:0:7f00:1::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254",
    "fec0::1", "ff02::1", "100::1", "2001:db8::1", "3fff::1", "5f00::1", "no address", "",
)  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_public(address: str) -> None:
    """An address of the internet is one, also when IPv6 wraps it."""
    assert is_public(address)


@pytest.mark.parametrize("address", INSIDE)
def test_no_other_address_is_public(address: str) -> None:
    """This machine, private networks, metadata services and what wraps them are not public."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "kubernetes.default.svc", "vault.intranet", "db.service.consul", "127.0.0.1.nip.io",
        "example.com", "evilllamaindex.ai", "llamaindex.ai.evil.com", "s3.amazonaws.com.evil.com",
        "ec2-1-2-3-4.compute-1.amazonaws.com", "vpce-1.s3.us-east-1.vpce.amazonaws.com",
        "x.elb.us-east-1.amazonaws.com", "amazonaws.com", "localhost", "127.0.0.1", "[::1]", "",
    ],
)  # fmt: skip
def test_hosts_of_others_are_refused(host: str) -> None:
    """A result that lies at a host of neither the provider nor Amazon S3 is not fetched."""
    with pytest.raises(ServiceUnavailable) as caught:
        require_safe_download(f"https://{host}/result", SERVICE, "LlamaParse")
    assert "NAVIGATOR_LLAMA_CLOUD_RESULT_HOSTS" in caught.value.remedy


@pytest.mark.parametrize(
    "url",
    [
        f"https://{BUCKET}\\@127.0.0.1/", f"https://127.0.0.1\\@{BUCKET}/", f"https://{BUCKET}:8443/",
        f"https://127.0.0.1 {BUCKET}/", f"https://a\t.{BUCKET}/", f"https://ａ.{BUCKET}/",
        f"http://{BUCKET}/", f"https://key@{BUCKET}/", f"ftp://{BUCKET}/", f"//{BUCKET}/",
    ],
)  # fmt: skip
def test_addresses_that_readers_read_differently_are_refused(url: str) -> None:
    """Only a plain https address on its usual port is taken."""
    with pytest.raises(ServiceUnavailable):
        require_safe_download(url, SERVICE, "LlamaParse")


@pytest.mark.parametrize(
    "host",
    [
        "s3.amazonaws.com", "b.s3.amazonaws.com", BUCKET, "s3.eu-central-1.amazonaws.com",
        "b.s3.dualstack.us-east-1.amazonaws.com", "b.s3-accelerate.amazonaws.com",
        "api.cloud.llamaindex.ai", "API.Cloud.LlamaIndex.AI.",
    ],
)  # fmt: skip
def test_the_providers_hosts_are_taken(host: str) -> None:
    """Its own hosts and Amazon S3, where it keeps results, are fetched from."""
    require_safe_download(f"https://{host}/result?X-Amz-Signature=1", SERVICE, "LlamaParse")


def test_a_setting_adds_hosts() -> None:
    """A host that an operator names is taken with those below it, and no other one."""
    settings = Settings(llama_cloud_result_hosts="results.example.com, .other.example")
    allows = result_hosts(settings.result_hosts)
    assert allows("results.example.com") and allows("a.results.example.com")
    assert allows("other.example") and allows("b.other.example")
    assert not allows("example.com") and not allows("myresults.example.com")


class _Listening(BaseHTTPRequestHandler):
    """A service inside the network: it counts who asks."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Counting(ThreadingHTTPServer):
    connections = 0

    def get_request(self) -> tuple[object, object]:  # type: ignore[override]
        self.connections += 1
        return super().get_request()


@pytest.fixture(scope="module")
def inside() -> Iterator[_Counting]:
    server = _Counting(("127.0.0.1", 0), _Listening)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


_CHILD = """
    import asyncio, json, socket, sys
    asked = json.load(sys.stdin)
    looked_up = []
    real = socket.getaddrinfo

    def answers(host, port, *rest, **more):
        # a resolver whose answers for a name are the attacker's: the first ones, then the next
        if host not in asked["names"]:
            return real(host, port, *rest, **more)
        looked_up.append(host)
        rounds = asked["names"][host]
        given = rounds[min(looked_up.count(host), len(rounds)) - 1]
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "",
             (each, asked["port"], 0, 0) if ":" in each else (each, asked["port"]))
            for each in given
        ]

    socket.getaddrinfo = answers

    async def main():
        from pydantic import SecretStr
        from clients.llamaparse.transport import LlamaTransport
        transport = LlamaTransport(SecretStr("llx-x"), asked["base"], 3.0)
        try:
            await transport.download(asked["url"])
            said = "fetched"
        except Exception as error:
            said = type(error).__name__ + ": " + str(error)
        await transport.close()
        print(json.dumps({"said": said, "looked_up": looked_up}))

    asyncio.run(main())
"""


def fetched(
    inside: _Counting, url: str, rounds: list[list[str]], environment: dict[str, str] | None = None
) -> tuple[str, int, int]:
    """What became of a download whose name a hostile resolver answers.

    Returns:
        What was said, how often the name was looked up, connections at the service inside.
    """
    before = inside.connections
    host = url.split("/")[2]
    asked = {"names": {host: rounds}, "port": inside.server_port, "base": SERVICE, "url": url}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_CHILD)], input=json.dumps(asked), cwd=ROOT,
        text=True, capture_output=True, check=True, env={**os.environ, **(environment or {})},
    )  # fmt: skip
    answer = json.loads(done.stdout)
    return answer["said"], len(answer["looked_up"]), inside.connections - before


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"], ["::ffff:127.0.0.1"], ["93.184.216.34", "127.0.0.1"],
        ["127.0.0.1", "93.184.216.34"], ["64:ff9b::7f00:1"], ["169.254.169.254"], ["::1"],
    ],
)  # fmt: skip
def test_a_name_that_leads_inside_is_not_connected_to(
    inside: _Counting, answers: list[str]
) -> None:
    """An allowed name with any address inside a network is refused: 0 connections."""
    said, looked_up, connections = fetched(inside, f"https://{BUCKET}/result", [answers])
    assert said.startswith("RefusedAddress")
    assert (looked_up, connections) == (1, 0)


class Rerouting(httpcore.AnyIOBackend):
    """Stands for the internet: notes the address that is connected to, and leads to loopback."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[tuple[str, int]] = []

    async def connect_tcp(
        self, host: str, port: int, *rest: Any, **more: Any
    ) -> httpcore.AsyncNetworkStream:
        self.asked.append((host, port))
        return await super().connect_tcp("127.0.0.1", self.port, *rest, **more)


@dataclass
class Bucket:
    """A bucket with a certificate of its name, which notes whom it was asked for."""

    port: int
    trusted: ssl.SSLContext
    names: list[str | None]
    hosts: list[str | None]


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Bucket]:
    key, certificate = certificate_of(BUCKET)
    (tmp_path / "both.pem").write_bytes(key + certificate)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(tmp_path / "both.pem")
    made = Bucket(0, ssl.create_default_context(cadata=certificate.decode()), [], [])
    serving.sni_callback = lambda _, name, __: made.names.append(name)

    class Answering(_Listening):
        def do_GET(self) -> None:
            made.hosts.append(self.headers["host"])
            super().do_GET()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.socket = serving.wrap_socket(server.socket, server_side=True)
    made.port = server.server_port
    Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def certificate_of(name: str) -> tuple[bytes, bytes]:
    """A key and a certificate that signs itself, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    pem = serialization.Encoding.PEM
    return key.private_bytes(pem, form, plain), made.public_bytes(pem)


async def test_what_was_checked_is_connected_to(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection goes to the checked address by the name's certificate; no second look-up."""
    answers = iter([["93.184.216.34"], ["127.0.0.1"], ["127.0.0.1"]])

    def look_up(host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in next(answers)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    internet = Rerouting(bucket.port)
    backend = CheckedBackend(result_hosts(), internet)
    async with httpcore.AsyncConnectionPool(
        ssl_context=bucket.trusted, network_backend=backend
    ) as pool:
        answer = await pool.request("GET", f"https://{BUCKET}/result")
        assert answer.status == 200
    assert internet.asked == [("93.184.216.34", 443)]
    assert (bucket.names, bucket.hosts) == ([BUCKET], [BUCKET])


async def test_the_next_look_up_is_checked_again(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding gains nothing: a name that leads inside the next time is refused then."""
    rounds = iter([["93.184.216.34"], ["127.0.0.1"]])

    def look_up(host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in next(rounds)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    internet = Rerouting(bucket.port)
    backend = CheckedBackend(result_hosts(), internet)
    stream = await backend.connect_tcp(BUCKET, 443)
    await stream.aclose()
    with pytest.raises(RefusedAddress):
        await backend.connect_tcp(BUCKET, 443)
    assert [address for address, _ in internet.asked] == ["93.184.216.34"]


async def test_the_backend_asks_for_the_host_too() -> None:
    """A host that is not allowed is refused where it is connected to, and so are local sockets."""
    backend = CheckedBackend(result_hosts())
    with pytest.raises(RefusedAddress):
        await backend.connect_tcp("example.com", 443)
    with pytest.raises(RefusedAddress):
        await backend.connect_unix_socket("/run/postgresql/.s.PGSQL.5432")


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY", "https_proxy"])
def test_no_proxy_of_the_environment_gets_past_the_check(inside: _Counting, variable: str) -> None:
    """A proxy would look the name up itself; results are not fetched through one."""
    proxy = {variable: f"http://127.0.0.1:{inside.server_port}"}
    said, _, connections = fetched(inside, f"https://{BUCKET}/result", [["10.0.0.1"]], proxy)
    assert said.startswith("RefusedAddress")
    assert connections == 0
