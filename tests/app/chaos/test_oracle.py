"""The oracle sees each way in which a promise can be broken, and nothing where none was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.chaos.oracle import Allowance, Bill, Corpus, Verdict, judge
from pipeline.store.corpus import Ledger, PublishedChunk, Standing

A, B = "/files/a.md", "/files/b.md"
PASSAGES = [
    PublishedChunk(A, 0, "t0", 0, "v0"),
    PublishedChunk(A, 1, "t1", 9, "v1"),
    PublishedChunk(B, 0, "u", 0, "w"),
]
STANDINGS = [Standing(A, "complete", None, None, 1, 1), Standing(B, "complete", None, None, 1, 1)]
LEDGER = Ledger(2, 300, 300, 0.1, 0)
CLEAN = Corpus(PASSAGES, STANDINGS, LEDGER)
BILL = Bill(2, 300, 0)


def judged(found: Corpus, bill: Bill = BILL, faults: int = 0) -> Verdict:
    """The verdict, where a fault may cost 100 tokens."""
    return judge(CLEAN, found, bill, Allowance(faults, 100))


def promises(verdict: Verdict) -> set[str]:
    """Which promises were broken."""
    return {breach.promise for breach in verdict.breaches}


def test_the_clean_corpus_keeps_every_promise() -> None:
    """The same corpus and the same bill: nothing to complain of."""
    assert judged(CLEAN) == Verdict(0, 0, 0, 0, [])


@pytest.mark.parametrize(
    "passages",
    [
        PASSAGES[:2],
        [PASSAGES[0], *PASSAGES[2:]],
        [*PASSAGES[:2], replace(PASSAGES[2], vector=None)],
        [*PASSAGES[:2], replace(PASSAGES[2], text="other")],
    ],
    ids=["a document", "a passage", "a vector", "a text"],
)
def test_what_is_lost_is_named(passages: list[PublishedChunk]) -> None:
    """A missing or changed passage makes its document lost."""
    verdict = judged(replace(CLEAN, passages=passages))
    assert verdict.lost == 1
    assert "nothing is lost" in promises(verdict)


def test_an_accepted_document_that_nobody_knows_is_lost() -> None:
    """A document that failed in the clean run, with no passage of its own, is missed too."""
    failed = Standing("/files/empty.txt", "failed_parse", "file_is_empty", None, 0, 1)
    clean = replace(CLEAN, standings=[*STANDINGS, failed])
    verdict = judge(clean, CLEAN, BILL, Allowance())
    assert [breach.document for breach in verdict.breaches] == ["/files/empty.txt"]


def test_what_is_there_twice_is_named() -> None:
    """A passage that comes twice, or two versions that call themselves published."""
    twice = judged(replace(CLEAN, passages=[*PASSAGES, PASSAGES[2]]))
    assert (twice.duplicated, promises(twice)) == (1, {"nothing twice"})
    versions = judged(replace(CLEAN, standings=[STANDINGS[0], replace(STANDINGS[1], published=2)]))
    assert (versions.duplicated, promises(versions)) == (1, {"nothing twice"})


@pytest.mark.parametrize("state", ["chunks_stored", "failed_embedding"])
def test_a_document_that_ends_otherwise_is_named(state: str) -> None:
    """It waits, or it failed where the clean run published it."""
    other = [STANDINGS[0], replace(STANDINGS[1], state=state)]
    assert promises(judged(replace(CLEAN, standings=other))) == {"every document ends"}


def test_a_fault_may_cost_its_own_request_and_no_more() -> None:
    """What is paid for again beyond that is a broken promise; the bound is told."""
    again = Bill(3, 400, 100)
    assert judged(CLEAN, again, faults=1).breaches == []
    verdict = judged(CLEAN, replace(again, tokens=401, repeated=101), faults=1)
    assert (verdict.paid_twice, verdict.bound) == (101, 100)
    assert promises(verdict) == {"nothing paid twice", "the ledger is the bill"}


@pytest.mark.parametrize("field", ["tokens", "billed"])
@pytest.mark.parametrize("tokens", [299, 301])
def test_the_ledger_is_the_bill_to_the_token(field: str, tokens: int) -> None:
    """One token more or less, in the calls or among the documents, is told."""
    verdict = judged(replace(CLEAN, ledger=replace(LEDGER, **{field: tokens})))
    assert promises(verdict) == {"the ledger is the bill"}


def test_rows_left_in_the_buffers_are_told() -> None:
    """What a finished ingest leaves on its way is never cleared again."""
    verdict = judged(replace(CLEAN, ledger=replace(LEDGER, buffered=1)))
    assert promises(verdict) == {"nothing is left over"}
