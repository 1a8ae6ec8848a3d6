"""Takes the times of the stages from the database's own audit of the steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from pipeline.states import JobState as S
from pipeline.store.canaries import Step

STAGES: dict[str, tuple[S, ...]] = {
    "queue": (S.PARSE_QUEUED,),
    "parse": (S.PARSED, S.FAILED_PARSE),
    "validate": (S.PARSE_VALIDATED, S.QUARANTINED, S.FAILED_VALIDATION),
    "chunk": (S.CHUNKS_STORED, S.FAILED_CHUNKING),
    "embed": (S.EMBEDDINGS_STORED, S.FAILED_EMBEDDING),
    "publish": (S.COMPLETE, S.COMPLETE_WITH_GAPS),
}
"""The stages that follow each other, and the steps that end each; `publish` holds the gate."""


def stage_seconds(steps: Sequence[Step]) -> dict[str, float]:
    """Seconds from the end of one stage of the batch to the end of the next, and of all.

    Documents that were found inside others come later, as a batch of their own, and do not count.
    """
    own = [each for each in steps if not each.inside]
    made: dict[str, float] = {}
    before = first = _last(own, STAGES["queue"])
    for name, states in STAGES.items():
        ended = _last(own, states)
        if name == "queue" or before is None or ended is None:
            continue
        made[name] = (ended - before).total_seconds()
        before = ended
    if first is not None and before is not None and made:
        made["all stages"] = (before - first).total_seconds()
    return made


def pickup_seconds(steps: Sequence[Step], asked: datetime) -> float:
    """Seconds until a worker made the first step."""
    return (steps[0].at - asked).total_seconds() if steps else 0.0


def _last(steps: Iterable[Step], states: Sequence[S]) -> datetime | None:
    return max((each.at for each in steps if each.to_state in states), default=None)
