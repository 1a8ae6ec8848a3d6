"""Which documents of a segment pass a filter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.store import posting_reading

_IDS = st.integers(0, 40) | st.integers(0, 2**128 - 1)


@pytest.mark.parametrize("mixed", [None, 0], ids=("keys", "equal keys"))
@given(here=st.lists(_IDS, max_size=40), wanted=st.sets(_IDS, max_size=20), more=st.data())
def test_the_wanted_ones_are_told(
    mixed: int | None, here: list[int], wanted: set[int], more: st.DataObject
) -> None:
    """By keys, and one by one when two of the wanted have the same key."""
    wanted |= set(more.draw(st.lists(st.sampled_from(here), max_size=9))) if here else set()
    with pytest.MonkeyPatch.context() as patch:
        if mixed is not None:
            patch.setattr(posting_reading, "_MIXED", np.uint64(mixed))
        found = posting_reading._among(_bytes(here), _bytes(wanted))
    assert found.tolist() == [each in wanted for each in here]


def _bytes(ids: list[int] | set[int]) -> bytes:
    return b"".join(each.to_bytes(16, "big") for each in ids)
