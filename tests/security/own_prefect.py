"""The Prefect server that `navigator up` starts, with its pages, for the tests that attack it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from app.stack.plan import PORTS, StackOptions, common_environment, plan
from pipeline.loopback import free_port
from pipeline.settings import load_settings
from tests.prefect_server import START_SECONDS, end

FLOW = {"name": "attacked"}


@dataclass(frozen=True)
class OwnPrefect:
    """Where the server is, what it was started with, and what it keeps."""

    address: str
    folder: Path
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def auth_string(self) -> str:
        return (self.folder / "auth-string").read_text("ascii")

    @property
    def auth(self) -> tuple[str, str]:
        user, _, password = self.auth_string.partition(":")
        return user, password

    @contextmanager
    def owner(self) -> Iterator[httpx.Client]:
        """A client that has the password and a CSRF token, as Prefect's own has."""
        with httpx.Client(base_url=f"{self.address}/api", auth=self.auth, timeout=30) as client:
            name = str(uuid4())
            token = client.get("/csrf-token", params={"client": name}).raise_for_status().json()
            client.headers["Prefect-Csrf-Client"] = name
            client.headers["Prefect-Csrf-Token"] = token["token"]
            yield client

    def flows(self) -> list[str]:
        """Names of the flows that somebody managed to make."""
        with self.owner() as client:
            found: list[dict[str, Any]] = client.post("/flows/filter", json={}).json()
        return [each["name"] for each in found]


@pytest.fixture(scope="session")
def own_prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPrefect]:
    """The server as `navigator up` plans it, in a process of its own."""
    home = tmp_path_factory.mktemp("own-prefect")
    port = free_port()
    settings = load_settings(home=home)
    options = StackOptions(port_offset=port - PORTS["prefect"])
    given = os.environ.pop("PREFECT_API_URL", None)
    try:
        [service] = [each for each in plan(settings, options) if each.name == "prefect"]
    finally:
        if given is not None:
            os.environ["PREFECT_API_URL"] = given
    environment = {**os.environ, **common_environment(settings, options, ["prefect"])}
    log = home / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            service.command, env=environment | dict(service.environment),
            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + START_SECONDS
        while not service.health():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.2)
        yield OwnPrefect(service.address, home / "prefect", process, log)
    finally:
        end(process)
