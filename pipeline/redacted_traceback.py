"""Redacts tracebacks: where an error was raised, without the words of errors that are not ours.

Whatever a library or an unforeseen error says may quote a document's text, its name or a secret.
"""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import NavigatorError


def innermost_frame(error: BaseException) -> str:
    """The innermost frame, as ``file.py:line``."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "nowhere"


def stack_of(error: BaseException, most: int = 12) -> list[str]:
    """The last frames of an error's stack, outermost first."""
    frames = traceback.extract_tb(error.__traceback__)[-most:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]


def format_redacted(error: BaseException) -> str:
    """An error and what caused it as Python prints tracebacks, without their messages."""
    return "\n".join(_formatted(each) for each in reversed(list(_chain(error))))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, then what it was raised from or while handling."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        hidden = error.__suppress_context__
        error = error.__cause__ or (None if hidden else error.__context__)


def _formatted(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    stack = "".join(f'  File "{f.filename}", line {f.lineno}, in {f.name}\n' for f in frames)
    formatted = (
        f"Traceback (most recent call last):\n{stack}{type(error).__name__}{_facts(error)}\n"
    )
    if isinstance(error, BaseExceptionGroup):
        formatted += "\n".join(format_redacted(each) for each in error.exceptions)
    return formatted


def _facts(error: BaseException) -> str:
    """What may be told of an error beside its kind: our own words, or the system's error code."""
    if isinstance(error, NavigatorError):
        return f": {error.message}"
    if isinstance(error, OSError) and (name := errno.errorcode.get(error.errno or 0)):
        return f": {name}"
    return ""
