"""Times out upload bodies that arrive too slowly (slowloris protection for bodies)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request

from app.api.problems import ApiProblem
from pipeline.settings import Settings


class SlowUpload(ApiProblem):
    """It takes too long."""

    status = 408
    code = "request_timeout"
    remedy = "Send the file again over a steadier connection."


class LostUpload(ApiProblem):
    """The client went away in the middle; nobody reads this answer."""

    status = 400
    code = "client_disconnected"


@dataclass(frozen=True, slots=True)
class Pace:
    """The pace at which an upload has to arrive (slowloris protection for bodies).

    Attributes:
        pause: seconds between two pieces, at most; and for so long its speed is measured.
        whole: seconds for all of it.
        speed: bytes a second, at least.
    """

    pause: float
    whole: float
    speed: int

    @classmethod
    def of(cls, settings: Settings) -> Pace:
        """The pace that the settings ask for."""
        return cls(
            settings.request_timeout_seconds,
            settings.upload_seconds,
            settings.upload_bytes_per_second,
        )


async def body_of(request: Request, pace: Pace) -> AsyncIterator[bytes]:
    """The pieces of a body.

    Only the time that is spent waiting for the client counts for its speed: a storage that takes
    its time makes nobody slow.

    Raises:
        SlowUpload, LostUpload.
    """
    stream, clock = aiter(request.stream()), asyncio.get_running_loop().time
    end, waited, came = clock() + pace.whole, 0.0, 0
    while (began := clock()) < end:
        try:
            async with asyncio.timeout_at(min(began + pace.pause, end)):
                piece = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            if clock() >= end:
                break
            raise SlowUpload("The upload stood still for too long.") from None
        except ClientDisconnect:
            raise LostUpload("The upload broke off.") from None
        waited, came = waited + clock() - began, came + len(piece)
        if waited >= pace.pause:
            if came < pace.speed * waited:
                raise SlowUpload(f"The upload came slower than {pace.speed:,} bytes a second.")
            waited, came = 0.0, 0
        if piece:
            yield piece
    raise SlowUpload(f"The upload took longer than {pace.whole:g} seconds.")
