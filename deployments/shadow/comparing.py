"""Compares what a shadow made with what was published, by the statistics of `navigator compare`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from deployments.verification.baseline import CanaryDocument, Corpus, Repetition
from deployments.verification.side_by_side import SideBySide, corpora_side_by_side
from deployments.verification.speed import FEWEST
from pipeline.store.shadows import Shadow, ShadowResult

NAMES = ("published", "shadow")

# Those that both sides do wholly and measure alike: vectors that are there are not made again.
_STAGES = ("parse", "validate", "chunk")
_ANSWERS = ("same_first_answer", "answer_overlap")


def shadow_side_by_side(shadow: Shadow, results: Sequence[ShadowResult]) -> SideBySide:
    """Both sides of every document, which is named by its job: not by what a user called it."""
    published = {str(each.job_id): each.published for each in results}
    found = {str(each.job_id): each.found for each in results}
    return corpora_side_by_side(
        NAMES,
        (_corpus(published), _corpus(found, float(shadow.spent_usd))),
        settings={},
        services=("what runs", shadow.release_id),
    )


def told_statistics(found: SideBySide) -> dict[str, float]:
    """Counts and shares, without those of answers: a shadow is asked nothing."""
    told = found.statistics
    return {name: round(told[name], 4) for name in told if name not in _ANSWERS}


def shadow_statistics(shadow: Shadow, results: Sequence[ShadowResult]) -> dict[str, Any]:
    """What stays of a shadow: no document, only numbers."""
    found = shadow_side_by_side(shadow, results)
    stages = [asdict(each) for each in found.stages]
    return {**told_statistics(found), "stages": stages, "ends": _ends(results)}


def _ends(results: Sequence[ShadowResult]) -> dict[str, int]:
    """How many documents ended how: `published: complete, shadow: quarantined`."""
    counted: dict[str, int] = {}
    for each in results:
        told = f"{each.published['state']} / {each.found['state']}"
        counted[told] = counted.get(told, 0) + 1
    return counted


def _corpus(documents: Mapping[str, Mapping[str, Any]], usd: float | None = None) -> Corpus:
    spent = sum(each.get("usd", 0.0) for each in documents.values()) if usd is None else usd
    return Corpus(
        version="shadow",
        documents={name: _document(each) for name, each in documents.items()},
        answers=(),
        stranger=0,
        repetitions=tuple(_times(documents.values())),
        releases=(),
        workers=(),
        usd=spent,
    )


def _document(found: Mapping[str, Any]) -> CanaryDocument:
    known = {name: found[name] for name in CanaryDocument.model_fields if name in found}
    return CanaryDocument.model_validate(known)


def _times(documents: Any) -> Iterator[Repetition]:
    """Each document's times; too few tell nothing, and are no times at all."""
    measured = [
        {name: value for name in _STAGES if (value := each.get("seconds", {}).get(name))}
        for each in documents
    ]
    if sum(bool(each) for each in measured) < FEWEST:
        return
    for stages in measured:
        if stages:
            yield Repetition(stages=stages, reference=1.0, pickup=0.0)
