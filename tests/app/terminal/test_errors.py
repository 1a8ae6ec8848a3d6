"""From an error to a sentence, a code and, when nobody foresaw it, a log."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.terminal.errors import redacted, report_error, report_interruption
from pipeline.errors import (
    ConfigurationError,
    CostCapReached,
    NavigatorError,
    ServiceUnavailable,
    UsageError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("Wrong use.", remedy="Do that."), 2),
        (ConfigurationError("A setting is wrong."), 2),
        (CostCapReached("The cap is reached."), 1),
        (NavigatorError("Something of ours.", remedy="Do this."), 1),
    ],
)
def test_our_errors_are_a_sentence_and_a_remedy(
    error: NavigatorError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message and the remedy go to stderr, and the class decides the exit code."""
    assert report_error(error) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [error.message, error.remedy]


def test_a_command_does_not_promise_to_try_again(capsys: pytest.CaptureFixture[str]) -> None:
    """What a run would try again by itself, a command that has ended leaves to the person."""
    report_error(ServiceUnavailable("The embedder does not answer."))
    assert "by itself" not in capsys.readouterr().err


def test_the_unforeseen_goes_to_a_log_without_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An error that nobody planned for is one sentence that names a log with its traceback."""
    monkeypatch.setenv("NAVIGATOR_HOME", str(tmp_path))
    monkeypatch.setenv("OPENAI_API_KEY", "canary-7f3a")
    try:
        raise ZeroDivisionError("with canary-7f3a at postgresql://me:word@host/db")
    except ZeroDivisionError as error:
        assert report_error(error) == 1
    said = capsys.readouterr().err
    (log,) = (tmp_path / "logs").iterdir()
    assert "Something unforeseen went wrong (ZeroDivisionError)." in said
    assert str(log) in said
    assert "Traceback" not in said
    written = log.read_text()
    assert written.endswith("ZeroDivisionError\n")
    assert "test_errors.py" in written
    assert "canary" not in written


def test_an_unforeseen_error_names_no_document_and_no_secret_in_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither its own words nor those of its causes, groups and notes reach the logs folder."""
    monkeypatch.setenv("NAVIGATOR_HOME", str(tmp_path))
    monkeypatch.setenv("OPENAI_API_KEY", "canary-7f3a")
    cause = FileNotFoundError(2, "No such file", "Policy of Anna Canary.pdf")
    cause.add_note("sk-canary1234")
    group = ExceptionGroup("canary-7f3a", [KeyError("Policy of Ben Canary.pdf"), cause])
    try:
        raise ValueError("Policy of Anna Canary.pdf: postgresql://me:canary@host/db") from group
    except ValueError as error:
        assert report_error(error) == 1
    (log,) = (tmp_path / "logs").iterdir()
    written = log.read_text() + capsys.readouterr().err
    for kind in ("ValueError", "ExceptionGroup", "KeyError", "FileNotFoundError: ENOENT"):
        assert kind in written
    assert "canary" not in written.lower()


def test_a_log_that_cannot_be_written_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a place for the log, the sentence says so instead of failing itself."""
    monkeypatch.setenv("NAVIGATOR_HOME", "/proc/none")
    assert report_error(ZeroDivisionError()) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_an_interruption_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """A person who stops a command learns that nothing is lost; the code is the usual 130."""
    assert report_interruption() == 130
    assert "run the same command again" in capsys.readouterr().err


def test_secrets_are_blotted_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, passwords in URLs and the values of secret variables do not reach a log."""
    monkeypatch.setenv("MY_API_KEY", "plain-value")
    text = "postgresql://me:word@host/db sk-proj-abcdef123 llx-12345678 Bearer abcdef plain-value"
    assert redacted(text) == "postgresql://***@host/db *** *** *** ***"
