"""Maps errors of Prefect's client to ours: a server that does not answer is one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from prefect.exceptions import PrefectException

from pipeline.errors import ServiceUnavailable


@contextmanager
def prefect_answers() -> Iterator[None]:
    """Raise trouble with Prefect's server inside this block as `ServiceUnavailable`."""
    try:
        yield
    except (httpx.HTTPError, PrefectException, OSError) as error:
        kind = type(error).__name__
        raise ServiceUnavailable(f"The Prefect server does not answer ({kind}).") from None
