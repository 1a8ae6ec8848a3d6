"""What must hold before a document is published: three suites of rules, as data.

The frames that they judge are described in `checks.frames`. A suite's version is computed from its
rules, so that old verdicts stay understandable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from checks.fidelity_suite import FIDELITY
from checks.limited_rules import LimitedRule, limited
from checks.rules import Rule, Severity, Suite
from pipeline.gate_limits import DEFAULT_LIMITS, RuleLimit

__all__ = ["CHUNKS", "FIDELITY", "SUITES", "VECTORS", "Rule", "Severity", "Suite"]

BETWEEN = "ExpectColumnValuesToBeBetween"
IN_SET = "ExpectColumnValuesToBeInSet"
UNIQUE = "ExpectColumnValuesToBeUnique"


def _between(
    name: str,
    title: str,
    sentence: str,
    column: str,
    low: float | None,
    high: float | None = None,
    requirement: str = "",
    whole_document: bool = False,
) -> Rule:
    bounds = {"min_value": low, "max_value": high}
    kwargs = {key: value for key, value in bounds.items() if value is not None}
    return Rule(
        name,
        title,
        sentence,
        BETWEEN,
        column,
        MappingProxyType(kwargs),
        whole_document=whole_document,
        requirement=requirement,
    )


def _true(name: str, title: str, sentence: str, column: str) -> Rule:
    kwargs = MappingProxyType({"value_set": (True,)})
    return Rule(name, title, sentence, IN_SET, column, kwargs)


_CHUNKS = Suite(
    name="chunks",
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
            requirement="0, 1, 2 … for each document",
        ),
        _between(
            "within_size",
            "No chunk is larger than the embedder takes",
            "the chunk holds {tokens} tokens, at most {max_tokens} are allowed",
            "token_excess",
            low=None,
            high=0,
            requirement="at most the chunker's limit of tokens",
        ),
        _between(
            "not_blank",
            "No chunk is blank",
            "the chunk holds {observed} visible characters, at least {limit} is needed",
            "characters",
            low=1,
            requirement="at least 1 visible character",
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
        _between(
            "nothing_lost",
            "The chunks hold the whole document",
            "the chunks hold {observed:.1%} of the document's text, at least {limit:.0%} is needed",
            "covered_share",
            low=0.99,
            requirement="at least 99 % of the text",
            whole_document=True,
        ),
    ),
)

_CHUNK_LIMITS = (
    LimitedRule(
        "chunks_substantial",
        "Chunks are more than a heading or a running line",
        "{observed:.0%} of the document's chunks are more than a heading, a running header or "
        "footer, at least {limit:.0%} should be",
        "substantial_share",
        "the document's chunks",
        whole_document=True,
    ),
    LimitedRule(
        "tables_headed",
        "Pieces of tables say what their columns are",
        "{observed:.0%} of the pieces of the document's tables have the names of their columns, "
        "at least {limit:.0%} should have",
        "headed_share",
        "the pieces of tables",
        whole_document=True,
    ),
)


def chunk_suite(limits: Mapping[str, RuleLimit]) -> Suite:
    """The suite for chunks with these limits, which are by the names of `DEFAULT_LIMITS`."""
    return replace(_CHUNKS, rules=(*_CHUNKS.rules, *limited(_CHUNK_LIMITS, limits)))


CHUNKS = chunk_suite(DEFAULT_LIMITS)
"""As it is without any configuration."""

VECTORS = Suite(
    name="vectors",
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
            requirement="exactly 1",
        ),
        _between(
            "dimension",
            "Vectors have the space's dimension",
            "the vector has {dimension} dimensions, the embedding space has {expected_dimension}",
            "dimension_gap",
            low=0,
            high=0,
            requirement="the dimension of the space",
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
            requirement="length 1 ± 0.001",
        ),
        _true(
            "hash_agrees",
            "The vector belongs to the chunk's text",
            "the vector was made from another text",
            "hash_matches",
        ),
    ),
)

SUITES: tuple[Suite, ...] = (FIDELITY, CHUNKS, VECTORS)
"""In the order in which a document meets them."""
