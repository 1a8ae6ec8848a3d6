"""Adds a company's own rules to the suites: of installed packages, and of a GX suite file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from checks.frames import columns_of
from checks.gx_suite_file import read_suite_file
from checks.rules import Rule, Suite
from checks.suites import SUITES
from pipeline.errors import ConfigurationError
from pipeline.plugins import CHECKS

if TYPE_CHECKING:
    from pipeline.documents import ParsedDocument

Measure = Callable[["ParsedDocument"], float]
"""A number that is measured of a document's text; NaN where there is nothing to measure."""

_NOTHING: Mapping[str, Measure] = MappingProxyType({})


@dataclass(frozen=True)
class CheckPlugin:
    """A company's rules, which NAVIGATOR_CHECKS puts in force.

    Attributes:
        summary: one line for help texts.
        rules: by the name of the suite that they are added to: fidelity, chunks or vectors.
        measures: further columns of the fidelity suite's frame.
    """

    summary: str
    rules: Mapping[str, tuple[Rule, ...]]
    measures: Mapping[str, Measure] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True)
class CompanyRules:
    """Everything that is added to our suites."""

    rules: Mapping[str, tuple[Rule, ...]]
    measures: Mapping[str, Measure]

    def added_to(self, suite: Suite) -> Suite:
        """The suite with the company's rules after ours."""
        added = self.rules.get(suite.name, ())
        return replace(suite, rules=(*suite.rules, *added)) if added else suite


@cache
def company_rules(names: tuple[str, ...], file: Path | None) -> CompanyRules:
    """The rules of these plug-ins and of a suite file.

    Raises:
        ConfigurationError: a plug-in or the file cannot be used.
    """
    plugins: list[CheckPlugin] = [CHECKS.load(name) for name in names]
    rules: dict[str, list[Rule]] = {suite.name: [] for suite in SUITES}
    measures: dict[str, Measure] = {}
    for plugin in plugins:
        measures |= plugin.measures
        _add(rules, plugin.rules.items())
    if file is not None:
        _add(rules, read_suite_file(file).items())
    for suite in SUITES:
        _refuse_unfit(suite, rules[suite.name], measures)
    return CompanyRules({name: tuple(found) for name, found in rules.items()}, measures)


def _add(rules: dict[str, list[Rule]], added: Iterable[tuple[str, tuple[Rule, ...]]]) -> None:
    for suite, listed in added:
        if suite not in rules:
            known = ", ".join(rules)
            raise ConfigurationError(
                f"There is no suite {suite!r} to add a rule to.", remedy=f"One of: {known}."
            )
        rules[suite] += listed


def _refuse_unfit(suite: Suite, added: list[Rule], measures: Mapping[str, Measure]) -> None:
    """A rule that cannot be judged would stop every document at the gate: it is said before."""
    columns = columns_of(suite.name) | (set(measures) if suite.name == "fidelity" else set())
    names = [rule.name for rule in suite.rules]
    for rule in added:
        if rule.name in names:
            raise ConfigurationError(
                f"The suite {suite.name} has two rules named {rule.name}.",
                remedy="Give the company's rule another name.",
            )
        if rule.column not in columns:
            known = ", ".join(sorted(columns - {"job_id"}))
            raise ConfigurationError(
                f"The rule {rule.name} judges {rule.column}, which the suite {suite.name} "
                "does not measure.",
                remedy=f"Measured are: {known}.",
            )
        names.append(rule.name)
