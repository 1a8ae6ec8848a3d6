"""The oracle: compares a disturbed corpus with a clean one, and the ledger with the bill.

It knows nothing of how the documents were disturbed, only what was promised.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pipeline.states import ENDED
from pipeline.store.corpus import Ledger, PublishedChunk, Standing


@dataclass(frozen=True, slots=True)
class Corpus:
    """What one user has in the database at one moment."""

    passages: Sequence[PublishedChunk]
    standings: Sequence[Standing]
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class Bill:
    """What the mock server for the embedder has counted; `repeated` had been billed before."""

    requests: int
    tokens: int
    repeated: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a fault may cost: the tokens of the requests that were in flight when it struck."""

    faults: int = 0
    tokens_each: int = 0

    @property
    def tokens(self) -> int:
        """The most that may be paid for again."""
        return self.faults * self.tokens_each


@dataclass(frozen=True, slots=True)
class Breach:
    """A broken promise: which one, of which document, and what happened."""

    promise: str
    what: str
    document: str = ""


@dataclass(frozen=True)
class Verdict:
    """What came of an experiment; `lost` and `duplicated` count documents."""

    lost: int
    duplicated: int
    paid_twice: int
    bound: int
    breaches: list[Breach] = field(default_factory=list)


def judge(clean: Corpus, found: Corpus, bill: Bill, allowed: Allowance) -> Verdict:
    """Compare a disturbed corpus with a clean one.

    Args:
        bill: of the disturbed corpus alone.
        allowed: what the faults may have cost.
    """
    lost = list(_lost(clean, found))
    duplicated = list(_duplicated(clean, found))
    others = [*_unended(clean, found), *_money(found, bill, allowed), *_left_over(found)]
    return Verdict(
        len({breach.document for breach in lost}),
        len({breach.document for breach in duplicated}),
        bill.repeated,
        allowed.tokens,
        [*lost, *duplicated, *others],
    )


def _lost(clean: Corpus, found: Corpus) -> Iterator[Breach]:
    here = Counter(found.passages)
    missing = Counter(clean.passages) - here
    by_document = Counter(passage.source for passage in missing.elements())
    for source, count in sorted(by_document.items()):
        yield Breach("nothing is lost", f"{count} of its passages are not published", source)
    known = {each.source for each in found.standings}
    for each in clean.standings:
        if each.source not in known and each.source not in by_document:
            yield Breach("nothing is lost", "the document is not known any more", each.source)


def _duplicated(clean: Corpus, found: Corpus) -> Iterator[Breach]:
    extra = Counter(found.passages) - Counter(clean.passages)
    by_document = Counter(passage.source for passage in extra.elements())
    for source, count in sorted(by_document.items()):
        yield Breach("nothing twice", f"{count} passages that a clean run does not have", source)
    for each in found.standings:
        if each.published > 1:
            yield Breach("nothing twice", f"{each.published} published versions", each.source)


def _unended(clean: Corpus, found: Corpus) -> Iterator[Breach]:
    expected = {each.source: each.state for each in clean.standings}
    for each in found.standings:
        if each.state not in ENDED:
            why = each.stopped or each.error_code or "no reason given"
            yield Breach("every document ends", f"it waits as {each.state} ({why})", each.source)
        elif each.state != expected.get(each.source):
            meant = expected.get(each.source, "unknown to the clean run")
            yield Breach("every document ends", f"{each.state} instead of {meant}", each.source)


def _money(found: Corpus, bill: Bill, allowed: Allowance) -> Iterator[Breach]:
    if bill.repeated > allowed.tokens:
        what = f"{bill.repeated:,} tokens paid for again, {allowed.tokens:,} allowed"
        yield Breach("nothing paid twice", what)
    for name, tokens in (("ledger", found.ledger.tokens), ("documents'", found.ledger.billed)):
        # An answer that the fault kept from us is billed, and cannot be written down.
        if not 0 <= bill.tokens - tokens <= allowed.tokens:
            what = f"{bill.tokens:,} tokens billed, {tokens:,} written down ({name})"
            yield Breach("the ledger is the bill", what)


def _left_over(found: Corpus) -> Iterator[Breach]:
    if found.ledger.buffered:
        yield Breach("nothing is left over", f"{found.ledger.buffered} rows stay in the buffers")
