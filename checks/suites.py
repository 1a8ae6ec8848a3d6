"""What must hold before a document is published: three suites of rules, as data.

A rule is one Great Expectations expectation with a human name and a sentence for when it fails.
This module imports nothing heavy: the gate turns the rules into expectations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Severity(StrEnum):
    """What a failure does: a critical one quarantines the document, a warning is only recorded."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold for every row.

    Attributes:
        name: stable snake_case id, stored with every result.
        title: what the rule checks, for a person.
        sentence: what a failure means. ``{observed}`` is the failing value, ``{limit}`` the
            threshold, and every column of the frame can be named; format specs are allowed.
        expectation: the type of a row-level expectation, e.g. ``ExpectColumnValuesToBeBetween``.
        column: what is judged.
        kwargs: the expectation's further arguments, e.g. ``min_value``.
        severity: whether a failure keeps the document from being published.
        whole_document: the value is the document's, repeated on each of its rows.
    """

    name: str
    title: str
    sentence: str
    expectation: str
    column: str
    kwargs: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    severity: Severity = Severity.CRITICAL
    whole_document: bool = False

    @property
    def limit(self) -> object:
        """The threshold that a sentence names: the lower bound, else the upper, else None."""
        return self.kwargs.get("min_value", self.kwargs.get("max_value"))

    @property
    def threshold(self) -> str:
        """The limits in words, e.g. ``at least 0.5``; empty for a rule without numbers."""
        words = (("min_value", "at least"), ("max_value", "at most"))
        return ", ".join(
            f"{word} {self.kwargs[key]:g}" for key, word in words if key in self.kwargs
        )


@dataclass(frozen=True, slots=True)
class Suite:
    """The rules for one frame.

    Attributes:
        name: stable snake_case id.
        version: changes with every rule or threshold, so that an old verdict can be understood.
        title: for a person.
        rules: at least one; an empty suite is a broken gate.
        absent: the sentence for a document that should have rows in the frame and has none.
        label: the column that tells a document's rows apart in examples, with its word.
    """

    name: str
    version: str
    title: str
    rules: tuple[Rule, ...]
    absent: str
    label: tuple[str, str] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the frame must have, `job_id` first."""
        label = (self.label[1],) if self.label else ()
        return tuple(dict.fromkeys(("job_id", *label, *(rule.column for rule in self.rules))))


BETWEEN = "ExpectColumnValuesToBeBetween"
IN_SET = "ExpectColumnValuesToBeInSet"
UNIQUE = "ExpectColumnValuesToBeUnique"


def _between(
    name: str, title: str, sentence: str, column: str, low: float | None, high: float | None = None
) -> Rule:
    bounds = {"min_value": low, "max_value": high}
    kwargs = {key: value for key, value in bounds.items() if value is not None}
    return Rule(name, title, sentence, BETWEEN, column, MappingProxyType(kwargs))


def _true(name: str, title: str, sentence: str, column: str) -> Rule:
    kwargs = MappingProxyType({"value_set": (True,)})
    return Rule(name, title, sentence, IN_SET, column, kwargs)


PARSED_TEXT = Suite(
    name="parsed_text",
    version="1",
    title="Parsed text",
    absent="there is no parsed text to check",
    rules=(
        _between(
            "not_empty",
            "The text is not empty",
            "the text holds {observed} words, at least {limit} are needed",
            "words",
            low=3,
        ),
        _between(
            "pages_covered",
            "There are pages, and enough of them have text",
            "{pages_with_text} of {pages} pages have text ({observed:.0%}), "
            "at least {limit:.0%} are needed",
            "coverage",
            low=0.5,
        ),
        _between(
            "readable",
            "The text is readable",
            "{observed:.0%} of the characters are readable, at least {limit:.0%} are needed",
            "readable_share",
            low=0.85,
        ),
        _between(
            "few_replaced",
            "Few characters had to be replaced",
            "{observed:.2%} of the characters had to be replaced, at most {limit:.0%} may be",
            "replaced_share",
            low=None,
            high=0.01,
        ),
    ),
)

CHUNKS = Suite(
    name="chunks",
    version="1",
    title="Chunks",
    absent="the document has no chunks",
    label=("chunk", "ordinal"),
    rules=(
        Rule(
            "unique",
            "Every chunk has its own id",
            "the chunk id {chunk_id} stands more than once",
            UNIQUE,
            "chunk_key",
        ),
        _between(
            "contiguous",
            "Chunks are numbered without gaps",
            "the chunk has number {ordinal} but is number {rank} in order",
            "ordinal_gap",
            low=0,
            high=0,
        ),
        _between(
            "within_size",
            "No chunk is larger than the embedder takes",
            "the chunk holds {tokens} tokens, at most {max_tokens} are allowed",
            "token_excess",
            low=None,
            high=0,
        ),
        _between(
            "not_blank",
            "No chunk is blank",
            "the chunk holds {observed} visible characters, at least {limit} is needed",
            "characters",
            low=1,
        ),
        _true(
            "hash_agrees",
            "The stored text has the stored hash",
            "the stored text is not the text that was hashed",
            "hash_matches",
        ),
        _true(
            "text_rebuilds",
            "Offsets rebuild the text",
            "characters {start} to {end} of the document are not the text of the chunk",
            "text_matches",
        ),
        Rule(
            "nothing_lost",
            "The chunks hold the whole document",
            "the chunks hold {observed:.1%} of the document's text, at least {limit:.0%} is needed",
            BETWEEN,
            "covered_share",
            MappingProxyType({"min_value": 0.99}),
            whole_document=True,
        ),
    ),
)

VECTORS = Suite(
    name="vectors",
    version="1",
    title="Vectors",
    absent="the document has no chunks to embed",
    label=("chunk", "ordinal"),
    rules=(
        _between(
            "one_each",
            "Every chunk has exactly one vector",
            "the chunk has {observed} vectors instead of one",
            "vectors",
            low=1,
            high=1,
        ),
        _between(
            "dimension",
            "Vectors have the space's dimension",
            "the vector has {dimension} dimensions, the embedding space has {expected_dimension}",
            "dimension_gap",
            low=0,
            high=0,
        ),
        _true(
            "finite",
            "Vectors hold finite numbers",
            "the vector holds NaN or infinity",
            "finite",
        ),
        _between(
            "unit_norm",
            "Vectors have length one, and none is zero",
            "the vector is {norm:.4f} long instead of 1",
            "norm_error",
            low=None,
            high=1e-3,
        ),
        _true(
            "hash_agrees",
            "The vector belongs to the chunk's text",
            "the vector was made from another text",
            "hash_matches",
        ),
    ),
)

SUITES: tuple[Suite, ...] = (PARSED_TEXT, CHUNKS, VECTORS)
"""In the order in which a document meets them."""
