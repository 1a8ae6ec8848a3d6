"""Configures log output (structlog): JSON lines in the home folder, and standard error.

Handlers stand on our own loggers and the HTTP server's, not on the root, which Prefect takes over
when it is imported. Each process has files of its own, because two cannot rotate one.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from pipeline import correlation
from pipeline.errors import ConfigurationError, NavigatorError
from pipeline.logs import logger
from pipeline.private_files import open_home
from pipeline.redacted_traceback import stack_of
from pipeline.redaction import Redaction, secrets_of
from pipeline.settings import Settings

FOLDER = "logs"
_OURS = ("navigator", "mocks")
# What Prefect's client still sends when a command ends is for the log: its user has the answer.
_QUEUES = ("APILogWorker", "EventsWorker")
_LOGGERS = (*_OURS, "uvicorn", "asyncio", "py.warnings", *_QUEUES)
_MOST_PROCESSES = 64
_CORRELATIONS_SHOWN = 64
_LOG = logger("navigator.process")
_ours: set[Path] = set()


def configure_logs(settings: Settings, process: str, *, console: bool = True) -> None:
    """Configure logging: this process's events go to its file and, when asked, to stderr.

    Args:
        process: its name, in each event and in the file's name.

    A folder that cannot be written is said once; the process goes on without files.
    """
    redaction = Redaction(secrets_of(settings))
    handlers: list[logging.Handler] = []
    if console:
        handlers.append(_console(settings, process, redaction))
    try:
        handlers.append(_file(settings, process, redaction))
        problem = None
    except OSError as error:
        problem = os.strerror(error.errno or 0)
    except ConfigurationError as error:
        problem = error.message
    for name in _LOGGERS:
        _attach(logging.getLogger(name), handlers, settings.log_level)
    if problem is not None:
        _LOG.warning("log_files_unavailable", reason=problem)


def _attach(target: logging.Logger, handlers: list[logging.Handler], level: str) -> None:
    for old in list(target.handlers):
        target.removeHandler(old)
        old.close()
    for handler in handlers:
        target.addHandler(handler)
    # Others' news are worth a line only when something is wrong.
    number = logging.getLevelNamesMapping()[level]
    target.setLevel(number if target.name in _OURS else max(number, logging.WARNING))
    target.propagate = False


def _console(settings: Settings, process: str, redaction: Redaction) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    text = settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())
    handler.setFormatter(_formatter(process, redaction, text=text))
    return handler


def _file(settings: Settings, process: str, redaction: Redaction) -> logging.Handler:
    open_home(settings.home)
    folder = settings.home / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handler = RotatingFileHandler(
        _own_file(folder, process),
        maxBytes=settings.log_file_bytes,
        backupCount=settings.log_files,
        encoding="utf-8",
        delay=True,
    )
    handler.setFormatter(_formatter(process, redaction, text=False))
    return handler


def _own_file(folder: Path, process: str) -> Path:
    """The first of ``api.jsonl``, ``api-2.jsonl`` … that no other living process writes."""
    for number in range(1, _MOST_PROCESSES + 1):
        name = process if number == 1 else f"{process}-{number}"
        path = folder / f"{name}.jsonl"
        if path in _ours or _is_free(folder / f".{name}.lock"):
            _ours.add(path)
            return path
    return folder / f"{process}-{os.getpid()}.jsonl"


def _is_free(path: Path) -> bool:
    """Whether the lock was free; it is ours then until the process ends."""
    lock = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return False
    return True


def _formatter(process: str, redaction: Redaction, *, text: bool) -> logging.Formatter:
    def blot(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        blotted: dict[str, Any] = redaction.value(event)
        return blotted

    def lead(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        first = {name: event.pop(name) for name in ("timestamp", "level", "event")}
        return {**first, "process": process, "pid": os.getpid(), **event}

    last: Processor = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    if text:
        last = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), timestamp_key="timestamp")
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
            _add_correlation,
        ],
        processors=[
            _shorten_error,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *([] if text else [lead]),
            blot,
            last,
        ],
    )


def _add_correlation(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    here = [str(each) for each in correlation.ids()]
    if len(here) == 1:
        event.setdefault("correlation_id", here[0])
    elif here:
        event.setdefault("correlation_ids", here[:_CORRELATIONS_SHOWN])
    return event


def _shorten_error(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """An error's kind and place; its words only when they are ours, for others quote anything."""
    given = event.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        event["stack"] = stack_of(error)
        if isinstance(error, NavigatorError):
            event["reason"] = error.message
    return event
