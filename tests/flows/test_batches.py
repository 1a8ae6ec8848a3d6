"""Cutting a run's waiting jobs into batches."""

from __future__ import annotations

import itertools
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.batches import BATCH_BYTES, BATCH_DOCUMENTS, SINGLE_UP_TO, are_single, cut
from flows.origin import followed_elsewhere, is_followed_in_the_ui
from pipeline.store.run_jobs import WaitingJob


def waiting(sizes: list[int]) -> list[WaitingJob]:
    """A job for each size in bytes."""
    return [
        WaitingJob(UUID(int=n << 96), size, "local", "markdown", UUID(int=0))
        for n, size in enumerate(sizes)
    ]


SIZES = st.lists(st.integers(0, BATCH_BYTES * 2), max_size=80)


@given(sizes=SIZES, size=st.none() | st.integers(1, 10))
def test_every_job_is_in_one_batch_in_order(sizes: list[int], size: int | None) -> None:
    """Nothing is lost or repeated, no batch is empty, and each keeps to its count and bytes."""
    jobs = waiting(sizes)
    batches = cut(jobs, size)
    assert [job for batch in batches for job in batch.job_ids] == [job.job_id for job in jobs]
    weight = {job.job_id: job.file_bytes for job in jobs}
    for batch in batches:
        assert 1 <= len(batch.job_ids) <= (size or BATCH_DOCUMENTS)
        total = sum(weight[job] for job in batch.job_ids)
        assert total <= BATCH_BYTES or len(batch.job_ids) == 1


@given(sizes=SIZES)
def test_no_batch_could_have_taken_the_next_one_s_first_document(sizes: list[int]) -> None:
    """Batches are as full as they may be, so that large runs have few."""
    jobs = waiting(sizes)
    weight = {job.job_id: job.file_bytes for job in jobs}
    batches = cut(jobs, 5)
    for batch, following in itertools.pairwise(batches):
        total = sum(weight[job] for job in batch.job_ids)
        full = len(batch.job_ids) == 5
        assert full or total + weight[following.job_ids[0]] > BATCH_BYTES


@pytest.mark.parametrize(
    ("count", "batches"),
    [(0, 0), (1, 1), (SINGLE_UP_TO, SINGLE_UP_TO), (SINGLE_UP_TO + 1, 1), (1100, 3)],
)
def test_small_runs_have_one_document_each(count: int, batches: int) -> None:
    """Up to the limit a document is a subflow of its own, beyond it they go together."""
    assert len(cut(waiting([10] * count), None)) == batches


@pytest.mark.parametrize(
    ("count", "in_the_ui", "elsewhere"),
    [(1, True, True), (2, True, False), (SINGLE_UP_TO, True, False), (33, False, False)],
)
def test_only_the_ui_needs_a_subflow_for_each_document(
    count: int, in_the_ui: bool, elsewhere: bool
) -> None:
    """What is followed in a terminal or by a program goes together from two documents on."""
    assert are_single(count, followed=True) is in_the_ui
    assert are_single(count, followed=False) is elsewhere


def test_a_run_is_followed_in_the_ui_unless_somebody_says_otherwise() -> None:
    """The command line and the Python interface say so around the flow that they call."""
    assert is_followed_in_the_ui()
    with followed_elsewhere():
        assert not is_followed_in_the_ui()
    assert is_followed_in_the_ui()


def test_batches_are_named_after_their_jobs() -> None:
    """One by the beginning of its id, several by their number and ends; none by a file's name."""
    assert [batch.label for batch in cut(waiting([1] * 5), 4)] == [
        "4 documents: job 00000000 … job 00000003",
        "job 00000004",
    ]
