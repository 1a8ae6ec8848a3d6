"""Compares the ledger of calls with runs and documents, and finds reservations left open."""

from __future__ import annotations

from collections.abc import AsyncIterator

from pipeline.finding_kinds import Kind
from pipeline.findings import Finding
from pipeline.store.reconciling import leases, ledger
from stages.reconciling.inspection import Inspection


async def differing_runs(look: Inspection) -> AsyncIterator[Finding]:
    """Find runs whose cost differs from the ledger of their calls, and correct it."""
    async for page in ledger.differing_runs(look.services.database):
        wrong = [each for each in page if each.cost != each.paid]
        owing = [each for each in page if each.reserved]
        corrects = look.mends(Kind.RUN_COST_DIFFERS)
        gives_back = look.mends(Kind.COST_PROMISE_LOST)
        async with look.services.database.service() as connection:
            if wrong and corrects:
                await ledger.correct_costs(connection, [each.run_id for each in wrong])
            if owing and gives_back:
                await ledger.give_promises_back(connection, [each.run_id for each in owing])
        for each in wrong:
            detail = f"${each.cost:f} instead of ${each.paid:f}"
            subject = f"run {each.run_id}"
            yield look.finding(Kind.RUN_COST_DIFFERS, subject, detail=detail, mended=corrects)
        for each in owing:
            detail = f"${each.reserved:f}"
            subject = f"run {each.run_id}"
            yield look.finding(Kind.COST_PROMISE_LOST, subject, detail=detail, mended=gives_back)


async def differing_bills(look: Inspection) -> AsyncIterator[Finding]:
    """Find users whose documents do not add up to the ledger of their calls."""
    async with look.services.database.service() as connection:
        found = await ledger.differing_bills(connection)
    for each in found:
        tokens = f"{each.billed_tokens} instead of {each.called_tokens} tokens"
        dollars = f"${each.billed_usd:f} instead of ${each.called_usd:f}"
        yield look.finding(
            Kind.USER_BILL_DIFFERS, f"user {each.user_id}", detail=f"{tokens}, {dollars}"
        )


async def unwanted_vectors(look: Inspection) -> AsyncIterator[Finding]:
    """Find orphaned reservations and buffered vectors, and remove them."""
    async for page in leases.unwanted_vectors(look.services.database):
        mended = await look.mended(Kind.VECTOR_RESERVATION_LOST, page, leases.remove_unwanted)
        for each in page:
            reserved = Kind.VECTOR_RESERVATION_LOST
            kind = reserved if each.reserved else Kind.BUFFERED_VECTOR_ORPHANED
            subject = f"job {each.job_id} text {each.sha256[:16]}"
            yield look.finding(kind, subject, mended=mended)
