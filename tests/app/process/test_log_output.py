"""Log events as they are written: JSON lines with fixed fields, in files of bounded size."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from app.process.log_output import configure_logs
from pipeline import correlation
from pipeline.errors import ServiceUnavailable
from pipeline.logs import logger
from pipeline.settings import Settings

LOG = logger("navigator.test")


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Logs of the test's own; every logger is as before afterwards."""
    names = ("navigator", "mocks", "uvicorn", "asyncio", "py.warnings")
    loggers = [logging.getLogger(name) for name in names]
    before = [(each, each.handlers[:], each.level, each.propagate) for each in loggers]
    yield Settings(home=tmp_path, log_file_bytes=10_000, log_files=2)
    for each, handlers, level, propagate in before:
        for handler in each.handlers:
            handler.close()
        each.handlers, each.propagate = handlers, propagate
        each.setLevel(level)


def written(settings: Settings, name: str = "test.jsonl") -> list[dict[str, Any]]:
    """The events in a file."""
    lines = (settings.home / "logs" / name).read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_an_event_has_its_name_its_fields_and_its_correlation(settings: Settings) -> None:
    """One line each, with time, level, process and the id that is bound, or the ids."""
    configure_logs(settings, "test", console=False)
    one, two = uuid4(), uuid4()
    with correlation.bound([one]):
        LOG.info("thing_done", job_id="7", seconds=1.5)
    with correlation.bound([one, two]):
        LOG.debug("left out")
        logging.getLogger("navigator.other").warning("plain %s", "words")
    first, second = written(settings)
    assert first.items() >= {
        "level": "info", "event": "thing_done", "process": "test", "logger": "navigator.test",
        "job_id": "7", "seconds": 1.5, "correlation_id": str(one),
    }.items()  # fmt: skip
    assert first["timestamp"].endswith("Z")
    assert (second["event"], second["correlation_ids"]) == ("plain words", [str(one), str(two)])


def test_an_error_is_told_by_its_kind_and_place(settings: Settings) -> None:
    """The words of an error that is not ours may quote anything: they are left out."""
    configure_logs(settings, "test", console=False)
    for error in (ValueError("canary text of a document"), ServiceUnavailable("It is away.")):
        try:
            raise error
        except Exception:
            LOG.exception("failed")
    foreign, ours = written(settings)
    assert (foreign["error"], ours["error"]) == ("ValueError", "ServiceUnavailable")
    assert foreign["stack"][-1].startswith("test_log_output.py:")
    assert ours["reason"] == "It is away."
    assert "canary" not in json.dumps(foreign)


def test_secrets_are_blotted_out(settings: Settings) -> None:
    """In fields and in messages, by the last processor before the line is written."""
    configure_logs(settings, "test", console=False)
    LOG.info("called", address="postgres://me:pa55word@h/d", authorization="anything at all")
    logging.getLogger("uvicorn.error").warning("with %s", "sk-abcdefghijk")
    text = (settings.home / "logs/test.jsonl").read_text()
    assert "pa55word" not in text
    assert "anything" not in text
    assert "sk-abc" not in text


def test_files_are_put_aside_and_end(settings: Settings) -> None:
    """A file that grows too large is put aside, and the oldest of them goes."""
    configure_logs(settings, "test", console=False)
    for number in range(1000):
        LOG.info("filling", number=number)
    files = sorted(path.name for path in (settings.home / "logs").glob("*.jsonl*"))
    assert files == ["test.jsonl", "test.jsonl.1", "test.jsonl.2"]
    assert all((settings.home / "logs" / name).stat().st_size <= 10_000 for name in files)
    assert written(settings)[-1]["number"] == 999


_OTHER = """
import sys
from pathlib import Path
from app.process.log_output import configure_logs
from pipeline.logs import logger
from pipeline.settings import Settings
configure_logs(Settings(home=Path(sys.argv[1])), "test")
logger("navigator.test").info("from_another", day="today")
"""


def test_two_processes_have_files_of_their_own(settings: Settings) -> None:
    """Of one name at once; and what goes to a pipe is JSON."""
    configure_logs(settings, "test", console=False)
    LOG.info("from_this")
    done = subprocess.run(
        [sys.executable, "-c", _OTHER, str(settings.home)],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert json.loads(done.stderr)["event"] == "from_another"
    assert written(settings, "test-2.jsonl")[0]["event"] == "from_another"
    assert [each["event"] for each in written(settings)] == ["from_this"]


def test_a_folder_that_cannot_be_written_stops_nothing(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said, and the events go to the standard error alone."""
    (settings.home / "logs").write_text("in the way")
    configure_logs(settings, "test")
    LOG.info("still_said")
    events = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert events == ["log_files_unavailable", "still_said"]
