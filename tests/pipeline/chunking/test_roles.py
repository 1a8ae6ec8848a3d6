"""What a passage is in an insurance document."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.chunk_roles import Role
from pipeline.chunking import ChunkerOptions, chunk_document
from pipeline.chunking.heading_rules import HEADING_RULES
from pipeline.chunking.role_rules import Rule
from pipeline.chunking.roles import _HEADINGS, _WORDINGS, _Phrases, role_of
from pipeline.chunking.wording_rules import WORDING_RULES
from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.tokens import tokenizer
from tests.growth import MEASURABLE_SECONDS, processor_seconds

PLAIN = "Some words that say nothing by themselves."


@pytest.mark.parametrize(
    ("role", "title"),
    [
        (Role.COVERAGE, "What is covered"),
        (Role.COVERAGE, "INSURING AGREEMENT"),
        (Role.COVERAGE, "Art. 3.1 - Oggetto dell\u2019assicurazione"),
        (Role.EXCLUSION, "Exclusions and limitations"),
        (Role.EXCLUSION, "What is not covered?"),
        (Role.EXCLUSION, "7.4 Gender treatments (Code - Excl07)"),
        (Role.EXCLUSION, "Esclusioni e limiti specifici"),
        (Role.DEFINITION, "DEFINITIONS"),
        (Role.DEFINITION, "Hospital means"),
        (Role.CONDITION, "General Conditions"),
        (Role.CONDITION, "14. Cancellation and renewal"),
        (Role.LIMIT, "Limits of liability"),
        (Role.LIMIT, "Deductibles"),
        (Role.LIMIT, "Your cost if you use a network provider"),
        (Role.CLAIMS, "How to file a claim"),
        (Role.CLAIMS, "Your Grievance and Appeals Rights:"),
        (Role.SCHEDULE, "Policy Declarations"),
        (Role.SCHEDULE, "Schedule of Benefits"),
        (Role.ENDORSEMENT, "Endorsement no. 12 - Delay of baggage"),
        (Role.OTHER, "Table of contents"),
        (Role.OTHER, "Chronic condition management"),
        (Role.OTHER, "Our exclusive network"),
    ],
)
def test_a_heading_tells_the_role(role: Role, title: str) -> None:
    """In the words of policies, in any case, and not by a part of a word."""
    assert role_of((title,), PLAIN) is role
    assert role_of((title.upper(),), PLAIN) is role


@pytest.mark.parametrize(
    ("role", "titles"),
    [
        (Role.EXCLUSION, ("Definitions", "Exclusions")),
        (Role.EXCLUSION, ("Exclusions", "War and terrorism")),
        (Role.CLAIMS, ("General Conditions", "Claims")),
        (Role.DEFINITION, ("Definitions", "12. Deductible")),
        (Role.LIMIT, ("What is covered", "12. Deductible")),
        (Role.OTHER, ("Cancellation of cover", "Baggage")),
    ],
)
def test_the_nearest_heading_wins(role: Role, titles: tuple[str, ...]) -> None:
    """An outer one stands in for one that says nothing, when it names a section."""
    assert role_of(titles, PLAIN) is role


@pytest.mark.parametrize(
    ("role", "text"),
    [
        (Role.EXCLUSION, "We will not pay for loss caused by flood."),
        (Role.COVERAGE, "We will pay for direct loss to the dwelling."),
        (Role.DEFINITION, '"Occurrence" means an accident. "You" means the named insured.'),
        (Role.LIMIT, "The deductible is $500 and the copay $20."),
        (Role.CLAIMS, "File a claim within 90 days, with proof of loss."),
        (Role.ENDORSEMENT, "This endorsement changes the policy."),
        (Role.SCHEDULE, "Policy number 17. Named insured: A. Mailing address: B."),
        (Role.CONDITION, "You must tell us. The policy may cancel upon written notice."),
        (Role.OTHER, PLAIN),
        (Role.OTHER, "A list that goes up to ten."),
    ],
)
def test_wording_tells_where_headings_do_not(role: Role, text: str) -> None:
    """And a heading that tells a role is believed against it."""
    assert role_of(("Baggage",), text) is role
    assert role_of(("Glossary",), text) is Role.DEFINITION


def test_a_line_in_bold_type_is_a_heading_to_the_reader() -> None:
    """A passage that begins with one has its role."""
    assert role_of(("Endorsement no. 4",), "**b. Special exclusions**\n\n1. War") is Role.EXCLUSION


def test_a_table_of_contents_has_no_role() -> None:
    """It names every role and is none."""
    lines = "Exclusions ........ 4\nClaims ............ 9\n"
    assert role_of(("Exclusions",), lines) is Role.OTHER


def test_columns_tell_what_a_table_is_about() -> None:
    """The names of the columns beside a piece of a table are wording of it."""
    row = "| Visit | $20 | 30% |"
    assert role_of((), row) is Role.OTHER
    assert role_of((), row, "Columns: Service | Copay | Coinsurance") is Role.LIMIT


def test_a_section_with_a_bare_heading_before_it_keeps_its_role() -> None:
    """What is joined to the front of a section does not take its headings from it."""
    text = f"# Plan\n\n## Exclusions\n\n{PLAIN}"
    parsed = ParsedDocument((ParsedPage(1, text),), False, "test-1", "test")
    [chunk] = chunk_document(parsed, ChunkerOptions(), tokenizer("cl100k_base"))
    assert chunk.role == "exclusion"


def test_the_title_of_a_document_is_no_section_of_it() -> None:
    """A heading above most of a document with many sections tells nothing of each."""
    sections = "\n\n".join(f"## Part of it {name}\n\n{PLAIN * 3}" for name in "abcdef")
    policy = ParsedDocument(
        (ParsedPage(1, f"# Schedule of coverages\n\n{sections}"),), False, "test-1", "test"
    )
    notice = ParsedDocument(
        (ParsedPage(1, f"# Flood exclusion\n\n{PLAIN}\n\n## More\n\n{PLAIN}"),), False, "t", "t"
    )
    model = tokenizer("cl100k_base")
    roles = [chunk.role for chunk in chunk_document(policy, ChunkerOptions(), model)]
    assert set(roles) == {"other"}
    roles = [chunk.role for chunk in chunk_document(notice, ChunkerOptions(), model)]
    assert set(roles) == {"exclusion"}


@pytest.mark.parametrize("rule", [*HEADING_RULES, *WORDING_RULES], ids=lambda rule: rule.name)
def test_every_rule_has_a_name_and_phrases_in_small_letters(rule: Rule) -> None:
    """No phrase is there twice, and none ends in white space or has a mark of its own."""
    assert rule.name[0].islower()
    assert rule.phrases
    assert len(set(rule.phrases)) == len(rule.phrases)
    assert all(phrase == phrase.lower().strip() for phrase in rule.phrases)


def test_no_phrase_of_a_kind_is_in_two_rules_of_one_weight() -> None:
    """Which one counts would hang on their order alone."""
    for rules in (HEADING_RULES, WORDING_RULES):
        known: dict[tuple[str, int], str] = {}
        for rule in rules:
            for phrase in rule.phrases:
                assert known.setdefault((phrase, rule.weight), rule.name) == rule.name, phrase


@pytest.mark.parametrize("unit", ["claim ", "not ", "not covered ", "x", "limits of ", "\n"])
def test_the_time_is_bounded(unit: str) -> None:
    """Only the beginning of a passage is read, and no repetition makes it slow."""

    def judge(size: int) -> float:
        def work() -> None:
            for number in range(50):
                role_of((unit * (size // 64) + str(number),), unit * size)

        return processor_seconds(work, 3)

    assert judge(40_000) < 12 * max(judge(5_000), MEASURABLE_SECONDS)


_PHRASES = [
    phrase.replace("*", "s") for rule in (*HEADING_RULES, *WORDING_RULES) for phrase in rule.phrases
]


def _at_every_word(phrases: _Phrases, text: str) -> list[tuple[int, str]]:
    """What is found when every beginning of a word is looked at."""
    lower, end, found = text.lower(), 0, []
    for start in (each.start() for each in re.finditer(r"\b\w", lower)):
        pattern = phrases._by_letter.get(lower[start]) if start >= end else None
        if pattern is not None and (here := pattern.match(lower, start)) is not None:
            end = here.end()
            found.append((int((here.lastgroup or "_0")[1:]), here.group()))
    return found


@given(
    st.lists(
        st.sampled_from([*_PHRASES, "x", "_", "*", "\u00e9", "\u2022", "not", "we", "\n"]),
        max_size=8,
    ),
    st.sampled_from([" ", "", "-", "  ", "**"]),
)
@settings(max_examples=200, deadline=None)
def test_no_phrase_is_overlooked(pieces: list[str], between: str) -> None:
    """Looking only where a phrase's words all are finds what looking everywhere does."""
    text = between.join(pieces)
    for phrases in (_HEADINGS, _WORDINGS):
        assert list(phrases.found_in(text)) == _at_every_word(phrases, text)
