"""Kill the process anywhere: the next run finishes the work and pays for nothing twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from mocks import OpenAIMock
from pipeline.failpoints import DELETION_FAILPOINTS, FAILPOINTS
from pipeline.states import ENDED, JobState
from pipeline.store.addresses import driver_url
from tests.pipeline.parsing.office_files import letter

SHARED = "This paragraph stands in every policy of the insurer, word for word. " * 6
BATCH_INPUTS = 4
Run = Callable[..., int]


@pytest.fixture(scope="module")
def killer() -> Iterator[subprocess.Popen[str]]:
    """The process whose children are killed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.killing"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield process
    assert process.stdin is not None and process.stdout is not None
    process.stdin.close()
    process.wait(20)
    process.stdout.close()


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six documents of several chunks each, one of which they share, one without text, a letter."""
    folder = tmp_path_factory.mktemp("policies")
    for number in range(6):
        sections = [
            f"## Section {part}\n\n"
            + f"Policy {number} pays {part}00 dollars for loss {part}. " * 12
            for part in range(4)
        ]
        text = "\n\n".join([f"# Policy {number}", *sections])
        (folder / f"policy-{number}.md").write_text(f"{text}\n\n# General\n\n{SHARED}")
    (folder / "empty.txt").write_text(" \n ")
    files = [(f"{n}.md", "text/markdown", f"# File {n}\n\n{SHARED}".encode()) for n in range(2)]
    (folder / "letter.eml").write_bytes(letter("A letter with two files.", files=files).as_bytes())
    return folder


@pytest.fixture(scope="module")
def openai() -> Iterator[OpenAIMock]:
    """A stand-in that counts what it bills."""
    with OpenAIMock() as mock:
        yield mock


def runner(
    killer: subprocess.Popen[str], url: str, openai: OpenAIMock, policies: Path, home: Path
) -> Run:
    """A function that ingests the policies, or deletes all, in a child; returns its exit code."""
    environment = variables(url, openai, home)
    openai.reset()

    def one(failpoint: str = "", *, delete: bool = False) -> int:
        begin(
            killer,
            {**environment, "NAVIGATOR_FAILPOINT": failpoint},
            [] if delete else [str(policies)],
        )
        return ended(killer)

    return one


def variables(url: str, openai: OpenAIMock, home: Path) -> dict[str, str]:
    """The settings of a child."""
    return {
        "DATABASE_URL": url,
        "NAVIGATOR_HOME": str(home),
        "NAVIGATOR_EMBEDDER": "openai",
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": openai.base_url,
        "NAVIGATOR_EMBEDDING_BATCH_INPUTS": str(BATCH_INPUTS),
        "NAVIGATOR_EMBEDDING_CONCURRENCY": "1",
    }


def begin(killer: subprocess.Popen[str], environment: dict[str, str], paths: list[str]) -> None:
    """Have a child work, without waiting for it."""
    assert killer.stdin is not None
    killer.stdin.write(json.dumps({"environment": environment, "paths": paths}) + "\n")
    killer.stdin.flush()


def ended(killer: subprocess.Popen[str]) -> int:
    """The exit code of the child, once it has ended."""
    assert killer.stdout is not None
    return int(json.loads(killer.stdout.readline()))


@pytest.fixture
def run(
    clean: list[tuple[Any, ...]],
    killer: subprocess.Popen[str],
    database_url: str,
    openai: OpenAIMock,
    policies: Path,
    tmp_path: Path,
) -> Run:
    """Ingests into this test's own database; the stand-in's counters begin at zero."""
    return runner(killer, database_url, openai, policies, tmp_path)


def published(url: str) -> list[tuple[Any, ...]]:
    """What readers see: every chunk with its place, its content and its vector."""
    return _query(
        url,
        """
        SELECT d.source, c.ordinal, c.sha256, c.start_offset, md5(v.embedding::text)
        FROM upload_pipeline.document_chunks AS c
        JOIN upload_pipeline.documents AS d ON d.id = c.document_id
        LEFT JOIN upload_pipeline.chunk_vectors AS v ON v.chunk_id = c.id
        ORDER BY 1, 2
        """,
    )


def _query(url: str, statement: str) -> list[tuple[Any, ...]]:
    plain = driver_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        return list(connection.execute(statement))  # type: ignore[call-overload]


def assert_converged(url: str, expected: list[tuple[Any, ...]]) -> None:
    """The corpus is a clean run's, every job has ended, and the buffers are empty."""
    assert published(url) == expected
    assert len({row[:2] for row in expected}) == len(expected)
    states = [row[0] for row in _query(url, "SELECT state FROM upload_pipeline.upload_jobs")]
    assert set(states) <= {state.value for state in ENDED}
    assert states.count(JobState.COMPLETE) == 6 + 3
    assert states.count(JobState.FAILED_PARSE) == 1
    for buffer in ("document_chunk_buffer", "document_vector_buffer"):
        assert _query(url, f"SELECT count(*) FROM upload_pipeline.{buffer}") == [(0,)]


@pytest.fixture(scope="module")
def clean(
    killer: subprocess.Popen[str],
    module_database_url: str,
    openai: OpenAIMock,
    policies: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[tuple[Any, ...]]:
    """What a run that nobody disturbs publishes."""
    url = module_database_url
    assert runner(killer, url, openai, policies, tmp_path_factory.mktemp("clean"))() == 0
    return published(url)


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_a_kill_at_any_failpoint_loses_nothing(
    failpoint: str, run: Run, database_url: str, openai: OpenAIMock, clean: list[tuple[Any, ...]]
) -> None:
    """Killed at the failpoint and run again: the clean corpus, at most one request paid twice."""
    assert run(failpoint) == -signal.SIGKILL
    assert run() == 0
    assert_converged(database_url, clean)
    assert openai.stats()["repeated_inputs"] <= BATCH_INPUTS


@pytest.mark.parametrize("failpoint", DELETION_FAILPOINTS)
def test_a_kill_while_deleting_leaves_no_file(
    failpoint: str, run: Run, database_url: str, tmp_path: Path
) -> None:
    """Killed at the failpoint and deleted again: no row is left, and nothing in the storage."""
    assert run() == 0
    assert run(failpoint, delete=True) == -signal.SIGKILL
    assert published(database_url) == []
    assert _query(database_url, "SELECT count(*) FROM upload_pipeline.unsettled_objects") != [(0,)]
    assert run(delete=True) == 0
    assert _query(database_url, "SELECT count(*) FROM upload_pipeline.unsettled_objects") == [(0,)]
    assert [path for path in (tmp_path / "objects").rglob("*") if path.is_file()] == []


def test_random_kills_lose_nothing(
    run: Run, database_url: str, openai: OpenAIMock, clean: list[tuple[Any, ...]]
) -> None:
    """Killed at many random places the work converges; each kill costs a request at most."""
    seed = int(os.environ.get("NAVIGATOR_TEST_SEED", random.randrange(10**6)))
    print(f"seed {seed}")  # noqa: T201
    chance = random.Random(seed)
    kills = 0
    for _ in range(int(os.environ.get("NAVIGATOR_TEST_KILLS", "12"))):
        place = f"{chance.choice(FAILPOINTS)}:{chance.randint(1, 3)}"
        if (code := run(place)) == -signal.SIGKILL:
            kills += 1
        else:
            assert code == 0
    assert run() == 0
    assert_converged(database_url, clean)
    assert openai.stats()["repeated_inputs"] <= BATCH_INPUTS * kills


def test_running_again_sends_nothing(
    run: Run, database_url: str, openai: OpenAIMock, clean: list[tuple[Any, ...]]
) -> None:
    """A second run over unchanged files asks the embedder for nothing and writes no event."""
    assert run() == 0
    requests = openai.stats()["requests"]
    events = _query(database_url, "SELECT count(*) FROM upload_pipeline.job_events")
    assert run() == 0
    assert openai.stats()["requests"] == requests
    assert _query(database_url, "SELECT count(*) FROM upload_pipeline.job_events") == events
    assert_converged(database_url, clean)
