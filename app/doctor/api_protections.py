"""Diagnoses the API's rate and size limits: those in force, and what a public API needs."""

from __future__ import annotations

from contextlib import AsyncExitStack

from app.doctor.diagnosis import Finding, Verdict
from pipeline.quotas import size_words
from pipeline.settings import Settings


async def api_limits(settings: Settings, stack: AsyncExitStack) -> Finding:
    """The quota of a user, the pace of uploads, and whose forwarding headers are believed."""
    quota = size_words(settings.user_quota_bytes) if settings.user_quota_bytes else "no limit"
    slowest = f"{size_words(settings.upload_bytes_per_second)} a second"
    detail = (
        f"a user stores: {quota}; an upload takes {settings.upload_seconds:g} s at most, and "
        f"{slowest} at least; X-Forwarded headers are believed from "
        f"{settings.trusted_proxies or 'nobody'}"
    )
    if settings.public_url is not None and not settings.user_quota_bytes:
        remedy = "Set NAVIGATOR_USER_QUOTA_BYTES, so that no user can fill the storage."
        return Finding("API", Verdict.NOTE, detail, remedy)
    return Finding("API", Verdict.OK, detail)
