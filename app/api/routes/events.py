"""Streams events (server-sent events) of one job until it ends, or of all jobs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Collection, Coroutine
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Header, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from app.api.authorization import CurrentAccess, RowAccess
from app.api.dependencies import ApiParts, Parts
from app.api.feed import SETTLED_SECONDS
from app.api.problems import NotFound, responses
from app.api.schemas import event_out
from pipeline.errors import TransientError
from pipeline.logs import logger
from pipeline.states import WORKING
from pipeline.store import events
from pipeline.store.events import JobEvent
from pipeline.store.job_queries import job_state

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

router = APIRouter(tags=["events"])

T = TypeVar("T")

PING_SECONDS = 15
_WAIT_SECONDS = 10.0
# Events of different jobs can become visible out of order; who comes back is told the last ones
# again, so that none is missed. `id` tells which are known already.
_REPEAT_SECONDS = 10.0
_LOG = logger("navigator.events")
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events: `event` is what happened, `data` is JSON, `id` is "
        "where to go on with Last-Event-ID.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
}
LastEventId = Annotated[
    int | None, Header(ge=0, lt=2**63, description="The `id` of the last event that was seen.")
]


@router.get(
    "/jobs/{job_id}/events",
    response_class=EventSourceResponse,
    responses=_STREAM
    | {204: {"description": "The job has ended, and you have seen everything"}}
    | responses(401, 403, 404, 422, 429, 503),
)
async def watch_job(
    parts: Parts, scope: CurrentAccess, job_id: UUID, last_event_id: LastEventId = None
) -> Response:
    """What happens to a job, from its beginning; ends with the event `end` when the job ends."""
    async with scope.reading(parts.database) as connection:
        state = await job_state(connection, job_id)
        if state is None:
            raise NotFound("There is no such job.")
        newer = await events.of_job(connection, job_id, last_event_id or 0, 1)
    if last_event_id is not None and state not in WORKING and not newer:
        return Response(status_code=204)  # tells an EventSource not to come back
    parts.feed.require_room(scope.caller.user_id)
    told = _events_of_job(parts, scope, job_id, last_event_id or 0)
    return EventSourceResponse(_whole(told, parts), ping=PING_SECONDS)


@router.get(
    "/events",
    response_class=EventSourceResponse,
    responses=_STREAM | responses(401, 403, 422, 429, 503),
)
async def watch_all(
    parts: Parts, scope: CurrentAccess, last_event_id: LastEventId = None
) -> Response:
    """What happens to all jobs from now on, or from the event that Last-Event-ID names.

    Who comes back may be told the last few events again; their `id` tells.
    """
    parts.feed.require_room(scope.caller.user_id)
    told = _events_of_all(parts, scope, last_event_id)
    return EventSourceResponse(_whole(told, parts), ping=PING_SECONDS)


async def _whole(
    told: AsyncIterator[ServerSentEvent], parts: ApiParts
) -> AsyncIterator[ServerSentEvent]:
    """The stream; it breaks off when the database is away, and the client comes back."""
    try:
        async for each in told:
            yield each
    except TransientError as error:
        _LOG.warning("stream_interrupted", reason=error.message)


async def _events_of_job(
    parts: ApiParts, scope: RowAccess, job_id: UUID, last: int
) -> AsyncIterator[ServerSentEvent]:
    with parts.feed.watching(scope.caller.user_id, scope.user) as watcher:
        # A token's end is compared with our own clock, as it is when the token is checked.
        while time.time() < scope.caller.expires_at:
            state, new = await _undisturbed(_news_of_job(parts, scope, job_id, last))
            for event in new:
                yield _told(event, scope)
                last = event.id
            if state not in WORKING and len(new) < events.PAGE:
                yield ServerSentEvent(json.dumps({"state": state}), event="end", id=str(last))
                return
            if not new:
                await watcher.wait(_patience(scope))


async def _events_of_all(
    parts: ApiParts, scope: RowAccess, last: int | None
) -> AsyncIterator[ServerSentEvent]:
    # What was told in the last half minute, or before that to nobody: when it settles, by id.
    seen: dict[int, float] = {}
    with parts.feed.watching(scope.caller.user_id, scope.user) as watcher:
        async with scope.reading(parts.database) as connection:
            if last is None:
                newest = await events.newest(connection)
                floor = await events.floor_before(connection, newest, SETTLED_SECONDS)
                seen = await _all_unseen(connection, floor)
            else:
                floor = await events.floor_before(connection, last, _REPEAT_SECONDS)
        while time.time() < scope.caller.expires_at:
            new = await _undisturbed(_news_of_all(parts, scope, floor, seen))
            for event in new:
                yield _told(event, scope)
                seen[event.id] = _settles(event)
            now = time.monotonic()
            floor = max((each for each, at in seen.items() if at < now), default=floor)
            seen = {each: at for each, at in seen.items() if each > floor}
            if not new:
                await watcher.wait(_patience(scope))


async def _news_of_job(
    parts: ApiParts, scope: RowAccess, job_id: UUID, last: int
) -> tuple[str | None, list[JobEvent]]:
    async with scope.reading(parts.database) as connection:
        # The state first: when it is an end, the events read after it are all there are.
        state = await job_state(connection, job_id)
        return state, await events.of_job(connection, job_id, last)


async def _news_of_all(
    parts: ApiParts, scope: RowAccess, floor: int, seen: Collection[int]
) -> list[JobEvent]:
    async with scope.reading(parts.database) as connection:
        return await events.unseen(connection, floor, seen)


async def _undisturbed(reading: Coroutine[Any, Any, T]) -> T:
    """Read to the end though the client goes away: a broken-off query costs its connection."""
    return await asyncio.shield(asyncio.create_task(reading))


def _patience(scope: RowAccess) -> float:
    return min(_WAIT_SECONDS, max(0.0, scope.caller.expires_at - time.time()))


async def _all_unseen(connection: AsyncConnection, floor: int) -> dict[int, float]:
    seen: dict[int, float] = {}
    while new := await events.unseen(connection, floor, seen):
        seen |= {event.id: _settles(event) for event in new}
    return seen


def _settles(event: JobEvent) -> float:
    """When nothing before the event can appear any more, by the clock that nobody sets.

    How old it is was said by the database, which dated it.
    """
    return time.monotonic() + SETTLED_SECONDS - event.age


def _told(event: JobEvent, scope: RowAccess) -> ServerSentEvent:
    shown = event_out(event, operator=scope.caller.is_service)
    return ServerSentEvent(shown.model_dump_json(), event=event.event, id=str(event.id))
