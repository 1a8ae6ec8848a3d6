"""Redacts errors before Prefect keeps their text in its logs and its states.

Ours are written for people and quote nothing. Those that nobody planned for may hold a document's
text or a database's parameters, so they travel on as their kind and place.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flows.prefect_errors import prefect_trouble
from pipeline.errors import NavigatorError, Unforeseen
from pipeline.full_disk import full_disk, lacking_folder, says_full
from pipeline.logs import logger
from pipeline.redacted_traceback import innermost_frame, stack_of
from pipeline.settings import load_settings

_LOG = logger("navigator.flows")

P = ParamSpec("P")
Result = TypeVar("Result")


Work = Callable[P, Coroutine[Any, Any, Result]]


@asynccontextmanager
async def redact_errors() -> AsyncIterator[None]:
    """Redact errors inside this block: unforeseen ones become `Unforeseen`, Prefect's are ours."""
    try:
        yield
        return
    except NavigatorError:
        raise
    except Exception as error:
        if (trouble := prefect_trouble(error)) is not None:
            raise trouble from None
        if says_full(error):  # of the home folder, or wherever temporary files go
            raise full_disk(lacking_folder(load_settings().home)) from None
        kind = type(error).__name__
        _LOG.error("unexpected_error", error=kind, stack=stack_of(error))
        unforeseen = Unforeseen(
            f"Something unforeseen went wrong ({kind} at {innermost_frame(error)})."
        )
    raise unforeseen from None


def redacting_errors(work: Work[P, Result]) -> Work[P, Result]:
    """Redact a task's errors; not a flow's, whose parameters Prefect looks up in its module."""

    @wraps(work)
    async def quiet(*args: P.args, **kwargs: P.kwargs) -> Result:
        async with redact_errors():
            return await work(*args, **kwargs)

    return quiet
