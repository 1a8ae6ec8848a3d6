"""The benchmark of complete answers: its questions are whole, its scores are right."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from benchmarks.retrieval_context.__main__ import QUESTIONS, questions
from benchmarks.retrieval_context.scores import decisive, interval, sign_test


def test_the_questions_are_whole() -> None:
    """At least forty of eight documents, each with a quotation and its page; half set aside."""
    asked = questions()
    assert len(asked) >= 40
    assert len({each.sha256 for each in asked}) >= 8
    sets = Counter(each.held_out for each in asked)
    assert sets[True] >= len(asked) // 2
    assert not {e.sha256 for e in asked if e.held_out} & {e.sha256 for e in asked if not e.held_out}
    lines = map(json.loads, QUESTIONS.read_text("utf-8").splitlines())
    assert all(quote["page"] > 0 and quote["quote"] for line in lines for quote in line["decisive"])


def test_a_quotation_is_found_whatever_its_signs() -> None:
    """Spaces, line ends and Markdown do not matter; parts of words do."""
    assert decisive(["up to $300 for all"], ["**Up to**\n$300, for all items"])
    assert not decisive(["war"], ["Towards the end"])


def test_intervals_and_the_sign_test() -> None:
    """As the tables of statistics have them."""
    assert interval(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-3)
    assert interval(0, 10)[0] == 0
    assert sign_test(5, 0) == pytest.approx(0.0625)
    assert sign_test(3, 3) == 1
