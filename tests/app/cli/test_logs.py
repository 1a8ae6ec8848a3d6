"""`navigator logs`: one document's story, from every process, by time, and nobody else's."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import cast
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from app.cli.logs import Entry, HistoryQuery, entries, following, line_of
from app.process.log_output import configure_logs
from pipeline.errors import UsageError
from pipeline.logs import logger
from pipeline.settings import Settings
from tests.app.api.calling import accepted, text, upload
from tests.app.api.serving import RunningApi, serving

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def api(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    """An API that writes its log files; the test's process works on what it takes in."""
    settings = Settings(
        home=tmp_path_factory.mktemp("home"), database_url=SecretStr(module_database_url)
    )
    configure_logs(settings, "api", console=False)
    with serving(settings) as running:
        yield running
    loggers = logger("navigator.api")._logger.manager.loggerDict
    for name in ("navigator", "mocks", "uvicorn", "asyncio", "py.warnings"):
        found = loggers[name]
        assert isinstance(found, logging.Logger)
        for handler in found.handlers[:]:
            found.removeHandler(handler)
            handler.close()
        found.propagate = True
        found.setLevel("NOTSET")


@pytest.fixture(scope="module")
def published(api: RunningApi) -> dict[str, str]:
    """Two documents of one user; the id of the first one's job, and of its request."""
    correlation = str(uuid4())
    with api.client("anna") as anna:
        job = accepted(anna, text("first"), name="first.md", source="first.md")
        anna.headers["X-Correlation-ID"] = correlation
        second = accepted(anna, text("second"), name="second.md", source="second.md")
        api.work_off(job["id"])
        api.work_off(second["id"])
        anna.headers["X-Correlation-ID"] = str(uuid4())
        refused = upload(anna, b"\x00\x01", name="refused.bin")
    return {
        "first": job["id"], "second": second["id"], "correlation": correlation,
        "refused": refused.headers["X-Correlation-ID"],
    }  # fmt: skip


async def told(api: RunningApi, **asked: str) -> list[Entry]:
    """The entries that there are now."""
    return await entries(api.settings, HistoryQuery(user="anna", **asked))


async def test_a_documents_story_is_whole_and_in_order(
    api: RunningApi, published: dict[str, str]
) -> None:
    """From the upload by way of every stage to publication; audit and log files in one line."""
    story = await told(api, document="first.md")
    assert [entry.at for entry in story] == sorted(entry.at for entry in story)
    events = [entry.event for entry in story]
    assert [events.index(name) for name in ("registered", "upload_accepted", "batch_claimed")]
    assert {entry.source for entry in story} == {"audit", "api", "services"}
    last = [entry for entry in story if entry.source == "audit"][-1]
    assert last.fields["to_state"] == "complete"
    lines = "\n".join(line_of(entry) for entry in story)
    assert "embeddings_stored → complete" in lines
    assert published["second"] not in lines


async def test_a_job_and_a_request_have_stories_too(
    api: RunningApi, published: dict[str, str]
) -> None:
    """By the beginning of the job's id; by the id that the client gave its request."""
    by_job = await told(api, job=published["second"][:13])
    by_request = await told(api, correlation=published["correlation"])
    assert {entry.event for entry in by_job} >= {"registered", "upload_accepted", "moved"}
    assert {entry.event for entry in by_request} > {entry.event for entry in by_job} - {"moved"}
    assert "request_finished" in {entry.event for entry in by_request}


async def test_a_refused_request_is_found_in_the_logs(
    api: RunningApi, published: dict[str, str]
) -> None:
    """It came to no job; the log alone tells of it."""
    story = await told(api, correlation=published["refused"])
    assert "request_finished" in [entry.event for entry in story]
    assert 415 in [entry.fields.get("status") for entry in story]


async def test_nobody_reads_anothers_story(api: RunningApi, published: dict[str, str]) -> None:
    """Another user has no such job, and no such document."""
    for asked in (
        HistoryQuery(job=published["first"], user="ben"),
        HistoryQuery("first.md", user="ben"),
    ):
        with pytest.raises(UsageError):
            await entries(api.settings, asked)


@pytest.mark.parametrize(
    "asked",
    [HistoryQuery(), HistoryQuery(job="ab"), HistoryQuery(job="f" * 8),
     HistoryQuery(correlation="7"), HistoryQuery("none")],
    ids=str,
)  # fmt: skip
async def test_what_names_nothing_is_said(api: RunningApi, asked: HistoryQuery) -> None:
    """In a sentence, with what to do."""
    with pytest.raises(UsageError) as caught:
        await entries(api.settings, asked)
    assert caught.value.message


async def test_following_tells_what_comes(api: RunningApi, published: dict[str, str]) -> None:
    """First what there is, each thing once, then the news as they come."""
    known = len(await told(api, job=published["first"]))
    asked = HistoryQuery(job=published["first"], user="anna")
    endless = cast("AsyncGenerator[Entry, None]", following(api.settings, asked))
    async with aclosing(endless) as coming, asyncio.timeout(20):
        for _ in range(known):
            await anext(coming)
        logger("navigator.test").info("news", job_id=published["first"])
        assert (await anext(coming)).event == "news"


async def test_lines_of_an_older_version_are_read(
    api: RunningApi, published: dict[str, str]
) -> None:
    """They name the time, the reason and the stack by other words."""
    older = {
        "at": "2026-01-02T03:04:05Z", "level": "error", "event": "of_an_older_version",
        "process": "api", "job_id": published["first"], "why": "It is away.", "way": ["a.py:1 b"],
    }  # fmt: skip
    with (api.settings.home / "logs/api.jsonl").open("a") as log:
        log.write(json.dumps(older) + "\n")
    [entry] = [e for e in await told(api, job=published["first"]) if e.event == older["event"]]
    assert entry.at.isoformat() == "2026-01-02T03:04:05+00:00"
    assert (entry.fields["reason"], entry.fields["stack"]) == ("It is away.", ["a.py:1 b"])


def test_the_command_prints_lines(api: RunningApi, published: dict[str, str]) -> None:
    """For a person, and as JSON lines for a program; broken lines in a file are passed over."""
    with (api.settings.home / "logs/api.jsonl").open("a") as log:
        log.write(f'{{"cut off": "{published["first"]}\n[]\n"{published["first"]}"\n')
    assert api.settings.database_url is not None
    environment = {
        "NAVIGATOR_HOME": str(api.settings.home), "PATH": "/usr/bin:/bin",
        "DATABASE_URL": api.settings.database_url.get_secret_value(),
    }  # fmt: skip
    command = [sys.executable, "-m", "app", "logs", "--user", "anna", "--job", published["first"]]
    for options in ([], ["--json"]):
        done = subprocess.run(
            command + options, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert len(lines) > 8
        assert any("complete" in line for line in lines)
        if options:
            assert {UUID(published["first"])} == {
                UUID(line["job_id"]) for line in map(json.loads, lines) if "job_id" in line
            }
