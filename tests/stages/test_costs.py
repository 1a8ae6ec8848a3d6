"""Sharing a request's bill out among the documents in it."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.vector_buffer import PendingText
from stages.costs import allocate_cost


def text(job: int, tokens: int) -> PendingText:
    """A text of the job."""
    return PendingText(f"{job}-{tokens}", UUID(int=job), UUID(int=99), "text", tokens)


TEXTS = st.lists(st.builds(text, st.integers(1, 6), st.integers(0, 8192)), min_size=1, max_size=40)
COSTS = st.decimals(0, 10, places=8, allow_nan=False, allow_infinity=False)


@given(texts=TEXTS, billed=st.integers(0, 300_000), cost=COSTS)
def test_the_parts_add_up_exactly(texts: list[PendingText], billed: int, cost: Decimal) -> None:
    """No token and no fraction of a cent is lost or invented, and each job is named once."""
    parts = allocate_cost(texts, billed, cost)
    assert sorted(job for job, _, _ in parts) == sorted({each.job_id for each in texts})
    assert sum(tokens for _, tokens, _ in parts) == billed
    assert sum(usd for _, _, usd in parts) == cost
    assert all(tokens >= 0 for _, tokens, _ in parts)
    assert all(usd >= 0 for _, _, usd in parts)


@given(texts=TEXTS, billed=st.integers(1, 300_000), cost=COSTS)
def test_each_job_pays_by_its_tokens(texts: list[PendingText], billed: int, cost: Decimal) -> None:
    """A part is off its exact share by less than one token for each job of the request."""
    total = sum(each.tokens for each in texts)
    parts = allocate_cost(texts, billed, cost)
    for job, tokens, _ in parts:
        weight = sum(each.tokens for each in texts if each.job_id == job)
        if total:
            assert abs(tokens - billed * weight / total) < len(parts)


def test_a_single_job_pays_everything() -> None:
    """There is nothing to share."""
    assert allocate_cost([text(1, 5), text(1, 7)], 13, Decimal("0.26")) == [
        (UUID(int=1), 13, Decimal("0.26"))
    ]
