"""The fidelity suite: what was read says what the page says. Its limits are configuration."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import lru_cache
from types import MappingProxyType

from checks.rules import Rule, Severity, Suite
from pipeline.gate_limits import AT_MOST, DEFAULT_LIMITS, RuleLimit
from pipeline.identity import combined_sha256

VERSION = "1"
"""Changes with the rules and with the limits that a person has not changed."""

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

# Of each rule: its title, its sentence, the column that is judged, whether every document has a
# value there, and what its limit is a share of.
_RULES: Mapping[str, tuple[str, str, str, bool, str]] = MappingProxyType(
    {
        "words_found": (
            "Words of the page are in the text",
            "{observed:.1%} of the words of another reading of the pages are in the text, "
            "at least {limit:.0%} are needed",
            "words_found",
            False,
            "the words of another reading",
        ),
        "reading_order": (
            "Words stand beside their neighbors",
            "{observed:.1%} of the neighboring words of another reading of the pages are "
            "neighbors in the text, at least {limit:.0%} are needed",
            "order_agreement",
            False,
            "the neighboring words",
        ),
        "ruled_rows_whole": (
            "Rows of ruled tables are whole",
            "{observed:.0%} of the {ruled_rows} rows of ruled tables have their cells in one row, "
            "at least {limit:.0%} are needed",
            "ruled_rows_whole",
            False,
            "the rows of ruled tables",
        ),
        "pages_with_text": (
            "There are pages, and enough of them have text",
            "{pages_with_text} of {pages} pages have text ({observed:.0%}), "
            "at least {limit:.0%} are needed",
            "coverage",
            True,
            "the pages that are not blank",
        ),
        "glyphs_readable": (
            "The fonts say which characters they draw",
            "of {glyphs_without_unicode} characters the font does not say what they are; "
            "{observed:.1%} are known, at least {limit:.0%} are needed",
            "glyphs_readable",
            False,
            "the characters on the pages",
        ),
        "readable": (
            "The text is readable",
            "{observed:.0%} of the characters are readable, at least {limit:.0%} are needed",
            "readable_share",
            True,
            "the characters",
        ),
        "few_replaced": (
            "Few characters had to be replaced",
            "{observed:.2%} of the characters had to be replaced, at most {limit:.0%} may be",
            "replaced_share",
            True,
            "the characters",
        ),
        "letters_plausible": (
            "Letters make words of a language",
            "only {observed:.0%} of the letters stand together as in a language, at least "
            "{limit:.0%} must: a font or an encoding was misread",
            "letters_plausible",
            False,
            "the pairs of letters",
        ),
        "language_known": (
            "The language can be told",
            "the language of the text cannot be told",
            "language_known",
            False,
            "",
        ),
        "headings_sane": (
            "Headings can be headings",
            "{odd_headings} of {headings} headings can be none (sentences, prices, page numbers), "
            "and headings make {heading_share:.0%} of the text",
            "headings_sane",
            False,
            "the headings",
        ),
        "furniture_repeated": (
            "Running headers and footers are left out",
            "{observed:.0%} of the pages repeat a running header or footer, "
            "at most {limit:.0%} may",
            "furniture_repeated",
            False,
            "the pages",
        ),
    }
)  # fmt: skip
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
    return _suite(tuple(sorted(limits.items())), refuse_gaps)


@lru_cache(maxsize=64)
def _suite(limits: tuple[tuple[str, RuleLimit], ...], refuse_gaps: bool) -> Suite:
    known = dict(limits)
    rules = [_rule(name, known[name]) for name in _RULES if known[name].severity != "off"]
    gaps = Severity.CRITICAL if refuse_gaps else Severity.WARNING
    return Suite(
        name="fidelity",
        version=_version(known, refuse_gaps),
        title="Fidelity of the text",
        absent="there is no text to check",
        rules=(_NOT_EMPTY, *rules, replace(_GAPS, severity=gaps)),
    )


def _rule(name: str, limit: RuleLimit) -> Rule:
    title, sentence, column, always, of_what = _RULES[name]
    bound = "max_value" if name in AT_MOST else "min_value"
    word = "at most" if name in AT_MOST else "at least"
    return Rule(
        name,
        title,
        sentence,
        _BETWEEN,
        column,
        MappingProxyType({bound: limit.limit}),
        severity=Severity(limit.severity),
        requirement=f"{word} {limit.limit * 100:g} % of {of_what}" if of_what else "known",
        optional=not always,
    )


def _version(limits: Mapping[str, RuleLimit], refuse_gaps: bool) -> str:
    """The rules' version, with a mark of the limits when they are not ours."""
    if limits == dict(DEFAULT_LIMITS) and not refuse_gaps:
        return VERSION
    chosen = {name: asdict(limit) for name, limit in sorted(limits.items())}
    return f"{VERSION}+{combined_sha256([json.dumps(chosen), str(refuse_gaps)])[:6]}"


FIDELITY = fidelity_suite(DEFAULT_LIMITS)
"""As it is without any configuration."""
