"""A user stores no more than the quota, by whatever way the files come."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from pydantic import SecretStr

from app.cli.status import overview, overview_json, print_overview
from app.doctor import api_protections
from app.doctor.diagnosis import Verdict
from pipeline.identity import user_id
from pipeline.quotas import StorageUse
from pipeline.settings import Settings
from pipeline.store import quotas, runs
from stages import intake
from stages.services import open_services
from tests.app.api.calling import accepted, is_problem, text, upload
from tests.app.api.conftest import api
from tests.app.api.serving import RunningApi

__all__ = ["api"]

QUOTA = 100_000


@pytest.fixture(scope="module")
def api_settings(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A hundred thousand bytes for a user."""
    return Settings(
        home=tmp_path_factory.mktemp("home"),
        database_url=SecretStr(module_database_url),
        requests_per_minute=0,
        uploads_per_minute=0,
        user_quota_bytes=QUOTA,
    )


@pytest.fixture
def client(api: RunningApi) -> Iterator[httpx.Client]:
    """A user of the test's own."""
    with api.client(f"user {uuid4()}") as made:
        yield made


def document(size: int, subject: str = "a") -> str:
    """A text of so many bytes."""
    start = text(subject)
    return start + "b " * ((size - len(start)) // 2) + "c" * ((size - len(start)) % 2)


def storage(client: httpx.Client) -> dict[str, Any]:
    """What the overview tells of it."""
    found: dict[str, Any] = client.get("/overview").json()["storage"]
    return found


def full(answer: httpx.Response, used: int) -> None:
    """The problem says what is used, what is allowed, and what to do."""
    told = is_problem(answer, 413, "storage_quota_reached")
    assert (told["used"], told["allowed"]) == (used, QUOTA)
    assert "of 100.0 kB are used" in told["detail"]
    assert "Delete documents" in told["remedy"]
    assert "NAVIGATOR_USER_QUOTA_BYTES" in told["remedy"]


def test_a_form_fits_or_is_refused(client: httpx.Client) -> None:
    """To the byte; the same content counts once; what is deleted makes room."""
    first = accepted(client, document(60_000, "first"), source="a")
    assert storage(client) == {"used": 60_000, "allowed": QUOTA}
    accepted(client, document(39_000, "second"), source="b")
    full(upload(client, document(1_001, "third")), 99_000)
    accepted(client, document(1_000, "third"), source="c")
    full(upload(client, document(900, "fourth")), 100_000)
    assert storage(client)["used"] == 100_000
    assert client.delete(f"/documents/{first['document_id']}").status_code == 204
    accepted(client, document(60_000, "fifth"), source="d")


def test_the_same_content_counts_once(client: httpx.Client) -> None:
    """Under another source too."""
    for source in "abc":
        accepted(client, document(30_000), source=source)
    assert storage(client)["used"] == 30_000


def test_a_form_without_a_length_is_stopped_on_its_way(
    api: RunningApi, client: httpx.Client
) -> None:
    """What is announced at no size is counted as it comes, and nothing of it stays."""
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.md"\r\n\r\n'
        while sent < 50_000_000:
            sent += 50_000
            yield b"a" * 50_000

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    full(client.post("/documents", content=pieces(), headers=headers), 0)
    assert sent < 50_000_000
    assert storage(client)["used"] == 0
    home = api.settings.home
    assert not [each for each in home.rglob("incoming/*") if each.is_file()]


def test_an_announced_upload_is_counted_from_the_start(client: httpx.Client) -> None:
    """It says its size, which is reserved, and counted once when it is complete."""
    refused = client.post("/uploads", json={"name": "a.md"})
    assert "has to say its size" in is_problem(refused, 422)["detail"]
    made = client.post("/uploads", json={"name": "a.md", "bytes": 70_000}).json()
    assert storage(client)["used"] == 70_000
    full(client.post("/uploads", json={"name": "b.md", "bytes": 30_001}), 70_000)
    full(upload(client, document(40_000, "beside")), 70_000)
    content = document(70_000).encode()
    assert httpx.put(made["upload"]["url"], content=content + b"x").status_code == 413
    assert httpx.put(made["upload"]["url"], content=content).status_code == 204
    assert client.post(f"/uploads/{made['id']}/complete").status_code == 202
    assert storage(client)["used"] == 70_000
    assert client.post("/uploads", json={"name": "c.md", "bytes": 30_000}).status_code == 201


def test_announced_at_once_they_do_not_pass_it(api: RunningApi, client: httpx.Client) -> None:
    """Of many at the same moment only those are taken that fit."""
    body = {"name": "a.md", "bytes": 20_000}
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: client.post("/uploads", json=body), range(12)))
    assert sorted(each.status_code for each in answers) == [201] * 5 + [413] * 7


def test_uploads_at_once_pass_it_by_those_in_flight_at_most(client: httpx.Client) -> None:
    """When they have ended, nothing more is taken."""
    at_once = 4

    def send(number: int) -> int:
        return upload(client, document(30_000, f"number {number}")).status_code

    with ThreadPoolExecutor(at_once) as pool:
        statuses = list(pool.map(send, range(12)))
    assert set(statuses) == {202, 413}
    assert storage(client)["used"] <= QUOTA + (at_once - 1) * 30_000
    assert upload(client, document(30_000, "one more")).status_code == 413


def test_others_are_not_touched(api: RunningApi, client: httpx.Client) -> None:
    """A quota is a user's own, and nobody's figures tell of another."""
    accepted(client, document(90_000))
    with api.client(f"other {uuid4()}") as other:
        assert storage(other) == {"used": 0, "allowed": QUOTA}
        accepted(other, document(90_000))
    with api.client("operator", service=True) as operator:
        everybody = operator.get("/overview").json()["storage"]
    assert everybody["allowed"] is None
    assert everybody["used"] >= 180_000


async def taken_in(settings: Settings, files: list[Path], user: UUID) -> intake.Upload:
    """Files as the command line takes them in."""
    async with open_services(settings) as services:
        run = uuid4()
        async with services.database.service() as connection:
            await runs.start_run(connection, run, user, "ingest")
        taken = await intake.upload(services, files, user, run, [])
        async with services.database.reader(user) as connection:
            assert await runs.rejected_files(connection, run) == list(taken.rejected)
        return taken


def test_the_command_line_decides_alike(
    api: RunningApi, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What fits of a folder is taken; each other file is named with why and what to do."""
    user = f"folder {uuid4()}"
    for number, size in enumerate((60_000, 50_000, 40_000, 10)):
        (tmp_path / f"{number}.md").write_text(document(size, f"n{number}") if size > 10 else "# A")
    (tmp_path / "0 again.md").write_bytes((tmp_path / "0.md").read_bytes())
    files = sorted(tmp_path.glob("*.md"))
    taken = asyncio.run(taken_in(api.settings, files, user_id(user)))
    assert len(taken.registered) == 3  # what is stored already takes no room
    rejected = {Path(each.source).name: each for each in taken.rejected}
    assert set(rejected) == {"1.md", "3.md"}
    assert {each.code for each in rejected.values()} == {"storage_quota_reached"}
    assert all("of 100.0 kB are used" in each.message for each in rejected.values())
    assert all("Delete documents" in each.remedy for each in rejected.values())
    again = asyncio.run(taken_in(api.settings, files, user_id(user)))
    assert (len(again.registered), len(again.rejected)) == (3, 2)
    shown = asyncio.run(overview(api.settings, user))
    assert overview_json(shown)["storage"] == {"used": 100_000, "allowed": QUOTA}
    print_overview(shown)
    assert "100.0 kB of 100.0 kB of storage used" in capsys.readouterr().out


def test_what_is_inside_a_file_counts_too(api: RunningApi) -> None:
    """The files of an archive that do not fit stay closed, and a note says so."""
    user = f"archive {uuid4()}"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(5):
            archive.writestr(f"{number}.md", document(30_000, f"inside {number}"))
    with api.client(user) as client:
        job = accepted(client, packed.getvalue(), name="a.zip")
        api.work_off(job["id"], user=user)
        notes = client.get(f"/jobs/{job['id']}").json()["notes"]
        assert any("do not fit into the storage quota" in each["message"] for each in notes), notes
        assert storage(client)["used"] <= QUOTA
        assert len(client.get("/documents").json()["items"]) == 4


def test_the_count_is_read_by_its_user_alone(api: RunningApi, client: httpx.Client) -> None:
    """As a reader, whoever is named, only one's own are counted."""
    accepted(client, document(90_000))

    async def read() -> StorageUse:
        async with api.parts.database.reader(user_id("a stranger")) as connection:
            return await quotas.storage_use(connection, None, QUOTA)

    assert api.run(read()).used == 0


@pytest.mark.parametrize(
    ("changes", "verdict", "said"),
    [
        ({}, Verdict.OK, "a user stores: no limit"),
        ({"user_quota_bytes": 10**9}, Verdict.OK, "a user stores: 1.0 GB"),
        ({"public_url": "https://a.example"}, Verdict.NOTE, "a user stores: no limit"),
        ({"trusted_proxies": "10.0.0.7"}, Verdict.OK, "believed from 10.0.0.7"),
    ],
)
async def test_doctor_tells_the_limits(
    changes: dict[str, Any], verdict: Verdict, said: str
) -> None:
    """Those in force; an API that others reach wants a quota."""
    async with AsyncExitStack() as stack:
        found = await api_protections.api_limits(Settings(**changes), stack)
    assert (found.verdict, said in found.detail) == (verdict, True)
    assert bool(found.remedy) == (verdict is Verdict.NOTE)
