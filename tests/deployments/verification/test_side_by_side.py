"""Two sides that the same documents went through, told beside each other."""

from __future__ import annotations

import pytest

from app.cli.compare import taken_apart
from deployments.verification.baseline import CanaryDocument
from deployments.verification.rendering import pairs_as_html
from deployments.verification.side_by_side import side_by_side
from pipeline.errors import UsageError
from tests.deployments.verification.making import DOCUMENT, baseline, corpus, times

NAMES = ("one", "two")


def test_equal_sides() -> None:
    """Nothing differs between a side and itself."""
    found = side_by_side(NAMES, baseline(), baseline())
    assert set(found.statistics.values()) == {1.0}
    assert found.settings == {}
    assert [each.ratio for each in found.stages] == [1.0]


def test_other_document() -> None:
    """Another state, text and number of chunks are counted; equal chunks are, by their text."""
    other = CanaryDocument(state="quarantined", text="bb", chunks=(("7", "y"), ("8", "z")))
    found = side_by_side(NAMES, baseline(), baseline(corpus=corpus(documents={"policy.md": other})))
    [pair] = found.documents
    assert (pair.states, pair.same_text, pair.chunks, pair.same_chunks) == (
        ("complete", "quarantined"), False, (2, 2), 1,
    )  # fmt: skip
    assert found.statistics["same_chunks"] == 0.5


def test_document_of_one_side() -> None:
    """A document that only one side has is told, and no text of it is called the same."""
    more = corpus(documents={"policy.md": DOCUMENT, "inside.md": DOCUMENT})
    found = side_by_side(NAMES, baseline(), baseline(corpus=more))
    [pair] = [each for each in found.documents if each.name == "inside.md"]
    assert (pair.states, pair.same_text) == ((None, "complete"), False)
    assert found.statistics["same_state"] == 0.5


def test_answers_are_the_same_by_text() -> None:
    """Passages of other ids but the same document and text are the same answer."""
    document = DOCUMENT.model_copy(update={"chunks": (("8", "x"), ("9", "y"))})
    [answer] = corpus().answers
    renamed = answer.model_copy(update={"passages": ("8", "9")})
    other = corpus(documents={"policy.md": document}, answers=(renamed,))
    [pair] = side_by_side(NAMES, baseline(), baseline(corpus=other)).answers
    assert (pair.overlap, pair.same_first) == (1.0, True)
    second = {"passages": ("2",), "documents": ("policy.md",)}
    turned = corpus(answers=(answer.model_copy(update=second),))
    [pair] = side_by_side(NAMES, baseline(), baseline(corpus=turned)).answers
    assert (pair.overlap, pair.same_first) == (0.5, False)


def test_times_and_cost() -> None:
    """The ratio is B to A with its interval; the cost is each side's own."""
    slower = corpus(repetitions=tuple(times(1.0, seed=2)), usd=0.5)
    found = side_by_side(NAMES, baseline(), baseline(corpus=slower))
    [stage] = found.stages
    assert 1.8 < stage.low <= stage.ratio <= stage.high < 2.2
    assert found.usd == (0.0, 0.5)


def test_other_files_are_no_comparison() -> None:
    """Two sides with different documents are refused."""
    with pytest.raises(UsageError, match="different documents"):
        side_by_side(NAMES, baseline(), baseline(corpus=corpus(version="2")))


def test_page() -> None:
    """The page names both sides, and escapes them."""
    page = pairs_as_html(side_by_side(("<one>", "two"), baseline(), baseline()))
    assert "&lt;one&gt; beside two" in page
    assert "<one>" not in page


def test_a_side_may_change_its_services() -> None:
    """After a colon a side names another parser or embedder; anything else is refused."""
    assert taken_apart("staging") == ("staging", [])
    assert taken_apart("local:parser=llamaparse,embedder=openai") == (
        "local", ["--parser=llamaparse", "--embedder=openai"],
    )  # fmt: skip
    with pytest.raises(UsageError, match="cannot be changed"):
        taken_apart("local:chunk_tokens=3")
