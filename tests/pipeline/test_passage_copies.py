"""Which passages count as one, and which never do."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import passage_copies
from pipeline.passage_copies import Candidate, grouped

CLAUSE = (
    "We will pay for direct physical loss to covered property caused by hail up to $1,500 for each "
    "loss, but not for loss that began before the policy period."
)


def candidate(text: str = CLAUSE, **other: str) -> Candidate:
    """A passage of a document of its own."""
    values = {"context": "", "role": "coverage", "heading": "Hail"} | other
    return Candidate(uuid4(), uuid4(), text, **values)


def places(*candidates: Candidate) -> list[int]:
    """How many stand together, group by group."""
    return [len(group.members) for group in grouped(candidates)]


@pytest.mark.parametrize(
    "text",
    [
        CLAUSE,
        CLAUSE.replace(" ", "\n"),
        CLAUSE.upper(),
        CLAUSE.replace("covered property", "**covered property**"),
        CLAUSE.replace("covered", "cov\u00adered"),
        CLAUSE.replace("loss to", "loss\u00a0to"),
    ],
)
def test_the_same_words_are_one_passage(text: str) -> None:
    """Line breaks, letter case, emphasis and soft hyphens make no other passage."""
    one, other = candidate(), candidate(text)
    [group] = grouped([one, other])
    assert group.first is one
    assert group.same == {one.chunk_id, other.chunk_id}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("$1,500", "$15,00"),
        ("$1,500", "$1,000"),
        ("$1,500", "\u20ac1,500"),
        ("hail", "wind"),
        ("but not", "and"),
        ("but not for loss", "but not for any loss"),
        ("up to", "over"),
    ],
)
def test_another_word_or_figure_is_another_passage(old: str, new: str) -> None:
    """A single figure, peril or negation keeps two passages apart, in whatever edition."""
    assert places(candidate(), candidate(CLAUSE.replace(old, new))) == [1, 1]


@pytest.mark.parametrize(
    "other",
    [{"heading": "What is not covered"}, {"role": "exclusion"}, {"context": "Columns: A | B"}],
    ids=("heading", "role", "columns"),
)
def test_the_same_words_elsewhere_are_another_passage(other: dict[str, str]) -> None:
    """Under another heading, in another role or below other columns, words say something else."""
    assert places(candidate(), candidate(**other)) == [1, 1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"{CLAUSE} HO 00 03 05 11", f"{CLAUSE} HO 00 03 03 22"),
        (f"{CLAUSE} (Rev. 01-2020)", f"{CLAUSE} (Rev. 03-2024)"),
        (f"\u00a9 Bureau, Inc., 2010 {CLAUSE}", f"\u00a9 Bureau, Inc., 2021 {CLAUSE}"),
        (f"{CLAUSE} Page 3 of 16", f"{CLAUSE} Page 4 of 18"),
        (CLAUSE, CLAUSE.replace("covered property", "the covered property")),
    ],
)
def test_two_editions_of_a_clause_are_one_passage(old: str, new: str) -> None:
    """What prints only another edition, notice or page counts once, told from a true copy."""
    one, other = candidate(old), candidate(new)
    [group] = grouped([one, other])
    assert group.members == [one, other]
    assert group.same == {one.chunk_id}


def test_editions_are_joined_between_documents_only() -> None:
    """Two passages of one document that differ in an article stay two."""
    one = candidate()
    other = replace(
        candidate(CLAUSE.replace("covered", "the covered")), document_id=one.document_id
    )
    assert places(one, other) == [1, 1]


@given(st.lists(st.sampled_from(["hail", "wind", "Hail", "hail.", "the hail"]), max_size=12))
def test_no_passage_is_lost_or_told_twice(texts: list[str]) -> None:
    """Each passage is in exactly one group, groups and members in the order given."""
    given_ones = [
        Candidate(UUID(int=n), UUID(int=n % 3), text, "", "other", "")
        for n, text in enumerate(texts)
    ]
    groups = grouped(given_ones)
    members = [each.chunk_id for group in groups for each in group.members]
    assert sorted(members) == [each.chunk_id for each in given_ones]
    firsts = [group.first.chunk_id for group in groups]
    assert firsts == sorted(firsts)
    assert all(group.first.chunk_id == min(e.chunk_id for e in group.members) for group in groups)


_PIECES = (
    "hail", "Wind ", " the", "\n", " ", "|", "\u00ad", "\ufb01re", "\u2460", "\u0661", "\u00b9",
    "\u0301", "(", ")", "x) ", "1,500", " CG 00 01 04 13", " (Rev. 01-2020)", "covered ", "2020",
    "ACORD 25 (2016/03)", "Ed. 04/13", "Edition March 2020", "\u00a9 Bureau", ", 2010", " Page 3",
    "Copyright ", " of 16", " revised: 5 May 2021", "\u0130n",
)  # fmt: skip
_TEXTS = st.lists(st.sampled_from(_PIECES), max_size=25).map("".join)


@given(_TEXTS, st.integers(1, 40))
def test_the_last_words_are_those_of_the_whole(text: str, end: int) -> None:
    """However much of a passage is looked at, its last words are those that remain of all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passage_copies, "_END", end)
        passage = candidate(text)
        assert passage.last_of_any_edition == tuple(passage.of_any_edition.split()[-2:])


@given(st.lists(st.tuples(_TEXTS, st.integers(0, 2)), max_size=8), st.data())
def test_passages_that_end_alike_are_grouped_as_if_all_were_compared(
    drawn: list[tuple[str, int]], data: st.DataObject
) -> None:
    """Only passages that end alike are compared, and the groups are those of comparing all."""
    again = data.draw(st.permutations(drawn))
    passages = [
        Candidate(UUID(int=n), UUID(int=document), text, "", "other", "")
        for n, (text, document) in enumerate([*drawn, *again])
    ]
    groups = grouped(passages)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Candidate, "last_of_any_edition", ())
        assert grouped([replace(each) for each in passages]) == groups
