"""The room for companions is shared: the most important first, each once, never more than it."""

from __future__ import annotations

from pipeline.companions.choosing import Candidate, companion
from pipeline.companions.model import Relation
from pipeline.companions.sharing import share_room
from tests.pipeline.companions.policy import chunk


def candidate(number: int, importance: float, length: int = 100) -> Candidate:
    own = chunk(number, "x" * length, role="exclusion")
    return Candidate(importance, companion(Relation.EXCLUSION, "exclusion", own, own.text))


def kept(*candidates: list[Candidate], room: int = 10_000, shown: int = 99) -> list[list[int]]:
    chosen = share_room(candidates, [chunk(shown, "").chunk_id], room)
    return [[each.page_first or 0 for each in own.companions] for own in chosen]


def test_the_most_important_gets_the_room() -> None:
    """Whoever's it is; what does not fit is counted."""
    first = [candidate(1, 0.9), candidate(2, 0.3)]
    second = [candidate(3, 0.8)]
    assert kept(first, second, room=200) == [[1], [3]]
    chosen = share_room([first, second], [], 200)
    assert [own.left_out for own in chosen] == [1, 0]


def test_never_more_characters_than_asked_for() -> None:
    """A shorter companion takes the room that a longer one cannot."""
    own = [candidate(1, 0.9, 150), candidate(2, 0.8, 100), candidate(3, 0.7, 50)]
    assert kept(own, room=200) == [[1, 3]]


def test_a_chunk_is_shown_once_in_an_answer() -> None:
    """With the passage it matters most to; never when the answer shows it anyhow."""
    assert kept([candidate(1, 0.5)], [candidate(1, 0.9)]) == [[], [1]]
    assert kept([candidate(1, 0.5)], shown=1) == [[]]
    chosen = share_room([[candidate(1, 0.5)]], [chunk(1, "").chunk_id], 100)
    assert chosen[0].left_out == 0


def test_the_better_passage_goes_first() -> None:
    """Of companions that are equally important to their passages."""
    assert kept([candidate(1, 0.8)], [candidate(2, 0.8)], room=100) == [[1], []]
