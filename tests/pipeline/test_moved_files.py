"""Which files are documents that moved."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.moved_files import Recorded, find_moves


def recorded(**documents: str) -> list[Recorded]:
    """Documents by their source, each with the hash of its bytes."""
    return [
        Recorded(UUID(int=number), source, sha256)
        for number, (source, sha256) in enumerate(documents.items())
    ]


def moved(before: dict[str, str], now: dict[str, str]) -> dict[str, str]:
    """The moves between two states of a folder, old source to new one."""
    gone = before.keys() - now.keys()
    found = find_moves(recorded(**before), now, gone)
    return {each.document.source: each.source for each in found}


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"a": "1"}, {"b": "1"}, {"a": "b"}),
        ({"a": "1"}, {"a": "1", "b": "1"}, {}),
        ({"a": "1"}, {"a": "2", "b": "1"}, {}),
        ({"a": "1"}, {"b": "2"}, {}),
        ({"a": "1", "b": "2"}, {"b": "1", "c": "2"}, {"a": "b", "b": "c"}),
        ({"a": "1", "b": "2"}, {"a": "2", "b": "1"}, {"a": "b", "b": "a"}),
        (
            {"a": "1", "b": "2", "c": "3"},
            {"a": "3", "b": "1", "c": "2"},
            {"a": "b", "b": "c", "c": "a"},
        ),
        ({"a": "1", "b": "2"}, {"b": "1"}, {}),
        ({"x/a": "1", "x/b": "1"}, {"y/b": "1", "y/c": "1"}, {"x/a": "y/c", "x/b": "y/b"}),
        ({"x/a": "1"}, {"y/a": "1", "y/b": "1"}, {"x/a": "y/a"}),
        ({"a": "1", "b": "1"}, {"c": "1"}, {"a": "c"}),
        ({"Policy": "1"}, {"policy": "1"}, {"Policy": "policy"}),
    ],
    ids=[
        "moved", "copied", "copied and edited", "moved and edited", "passed on", "swapped",
        "turned", "over another", "two equal", "moved and copied", "two equal to one", "case alone",
    ],
)  # fmt: skip
def test_a_move_takes_the_bytes_to_a_path_that_is_free(
    before: dict[str, str], now: dict[str, str], expected: dict[str, str]
) -> None:
    """The same bytes at a new path whose old one was left; who keeps a path keeps its document."""
    assert moved(before, now) == expected


def test_what_is_inside_another_document_never_moves_by_itself() -> None:
    """It goes where that goes."""
    inside = Recorded(UUID(int=1), "letter#1/a", "1", inside=True)
    assert find_moves([inside], {"b": "1"}, {"letter#1/a"}) == []


_TREES = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("123"), max_size=6)


@given(before=_TREES, now=_TREES)
def test_moves_leave_each_path_to_one_document(before: dict[str, str], now: dict[str, str]) -> None:
    """Whatever happened: bytes are the same, no path has two documents, and none is left behind."""
    moves = moved(before, now)
    assert all(before[old] == now[new] for old, new in moves.items())
    assert len(set(moves.values())) == len(moves)
    places = [moves.get(source, source) for source in before]
    assert len(set(places)) == len(places)
    for old in moves:
        assert old not in now or old in moves.values()
