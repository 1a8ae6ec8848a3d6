"""Shares the room for companions among the passages of an answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from pipeline.companions.choosing import Candidate
from pipeline.companions.model import Companion

_FALL = 0.9
"""What belongs to the next passage is worth so much of what belongs to the one before."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The companions of a passage.

    Attributes:
        left_out: how many more there are that the room did not hold.
    """

    companions: tuple[Companion, ...]
    left_out: int


def share_room(
    candidates: Sequence[Sequence[Candidate]], shown: Collection[UUID], characters: int
) -> list[Chosen]:
    """The companions of each passage, the most important first; each chunk once in an answer.

    The room is one for the whole answer: what is most important gets it, whoever's it is, so that
    all exclusions of what was asked for go before those of a passage that only comes near.

    Args:
        candidates: of each passage, in the order of the passages.
        shown: chunks that the answer shows anyhow.
        characters: of all the companions' texts together, at most.
    """
    pool = sorted(
        (
            (-each.importance * _FALL**place, place, each.companion)
            for place, own in enumerate(candidates)
            for each in own
        ),
        key=lambda weighed: weighed[:2],
    )
    seen: set[object] = set(shown)
    kept: list[list[Companion]] = [[] for _ in candidates]
    left_out = [0 for _ in candidates]
    for _, place, companion in pool:
        if companion.chunk_id in seen or companion.key in seen:
            continue
        seen.add(companion.key)
        if len(companion.text) <= characters:
            characters -= len(companion.text)
            kept[place].append(companion)
        else:
            left_out[place] += 1
    return [Chosen(tuple(own), left) for own, left in zip(kept, left_out, strict=True)]
