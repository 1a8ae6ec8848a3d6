"""Renders a gate's results as a short Markdown table, for an artifact on the run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from checks.formatting import visible
from checks.validation_results import RuleFailure, ValidationResult

MAX_DOCUMENTS = 20
"""Documents named below the table; the rest are counted. The report names all."""

# The colon of an address too, or it becomes a link by itself.
_SPECIAL = re.compile(r"([\\`*_\[\]|<>~]|:(?=//))")


def quality_table(
    results: Iterable[ValidationResult], names: Mapping[str, str] | None = None
) -> str:
    """What was checked and what failed, in words.

    Args:
        results: of one run, in order; results of the same suite are added up.
        names: a document's name for each job id; ids are shown without.
    """
    listed = list(results)
    if not listed:
        return "Nothing was checked.\n"
    lines = ["| Checked | Rule | Rows | Failed |", "|---|---|--:|--:|", *_rule_lines(listed)]
    lines += ["", *_document_lines(listed, names or {})]
    return "\n".join(lines) + "\n"


def _rule_lines(results: list[ValidationResult]) -> Iterator[str]:
    totals: dict[tuple[str, str], tuple[int, int]] = {}
    for result in results:
        for found in result.rules:
            key = (f"{result.suite.title} v{result.suite.version}", found.rule.title)
            evaluated, failed = totals.get(key, (0, 0))
            totals[key] = (evaluated + found.evaluated, failed + found.failed)
    for (suite, title), (evaluated, failed) in totals.items():
        shown = f"**{failed:,}**" if failed else "0"
        yield f"| {escape(suite)} | {escape(title)} | {evaluated:,} | {shown} |"


def _document_lines(results: list[ValidationResult], names: Mapping[str, str]) -> Iterator[str]:
    failures = _by_document(result.failures for result in results)
    judged = len({job_id for result in results for job_id in result.jobs})
    yield f"{judged - len(failures):,} of {judged:,} documents passed."
    yield from _listed(failures, names)
    warnings = _by_document(result.warnings for result in results)
    if warnings:
        yield ""
        documents, them = ("document", "it") if len(warnings) == 1 else ("documents", "them")
        yield f"Told of {len(warnings):,} {documents}, and no reason to keep {them} back:"
    yield from _listed(warnings, names)


def _by_document(
    found: Iterable[Mapping[str, tuple[RuleFailure, ...]]],
) -> dict[str, list[RuleFailure]]:
    """What all suites say of each document, in their order."""
    listed: dict[str, list[RuleFailure]] = {}
    for by_job in found:
        for job_id, failures in by_job.items():
            listed.setdefault(job_id, []).extend(failures)
    return listed


def _listed(found: Mapping[str, list[RuleFailure]], names: Mapping[str, str]) -> Iterator[str]:
    if found:
        yield ""
    for job_id, failures in list(found.items())[:MAX_DOCUMENTS]:
        reasons = "; ".join(failure.sentence for failure in failures)
        yield f"- **{escape(names.get(job_id, job_id))}**: {escape(reasons)}"
    if len(found) > MAX_DOCUMENTS:
        yield f"- and {len(found) - MAX_DOCUMENTS:,} more"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", visible(" ".join(text.split())))
