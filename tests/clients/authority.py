"""A company's own certificate authority, and servers whose certificates it signs."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_NOW = datetime.datetime.now(datetime.UTC)
_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """Signs certificates; `file` is what SSL_CERT_FILE would name."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    folder: Path

    @classmethod
    def made(cls, folder: Path) -> Authority:
        """A new one, whose own certificate lies in the folder."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Company root")])
        signed = (
            x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
            .not_valid_before(_NOW - _DAY)
            .not_valid_after(_NOW + _DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        made = cls(key, signed, folder)
        made.file.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        return made

    @property
    def file(self) -> Path:
        """The authority's certificate."""
        return self.folder / "root.pem"

    def context(self, name: str | None = None, ended: bool = False) -> ssl.SSLContext:
        """What a server needs: a certificate for 127.0.0.1, or for another name, or one of old."""
        key = ec.generate_private_key(ec.SECP256R1())
        own = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "service")])
        subject: x509.GeneralName = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        if name is not None:
            subject = x509.DNSName(name)
        until = _NOW - _DAY if ended else _NOW + _DAY
        signed = (
            x509.CertificateBuilder(
                self.certificate.subject, own, key.public_key(), x509.random_serial_number()
            )
            .not_valid_before(_NOW - 2 * _DAY)
            .not_valid_after(until)
            .add_extension(x509.SubjectAlternativeName([subject]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        path = self.folder / "service.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + signed.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


class _Answering(BaseHTTPRequestHandler):
    body, status = b"{}", 200

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(self.status)
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served(
    context: ssl.SSLContext | None = None, status: int = 200, body: bytes = b"{}"
) -> Iterator[int]:
    """A server that answers everything alike; the port."""
    handler = type("Handler", (_Answering,), {"status": status, "body": body})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.handle_error = lambda *_: None  # type: ignore[method-assign] # broken handshakes
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
