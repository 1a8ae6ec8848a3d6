"""A bucket: moto's S3 over a real socket, in an environment and a process of its own."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.environments import interpreter

LOCK = Path(__file__).parent / "moto.lock"
SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=test"
}


@dataclass(frozen=True)
class Bucket:
    """A place in a bucket, as `NAVIGATOR_STORAGE_URL` and its options name it."""

    endpoint: str
    name: str = field(default_factory=lambda: f"bucket-{uuid4().hex[:8]}")

    @property
    def url(self) -> str:
        """Below a prefix, so that it may be shared."""
        return f"s3://{self.name}/navigator"

    @property
    def options(self) -> dict[str, str]:
        """What a self-made endpoint without TLS needs."""
        return {
            "endpoint": self.endpoint,
            "access_key_id": "test",
            "secret_access_key": "test",
            "region": "us-east-1",
            "allow_http": "true",
        }

    def keys(self) -> set[str]:
        """Everything in the bucket."""
        page = httpx.get(f"{self.endpoint}/{self.name}", params={"list-type": 2}, headers=SIGNED)
        keys = (part.split("</Key>")[0] for part in page.text.split("<Key>")[1:])
        return {key.removeprefix("navigator/") for key in keys}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """One server for a module; import it with `bucket` where it is used."""
    with s3() as url:
        yield url


@pytest.fixture
def bucket(endpoint: str) -> Bucket:
    """A bucket of the test's own."""
    return make(endpoint)


@contextmanager
def s3() -> Iterator[str]:
    """The address of an S3 without a bucket."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [interpreter(LOCK), "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_it_answers(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        assert process.poll() is None, "moto has ended"
        try:
            httpx.get(f"{url}/moto-api/", timeout=5)
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        return
    raise AssertionError("moto does not answer")


def make(endpoint: str) -> Bucket:
    """A new bucket."""
    bucket = Bucket(endpoint)
    httpx.put(f"{endpoint}/{bucket.name}", headers=SIGNED).raise_for_status()
    return bucket
