"""Correlation ids: one name for everything that happens because of one request.

It is made when a document is asked for (or registered), stands with its job and in its audit, and
is bound wherever that job is worked on. Log events carry it by themselves, and so do requests to
outside services.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from uuid import UUID

HEADER = "X-Correlation-ID"

_bound: ContextVar[tuple[UUID, ...]] = ContextVar("correlation_ids", default=())


def read(given: str | None) -> UUID | None:
    """The id that a header names; None when it is no UUID."""
    try:
        return UUID(given) if given and len(given) <= 36 else None
    except ValueError:
        return None


@contextmanager
def bound(ids: Iterable[UUID]) -> Iterator[None]:
    """What happens inside, in this task and those it starts, happens because of these."""
    token = _bound.set(tuple(dict.fromkeys(ids)))
    try:
        yield
    finally:
        _bound.reset(token)


def ids() -> tuple[UUID, ...]:
    """Everything that what happens now belongs to: one id, several in a batch, or none."""
    return _bound.get()


def current() -> UUID | None:
    """The one id that what happens now belongs to; None when there are several, or none."""
    here = _bound.get()
    return here[0] if len(here) == 1 else None


def headers() -> dict[str, str]:
    """For a request to an outside service."""
    here = current()
    return {HEADER: str(here)} if here else {}
