"""Limits each user's requests by a sliding window of a minute, counted in this process."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from app.api.authentication import Caller, authenticate
from app.api.problems import ApiProblem
from pipeline.settings import Settings


class TooManyRequests(ApiProblem):
    """The user asks too often.

    Args:
        wait: seconds until the next request is taken.
        headers: that tell of the limit.
    """

    status = 429
    code = "too_many_requests"

    def __init__(self, wait: int, headers: Mapping[str, str]) -> None:
        super().__init__(
            "That were too many requests in a minute.", remedy=f"Try again in {wait} seconds."
        )
        self.headers = {"Retry-After": str(wait), **headers}


class Kind(StrEnum):
    """What is counted apart."""

    REQUEST = "request"
    UPLOAD = "upload"


class RateLimits:
    """Sliding windows of every user's requests."""

    def __init__(self, settings: Settings) -> None:
        self._windows = MovingWindowRateLimiter(MemoryStorage())
        numbers = {
            Kind.REQUEST: settings.requests_per_minute,
            Kind.UPLOAD: settings.uploads_per_minute,
        }
        self._limits: dict[Kind, RateLimitItem] = {
            kind: RateLimitItemPerMinute(number) for kind, number in numbers.items() if number
        }

    async def hit(self, user: UUID, kind: Kind) -> dict[str, str]:
        """Count a request; the headers that tell how many are left.

        Raises:
            TooManyRequests: there are none left.
        """
        limit = self._limits.get(kind)
        if limit is None:
            return {}
        taken = await self._windows.hit(limit, kind.value, str(user))
        window = await self._windows.get_window_stats(limit, kind.value, str(user))
        wait = max(1, math.ceil(window.reset_time - time.time()))
        headers = {
            "RateLimit-Limit": str(limit.amount),
            "RateLimit-Remaining": str(window.remaining),
            "RateLimit-Reset": str(wait),
        }
        if not taken:
            raise TooManyRequests(wait, headers)
        return headers


async def limited(request: Request, caller: Annotated[Caller, Depends(authenticate)]) -> Caller:
    """The caller of a request, which counts.

    Raises:
        Unauthenticated, TooManyRequests.
    """
    limits: RateLimits = request.app.state.parts.limits
    request.state.headers = await limits.hit(caller.user_id, Kind.REQUEST)
    return caller


async def limited_upload(request: Request, caller: Annotated[Caller, Depends(limited)]) -> Caller:
    """The caller of an upload, which counts twice: as a request, and as an upload.

    Raises:
        Unauthenticated, TooManyRequests.
    """
    limits: RateLimits = request.app.state.parts.limits
    request.state.headers |= await limits.hit(caller.user_id, Kind.UPLOAD)
    return caller


CurrentCaller = Annotated[Caller, Depends(limited)]
Uploader = Annotated[Caller, Depends(limited_upload)]
