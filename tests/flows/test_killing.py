"""Kill the process anywhere: the next run finishes the work and pays for nothing twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.chaos.database_view import Watch
from app.chaos.generated_documents import write_empty, write_letter, write_policies
from app.chaos.installations import BATCH_INPUTS, CHUNK_TOKENS, SETTINGS
from app.chaos.oracle import Allowance, Bill, Corpus, judge
from mocks import OpenAIMock
from pipeline.failpoints import DELETION_FAILPOINTS, FAILPOINTS, SYNC_FAILPOINTS
from pipeline.states import JobState
from pipeline.store.database_urls import Addresses, driver_url
from tests.killing import USER

Run = Callable[..., int]

ALWAYS = {
    "after-claim-commit", "after-parse-commit", "before-chunk-commit", "after-embed-reserve",
    "after-embed-answer", "after-vector-commit", "before-publish-commit", "after-publish-commit",
}  # fmt: skip
"""Failpoints around money and publication; the others are killed at by random kills too."""
TOLD_APART = [
    name if name in ALWAYS else pytest.param(name, marks=pytest.mark.long) for name in FAILPOINTS
]

KILLS = int(os.environ.get("NAVIGATOR_TEST_KILLS", "12"))


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
    write_policies(folder, 6, seed=1)
    write_empty(folder / "empty.txt")
    write_letter(folder / "letter.eml", seed=1)
    return folder


@pytest.fixture(scope="module")
def openai() -> Iterator[OpenAIMock]:
    """A mock server that counts what it bills."""
    with OpenAIMock() as mock:
        yield mock


def runner(
    killer: subprocess.Popen[str], url: str, openai: OpenAIMock, policies: Path, home: Path
) -> Run:
    """A function that ingests the policies, or deletes all, in a child; returns its exit code."""
    environment = variables(url, openai, home)
    openai.reset()

    def one(failpoint: str = "", *, delete: bool = False, sync: Path | None = None) -> int:
        begin(
            killer,
            {**environment, "NAVIGATOR_FAILPOINT": failpoint},
            [] if delete else [str(sync or policies)],
            sync=sync is not None,
        )
        return ended(killer)

    return one


def variables(url: str, openai: OpenAIMock, home: Path) -> dict[str, str]:
    """The settings of a child."""
    return {
        **SETTINGS,
        "DATABASE_URL": url,
        "NAVIGATOR_HOME": str(home),
        "OPENAI_BASE_URL": openai.base_url,
    }


def begin(
    killer: subprocess.Popen[str],
    environment: dict[str, str],
    paths: list[str],
    *,
    sync: bool = False,
) -> None:
    """Have a child work, without waiting for it."""
    assert killer.stdin is not None
    request = {"environment": environment, "paths": paths, "sync": sync}
    killer.stdin.write(json.dumps(request) + "\n")
    killer.stdin.flush()


def ended(killer: subprocess.Popen[str]) -> int:
    """The exit code of the child, once it has ended."""
    assert killer.stdout is not None
    return int(json.loads(killer.stdout.readline()))


@pytest.fixture
def run(
    clean: Corpus,
    killer: subprocess.Popen[str],
    database_url: str,
    openai: OpenAIMock,
    policies: Path,
    tmp_path: Path,
) -> Run:
    """Ingests into this test's own database; the mock server's counters begin at zero."""
    return runner(killer, database_url, openai, policies, tmp_path)


def published(url: str) -> Corpus:
    """What readers see, where every document stands, and what was written down of its cost."""
    with Watch(Addresses(url)) as watch:
        return watch.corpus(USER)


def _query(url: str, statement: str) -> list[tuple[Any, ...]]:
    plain = driver_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        return list(connection.execute(statement))


def assert_converged(url: str, clean: Corpus, openai: OpenAIMock, kills: int) -> None:
    """The corpus is a clean run's, every job has ended, and a kill has cost a request at most."""
    stats = openai.stats()
    repeated = stats["billed_tokens"] - stats["unique_tokens"]
    bill = Bill(stats["requests"], stats["billed_tokens"], repeated)
    allowed = Allowance(kills, BATCH_INPUTS * CHUNK_TOKENS)
    assert judge(clean, published(url), bill, allowed).breaches == []
    assert stats["repeated_inputs"] <= BATCH_INPUTS * kills


@pytest.fixture(scope="module")
def clean(
    killer: subprocess.Popen[str],
    module_database_url: str,
    openai: OpenAIMock,
    policies: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Corpus:
    """What a run that nobody disturbs publishes: six policies, a letter and its two, not one."""
    url = module_database_url
    assert runner(killer, url, openai, policies, tmp_path_factory.mktemp("clean"))() == 0
    corpus = published(url)
    states = [each.state for each in corpus.standings]
    assert states.count(JobState.COMPLETE) == 6 + 3
    assert states.count(JobState.FAILED_PARSE) == 1
    return corpus


@pytest.mark.answers_lost(1, "killed between an answer and its entry in the ledger")
@pytest.mark.parametrize("failpoint", TOLD_APART)
def test_a_kill_at_any_failpoint_loses_nothing(
    failpoint: str, run: Run, database_url: str, openai: OpenAIMock, clean: Corpus
) -> None:
    """Killed at the failpoint and run again: the clean corpus, at most one request paid twice."""
    assert run(failpoint) == -signal.SIGKILL
    assert run() == 0
    assert_converged(database_url, clean, openai, kills=1)


@pytest.mark.parametrize("failpoint", SYNC_FAILPOINTS)
def test_a_kill_while_syncing_loses_no_document(
    failpoint: str, run: Run, database_url: str, openai: OpenAIMock, tmp_path: Path
) -> None:
    """Killed at the failpoint, all is still found, once; the next run ends as it should."""
    folder = tmp_path / "synced"
    folder.mkdir()
    for name in ("old", "gone", "stays"):
        (folder / f"{name}.md").write_text(f"# {name}\n\nThe policy {name} pays for hail.\n")
    assert run(sync=folder) == 0
    before, billed = published(database_url).passages, openai.stats()["billed_tokens"]
    (folder / "old.md").rename(folder / "new.md")
    (folder / "gone.md").unlink()
    assert run(failpoint, sync=folder) == -signal.SIGKILL
    unmoved = {replace(each, source="") for each in before}
    assert {replace(each, source="") for each in published(database_url).passages} == unmoved
    assert run(sync=folder) == 0
    after = published(database_url).passages
    assert sorted(Path(each.source).name for each in after) == ["new.md", "stays.md"]
    assert {each.text for each in after} < {each.text for each in before}
    assert openai.stats()["billed_tokens"] == billed


@pytest.mark.parametrize("failpoint", DELETION_FAILPOINTS)
def test_a_kill_while_deleting_leaves_no_file(
    failpoint: str, run: Run, database_url: str, tmp_path: Path
) -> None:
    """Killed at the failpoint and deleted again: no row is left, and nothing in the storage."""
    assert run() == 0
    assert run(failpoint, delete=True) == -signal.SIGKILL
    assert published(database_url).passages == []
    assert _query(database_url, "SELECT count(*) FROM upload_pipeline.unsettled_objects") != [(0,)]
    assert run(delete=True) == 0
    assert _query(database_url, "SELECT count(*) FROM upload_pipeline.unsettled_objects") == [(0,)]
    assert [path for path in (tmp_path / "objects").rglob("*") if path.is_file()] == []


@pytest.mark.answers_lost(KILLS, "each kill may come between an answer and its entry")
def test_random_kills_lose_nothing(
    run: Run, database_url: str, openai: OpenAIMock, clean: Corpus
) -> None:
    """Killed at many random places the work converges; each kill costs a request at most."""
    seed = int(os.environ.get("NAVIGATOR_TEST_SEED", random.randrange(10**6)))
    print(f"seed {seed}")  # noqa: T201
    chance = random.Random(seed)
    kills = 0
    for _ in range(KILLS):
        place = f"{chance.choice(FAILPOINTS)}:{chance.randint(1, 3)}"
        if (code := run(place)) == -signal.SIGKILL:
            kills += 1
        else:
            assert code == 0
    assert run() == 0
    assert_converged(database_url, clean, openai, kills)


def test_running_again_sends_nothing(
    run: Run, database_url: str, openai: OpenAIMock, clean: Corpus
) -> None:
    """A second run over unchanged files asks the embedder for nothing and writes no event."""
    assert run() == 0
    requests = openai.stats()["requests"]
    events = _query(database_url, "SELECT count(*) FROM upload_pipeline.job_events")
    assert run() == 0
    assert openai.stats()["requests"] == requests
    assert _query(database_url, "SELECT count(*) FROM upload_pipeline.job_events") == events
    assert_converged(database_url, clean, openai, kills=0)
