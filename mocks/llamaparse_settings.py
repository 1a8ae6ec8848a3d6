"""Settings of the LlamaParse mock server."""

from __future__ import annotations

from dataclasses import dataclass

PROJECT = "6f3b1c2e-0000-4000-8000-000000000001"


@dataclass(frozen=True)
class LlamaParseSettings:
    """The settings of one mock server.

    Attributes:
        latency: seconds that every request takes.
        job_seconds: of a job, whatever its length.
        page_seconds: of a job, for each page beside.
        time_scale: multiplies the seconds of jobs and the pauses between webhook attempts.
        api_key: the only key taken; None takes any key.
        inline_bytes: a larger result comes through a presigned URL only.
        max_bytes: of a file; more is a 413, or DOCUMENT_TOO_LARGE when fetched from a URL.
        max_pages: of a file; more fails the job.
        uploads_per_minute: enforced when given: 3000 for a paid organization, 20 for a free one.
        webhook_timeout: seconds for one attempt.
        webhook_hosts: comma-separated hosts that webhooks may go to and sources may be fetched
            from, beside loopback addresses; `*` is every host.
    """

    latency: float = 0.0
    job_seconds: float = 0.05
    page_seconds: float = 0.0
    time_scale: float = 1.0
    api_key: str | None = None
    inline_bytes: int = 5_000_000
    max_bytes: int = 512 * 1024 * 1024
    max_pages: int = 10_000
    uploads_per_minute: int | None = None
    webhook_timeout: float = 30.0
    webhook_hosts: str = ""
