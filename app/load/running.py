"""Puts a load on a running installation, with users of its own, whom it erases at the end."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx

from app.load.arrivals import arrivals
from app.load.local_load import Kind, users
from app.load.permission import require_no_bill
from app.load.sampling import Watch, watching
from app.load.sending import TIMEOUT_SECONDS, Sender, User
from app.load.timings import Timings
from pipeline.errors import NavigatorError, ServiceUnavailable
from pipeline.identity import user_id
from pipeline.settings import Settings
from pipeline.store.engine import Database
from pipeline.store.load_figures import Progress, progress
from pipeline.store.smoke_test import AUDIT, stored_rows
from stages.services import open_database

DRAIN_SECONDS = 120.0
"""After the last request documents may take so long until they have ended (row R2)."""

_NAME = "navigator-load-"
_READY_SECONDS = 300.0
_POLL_SECONDS = 0.5
_ERASED_AT_ONCE = 4
_ERASURES = 5
_SETTLE_SECONDS = 1.0


@dataclass(frozen=True)
class Step:
    """What came of one load.

    Attributes:
        seconds: that it lasted, without what came before and after.
        published_meanwhile: documents of the load that were published before its last second.
        drained: seconds from the last answer until no document waited; None: some still did.
        outcome: of the load's documents at the end.
        left: rows of its users after they were erased, by table; there should be none.
    """

    times: float
    users: int
    seconds: float
    timings: Timings
    watch: Watch
    published_meanwhile: int
    drained: float | None
    outcome: Progress
    left: dict[str, int]


@dataclass(frozen=True)
class Plan:
    """A load as it is asked for.

    Attributes:
        spend: its documents may cost money.
    """

    times: float
    seconds: float
    seed: int
    spend: bool


async def run(settings: Settings, url: str, plan: Plan, told: Callable[[str], None]) -> Step:
    """Put one load on the API at `url`.

    Raises:
        NavigatorError: the users could not be made, or the API does not answer.
    """
    async with AsyncExitStack() as stack:
        limits = httpx.Limits(max_connections=1000, max_keepalive_connections=200)
        client = httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=TIMEOUT_SECONDS, limits=limits)
        client = await stack.enter_async_context(client)
        database = await open_database(settings, stack)
        return await _run(settings, client, database, plan, told)


async def _run(
    settings: Settings,
    client: httpx.AsyncClient,
    database: Database,
    plan: Plan,
    told: Callable[[str], None],
) -> Step:
    left: dict[str, int] = {}
    async with _users(settings, client, database, users(plan.times), left, told) as those:
        ids = [user_id(each.name) for each in those]
        sender = Sender(client, those, plan.seed)
        told(f"{len(those)} users send their first documents …")
        await _prepare(sender, database, ids, spend=plan.spend)
        sender.timings = Timings()
        told(f"{plan.times:g} times the local load for {plan.seconds:.0f} s …")
        began = time.monotonic()
        async with watching(database, settings.home.absolute()) as watch:
            await sender.send(arrivals(plan.times, plan.seconds, plan.seed))
            meanwhile = await _progress(database, ids, began)
            told(f"{meanwhile.waiting} documents are still under way …")
        lasted = time.monotonic() - began
        drained = await _drain(database, ids, began)
        outcome = await _progress(database, ids, began)
        told("Its users are erased …")
    return Step(
        plan.times, len(those), lasted, sender.timings, watch, meanwhile.published, drained,
        outcome, left,
    )  # fmt: skip


@asynccontextmanager
async def _users(
    settings: Settings,
    client: httpx.AsyncClient,
    database: Database,
    number: int,
    left: dict[str, int],
    told: Callable[[str], None],
) -> AsyncIterator[Sequence[User]]:
    """So many users with tokens; erased at the end, also after a failure or an interruption.

    Args:
        left: filled with what is still there of them then.
    """
    from app.api.authentication import issue_token

    names = [f"{_NAME}{uuid4().hex}" for _ in range(number)]
    tokens = {name: issue_token(settings, name, service=False, hours=24) for name in names}
    those = [User(name, {"Authorization": f"Bearer {tokens[name]}"}) for name in names]
    try:
        yield those
    finally:
        await asyncio.shield(_erase(client, database, those, left))
        if left:
            told(
                f"{sum(left.values())} rows are left of the users of the load, whose names begin "
                f"with {_NAME}: `navigator erase {those[0].name}` erases the first of them."
            )


async def _erase(
    client: httpx.AsyncClient, database: Database, those: Sequence[User], left: dict[str, int]
) -> None:
    """Erase the users until nothing is left of them; `left` is filled with what is, for all that.

    A request that was given up may still be worked on, so they are looked for after a while, and
    again if something has come meanwhile.
    """
    for _ in range(_ERASURES):
        slots = asyncio.Semaphore(_ERASED_AT_ONCE)
        await asyncio.gather(*(_erase_one(client, user, slots) for user in those))
        await asyncio.sleep(_SETTLE_SECONDS)
        left.clear()
        left.update(await _rows_of(database, those))
        if not left:
            return


async def _erase_one(client: httpx.AsyncClient, user: User, slots: asyncio.Semaphore) -> None:
    async with slots:
        with suppress(httpx.HTTPError):
            await client.request(
                "DELETE", "/users/me", headers=user.headers, params={"confirm": "erase"}
            )


async def _rows_of(database: Database, those: Sequence[User]) -> Counter[str]:
    """Rows of the users, by table; what an erasure keeps on purpose is left out."""
    found: Counter[str] = Counter()
    async with database.service() as connection:
        for user in those:
            rows = await stored_rows(connection, user_id(user.name))
            found.update({table: n for table, n in rows.items() if n and table not in AUDIT})
    return found


async def _prepare(sender: Sender, database: Database, ids: Sequence[UUID], *, spend: bool) -> None:
    """Let every user have published documents, so that searches find something."""
    began = time.monotonic()
    first, *others = sender.users
    await sender.ask(Kind.UPLOAD, first, time.perf_counter())
    require_no_bill((await _published(sender, database, ids, began, 1)).cost_usd, spend=spend)
    for user in others:
        await sender.ask(Kind.UPLOAD, user, time.perf_counter())
    await _published(sender, database, ids, began, len(ids))


async def _published(
    sender: Sender, database: Database, ids: Sequence[UUID], began: float, wanted: int
) -> Progress:
    """Wait until so many first documents are published."""
    if failed := sender.timings.errors():
        kind, number = next(iter(failed.items()))
        raise ServiceUnavailable(
            f"The API did not take the first documents: {number} of {wanted} {kind}.",
            remedy="Start the system with `navigator up`, or name its API with --url; "
            "`navigator check` says what is wrong.",
        )
    while (now := await _progress(database, ids, began)).published < wanted:
        ended = now.accepted - now.published - now.waiting
        if ended or time.monotonic() - began > _READY_SECONDS:
            raise NavigatorError(
                f"Only {now.published} of {wanted} first documents were published.",
                remedy="`navigator check` says what is wrong; is a worker running?",
            )
        await asyncio.sleep(_POLL_SECONDS)
    return now


async def _drain(database: Database, ids: Sequence[UUID], began: float) -> float | None:
    """Wait until no document of the load waits; how long that took."""
    since = time.monotonic()
    while (await _progress(database, ids, began)).waiting:
        if time.monotonic() - since > DRAIN_SECONDS:
            return None
        await asyncio.sleep(_POLL_SECONDS)
    return time.monotonic() - since


async def _progress(database: Database, ids: Sequence[UUID], began: float) -> Progress:
    async with database.service() as connection:
        return await progress(connection, ids, time.monotonic() - began)
