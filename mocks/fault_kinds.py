"""Every kind of fault and its parameters, by service: the vocabulary of fault scripts.

A parameter that no kind has is refused, because a fault that silently does less is worse.
"""

from __future__ import annotations

from collections.abc import Mapping

Kinds = Mapping[str, frozenset[str]]
"""The parameters that each kind takes."""


def _kinds(**kinds: str) -> dict[str, frozenset[str]]:
    return {kind: frozenset(parameters.split()) for kind, parameters in kinds.items()}


TRANSPORT = _kinds(
    hang="seconds",  # no answer; the service does nothing. seconds: until the reset (3600)
    reset="",  # a TCP reset; the service does nothing
    drop="",  # the service does and counts its work, then a TCP reset
    latency="seconds",  # the answer comes `seconds` later (1)
    slow_body="seconds",  # the body comes in pieces over `seconds` (5)
    truncated_body="",  # Content-Length promises more than comes
    truncated_json="",  # a complete HTTP answer with half of the JSON
)
"""What every service's requests can meet."""

_HINTS = "retry_after retry_after_ms"
_ANSWER = f"{_HINTS} location code type message"

OPENAI = _kinds(
    status=f"status {_ANSWER}",  # any status in OpenAI's envelope (500)
    rate_limit=_ANSWER,  # 429 rate_limit_exceeded
    overloaded=_ANSWER,  # 503 server_is_overloaded
    quota="code message",  # 429 insufficient_quota, or another code that is never to be retried
    wrong_count="",  # a vector is missing
    wrong_order="",  # the data come last first, with their right index
    wrong_dimension="",  # each vector lacks its last number
    nan="",  # the last vector holds a NaN
    zero_vector="",  # the last vector is all zeros
    no_usage="",  # no token counts
    not_json="",  # 200 with a gateway's HTML
)

LLAMAPARSE_JOBS = _kinds(
    job_error="code message",  # the job fails with this code (PDF_IS_BROKEN)
    page_error="pages message",  # these pages fail ([1]); v1 tells PARTIAL_SUCCESS
    stuck="",  # the job never ends
    cancelled="spelling",  # the service cancels it; v1 may spell CANCELED
    lost="",  # nobody knows the job any more
    no_usage="",  # no credits are told
    wrong_pages="",  # a page comes twice
)
"""What can happen to a job; may come with its file's upload or with its own creation."""

LLAMAPARSE = LLAMAPARSE_JOBS | _kinds(
    status="status detail retry_after",  # any status (500)
    rate_limit="retry_after",  # 429; the service itself never sends Retry-After
    quota="",  # 402
    not_json="",  # 200 with a gateway's HTML
)

WEBHOOKS = _kinds(
    lost="",  # never sent
    duplicate="copies",  # the same event so many times (2)
    late="seconds",  # sent so much later (5)
    early="",  # an end is told while the job is still pending
    reordered="",  # sent after the event that follows it
    forged="",  # signed with another secret
    unsigned="",  # no signature at all
    altered="",  # the body was changed after signing
    stale="seconds",  # the signed timestamp is so old (3600)
)
"""What can happen to one event on its way to one receiver."""

EVERY_KIND: Mapping[str, Kinds] = {
    "openai": OPENAI | TRANSPORT,
    "llamaparse": LLAMAPARSE | TRANSPORT,
    "webhooks": WEBHOOKS,
}
