"""What Prefect tries again: decided by the error's class, and by nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from prefect.client.schemas.objects import State
from prefect.states import Failed

from flows.retries import RETRY_DELAYS, RETRYING, is_transient
from flows.stage_tasks import publish_documents
from pipeline import errors
from pipeline.errors import NavigatorError, ParseCode, ParseError

TRIED_AGAIN = {
    "TransientError",
    "ServiceUnavailable",
    "RateLimited",
    "DatabaseUnavailable",
    "StorageUnavailable",
}
"""Troubles of a service: the same request may succeed in a moment."""


def every_error() -> Iterator[NavigatorError]:
    """One of each class of the tree."""
    for name, kind in vars(errors).items():
        if isinstance(kind, type) and issubclass(kind, NavigatorError):
            assert name == kind.__name__
            yield ParseError(ParseCode.BROKEN, "") if kind is ParseError else kind("It failed.")


@pytest.mark.parametrize("error", list(every_error()), ids=lambda error: type(error).__name__)
async def test_only_what_is_transient_is_tried_again(error: NavigatorError) -> None:
    """A service that is away is asked again; a refused input, a stop or a broken gate is not."""
    task: Any = publish_documents
    again = await is_transient(task, None, Failed(data=error))  # type: ignore[arg-type]
    assert again == (type(error).__name__ in TRIED_AGAIN)


async def test_a_bug_is_not_tried_again() -> None:
    """What nobody planned for fails at once."""
    task: Any = publish_documents
    failed: State[Any] = Failed(data=ZeroDivisionError())
    assert not await is_transient(task, None, failed)  # type: ignore[arg-type]


def test_a_task_is_tried_five_times_over_half_a_minute() -> None:
    """Four more times, after 2, 4, 8 and 16 seconds: the numbers themselves."""
    assert publish_documents.retries == RETRYING["retries"] == 4
    assert RETRY_DELAYS(4) == [2, 4, 8, 16]
