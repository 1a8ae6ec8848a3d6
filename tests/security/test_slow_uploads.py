"""An upload that drips, or never ends, is ended, and nothing of it stays in the storage."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from pipeline.identity import user_id
from pipeline.settings import Settings
from pipeline.store.schema import SCHEMA
from tests.app.api.calling import accepted, text
from tests.app.api.conftest import api
from tests.app.api.serving import RunningApi, serving
from tests.security.sockets import bearer, connected, first_answer

__all__ = ["api"]

SPEED = 20_000
FORM = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\n# A\n\n'


@pytest.fixture(scope="module")
def api_settings(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Speed is measured each half second; a piece may be as far from the next."""
    return Settings(
        home=tmp_path_factory.mktemp("home"),
        database_url=SecretStr(module_database_url),
        requests_per_minute=0,
        uploads_per_minute=0,
        request_timeout_seconds=0.5,
        upload_bytes_per_second=SPEED,
        upload_seconds=60,
    )


@pytest.fixture(scope="module")
def hurried(api: RunningApi) -> Iterator[RunningApi]:
    """The same, where a whole upload may take a second."""
    with serving(api.settings.model_copy(update={"upload_seconds": 1.0})) as running:
        yield running


def form(api: RunningApi, user: str) -> bytes:
    """The head of an upload in a form, and its beginning."""
    head = b"POST /api/v1/documents HTTP/1.1\r\nHost: x\r\n" + bearer(api, user)
    return (
        head + b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 9000000\r\n\r\n"
        + FORM
    )  # fmt: skip


def _announced(client: httpx.Client) -> dict[str, Any]:
    """What an upload is to be sent to: asked again where a busy machine was slow to answer."""
    for _ in range(20):
        answer = client.post("/uploads", json={"name": "a.md"})
        if answer.is_success:
            break
        time.sleep(0.2)
    assert answer.is_success, answer.text
    upload: dict[str, Any] = answer.json()["upload"]
    return upload


def signed(api: RunningApi, user: str) -> bytes:
    """The head of an upload to a signed URL, and its beginning."""
    with api.client(user) as client:
        announced = _announced(client)
    url = httpx.URL(announced["url"])
    return (
        b"PUT " + url.raw_path + b" HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n# A\n\n"
    )


def dripped(api: RunningApi, head: bytes, piece: bytes, pause: float) -> tuple[int, dict[str, Any]]:
    """What is answered to an upload that goes on like this, and its problem."""
    with connected(api) as opened:
        opened.sendall(head)
        deadline = time.monotonic() + 30
        opened.settimeout(pause)
        while time.monotonic() < deadline:
            try:
                opened.sendall(piece)
                if opened.recv(1, 2):  # MSG_PEEK
                    break
            except TimeoutError:
                continue
        opened.settimeout(10)
        answer = first_answer(opened)
    return int(answer.split(b" ")[1]), json.loads(answer.partition(b"\r\n\r\n")[2])


def stored(api: RunningApi, user: str) -> list[Path]:
    """Every file of a user in the storage, whole or not."""
    found = api.settings.home.rglob(f"{user_id(user)}/**/*")
    return [each for each in found if each.is_file()]


def until_nothing_is_stored(api: RunningApi, user: str) -> None:
    deadline = time.monotonic() + 20
    while found := stored(api, user):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def jobs(api: RunningApi, user: str) -> int:
    count = sa.text(f"SELECT count(*) FROM {SCHEMA}.upload_jobs WHERE user_id = :user_id")

    async def read() -> int:
        async with api.parts.database.service() as connection:
            return int(await connection.scalar(count, {"user_id": user_id(user)}) or 0)

    return api.run(read())


@pytest.mark.parametrize("begun", [form, signed])
def test_a_steady_drip_is_ended(api: RunningApi, begun: Callable[..., bytes]) -> None:
    """Bytes come all the time, and too slowly: 408, and nothing is left."""
    user = f"dripping {begun.__name__}"
    status, problem = dripped(api, begun(api, user), b"a" * 50, 0.05)
    assert (status, problem["code"]) == (408, "request_timeout")
    assert "slower than 20,000 bytes a second" in problem["detail"]
    assert problem["remedy"]
    until_nothing_is_stored(api, user)
    assert jobs(api, user) == 0


@pytest.mark.parametrize("begun", [form, signed])
def test_an_upload_that_stands_still_is_ended(api: RunningApi, begun: Callable[..., bytes]) -> None:
    """Nothing comes any more."""
    user = f"still {begun.__name__}"
    with connected(api) as opened:
        opened.sendall(begun(api, user))
        assert b"stood still" in first_answer(opened)
    until_nothing_is_stored(api, user)


@pytest.mark.parametrize("begun", [form, signed])
def test_a_whole_upload_has_a_deadline(hurried: RunningApi, begun: Callable[..., bytes]) -> None:
    """It comes quickly enough and without end."""
    user = f"endless {begun.__name__}"
    status, problem = dripped(hurried, begun(hurried, user), b"a" * 4000, 0.02)
    assert (status, problem["code"]) == (408, "request_timeout")
    assert "longer than 1 seconds" in problem["detail"]
    until_nothing_is_stored(hurried, user)
    assert jobs(hurried, user) == 0


def test_a_steady_upload_is_taken(api: RunningApi) -> None:
    """Longer than any of the measures, at more than the lowest speed; and a small one at once."""
    content = text("a steady upload").encode() + b"a " * 40_000
    announced = {"name": "a.md", "bytes": len(content)}
    with api.client("steady") as client:
        made = client.post("/uploads", json=announced).json()

        def pieces() -> Iterator[bytes]:
            for start in range(0, len(content), 8_000):
                yield content[start : start + 8_000]
                time.sleep(0.12)

        sent = httpx.put(made["upload"]["url"], content=pieces(), timeout=60)
        assert sent.status_code == 204, sent.text
        done = client.post(f"/uploads/{made['id']}/complete")
        assert done.status_code == 202, done.text
        accepted(client, text("a small upload"))
    assert jobs(api, "steady") == len(stored(api, "steady")) == 2
