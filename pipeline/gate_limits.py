"""Limits of the fidelity rules: what a document's text must reach to be published.

They are configuration: `NAVIGATOR_GATE_LIMITS` or a file changes a limit or what a failure does.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from pipeline.regular_files import read_regular

RuleSeverity = Literal["critical", "warning", "off"]


@dataclass(frozen=True, slots=True)
class RuleLimit:
    """The limit of one rule, and what a failure does.

    Attributes:
        limit: a share between 0 and 1; the least for all rules but `AT_MOST`.
        severity: ``critical`` keeps the document back, ``warning`` is told, ``off`` is not judged.
    """

    limit: float
    severity: RuleSeverity


AT_MOST = frozenset({"few_replaced", "furniture_repeated"})
"""Rules whose limit is the most that may be."""

DEFAULT_LIMITS: Mapping[str, RuleLimit] = MappingProxyType(
    {
        "words_found": RuleLimit(0.95, "critical"),
        "reading_order": RuleLimit(0.6, "critical"),
        "ruled_rows_whole": RuleLimit(0.9, "critical"),
        "pages_with_text": RuleLimit(0.5, "critical"),
        "glyphs_readable": RuleLimit(0.95, "critical"),
        "readable": RuleLimit(0.85, "critical"),
        "few_replaced": RuleLimit(0.01, "critical"),
        "letters_plausible": RuleLimit(0.72, "critical"),
        "language_known": RuleLimit(1.0, "warning"),
        "headings_sane": RuleLimit(0.8, "warning"),
        "furniture_repeated": RuleLimit(0.1, "warning"),
        "chunks_substantial": RuleLimit(0.9, "warning"),
        "tables_headed": RuleLimit(0.9, "warning"),
    }
)
"""Every rule with a limit that may be changed, by name."""


def changed_limits(
    changes: Mapping[str, Any], before: Mapping[str, RuleLimit] = DEFAULT_LIMITS
) -> dict[str, RuleLimit]:
    """The limits with changes, each a number or an object of `limit` and `severity`.

    Raises:
        ValueError: a change names no rule or has no such form; the sentence says which rule.
    """
    limits = dict(before)
    for name, change in changes.items():
        if name not in limits:
            raise ValueError(f"there is no rule of that name; known are {', '.join(limits)}")
        limits[name] = _changed(name, limits[name], change)
    return limits


def _changed(name: str, before: RuleLimit, change: Any) -> RuleLimit:
    given = change if isinstance(change, dict) else {"limit": change}
    limit, severity = given.get("limit", before.limit), given.get("severity", before.severity)
    known = not given.keys() - {"limit", "severity"} and severity in get_args(RuleSeverity)
    number = isinstance(limit, int | float) and not isinstance(limit, bool) and 0 <= limit <= 1
    if not known or not number:
        severities = ", ".join(get_args(RuleSeverity))
        raise ValueError(
            f"{name} needs a limit between 0 and 1, a severity ({severities}), or both"
        )
    return RuleLimit(float(limit), severity)


def read_changes(path: Path) -> dict[str, Any]:
    """The changes in a file: JSON when it ends in .json, else TOML.

    Raises:
        ValueError: it cannot be read, or holds no table of rules.
    """
    try:
        text = read_regular(path).decode("utf-8")
        found = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise ValueError(f"the file cannot be read ({error.strerror})") from None
    except ValueError:
        raise ValueError("the file is neither TOML nor, named .json, JSON") from None
    if not isinstance(found, dict):
        raise ValueError("the file holds no table of rules")
    return found
