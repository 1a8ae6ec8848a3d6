from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.parsing.crosscheck import clean_markdown, has_words, is_trustworthy
from pipeline.parsing.mending import mend
from pipeline.parsing.page_tables import page_tables, words

PLAIN = """Drug Benefits
You pay these prices until you have spent $2,100.
Tier Preferred Standard
Tier 1, generic $0 $6
Tier 2, brand $42 $47
Rules for Using the Plan
• Ask first.
"""
SOUND = """## Drug Benefits

You pay these prices until you have spent $2,100.

| Tier | Preferred | Standard |
|---|---|---|
| Tier 1, generic | $0 | $6 |
| Tier 2, brand | $42 | $47 |

## Rules for Using the Plan

- Ask first."""
TORN = """## Drug Benefits

You pay these prices until you have spent $2,100.

| Tier | | |
|---|---|---|
| Tier 1, generic | | |
| Tier 2, brand | | |

## Rules for Using the Plan

|  | Preferred | Standard |
|---|---|---|
| | $0 | $6 |
| | $42 | $47 |

- Ask first."""


def test_agreeing_readings_are_trusted() -> None:
    """Markdown that says what the plain reading says is kept."""
    assert is_trustworthy(SOUND, PLAIN)


@pytest.mark.parametrize(
    ("markdown", "plain"),
    [
        (TORN, PLAIN),
        ("## Drug Benefits", PLAIN),
        ("", PLAIN),
        (SOUND.replace("| Preferred |", "| Preferred Standard Preferred Standard |"), PLAIN),
        (
            "| We pay for loss | You must tell us |\n|---|---|\n"
            "| by fire or by wind | as soon as you can |\n| and for what it | and no later than |",
            "We pay for loss by fire or by wind and for what it\n"
            "You must tell us as soon as you can and no later than",
        ),
    ],
    ids=["torn table", "lost words", "nothing", "repeated words", "prose as a table"],
)
def test_doubtful_readings_are_not_trusted(markdown: str, plain: str) -> None:
    """Torn tables, lost words, repeated words and tables of prose are found out."""
    assert not is_trustworthy(markdown, plain)


def test_mending_puts_structure_back() -> None:
    """A mended page has the plain rows together, with headings and lists marked again."""
    assert mend(TORN, PLAIN) == (
        "## Drug Benefits\n\n"
        "You pay these prices until you have spent $2,100.\n"
        "Tier Preferred Standard\n"
        "Tier 1, generic $0 $6\n"
        "Tier 2, brand $42 $47\n\n"
        "## Rules for Using the Plan\n\n"
        "- Ask first."
    )


def test_mending_keeps_sound_tables() -> None:
    """A sound table on a page that is mended for another reason stays a table."""
    assert mend(SOUND, PLAIN + "A line that was lost.") == SOUND + "\nA line that was lost."


@given(st.text(alphabet="ab1 |#-\n•", max_size=200), st.text(alphabet="ab1 |#-\n•", max_size=200))
def test_mending_loses_and_adds_no_word(markdown: str, plain: str) -> None:
    """Whatever the Markdown says, a mended page has the words of the plain reading."""
    assert sorted(words(mend(markdown, plain))) == sorted(words(plain))


@given(st.text(alphabet="ab1 |:-\n\\", max_size=200))
def test_any_markdown_has_tables_or_none(markdown: str) -> None:
    """Reading tables never fails, and a page always agrees with itself on lost words."""
    for table in page_tables(markdown):
        assert table.rows
        assert set(table.words()) <= set(words(markdown))


def test_fences_without_words_go() -> None:
    """The fence that stands for a scanned page, and picture marks, are no text."""
    assert clean_markdown("```text\n\n```") == ""
    assert clean_markdown("```text\n ___ \n```\n\n![page](p.png)") == ""
    assert clean_markdown("```text\nTotal 5\n```") == "```text\nTotal 5\n```"


@pytest.mark.parametrize(("text", "expected"), [("_ * |", False), ("é", True), ("7", True)])
def test_has_words(text: str, expected: bool) -> None:
    """A letter or a digit makes a word; punctuation does not."""
    assert has_words(text) is expected
