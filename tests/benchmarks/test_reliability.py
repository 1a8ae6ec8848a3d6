"""The benchmark of reliability: what it makes, and how it judges."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.chaos.oracle import Corpus
from benchmarks.reliability.deaths import summed
from benchmarks.reliability.incidents import Told
from benchmarks.reliability.incidents import markdown as incidents_table
from benchmarks.reliability.mixed import KINDS, write_mixed
from benchmarks.reliability.recovery import compared
from benchmarks.reliability.simulated_incidents import INCIDENTS
from benchmarks.reliability.success import judged
from benchmarks.reliability.table import markdown
from pipeline.store.corpus import Ledger, PublishedChunk


def test_a_hundred_documents_hold_every_kind_and_no_bytes_twice(tmp_path: Path) -> None:
    """Each kind has its share of a hundred, and no two files are the same document."""
    assert sum(kind.share for kind in KINDS) == 100
    made = write_mixed(tmp_path / "documents", 100)
    assert {each.kind.name for each in made} == {kind.name for kind in KINDS}
    assert len({each.path.read_bytes() for each in made}) == 100


def test_a_document_that_says_nothing_is_not_explained(tmp_path: Path) -> None:
    """A file of which the run says nothing has neither ended nor been told of."""
    made = write_mixed(tmp_path / "documents", 1)
    [found] = judged(made, {"documents": [], "rejected": [], "skipped": {}})
    assert not (found["ended"] or found["told"] or found["published"])


def test_the_slowest_of_a_few_rounds_is_their_95th_percentile() -> None:
    """What was not published in any round counts."""
    rounds = [{"seconds": s, "under_way": 1, "not_published": s == 3} for s in (1.0, 3.0, 2.0)]
    found = summed(rounds)
    assert (found["p50"], found["p95"], found["not_published"]) == (2.0, 3.0, 1)


def test_a_passage_is_back_when_its_text_and_vector_are() -> None:
    """What was restored differs from what was destroyed by a vector as well as by a text."""
    before = _corpus(("a.md", 0, "t", "v"), ("a.md", 1, "u", "w"), ("b.md", 0, "x", "y"))
    same = compared(before, _corpus(("a.md", 0, "t", "v"), ("a.md", 1, "u", "w")))
    assert (same["passages"], same["passages_of"], same["passages_other"]) == (2, 3, 0)
    assert (same["published"], same["published_of"]) == (1, 2)
    for changed in (("a.md", 0, "t", "other"), ("a.md", 0, "other", "v"), ("c.md", 0, "t", "v")):
        assert compared(before, _corpus(changed))["passages_other"] == 1


def _corpus(*passages: tuple[str, int, str, str]) -> Corpus:
    found = [PublishedChunk(source, at, text, 0, vector) for source, at, text, vector in passages]
    return Corpus(found, [], Ledger(0, 0, 0, 0.0, 0))


def test_the_table_of_a_recovery_has_every_figure() -> None:
    """Each size has its rows, beside what is promised."""
    figures = dict.fromkeys(
        (
            "backup_seconds",
            "restore_seconds",
            "up_seconds",
            "check_seconds",
            "rto_seconds",
            "went_on_seconds",
        ),
        1.5,
    )
    counts = dict.fromkeys(
        ("backup_bytes", "database_bytes", "objects_bytes", "accepted", "accepted_of", "published",
         "passages", "passages_other", "again_tokens", "all_tokens"), 7,
    )  # fmt: skip
    told = dict.fromkeys(("ingesting_meanwhile", "check_passed", "again_equal"), True)
    table = markdown({"recovery": {"1000": figures | counts | told}, "machine": "Some machine."})
    assert "recovery time (RTO) | 1.5 s: restore 1.5, up 1.5, check 1.5 |" in table
    assert "of 7 documents 7 accepted, 7 published" in table


def test_each_simulated_incident_is_answered_or_says_why_a_person_is_needed() -> None:
    """What a machine does not answer has a reason, and what a person does; no name comes twice."""
    assert len({each.name for each in INCIDENTS}) == len(INCIDENTS)
    for each in INCIDENTS:
        assert bool(each.answer) != bool(each.person and each.why_person), each.name


def test_an_incident_that_nobody_ended_is_not_counted_as_ended() -> None:
    """Only what became well, without a person's hand and by its own record, is."""
    alone = Told("a", "a", detected=1.0, well=2.0, ended_by="itself")
    others = [
        replace(alone, well=None), replace(alone, by_person=True),
        replace(alone, ended_by="nobody yet"), replace(alone, ended_by="ann"),
    ]  # fmt: skip
    assert [each.by_itself for each in (alone, *others)] == [True, False, False, False, False]
    borne = replace(alone, detected=None, ended_by="")
    told = incidents_table([alone, borne, *others])
    assert "2 of 6 (33%) ended without a person; of the 5 that were written down 1 (20%)." in told
