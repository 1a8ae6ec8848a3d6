"""A release goes from local to staging to production, is broken in eight ways, and each time
what was verified before is back, with nothing lost.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.deployments.environments_here import Here, Visitor, copied, release, seconds
from tests.rooms import ROOT
from tests.s3 import Bucket, s3

pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.timeout(1800)]

MODEL = "text-embedding-3-small"
FIVE_MINUTES = 300


@pytest.fixture(scope="module")
def openai() -> Iterator[str]:
    """A mock server that bills, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mocks", "--until-stdin-closes"], cwd=ROOT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    address = json.loads(process.stdout.readline())["openai"]
    try:
        yield address
    finally:
        process.terminate()
        process.communicate(timeout=20)


@pytest.fixture(scope="module")
def bucket_server() -> Iterator[str]:
    """An S3."""
    with s3() as url:
        yield url


def _made(name: str, folder: Path, server: str, openai: str) -> Here:
    here = Here(name, folder, Bucket(server), openai)
    httpx.put(f"{server}/{here.bucket.name}").raise_for_status()
    here.declare()
    here.start()
    return here


@pytest.fixture(scope="module")
def folder(scratch: Path) -> Path:
    """Where everything lies."""
    return scratch / "rollouts"


@pytest.fixture(scope="module")
def baseline(folder: Path, bucket_server: str, openai: str) -> Path:
    """Recorded on the local environment, which then stops."""
    local = _made("local", folder, bucket_server, openai)
    try:
        path = folder / "baseline.json"
        recorded = local.run("baseline", "record", "local", "--out", path)
        assert recorded.code == 0, recorded.err
        return path
    finally:
        local.stop()


@pytest.fixture(scope="module")
def good(folder: Path, baseline: Path, staging: Here) -> str:
    """A release of this source, deployed to staging and verified."""
    file = release(staging, copied(folder), baseline)
    done = staging.run("deploy", "staging", file)
    assert done.code == 0, done.err + done.out
    assert seconds(done.err) < FIVE_MINUTES
    return file


@pytest.fixture(scope="module")
def staging(folder: Path, bucket_server: str, openai: str, baseline: Path) -> Iterator[Here]:
    """The environment that everything is broken in."""
    here = _made("staging", folder, bucket_server, openai)
    yield here
    here.stop()


@pytest.fixture
def visitor(staging: Here, good: str) -> Iterator[Visitor]:
    """Uploads while the test goes on; whatever was accepted ends published under the release."""
    token = staging.run("--environment", "staging", "token", "--user", "visitor").out.strip()
    visitor = Visitor(staging, token)
    with visitor.uploading():
        yield visitor
    assert visitor.accepted, visitor.refused
    _require_published(staging, visitor.accepted)


def _require_published(staging: Here, accepted: list[str]) -> None:
    """Each once, whole, and embedded with the model that was verified."""
    deadline = time.monotonic() + 240
    while True:
        found = staging.ask(
            """
            SELECT d.id::text, j.state, s.model, count(DISTINCT c.id)
            FROM upload_pipeline.documents AS d
            JOIN upload_pipeline.upload_jobs AS j ON j.id = d.latest_job_id
            JOIN upload_pipeline.embedding_spaces AS s ON s.id = j.space_id
            LEFT JOIN upload_pipeline.document_chunks AS c ON c.document_id = d.id
            WHERE d.id = ANY(%(ids)s::uuid[]) GROUP BY 1, 2, 3
            """,
            ids=accepted,
        )
        if {each[1:3] for each in found} == {("complete", MODEL)} and len(found) == len(accepted):
            break
        assert time.monotonic() < deadline, found
        time.sleep(1)
    assert all(each[3] > 0 for each in found)


def _is_back(staging: Here, good: str, step: str, reason: str) -> None:
    """The newest deployment ended so, and the release that was verified before runs."""
    told = staging.rollout()
    assert told["step"] == step, told
    assert reason in told["reason"]
    assert told["seconds"] < FIVE_MINUTES
    assert all(each is not None and each in good for each in staging.releases_of_services())


def test_a_flow_that_raises(folder: Path, staging: Here, good: str, baseline: Path,
                            visitor: Visitor) -> None:  # fmt: skip
    """The canaries do not end; the release is taken back, and what is back is verified."""
    broken = copied(folder, flows__ingest_documents=lambda text: text.replace(
        "    await validating.queue(parts, batch)\n", "    raise RuntimeError('broken')\n"
    ))  # fmt: skip
    done = staging.run("deploy", "staging", release(staging, broken, baseline), "--json")
    assert done.code == 1
    assert done.json["after_going_back"]["verified"] is True
    _is_back(staging, good, "rolled_back", "canaries")


def test_a_slower_stage(folder: Path, staging: Here, good: str, baseline: Path,
                        visitor: Visitor) -> None:  # fmt: skip
    """Times beyond what the environment allows are a failure like any other."""
    slow = copied(folder, stages__validating=lambda text: text.replace(
        "async def record_parsed(",
        "async def record_parsed(*given):\n    import time\n\n    time.sleep(2)\n"
        "    return await _record_parsed(*given)\n\n\nasync def _record_parsed(", 1,
    ))  # fmt: skip
    done = staging.run("deploy", "staging", release(staging, slow, baseline))
    assert done.code == 1
    _is_back(staging, good, "rolled_back", "times")


BROKEN = '''"""Adds what hides every row from readers."""
from alembic import op
revision = "{number}"
down_revision = "{before}"
def upgrade():
    op.execute("CREATE POLICY none ON upload_pipeline.document_chunks AS RESTRICTIVE FOR SELECT "
               "TO navigator_reader USING (false)")
def downgrade():
    op.execute("DROP POLICY none ON upload_pipeline.document_chunks")
'''


def test_a_migration_that_breaks_reading(folder: Path, staging: Here, good: str, baseline: Path,
                                         visitor: Visitor) -> None:  # fmt: skip
    """It only adds, so its rehearsal passes; the answers are empty, and the schema goes back."""
    before = _revision(staging)
    number = f"{int(before) + 1:04}"
    name = f"pipeline__store__migrations__versions__{number}_none"
    written = BROKEN.format(number=number, before=before)
    broken = copied(folder, **{name: lambda _: written})
    done = staging.run("deploy", "staging", release(staging, broken, baseline))
    assert done.code == 1
    _is_back(staging, good, "rolled_back", "structure")
    assert _revision(staging) == before
    assert staging.ask("SELECT count(*) FROM pg_policy WHERE polname = 'none'") == [(0,)]


def _revision(staging: Here) -> str:
    return str(staging.ask("SELECT version_num FROM upload_pipeline.alembic_version")[0][0])


def test_a_wrong_model(folder: Path, staging: Here, good: str, baseline: Path,
                       visitor: Visitor) -> None:  # fmt: skip
    """Another model is another space: settings go back too, and what it took in is done again."""
    staging.declare(embedding_model="text-embedding-3-large")
    try:
        done = staging.run("deploy", "staging", good)
    finally:
        staging.declare()
    assert done.code == 1
    _is_back(staging, good, "rolled_back", "")


def test_a_missing_secret(staging: Here, good: str, visitor: Visitor) -> None:
    """It is named before anything is changed."""
    done = staging.run("deploy", "staging", good, TEST_OPENAI_KEY=None)
    assert done.code == 2
    assert "openai_api_key (variable TEST_OPENAI_KEY)" in done.err
    assert all(each is not None and each in good for each in staging.releases_of_services())


def test_a_wrong_extension_version(staging: Here, good: str, visitor: Visitor) -> None:
    """An extension that is not as in the baseline is found before anything is changed."""
    [(version,)] = staging.ask("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    change = "UPDATE pg_extension SET extversion = %(version)s WHERE extname = 'vector'"
    staging.ask(change, version="0.8.0")
    try:
        done = staging.run("deploy", "staging", good)
    finally:
        staging.ask(change, version=version)
    assert done.code == 1
    _is_back(staging, good, "refused", "vector has the version 0.8.0")


def test_an_unreachable_provider(staging: Here, good: str, visitor: Visitor) -> None:
    """A service that does not answer is found before anything is changed."""
    staging.declare(openai_base_url="http://127.0.0.1:9/v1")
    try:
        done = staging.run("deploy", "staging", good)
    finally:
        staging.declare()
    assert done.code == 1
    _is_back(staging, good, "refused", "")


FORWARD = ("deploy-begun", "deploy-before-migrate", "deploy-after-migrate", "deploy-migrated",
           "deploy-switched", "deploy-deployed")  # fmt: skip
BACK = ("rollback-begun", "rollback-switched", "rollback-deployed", "rollback-migrated")


@pytest.mark.parametrize("place", FORWARD)
def test_killed_on_the_way_forward(place: str, folder: Path, staging: Here, good: str,
                                   baseline: Path, visitor: Visitor) -> None:  # fmt: skip
    """Whoever kills the deployment, the rollout is taken back without another command."""
    other = copied(folder, app__version=lambda text: text + f"\n# {place}\n")
    done = staging.run("deploy", "staging", release(staging, other, baseline),
                       NAVIGATOR_FAILPOINT=place)  # fmt: skip
    assert done.code != 0
    _until_ended(staging)
    _is_back(staging, good, "rolled_back", "")


@pytest.mark.parametrize("place", BACK)
def test_killed_on_the_way_back(place: str, folder: Path, staging: Here, good: str,
                                baseline: Path, visitor: Visitor) -> None:  # fmt: skip
    """A rollback that is killed is done by the process that watches it."""
    broken = copied(folder, flows__ingest_documents=lambda text: text.replace(
        "    await validating.queue(parts, batch)\n", f"    raise RuntimeError('{place}')\n"
    ))  # fmt: skip
    done = staging.run("deploy", "staging", release(staging, broken, baseline),
                       NAVIGATOR_FAILPOINT=place)  # fmt: skip
    assert done.code != 0
    _until_ended(staging)
    _is_back(staging, good, "rolled_back", "canaries")


def _until_ended(staging: Here) -> None:
    deadline = time.monotonic() + FIVE_MINUTES
    while staging.rollout()["ended_at"] is None:
        assert time.monotonic() < deadline, staging.rollout()
        time.sleep(1)


def test_a_person_goes_back(folder: Path, staging: Here, good: str, baseline: Path,
                            visitor: Visitor) -> None:  # fmt: skip
    """`navigator rollback` deploys what was verified before, and verifies it."""
    other = copied(folder, app__version=lambda text: text + "\n# another one\n")
    assert staging.run("deploy", "staging", release(staging, other, baseline)).code == 0
    assert not any(each and each in good for each in staging.releases_of_services())
    done = staging.run("rollback", "staging")
    assert done.code == 0, done.err
    _is_back(staging, good, "verified", "")


def test_production_gets_what_was_verified(folder: Path, bucket_server: str, openai: str,
                                           staging: Here, good: str) -> None:  # fmt: skip
    """`navigator promote` takes the same file; what staging did not verify is refused."""
    production = _made("production", folder, bucket_server, openai)
    try:
        refused = staging.run("promote", "staging", "production", "--release", "0.0.0-0123456789")
        assert refused.code == 2
        assert "was not verified in staging" in refused.err
        done = staging.run("promote", "staging", "production")
        assert done.code == 0, done.err
        assert production.rollout()["step"] == "verified"
        assert all(each and each in good for each in production.releases_of_services())
    finally:
        production.stop()
