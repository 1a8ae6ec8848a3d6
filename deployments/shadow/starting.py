"""Starts, shows and stops the shadow of an environment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal

from deployments.releases.archive import Packed
from deployments.releases.deploying import Deployer
from deployments.releases.installed import install
from deployments.shadow.candidate_process import Candidate, CandidateProcess
from deployments.shadow.comparing import shadow_side_by_side
from deployments.shadow.shadowing import Parts, end, follow
from deployments.verification.side_by_side import SideBySide
from pipeline.errors import ConfigurationError, NavigatorError, UsageError
from pipeline.store import rollouts, schema_changes, shadows
from pipeline.store.shadows import Shadow, Typical
from pipeline.worker_identity import operator_account

SHADOWS_SINCE = "0018"
"""The first revision of the schema that knows shadows."""

_DOCUMENT_SECONDS = 900.0
_STOPPED = "A person stopped it."
_DIED = "Its process ended."


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of a shadow.

    Attributes:
        share: of the new documents, above 0 to 1.
        documents: to be compared; then it ends.
        seconds: after which it ends in any case; None: it waits for documents.
    """

    share: float
    documents: int
    seconds: float | None
    max_cost_usd: Decimal


async def shadow(deployer: Deployer, packed: Packed, order: Order) -> tuple[Shadow, SideBySide]:
    """Shadow an environment with a release to the end, which a person's Ctrl-C is too.

    Raises:
        UsageError: another shadow is under way, or it would cost money that nobody allowed.
        ConfigurationError: the release does not start, or would pay for reading documents.
    """
    await asyncio.to_thread(_require_schema, deployer)
    release = await asyncio.to_thread(install, deployer.settings.home, packed)
    variables = deployer.variables(deployer.environment)
    async with AsyncExitStack() as stack:
        await _alone(stack, deployer)
        process = CandidateProcess(release, variables, _DOCUMENT_SECONDS)
        stack.push_async_callback(process.close)
        deployer.told(f"Starting {release.id} beside what runs, without the database")
        candidate = await process.start()
        await _require_consent(deployer, candidate, order)
        begun = await _begun(deployer, release.id, order)
        deployer.told(
            f"Working on {order.share:.0%} of the documents that are taken in from now on"
        )
        return await _followed(deployer, begun, candidate, process, order)


async def _followed(
    deployer: Deployer, begun: Shadow, candidate: Candidate, process: CandidateProcess, order: Order
) -> tuple[Shadow, SideBySide]:
    parts = _parts(deployer)
    deadline = None if order.seconds is None else time.monotonic() + order.seconds
    reason = _DIED
    try:
        reason = await follow(parts, begun, candidate, process, deadline=deadline)
    except asyncio.CancelledError:
        reason = _STOPPED
    except NavigatorError as error:
        reason = error.message
        raise
    finally:
        now, side = await asyncio.shield(_concluded(parts, begun, reason))
    return now, side


async def _concluded(parts: Parts, begun: Shadow, reason: str) -> tuple[Shadow, SideBySide]:
    """The last look at every document; then only the statistics stay."""
    async with parts.database.service() as connection:
        now = await shadows.shadow(connection, begun.id)
        found = await shadows.results(connection, begun.id)
    side = shadow_side_by_side(now, found)
    return await end(parts, now, reason), side


def _parts(deployer: Deployer) -> Parts:
    return Parts(deployer.settings, deployer.database, deployer.storage, deployer.told)


def _require_schema(deployer: Deployer) -> None:
    if schema_changes.revision_of(deployer.addresses) < SHADOWS_SINCE:
        raise ConfigurationError(
            f"What runs in {deployer.name} does not know shadows yet.",
            remedy="Deploy a release that does; the one after it can be tried as a shadow.",
        )


async def _alone(stack: AsyncExitStack, deployer: Deployer) -> None:
    if not await stack.enter_async_context(rollouts.alone(deployer.database, _key(deployer))):
        raise UsageError(
            f"Another process shadows {deployer.name} at this moment.",
            remedy=f"See `navigator shadow status {deployer.name}`, or end it with `navigator "
            f"shadow stop {deployer.name}`.",
        )
    left = await newest(deployer)
    if left is not None and left.ended_at is None:
        await end(_parts(deployer), left, left.reason or _DIED)


def _key(deployer: Deployer) -> str:
    return f"shadow {deployer.name}"


async def _begun(deployer: Deployer, release: str, order: Order) -> Shadow:
    async with deployer.database.service() as connection:
        begun = await shadows.begin(
            connection,
            deployer.name,
            release,
            share=order.share,
            wanted=order.documents,
            max_cost_usd=order.max_cost_usd,
            who=operator_account(),
        )
        return await shadows.shadow(connection, begun)


# -- cost ------------------------------------------------------------------------------------


async def _require_consent(deployer: Deployer, candidate: Candidate, order: Order) -> None:
    """Tell what it may cost, before anything is spent.

    Raises:
        UsageError: it costs money, and nobody said that it may.
        ConfigurationError: documents would have to be read anew by a service that is paid.
    """
    async with deployer.database.service() as connection:
        seen = await shadows.typical(connection)
    if candidate.parsing_service is not None and seen.parser not in (None, candidate.parser):
        raise ConfigurationError(
            f"{candidate.parsing_service} would have to be paid to read every document again: the "
            f"release reads with {candidate.parser}, what runs with {seen.parser}.",
            remedy="Compare them with files of your own: `navigator compare … --files`.",
        )
    most = estimated_usd(candidate, seen, order.documents)
    if not candidate.is_paid or _buys_nothing(candidate, seen):
        deployer.told("It costs nothing: what it needs is here, or was paid for already")
    elif order.max_cost_usd:
        deployer.told(f"It may cost about ${most:.4f}, and ends at ${order.max_cost_usd}")
    else:
        raise UsageError(
            f"The release embeds with {candidate.provider}: {order.documents} documents may cost "
            f"about ${most:.4f}, and $0 is allowed.",
            remedy="Allow it with --max-cost.",
        )


def estimated_usd(candidate: Candidate, seen: Typical, documents: int) -> Decimal:
    """What so many documents may cost when they are as those that came last."""
    return candidate.price(round(seen.tokens * documents))


def _buys_nothing(candidate: Candidate, seen: Typical) -> bool:
    """Whether the texts are those that are embedded anyway: the cap still holds."""
    return (candidate.chunker, candidate.space_id) == (seen.chunker, seen.space_id)


# -- from elsewhere --------------------------------------------------------------------------


async def newest(deployer: Deployer) -> Shadow | None:
    """The shadow that is under way, else the last one; None when there was none."""
    if await asyncio.to_thread(schema_changes.revision_of, deployer.addresses) < SHADOWS_SINCE:
        return None
    async with deployer.database.service() as connection:
        return await shadows.newest(connection, deployer.name)


async def looked_at(deployer: Deployer) -> tuple[Shadow, SideBySide] | None:
    """The newest shadow with what it has compared so far; its documents go when it ends."""
    found = await newest(deployer)
    if found is None:
        return None
    async with deployer.database.service() as connection:
        return found, shadow_side_by_side(found, await shadows.results(connection, found.id))


async def stop(deployer: Deployer) -> Shadow:
    """End the shadow that is under way, by its own process or, when that has died, by this one.

    Raises:
        UsageError: there is none.
    """
    found = await newest(deployer)
    if found is None or found.ended_at is not None:
        raise UsageError(
            f"No shadow is under way in {deployer.name}.",
            remedy="Start one with `navigator shadow start`.",
        )
    async with deployer.database.service() as connection:
        await shadows.ask_to_end(connection, found.id, _STOPPED)
    async with rollouts.alone(deployer.database, _key(deployer)) as nobody_works:
        if nobody_works:
            return await end(_parts(deployer), found, _STOPPED)
    async with deployer.database.service() as connection:
        return await shadows.shadow(connection, found.id)


def summary(statistics: Mapping[str, float]) -> str:
    """What was found, in one sentence."""
    return (
        f"{statistics['documents']:.0f} documents compared: {statistics['same_state']:.0%} end "
        f"alike, {statistics['same_text']:.0%} have the same text, "
        f"{statistics['same_chunks']:.0%} of the chunks are the same."
    )
