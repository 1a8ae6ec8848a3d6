"""Spans: how long what was done for a document took, in one trace from its upload to publication.

A document's trace has its correlation id as its number, so no process has to hand anything on: what
is done under the id, wherever it runs, is part of the trace. Without a tracer, which the entry
point sets (`app/process/tracing.py`), a span costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Protocol
from uuid import UUID

from pipeline import correlation

MOST_AT_ONCE = 32
"""Documents of a batch that get a span each; of a larger batch, these."""

Said = dict[str, str | int | float | bool]
"""What a span says beside its name: ids, counts and names of ours, never a text or a file's name.
"""


class Span(Protocol):
    """A span that has begun."""

    def end(self, said: Mapping[str, Any], failed: str | None) -> None:
        """End it; `failed` is the code of the error that ended it."""
        ...


class Tracer(Protocol):
    """Begins spans, and sends them somewhere once they have ended."""

    def start(self, name: str, trace: UUID, above: Span | None) -> Span:
        """Begin a span of a trace, inside of another one of it."""
        ...


_tracer: Tracer | None = None
_NONE: Mapping[UUID, Span] = MappingProxyType({})
_above: ContextVar[Mapping[UUID, Span]] = ContextVar("spans", default=_NONE)


def trace_with(tracer: Tracer | None) -> None:
    """Send the spans of this process to a tracer; None ends that."""
    global _tracer
    _tracer = tracer


@contextmanager
def span(name: str, *, alone: bool = False, **said: str | int | float | bool) -> Iterator[Said]:
    """A span of what happens inside, in the trace of each document that it is done for.

    Args:
        alone: only where it is done for one document: what a batch does often is not told for each.

    Yields:
        What it says, to which more may be added until it ends.
    """
    ids = correlation.ids()
    if _tracer is None or not ids or (alone and len(ids) > 1):
        yield said
        return
    above = _above.get()
    if len(ids) > 1:
        said["documents"] = len(ids)
    begun = {each: _tracer.start(name, each, above.get(each)) for each in ids[:MOST_AT_ONCE]}
    token = _above.set({**above, **begun})
    failed = None
    try:
        yield said
    except BaseException as error:
        failed = getattr(error, "code", None) or type(error).__name__
        raise
    finally:
        _above.reset(token)
        for each in begun.values():
            each.end(said, failed)
