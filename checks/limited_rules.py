"""Rules whose limit and severity are configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from checks.rules import Rule, Severity
from pipeline.gate_limits import AT_MOST, RuleLimit


@dataclass(frozen=True, slots=True)
class LimitedRule:
    """A rule without its limit, which is looked up by its name.

    Attributes:
        name, title, sentence, column: of the rule. of_what: what the limit is a share of; empty
            for a rule that knows yes and no alone.
        always: every document has a value; otherwise NULL means that nothing was measured.
        whole_document: the value is the document's, repeated on each of its rows.
    """

    name: str
    title: str
    sentence: str
    column: str
    of_what: str
    always: bool = False
    whole_document: bool = False

    def rule(self, limit: RuleLimit) -> Rule:
        """The rule with this limit."""
        bound, word = ("max_value", "most") if self.name in AT_MOST else ("min_value", "least")
        share = f"at {word} {limit.limit * 100:g} % of {self.of_what}"
        return Rule(
            self.name,
            self.title,
            self.sentence,
            "ExpectColumnValuesToBeBetween",
            self.column,
            MappingProxyType({bound: limit.limit}),
            severity=Severity(limit.severity),
            whole_document=self.whole_document,
            requirement=share if self.of_what else "always",
            optional=not self.always,
        )


def limited(rules: Iterable[LimitedRule], limits: Mapping[str, RuleLimit]) -> Iterator[Rule]:
    """The rules with their limits; those that are switched off are left out."""
    for each in rules:
        if limits[each.name].severity != "off":
            yield each.rule(limits[each.name])
