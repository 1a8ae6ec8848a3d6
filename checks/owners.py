"""Splits a rule's result by the owners of the documents, so that evidence is filed apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from checks.document_failures import FailureReader
from checks.rules import Rule
from checks.runner import RowFindings
from checks.validation_results import RuleResult

if TYPE_CHECKING:
    from pandas import DataFrame


def by_owner(
    judged: Iterable[tuple[Rule, RowFindings]],
    frame: DataFrame,
    owners: Mapping[str, str],
    reader: FailureReader,
) -> dict[str, tuple[RuleResult, ...]]:
    """The rules' results over each owner's rows alone; nothing when all rows are one owner's.

    Args:
        owners: whose each document is, by its job's id.
    """
    whose = frame["job_id"].map(owners)
    if whose.nunique() < 2:
        return {}
    rows, found_of = whose.value_counts(), defaultdict[str, list[RuleResult]](list)
    for rule, found in judged:
        column = frame[rule.column]
        null = column.isna().groupby(whose).sum()
        failed = Counter(whose[row] for row in found.failed)
        first = {whose[row]: row for row in reversed(found.failed)}
        limits = column.groupby(whose).agg(["min", "max"]) if reader.extreme(rule) else None
        for owner in rows.index:
            unmeasured = int(null[owner]) if rule.optional else 0
            worst: float | str | None = None
            if limits is not None:
                worst = reader.plain(limits[reader.extreme(rule)][owner])
            elif owner in first:
                worst = reader.observed(rule, first[owner])
            found_of[owner].append(
                RuleResult(
                    rule,
                    int(rows[owner]) - unmeasured,
                    failed[owner] + int(null[owner]) - unmeasured,
                    worst,
                )
            )
    return {owner: tuple(results) for owner, results in found_of.items()}
