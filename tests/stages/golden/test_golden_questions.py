"""Golden questions: their file, what meets them, their scores, and the gate's opinion."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from pipeline.errors import UsageError
from pipeline.store.search import Passage
from stages.golden.comparison import is_worse
from stages.golden.drawing import with_new
from stages.golden.matching import hits
from stages.golden.questions import Expected, GoldenQuestion, read_questions, write_questions
from stages.golden.scores import Interval, difference, interval, score


def passage(text: str, name: str = "home.pdf", page: int | None = 3) -> Passage:
    """A passage of a document."""
    return Passage(
        1.0, uuid4(), f"/srv/{name}", name, page, page, [], text, uuid4(), None, 1, 1, "", "other"
    )


@pytest.mark.parametrize("name", ["golden.jsonl", "golden.yaml"])
def test_what_is_written_is_read(tmp_path: Path, name: str) -> None:
    """A file of questions comes back as it was, and only its user may read it."""
    expected = (Expected(document="home.pdf", page=3, quote="höchstens 500 €"),)
    questions = [
        GoldenQuestion(question="Was zahlt sie?", expected=expected, user="anna"),
        GoldenQuestion(question="Draft", expected=(Expected(quote="x"),), draft=True),
    ]
    write_questions(tmp_path / name, questions)
    assert read_questions(tmp_path / name) == questions
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 1 is not JSON"),
        ('{"question": "a"}', "question 1, expected: Field required"),
        ('{"question": "a", "expected": [{"page": 3}]}', "a document or a quote"),
        ('{"question": "a", "expected": [], "more": 1}', "question 1"),
    ],
)
def test_a_wrong_file_says_where(tmp_path: Path, line: str, said: str) -> None:
    """One sentence names the line or the question, and repeats no value."""
    path = tmp_path / "golden.jsonl"
    path.write_text(line)
    with pytest.raises(UsageError, match=said):
        read_questions(path)


def test_a_passage_is_met_by_document_page_and_quote() -> None:
    """Case, white space and punctuation do not count; another page or document does."""
    said = passage("We pay at most $500 for any ONE tree,\n that fell.")
    right = Expected(document="home.pdf", page=3, quote="at most 500 for any one tree")
    assert hits([said], [right]) == [0]
    for wrong in (
        right.model_copy(update={"page": 4}),
        right.model_copy(update={"document": "car.pdf"}),
        right.model_copy(update={"quote": "at most 600 for any one tree"}),
    ):
        assert hits([said], [wrong]) == [None]
    assert hits([passage("x", page=None)], [Expected(document="home.pdf", page=9)]) == [0]


def test_a_passage_met_twice_counts_once() -> None:
    """A copy of a passage is no second hit."""
    copy = [passage("the same words"), passage("the same words")]
    assert hits(copy, [Expected(quote="the same words")]) == [0, None]


def test_scores_are_those_of_the_textbook() -> None:
    """First place is 1; third place half of it by its logarithm; nothing is 0."""
    nothing: list[int | None] = [None] * 10
    assert score([0, *nothing[1:]], 1).ndcg == 1
    assert score([None, None, 0, *nothing[3:]], 1).ndcg == pytest.approx(0.5)
    assert score([0, None, 1, *nothing[3:]], 2).recall == 1
    assert score([0, *nothing[1:]], 2).recall == 0.5
    assert (score(nothing, 1).ndcg, score(nothing, 1).recall) == (0, 0)


def test_intervals_hold_the_mean_and_narrow_with_questions() -> None:
    """The bootstrap is the same each time, in pairs, and surer the more questions there are."""
    few, many = interval([0.0, 1.0] * 5), interval([0.0, 1.0] * 200)
    assert few == interval([0.0, 1.0] * 5)
    assert few.low < few.mean == many.mean < few.high
    assert many.high - many.low < few.high - few.low
    assert difference([0.2, 0.4], [0.1, 0.3]).high == pytest.approx(-0.1)


@pytest.mark.parametrize(
    ("gained", "worse"),
    [
        (Interval(-0.01, -0.05, 0.03), False),
        (Interval(-0.01, -0.015, -0.005), True),
        (Interval(-0.03, -0.2, 0.1), True),
        (Interval(0.1, -0.01, 0.2), False),
    ],
)
def test_a_space_is_worse_for_certain_or_by_more_than_the_tolerance(
    gained: Interval, worse: bool
) -> None:
    """A fall that may be chance and is small is none."""
    assert is_worse(gained) is worse


def test_the_same_question_gets_its_passages_together() -> None:
    """Added again with another passage, a question has both, and is no draft any more."""
    one, two = Expected(quote="one"), Expected(quote="two")
    draft = GoldenQuestion(question="a", expected=(one,), draft=True)
    found, added = with_new([draft], [GoldenQuestion(question="a", expected=(two,))])
    assert (added, found[0].expected, found[0].draft) == (0, (one, two), False)
