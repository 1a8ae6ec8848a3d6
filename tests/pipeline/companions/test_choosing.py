"""What must be read with a passage is chosen: each kind of companion, and what is none."""

from __future__ import annotations

from dataclasses import replace

from pipeline.companions.choosing import candidates_of
from pipeline.companions.document_index import DocumentIndex
from pipeline.companions.model import Companion, ContextChunk, Relation
from tests.pipeline.companions.policy import chunk, policy

BAGGAGE = 3


def companions(
    chunks: list[ContextChunk], passage: int = BAGGAGE, question: str = "Is my bag covered?"
) -> dict[str, Companion]:
    """The companions of a passage by their text."""
    index = DocumentIndex(chunks)
    found = candidates_of(chunks[passage], question, index, {})
    return {each.companion.text: each.companion for each in found}


def reason(chunks: list[ContextChunk], text: str) -> str:
    return next(c.reason for t, c in companions(chunks).items() if t.startswith(text))


def test_an_exclusion_of_the_same_section_comes_with_its_page() -> None:
    """The exclusion stands pages away under the coverage's own heading."""
    found = next(c for t, c in companions(policy()).items() if t.startswith("1. Cash"))
    assert (found.page_first, found.role, found.heading_path[-1]) == (5, "exclusion", "Exclusions")
    assert found.relation in (Relation.EXCLUSION, Relation.REFERENCE)


def test_a_limit_of_the_same_section_comes() -> None:
    """With a reason that names what it is and where it stands."""
    assert reason(policy(), "At most $300") == "limit in the same section"


def test_general_exclusions_come() -> None:
    """Exclusions that no coverage has for itself are those of every coverage."""
    assert reason(policy(), "War and nuclear") == "exclusion elsewhere in the document"


def test_another_coverages_exclusion_does_not_come() -> None:
    """What the medical part excludes says nothing about baggage."""
    assert "1. Care at home." not in companions(policy())


def test_a_defined_term_comes_with_its_definition() -> None:
    """The definition alone, with the term in the reason."""
    found = companions(policy())['"Accident" means a sudden event from outside.']
    assert (found.relation, found.reason) == (Relation.DEFINITION, "defines 'Accident'")


def test_a_parts_own_definition_goes_before_the_contracts() -> None:
    """Where two parts define one term, the passage's own part's definition is shown."""
    chunks = policy()
    chunks.append(
        chunk(11, '"Accident" means a fall of the bag.', role="definition", titles=["2. Baggage"])
    )
    assert '"Accident" means a fall of the bag.' in companions(chunks)
    assert '"Accident" means a sudden event from outside.' not in companions(chunks)


def test_each_definition_of_a_chunk_counts() -> None:
    """A glossary in one chunk gives each term that the passage uses, with its own sentence."""
    chunks = policy()
    text = '"Accident" means a fall.\n\n"Carrier" means an airline.\n\n"Yacht" means a boat.'
    chunks[9] = replace(chunks[9], text=text)
    found = companions(chunks)
    assert {'"Accident" means a fall.', '"Carrier" means an airline.'} <= found.keys()
    assert not any("Yacht" in text for text in found)


def test_a_term_that_stands_everywhere_is_no_news() -> None:
    """Of "Policy" and "Company" nobody wants the definition with every passage."""
    chunks = policy()
    chunks[4:8] = [replace(each, text=f"{each.text} accident") for each in chunks[4:8]]
    assert not any(each.relation == Relation.DEFINITION for each in companions(chunks).values())


def test_cross_references_are_followed() -> None:
    """By number with its letter, by the number of an exclusion, and by name."""
    chunks = policy()
    assert reason(chunks, "(a) Tell the police") == "referred to as Section 4(b)"
    both = "exclusion in the same section, referred to as Exclusion 3"
    assert reason(chunks, "1. Cash") == both
    schedule = "referred to as Schedule of Benefits, limit of the same coverage"
    assert reason(chunks, "Baggage: $2,000") == schedule


def test_the_clause_goes_on() -> None:
    """The next chunk under the same heading continues the clause, one under another does not."""
    assert reason(policy(), "Bags are paid") == "continues the clause"


def test_a_table_goes_on_without_what_both_hold() -> None:
    """The rest of a table comes as such; an overlap with the passage is left away."""
    first = chunk(0, "| Item | Limit |\n| Watch | $100 |", role="limit", titles=["Limits"])
    second = replace(
        chunk(1, "| Watch | $100 |\n| Ring | $200 |", role="limit", titles=["Limits"]),
        start=first.end - len("| Watch | $100 |"),
    )
    found = companions([first, second], 0)["| Ring | $200 |"]
    assert found.reason == "limit in the same section, continues the table"


def test_an_unmarked_restriction_comes_when_it_answers_the_question() -> None:
    """A chunk without a telling role whose words exclude counts, if the search found it."""
    chunks = policy()
    chunks.append(chunk(11, "Bags in a tent are not covered.", titles=["6. Notes"]))
    assert "Bags in a tent are not covered." not in companions(chunks)
    found = candidates_of(
        chunks[BAGGAGE], "Bag in a tent?", DocumentIndex(chunks), {chunks[11].chunk_id: 1}
    )
    assert any(each.companion.text.startswith("Bags in a tent") for each in found)


def test_a_better_answer_to_the_question_is_more_important() -> None:
    """Of two exclusions of one kind, the one that the search ranks first goes first."""
    chunks = policy()
    chunks.append(
        chunk(11, "Damage by insects.", role="exclusion", titles=["3. General exclusions"])
    )
    ranks = {chunks[11].chunk_id: 1}
    found = candidates_of(chunks[BAGGAGE], "Insects?", DocumentIndex(chunks), ranks)
    texts = [each.companion.text for each in found]
    assert texts.index("Damage by insects.") < texts.index("War and nuclear events.")
