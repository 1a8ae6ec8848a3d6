"""A company's own rules in one file: a policy names its number, and no chunk is tiny."""

from __future__ import annotations

import re

from checks.company_rules import CheckPlugin
from checks.rules import Rule, Severity
from pipeline.documents import ParsedDocument

_NUMBER = re.compile(r"\bPolicy (?:No\.|number):? \w", re.IGNORECASE)


def policy_numbers(document: ParsedDocument) -> float:
    """How many policy numbers the text names."""
    return float(len(_NUMBER.findall(document.text)))


PLUGIN = CheckPlugin(
    "rules of the claims department",
    rules={
        "fidelity": (
            Rule(
                name="names_policy_number",
                title="A policy names its number",
                sentence="the text names {observed:.0f} policy numbers, at least one is needed",
                expectation="ExpectColumnValuesToBeBetween",
                column="policy_numbers",
                kwargs={"min_value": 1},
            ),
        ),
        "chunks": (
            Rule(
                name="not_tiny",
                title="Chunks hold more than a few words",
                sentence="the chunk holds {observed} tokens",
                expectation="ExpectColumnValuesToBeBetween",
                column="tokens",
                kwargs={"min_value": 3},
                severity=Severity.WARNING,
            ),
        ),
    },
    measures={"policy_numbers": policy_numbers},
)
