"""The gate, with the real Great Expectations."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest

from checks import runner
from checks.frames import (
    ChunkRow,
    FidelityRow,
    VectorRow,
    chunk_frame,
    fidelity_frame,
    measure_vectors,
    vector_frame,
)
from checks.gate import Gate
from checks.rules import Rule, Severity, Suite
from checks.suites import CHUNKS, FIDELITY, SUITES, VECTORS
from checks.validation_results import ABSENT, ValidationResult
from pipeline.errors import BrokenGate

GOOD_TEXT = FidelityRow(
    job_id="a",
    pages=10,
    pages_with_text=9,
    characters=5_000,
    words=800,
    replaced=0,
    readable_share=0.97,
    words_found=0.99,
    order_agreement=0.95,
    ruled_rows=40,
    ruled_rows_whole=0.975,
    glyphs_without_unicode=0,
    glyphs_readable=1.0,
    letters_plausible=0.96,
    language_known=1.0,
    headings=12,
    odd_headings=0,
    heading_share=0.04,
    headings_sane=1.0,
    furniture_repeated=0.0,
    gaps=0,
    gaps_told="",
)
GOOD_CHUNK = ChunkRow(
    "a", "c0", 0, 0, 200, 400, 900, "f" * 64, "f" * 64, 0, 900, True, 1.0, 1.0, 1.0
)
GOOD_VECTOR = VectorRow("a", "c0", 0, 1, 256, 256, True, 1.0, "f" * 64, "f" * 64)


def chunks_of(job_id: str, count: int) -> list[ChunkRow]:
    return [
        replace(GOOD_CHUNK, job_id=job_id, chunk_id=f"{job_id}{n}", ordinal=n) for n in range(count)
    ]


def broken_rules(result: ValidationResult, job_id: str) -> list[str]:
    return [failure.rule for failure in result.failures[job_id]]


@pytest.fixture(scope="module")
def gate() -> Gate:
    return Gate()


def test_good_documents_pass_every_suite(gate: Gate) -> None:
    """Documents without fault pass all three suites, and every rule has judged every row."""
    frames = (
        fidelity_frame([GOOD_TEXT, replace(GOOD_TEXT, job_id="b")]),
        chunk_frame(chunks_of("a", 3) + chunks_of("b", 2)),
        vector_frame([GOOD_VECTOR, replace(GOOD_VECTOR, chunk_id="c1", ordinal=1)]),
    )
    for suite, frame in zip(SUITES, frames, strict=True):
        result = gate.check(suite, frame)
        assert result.success
        assert [rule.rule for rule in result.rules] == list(suite.rules)
        assert {rule.evaluated for rule in result.rules} == {len(frame)}
        assert result.passed == tuple(dict.fromkeys(frame["job_id"]))


@pytest.mark.parametrize(
    ("change", "rule", "words"),
    [
        ({"pages": 0, "pages_with_text": 0}, "pages_with_text", "0 of 0 pages have text"),
        ({"words": 0}, "not_empty", "the text holds no word"),
        ({"pages_with_text": 4}, "pages_with_text", "4 of 10 pages have text (40%), at least 50%"),
        ({"readable_share": 0.5}, "readable", "50% of the characters are readable, at least 85%"),
        ({"replaced": 100}, "few_replaced", "2.00% of the characters had to be replaced"),
        ({"words_found": 0.8}, "words_found", "80.0% of the words of another reading"),
        ({"order_agreement": 0.4}, "reading_order", "40.0% of the neighboring words"),
        ({"ruled_rows_whole": 0.54}, "ruled_rows_whole", "54% of the 40 rows of ruled tables"),
        (
            {"glyphs_readable": 0.5, "glyphs_without_unicode": 2_500},
            "glyphs_readable",
            "of 2500 characters the font does not say what they are; 50.0% are known",
        ),
        ({"letters_plausible": 0.6}, "letters_plausible", "only 60% of the letters stand together"),
    ],
)
def test_bad_text_fails_its_rule_in_words(
    gate: Gate, change: dict[str, float], rule: str, words: str
) -> None:
    """Each fault of a parsed text breaks its rule, says so in words, and spares the neighbor."""
    bad = replace(GOOD_TEXT, job_id="bad", **change)  # type: ignore[arg-type]
    result = gate.check(FIDELITY, fidelity_frame([GOOD_TEXT, bad]))
    assert rule in broken_rules(result, "bad")
    assert words in result.reason("bad")
    assert result.passed == ("a",)


@pytest.mark.parametrize(
    ("change", "rule", "words"),
    [
        ({"chunk_id": "bad0"}, "unique", "bad0 stands more than once"),
        ({"ordinal": 5}, "contiguous", "has number 5 but is number 2 in order"),
        ({"ordinal": 1}, "contiguous", "has number 1 but is number 2 in order"),
        ({"tokens": 401}, "within_size", "chunk 2: the chunk holds 401 tokens, at most 400"),
        ({"characters": 0}, "not_blank", "0 visible characters"),
        ({"computed_sha256": "0" * 64}, "hash_agrees", "not the text that was hashed"),
        ({"text_matches": False}, "text_rebuilds", "characters 0 to 900"),
        ({"covered_share": 0.9}, "nothing_lost", "the chunks hold 90.0%"),
    ],
)
def test_bad_chunk_fails_its_rule_in_words(
    gate: Gate, change: dict[str, object], rule: str, words: str
) -> None:
    """Each fault of a chunk breaks its rule alone, in words, for its document alone."""
    rows = chunks_of("bad", 3)
    rows[2] = replace(rows[2], **change)  # type: ignore[arg-type]
    result = gate.check(CHUNKS, chunk_frame(chunks_of("a", 3) + rows))
    assert broken_rules(result, "bad") == [rule]
    assert words in result.reason("bad")
    assert result.passed == ("a",)


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ({"vectors": 0, "dimension": 0, "finite": False, "norm": 0.0, "sha256": ""}, "one_each"),
        ({"vectors": 2}, "one_each"),
        ({"dimension": 255}, "dimension"),
        ({"finite": False}, "finite"),
        ({"norm": 0.0}, "unit_norm"),
        ({"norm": 1.01}, "unit_norm"),
        ({"sha256": "0" * 64}, "hash_agrees"),
    ],
)
def test_bad_vector_fails_its_rule(gate: Gate, change: dict[str, object], rules: str) -> None:
    """Each fault of a vector breaks its rule, for its document alone."""
    bad = replace(GOOD_VECTOR, job_id="bad", **change)  # type: ignore[arg-type]
    result = gate.check(VECTORS, vector_frame([GOOD_VECTOR, bad]))
    assert rules in broken_rules(result, "bad")
    assert result.passed == ("a",)


def test_every_failing_row_counts_and_three_are_shown(gate: Gate) -> None:
    """A thousand failing rows are all counted, beyond any cap, and three stand as examples."""
    rows = [replace(row, text_matches=False) for row in chunks_of("bad", 1_000)]
    result = gate.check(CHUNKS, chunk_frame(rows + chunks_of("a", 2)))
    (failure,) = result.failures["bad"]
    assert failure.failed == 1_000
    assert len(failure.examples) == 3
    assert failure.sentence.endswith("(and 999 more)")


def test_order_of_the_frame_does_not_change_the_verdict(gate: Gate) -> None:
    """Rows of several documents, mixed and with a foreign index, are mapped to their documents."""
    rows = chunks_of("a", 4) + chunks_of("b", 4)
    rows[6] = replace(rows[6], text_matches=False)
    frame = chunk_frame(rows).sample(frac=1, random_state=7)
    frame.index = pd.Index(range(100, 108))
    result = gate.check(CHUNKS, frame)
    assert list(result.failures) == ["b"]
    assert result.failures["b"][0].examples[0].startswith("chunk 2:")


def test_document_without_rows_fails(gate: Gate) -> None:
    """A document that should be in the frame and is not gets a failure, never a pass."""
    result = gate.check(CHUNKS, chunk_frame(chunks_of("a", 2)), expected_jobs=["a", "lost"])
    assert broken_rules(result, "lost") == [ABSENT]
    assert result.reason("lost") == "the document has no chunks"
    assert result.passed == ("a",)


def test_null_measurement_fails_its_document(gate: Gate) -> None:
    """Great Expectations has no opinion on NULL; the gate fails that document."""
    frame = fidelity_frame([GOOD_TEXT, replace(GOOD_TEXT, job_id="bad")])
    frame.loc[1, "coverage"] = np.nan
    result = gate.check(FIDELITY, frame)
    assert broken_rules(result, "bad") == ["pages_with_text"]
    assert "could not be measured" in result.reason("bad")


def test_what_was_not_measured_is_neither_passed_nor_failed(gate: Gate) -> None:
    """An optional measurement that is missing keeps nobody back; only measured rows count."""
    unmeasured = replace(GOOD_TEXT, job_id="b", words_found=float("nan"))
    torn = replace(GOOD_TEXT, job_id="bad", words_found=0.5)
    result = gate.check(FIDELITY, fidelity_frame([GOOD_TEXT, unmeasured, torn]))
    (found,) = [each for each in result.rules if each.rule.name == "words_found"]
    assert (found.evaluated, found.failed, found.observed) == (2, 1, 0.5)
    assert result.passed == ("a", "b")


def test_a_rule_that_was_measured_nowhere_says_so(gate: Gate) -> None:
    """Great Expectations would pass a column of NULLs; such a rule counts no row as checked."""
    nowhere = replace(GOOD_TEXT, ruled_rows_whole=float("nan"), ruled_rows=0)
    result = gate.check(FIDELITY, fidelity_frame([nowhere]))
    (found,) = [each for each in result.rules if each.rule.name == "ruled_rows_whole"]
    assert (found.evaluated, found.failed, found.observed) == (0, 0, None)
    assert result.passed == ("a",)


def test_the_worst_value_is_kept_also_when_it_is_good_enough(gate: Gate) -> None:
    """The report can say how near to its limit the corpus is."""
    rows = [GOOD_TEXT, replace(GOOD_TEXT, job_id="b", words_found=0.96, replaced=5)]
    found = {each.rule.name: each for each in gate.check(FIDELITY, fidelity_frame(rows)).rules}
    assert (found["words_found"].failed, found["words_found"].observed) == (0, 0.96)
    assert found["few_replaced"].observed == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("change", "rule", "words"),
    [
        ({"language_known": 0.0}, "language_known", "the language of the text cannot be told"),
        (
            {"headings_sane": 0.4, "odd_headings": 30, "headings": 50, "heading_share": 0.4},
            "headings_sane",
            "30 of 50 headings can be none",
        ),
        ({"furniture_repeated": 0.9}, "furniture_repeated", "90% of the pages repeat a running"),
        (
            {"gaps": 1, "gaps_told": "Pages 2 and 4: pictures were not read."},
            "gaps",
            "not everything was read: Pages 2 and 4: pictures were not read.",
        ),
    ],
)
def test_what_is_only_odd_is_a_warning(
    gate: Gate, change: dict[str, object], rule: str, words: str
) -> None:
    """The document passes, and the warning is told in words."""
    odd = replace(GOOD_TEXT, **change)  # type: ignore[arg-type]
    result = gate.check(FIDELITY, fidelity_frame([odd]))
    assert result.passed == ("a",)
    (warning,) = result.warnings["a"]
    assert warning.rule == rule
    assert words in warning.sentence


def test_warning_is_recorded_and_lets_the_document_pass(gate: Gate) -> None:
    """A rule of severity warning is told, and keeps nobody back."""
    mild = replace(FIDELITY.rules[0], severity=Severity.WARNING)
    suite = replace(FIDELITY, rules=(mild,))
    result = gate.check(suite, fidelity_frame([replace(GOOD_TEXT, words=0)]))
    assert result.passed == ("a",)
    assert result.warnings["a"][0].rule == "not_empty"


class TestBrokenGate:
    """Whatever keeps the gate from judging is an error."""

    def test_empty_frame(self, gate: Gate) -> None:
        """No rows is not a pass."""
        with pytest.raises(BrokenGate, match="nothing to check"):
            gate.check(FIDELITY, fidelity_frame([GOOD_TEXT]).iloc[:0])
        with pytest.raises(BrokenGate, match="no FidelityRow"):
            fidelity_frame([])

    def test_empty_suite(self, gate: Gate) -> None:
        """No rules is not a pass."""
        with pytest.raises(BrokenGate, match="no rules"):
            gate.check(replace(FIDELITY, rules=()), fidelity_frame([GOOD_TEXT]))

    def test_missing_column(self, gate: Gate) -> None:
        """A frame that lacks a judged column is refused."""
        with pytest.raises(BrokenGate, match="no column coverage"):
            gate.check(FIDELITY, fidelity_frame([GOOD_TEXT]).drop(columns="coverage"))

    def test_all_null_column(self, gate: Gate) -> None:
        """A column of NULLs, which Great Expectations would pass, is refused."""
        frame = fidelity_frame([GOOD_TEXT]).assign(coverage=np.nan)
        with pytest.raises(BrokenGate, match="only NULL in coverage"):
            gate.check(FIDELITY, frame)

    def test_rows_of_no_document(self, gate: Gate) -> None:
        """A row without a document has nobody to answer for it."""
        frame = fidelity_frame([GOOD_TEXT, GOOD_TEXT])
        frame.loc[1, "job_id"] = None
        with pytest.raises(BrokenGate, match="belong to no document"):
            gate.check(FIDELITY, frame)

    def test_exception_inside_an_expectation(self, gate: Gate) -> None:
        """A text in a numeric column makes the expectation raise: no verdict, so an error."""
        frame = fidelity_frame([GOOD_TEXT]).assign(coverage="plenty")
        with pytest.raises(BrokenGate, match="could not be evaluated"):
            gate.check(FIDELITY, frame)

    def test_unknown_expectation(self, gate: Gate) -> None:
        """A rule that names no known expectation is an error."""
        rule = Rule("odd", "Odd", "odd", "ExpectColumnValuesToBeOdd", "words")
        with pytest.raises(BrokenGate, match="could not be run"):
            gate.check(replace(FIDELITY, rules=(rule,)), fidelity_frame([GOOD_TEXT]))

    def test_wrong_row_type(self) -> None:
        """A frame is built from its own rows only."""
        with pytest.raises(BrokenGate, match="rows of type ChunkRow"):
            chunk_frame([GOOD_VECTOR])  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("change", "column"),
    [({"job_id": None}, "job_id"), ({"ordinal": None}, "ordinal"), ({"text_matches": 1}, "text")],
)
def test_wrong_value_in_a_row_breaks_the_gate(change: dict[str, object], column: str) -> None:
    """A row with a value of the wrong type is a wrong frame, and says which value."""
    rows = [GOOD_CHUNK, replace(GOOD_CHUNK, **change)]  # type: ignore[arg-type]
    with pytest.raises(BrokenGate, match=rf"ChunkRow\.{column}"):
        chunk_frame(rows)


def test_every_sentence_can_be_filled(gate: Gate) -> None:
    """Each rule's sentence names only columns of its frame and fits their types."""
    frames = {
        FIDELITY.name: fidelity_frame([GOOD_TEXT]),
        CHUNKS.name: chunk_frame([GOOD_CHUNK]),
        VECTORS.name: vector_frame([GOOD_VECTOR]),
    }
    for suite in SUITES:
        row = {str(k): v for k, v in frames[suite.name].iloc[0].to_dict().items()}
        for rule in suite.rules:
            words = rule.sentence.format(observed=row[rule.column], limit=rule.limit, **row)
            assert "{" not in words


def test_suites_that_are_judged_together_find_what_each_alone_finds(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One validation gives each suite its verdict: of its own column, also of a common name."""
    chunks = chunks_of("a", 2) + chunks_of("b", 2)
    chunks[1] = replace(chunks[1], computed_sha256="0" * 64)
    vectors = [replace(GOOD_VECTOR, job_id=c.job_id, chunk_id=c.chunk_id) for c in chunks]
    vectors[3] = replace(vectors[3], norm=2.0)
    asked = [(CHUNKS, chunk_frame(chunks)), (VECTORS, vector_frame(vectors))]
    alone = [gate.check(suite, frame, expected_jobs=["c"]) for suite, frame in asked]
    suites: list[str] = []
    validate = runner._validate

    def counted(suite: Suite, frame: pd.DataFrame) -> list[runner.RowFindings]:
        suites.append(suite.name)
        return validate(suite, frame)

    monkeypatch.setattr(runner, "_validate", counted)
    together = gate.check_together(asked, expected_jobs=["c"])
    assert suites == ["chunks and vectors"]
    assert [replace(each, seconds=0) for each in together] == [
        replace(each, seconds=0) for each in alone
    ]
    assert [broken_rules(together[0], "a"), broken_rules(together[1], "b")] == [
        ["hash_agrees"], ["unit_norm"],
    ]  # fmt: skip


def test_frames_of_unlike_length_are_judged_each_by_itself(gate: Gate) -> None:
    """A vector row that is missing leaves no NULL beside a chunk, and is told by its own suite."""
    asked = [
        (CHUNKS, chunk_frame(chunks_of("a", 2) + chunks_of("b", 1))),
        (VECTORS, vector_frame([GOOD_VECTOR])),
    ]
    chunks, vectors = gate.check_together(asked, expected_jobs=["a", "b"])
    assert chunks.passed == ("a", "b")
    assert vectors.passed == ("a",)
    assert broken_rules(vectors, "b") == [ABSENT]
    assert {rule.evaluated for rule in vectors.rules} == {1}


def test_a_frame_that_cannot_be_judged_spoils_what_it_is_judged_with(gate: Gate) -> None:
    """No verdict on one suite is none on the other: a broken gate, never half a pass."""
    broken = vector_frame([GOOD_VECTOR]).drop(columns="norm_error")
    with pytest.raises(BrokenGate, match="norm_error"):
        gate.check_together([(CHUNKS, chunk_frame(chunks_of("a", 1))), (VECTORS, broken)])


def test_rule_names_are_unique_in_a_suite() -> None:
    """Results are stored by suite and rule name, so a name stands once."""
    for suite in SUITES:
        names = [rule.name for rule in suite.rules]
        assert len(set(names)) == len(names)


def test_threads_share_the_gate(gate: Gate) -> None:
    """Checks from several threads at once each get their own frame's verdict."""
    verdicts: dict[int, tuple[str, ...]] = {}

    def check(number: int) -> None:
        rows = [replace(GOOD_TEXT, job_id=f"{number}-{i}", words=max(0, i - 2)) for i in range(6)]
        verdicts[number] = gate.check(FIDELITY, fidelity_frame(rows)).passed

    threads = [threading.Thread(target=check, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == {n: (f"{n}-3", f"{n}-4", f"{n}-5") for n in range(6)}


def test_vectors_are_measured() -> None:
    """Finite, NaN, infinite, zero and unit vectors are told apart."""
    vectors = np.array(
        [[0.6, 0.8], [np.nan, 1.0], [np.inf, 0.0], [0.0, 0.0], [3.0, 4.0]], dtype=np.float32
    )
    finite, norms = measure_vectors(vectors)
    assert finite.tolist() == [True, False, False, True, True]
    assert norms == pytest.approx([1.0, 0.0, 0.0, 0.0, 5.0])


def test_limits_read_as_words() -> None:
    """A rule's threshold can be told to an auditor."""
    rule = Rule("r", "R", "", "X", "c", MappingProxyType({"min_value": 0.5, "max_value": 2}))
    assert rule.threshold == "at least 0.5, at most 2"
    assert Suite("s", "S", (rule,), "").columns == ("job_id", "c")


def test_gate_is_quiet_and_leaves_no_files(tmp_path: Path) -> None:
    """In a fresh process a check prints nothing, writes no file and switches analytics off."""
    code = (
        "import os\n"
        "from checks.gate import Gate, warm_up\n"
        "from checks.frames import FidelityRow, fidelity_frame\n"
        "from checks.suites import FIDELITY\n"
        "from dataclasses import fields\n"
        "warm_up()\n"
        "values = {each.name: 0 for each in fields(FidelityRow)}\n"
        "row = FidelityRow(**{**values, 'job_id': 'a', 'pages': 10, 'gaps_told': ''})\n"
        "result = Gate().check(FIDELITY, fidelity_frame([row]))\n"
        "assert list(result.failures) == ['a']\n"
        "assert os.environ['GX_ANALYTICS_ENABLED'] == 'false'\n"
    )
    root = Path(__file__).parents[2]
    places = {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PYTHONPATH": str(root)}
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, **places},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_importing_the_gate_is_light() -> None:
    """Great Expectations and pandas are imported when they are needed, not with the module."""
    code = (
        "import sys, checks.gate, checks.markdown, checks.report\n"
        "assert not {'great_expectations', 'pandas'} & set(sys.modules)\n"
    )
    root = Path(__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")
