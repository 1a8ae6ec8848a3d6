"""Maps errors of Prefect's own server to ours: what they mean for a run."""

from __future__ import annotations

import httpx
from prefect.exceptions import PrefectHTTPStatusError

from pipeline.errors import ServiceUnavailable


def prefect_trouble(error: BaseException) -> ServiceUnavailable | None:
    """An error of Prefect's client as one of ours; None for any other.

    What the services of documents answer has become an error of ours long before: the errors of
    HTTP that come out of a flow are those of Prefect's client.
    """
    if (what := _what(error) or _what(error.__cause__)) is None:  # the client wraps its first one
        return None
    return ServiceUnavailable(
        f"Prefect's server {what}.",
        code="prefect_unavailable",
        remedy="Run it again when the server answers; what is done is kept.",
    )


def _what(error: BaseException | None) -> str | None:
    if isinstance(error, PrefectHTTPStatusError):
        return f"answered with an error (HTTP {error.response.status_code})"
    if isinstance(error, httpx.TransportError):
        return f"did not answer ({type(error).__name__})"
    return None
