"""Reports errors: a sentence and a remedy for a person, JSON and an exit code for a program."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from app.terminal.console import print_json, say
from pipeline.errors import ConfigurationError, NavigatorError, TransientError, UsageError
from pipeline.full_disk import full_disk, has_no_room, lacking_folder, says_full
from pipeline.private_files import write_private
from pipeline.redacted_traceback import format_redacted

FAILED = 1
WRONG_USE = 2
INTERRUPTED = 130


def report_error(error: Exception) -> int:
    """Say what went wrong and what to do; the exit code."""
    if isinstance(error, NavigatorError):
        _print(error.code, error.message, _remedy(error))
        return WRONG_USE if isinstance(error, UsageError) else FAILED
    if isinstance(error, BrokenPipeError):
        # The reader of our output has gone; nothing more may be written, not even at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    if says_full(error) or has_no_room(home()):
        return report_error(full_disk(lacking_folder(home())))
    message = f"Something unforeseen went wrong ({type(error).__name__})."
    _print("unexpected", message, f"The details are in {_write_log(error)}; please report it.")
    return FAILED


def report_wrong_options(error: Exception) -> None:
    """Say to a program too which argument or option is wrong; to a person Typer says it."""
    if "--json" in sys.argv:
        told = getattr(error, "format_message", None)
        message = told() if told is not None else str(error)
        remedy = "`navigator COMMAND --help` shows how it is used."
        print_json({"error": {"code": "usage", "message": message, "remedy": remedy}})


def report_interruption() -> int:
    """Say that the command was stopped by the person; the exit code."""
    say("\nStopped. What was finished is kept; run the same command again to go on.", "yellow")
    return INTERRUPTED


def _remedy(error: NavigatorError) -> str:
    if isinstance(error, TransientError) and error.remedy == TransientError.remedy:
        # True in a run; a command that has ended tries nothing again.
        return "Try again in a moment; `navigator doctor` tells which part does not work."
    return error.remedy


def _print(code: str, message: str, remedy: str) -> None:
    if "--json" in sys.argv:
        print_json({"error": {"code": code, "message": message, "remedy": remedy}})
    say(message, "bold red")
    if remedy:
        say(remedy)


def _write_log(error: Exception) -> str:
    folder = home() / "logs"
    path = folder / f"navigator-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        told = redacted(format_redacted(error))
        write_private(path, told.encode("utf-8", "replace"))
    except OSError as problem:
        return f"no log, because {folder} cannot be written ({problem.strerror})"
    return str(path)


def home() -> Path:
    """The home folder, also when the settings are too wrong to be read."""
    from pipeline.settings import load_settings

    try:
        return load_settings().home
    except ConfigurationError:
        return Path(os.environ.get("NAVIGATOR_HOME") or Path.home() / ".insurance-navigator")


def redacted(text: str) -> str:
    """The text without secrets: the one redaction, with what this process's environment holds."""
    from pipeline.redaction import process_redaction

    return process_redaction(os.environ).text(text)
