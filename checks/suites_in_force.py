"""The suites that judge documents under the settings of today, and their versions."""

from __future__ import annotations

from checks.company_rules import CompanyRules, company_rules
from checks.fidelity_suite import fidelity_suite
from checks.rules import Suite
from checks.suites import VECTORS, chunk_suite
from pipeline.settings import Settings


def suites_in_force(
    settings: Settings, company: CompanyRules | None = None
) -> tuple[Suite, Suite, Suite]:
    """The suites for text, chunks and vectors, with the limits and the company's rules.

    Args:
        company: the company's rules, where they are loaded already.
    """
    if company is None:
        company = company_rules(settings.check_names, settings.gate_suite_file)
    limits = settings.rule_limits
    text = fidelity_suite(limits, refuse_gaps=settings.gaps == "refuse")
    return (
        company.added_to(text),
        company.added_to(chunk_suite(limits)),
        company.added_to(VECTORS),
    )


def suite_versions(settings: Settings, company: CompanyRules | None = None) -> dict[str, str]:
    """The version of each suite in force, by its name."""
    return {suite.name: suite.version for suite in suites_in_force(settings, company)}
