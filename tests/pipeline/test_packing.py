"""Packing texts into requests."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError, EmbeddingError
from pipeline.packing import RequestLimits, halve, pack

LIMITS = st.builds(
    RequestLimits,
    max_inputs=st.integers(1, 40),
    max_tokens=st.integers(500, 5000),
    max_input_tokens=st.integers(500, 5000),
)


@given(tokens=st.lists(st.integers(0, 500), max_size=200), limits=LIMITS)
@settings(deadline=None, max_examples=200)
def test_requests_hold_every_text_once_in_order_within_the_limits(
    tokens: list[int], limits: RequestLimits
) -> None:
    """Nothing is lost, repeated or reordered, and no request passes a limit."""
    requests = pack(tokens, limits)
    assert [index for request in requests for index in request] == list(range(len(tokens)))
    for request in requests:
        assert 0 < len(request) <= limits.max_inputs
        assert sum(tokens[index] for index in request) <= limits.max_tokens
    assert pack(tokens, limits) == requests


@given(tokens=st.lists(st.integers(1, 500), min_size=1, max_size=200), limits=LIMITS)
@settings(deadline=None, max_examples=100)
def test_no_request_could_join_the_next_two_into_fewer(
    tokens: list[int], limits: RequestLimits
) -> None:
    """Even filling costs no more requests than filling each to the brim."""
    brim, total, inputs = 1, 0, 0
    for count in tokens:
        if inputs == limits.max_inputs or total + count > limits.max_tokens:
            brim, total, inputs = brim + 1, 0, 0
        total, inputs = total + count, inputs + 1
    assert len(pack(tokens, limits)) == brim


def test_requests_are_filled_evenly() -> None:
    """Eleven equal texts with room for ten become five and six, not ten and one."""
    requests = pack([100] * 11, RequestLimits(2048, 1000, 1000))
    assert sorted(len(request) for request in requests) == [5, 6]


def test_no_texts_make_no_requests() -> None:
    """An empty list packs into an empty list."""
    assert pack([], RequestLimits(10, 10, 10)) == []


@pytest.mark.parametrize("limits", [RequestLimits(9, 900, 100), RequestLimits(9, 100, 900)])
def test_a_text_too_long_for_the_provider_is_refused_by_index(limits: RequestLimits) -> None:
    """The error names which text is too long, and nothing of what it says."""
    with pytest.raises(EmbeddingError, match=r"Text 1 has 101 tokens") as caught:
        pack([5, 101], limits)
    assert caught.value.code == "input_too_long"


def test_limits_below_one_are_a_configuration_error() -> None:
    """A limit of zero would never send anything."""
    with pytest.raises(ConfigurationError):
        RequestLimits(0, 1, 1)


@given(batch=st.lists(st.integers(), min_size=2, max_size=99))
def test_halving_a_batch_loses_nothing_and_ends(batch: list[int]) -> None:
    """The halves joined are the batch, and neither is empty."""
    left, right = halve(batch)
    assert left + right == batch
    assert abs(len(left) - len(right)) <= 1


def test_a_batch_of_one_cannot_be_halved() -> None:
    """The text that the provider dislikes is then alone."""
    with pytest.raises(ValueError, match="halved"):
        halve([1])
