"""The fidelity suite: what was read says what the page says. Its limits are configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from checks.limited_rules import LimitedRule, limited
from checks.rules import Rule, Severity, Suite
from pipeline.gate_limits import DEFAULT_LIMITS, RuleLimit

_BETWEEN = "ExpectColumnValuesToBeBetween"

_NOT_EMPTY = Rule(
    "not_empty",
    "The text is not empty",
    "the text holds no word",
    _BETWEEN,
    "words",
    MappingProxyType({"min_value": 1}),
    requirement="at least 1 word",
)

_RULES = (
    LimitedRule(
        "words_found",
        "Words of the page are in the text",
        "{observed:.1%} of the words of another reading of the pages are in the text, "
        "at least {limit:.1%} are needed",
        "words_found",
        "the words of another reading",
    ),
    LimitedRule(
        "reading_order",
        "Words stand beside their neighbors",
        "{observed:.1%} of the neighboring words of another reading of the pages are "
        "neighbors in the text, at least {limit:.1%} are needed",
        "order_agreement",
        "the neighboring words",
    ),
    LimitedRule(
        "ruled_rows_whole",
        "Rows of ruled tables are whole",
        "{observed:.0%} of the {ruled_rows} rows of ruled tables have their cells in one row, "
        "at least {limit:.0%} are needed",
        "ruled_rows_whole",
        "the rows of ruled tables",
    ),
    LimitedRule(
        "pages_with_text",
        "There are pages, and enough of them have text",
        "{pages_with_text} of {pages} pages have text ({observed:.0%}), "
        "at least {limit:.0%} are needed",
        "coverage",
        "the pages that are not blank",
        always=True,
    ),
    LimitedRule(
        "glyphs_readable",
        "The fonts say which characters they draw",
        "of {glyphs_without_unicode} characters the font does not say what they are; "
        "{observed:.1%} are known, at least {limit:.1%} are needed",
        "glyphs_readable",
        "the characters on the pages",
    ),
    LimitedRule(
        "readable",
        "The text is readable",
        "{observed:.0%} of the characters are readable, at least {limit:.0%} are needed",
        "readable_share",
        "the characters",
        always=True,
    ),
    LimitedRule(
        "few_replaced",
        "Few characters had to be replaced",
        "{observed:.2%} of the characters had to be replaced, at most {limit:.0%} may be",
        "replaced_share",
        "the characters",
        always=True,
    ),
    LimitedRule(
        "letters_plausible",
        "Letters make words of a language",
        "only {observed:.0%} of the letters stand together as in a language, at least "
        "{limit:.0%} must: a font or an encoding was misread",
        "letters_plausible",
        "the pairs of letters",
    ),
    LimitedRule(
        "language_known",
        "The language can be told",
        "the language of the text cannot be told",
        "language_known",
        "",
    ),
    LimitedRule(
        "headings_sane",
        "Headings can be headings",
        "{odd_headings} of {headings} headings can be none (sentences, prices, page numbers), "
        "and headings make {heading_share:.0%} of the text",
        "headings_sane",
        "the headings",
    ),
    LimitedRule(
        "furniture_repeated",
        "Running headers and footers are left out",
        "{observed:.0%} of the pages repeat a running header or footer, at most {limit:.0%} may",
        "furniture_repeated",
        "the pages",
    ),
)
_GAPS = Rule(
    "gaps",
    "Everything was read",
    "not everything was read: {gaps_told}",
    _BETWEEN,
    "gaps",
    MappingProxyType({"max_value": 0}),
    requirement="no gap",
)


def fidelity_suite(limits: Mapping[str, RuleLimit], *, refuse_gaps: bool = False) -> Suite:
    """The suite with these limits.

    Args:
        limits: by the names of `DEFAULT_LIMITS`.
        refuse_gaps: whether a document that was not read whole is kept back, not only told.
    """
    gaps = Severity.CRITICAL if refuse_gaps else Severity.WARNING
    return Suite(
        name="fidelity",
        title="Fidelity of the text",
        absent="there is no text to check",
        rules=(_NOT_EMPTY, *limited(_RULES, limits), replace(_GAPS, severity=gaps)),
    )


FIDELITY = fidelity_suite(DEFAULT_LIMITS)
"""As it is without any configuration."""
