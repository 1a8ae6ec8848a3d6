"""Defined terms are found in the forms that policies have, and only they."""

from __future__ import annotations

import pytest

from pipeline.companions.definitions import definitions_in, key_of, phrases_in


@pytest.mark.parametrize(
    ("text", "role", "term"),
    [
        ('"Accident" means a sudden event.', "other", "Accident"),
        ("“Bodily injury” shall mean harm to a body.", "other", "Bodily injury"),
        ('"Insured" as used in Part A means you.', "other", "Insured"),
        ("**Hospital** means an institution.", "other", "Hospital"),
        ("**Hospital**: an institution.", "other", "Hospital"),
        ("2.3 Day Care Centre means an institution.", "other", "Day Care Centre"),
        ("Stable means a condition that has not changed.", "other", "Stable"),
        ("Illness: any alteration in the state of health.", "definition", "Illness"),
        ("| Epidemia | Malattia contagiosa |", "definition", "Epidemia"),
        ("„Unfall“ bedeutet ein plötzliches Ereignis.", "other", "Unfall"),
        ('"Accidente" significa un hecho súbito.', "other", "Accidente"),
        ("Per Infortunio si intende un evento fortuito.", "other", "Per Infortunio"),
    ],
)
def test_a_definition_is_found(text: str, role: str, term: str) -> None:
    """Quoted, bold, at the beginning of a sentence, in a glossary; in several languages."""
    assert [each.term for each in definitions_in(text, role)] == [term]


@pytest.mark.parametrize(
    "text",
    [
        "This means that nothing is paid.",
        "It is covered by all means.",
        "Note: the ticket is needed.",
        "a) breakdown; means nothing",
    ],
)
def test_other_sentences_define_nothing(text: str) -> None:
    """A pronoun, a note and a list's item are no terms."""
    assert definitions_in(text, "coverage") == []


def test_a_definition_ends_where_the_next_begins() -> None:
    """Or with its paragraph; a list that follows belongs to it."""
    text = (
        'Preface. "Accident" means a sudden event that comes from outside and harms a body, '
        "that is:\n\n- a fall\n\n- a crash\n\nA sentence of another kind.\n\n"
        '"Bag" means a container.'
    )
    accident, bag = definitions_in(text, "definition")
    assert text[accident.start : accident.end].endswith("- a crash")
    assert text[bag.start : bag.end] == '"Bag" means a container.'


def test_terms_are_compared_in_the_singular_and_folded() -> None:
    """ "Terrorist Acts" uses "terrorist act", whatever the letters and the hyphens."""
    assert key_of("Family Members") == key_of("family member")
    assert key_of("Co‑payments") in phrases_in("all co-payments are due")
