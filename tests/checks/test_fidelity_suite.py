"""The fidelity suite under other limits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checks.fidelity_suite import FIDELITY, fidelity_suite
from checks.frames import fidelity_frame
from checks.gate import Gate
from checks.rules import Severity, Suite
from pipeline.gate_limits import DEFAULT_LIMITS, changed_limits
from tests.checks.test_gate import GOOD_TEXT


def severities(suite: Suite) -> dict[str, Severity]:
    return {rule.name: rule.severity for rule in suite.rules}


def test_both_severities_are_used() -> None:
    """What is wrong keeps a document back, what is only odd is told."""
    used = severities(FIDELITY)
    assert used["words_found"] is used["ruled_rows_whole"] is Severity.CRITICAL
    assert used["language_known"] is used["headings_sane"] is used["gaps"] is Severity.WARNING


def test_a_changed_limit_is_judged_and_is_another_version() -> None:
    """A stricter limit fails what passed; an old verdict can be told from a new one."""
    strict = fidelity_suite(changed_limits({"words_found": 0.995}))
    frame = fidelity_frame([GOOD_TEXT])
    assert Gate().check(FIDELITY, frame).passed == ("a",)
    assert "99.0% of the words" in Gate().check(strict, frame).reason("a")
    assert "at least 99.5% are needed" in Gate().check(strict, frame).reason("a")
    assert strict.version != FIDELITY.version
    assert strict.version == fidelity_suite(changed_limits({"words_found": 0.995})).version


def test_the_same_limits_are_the_same_version() -> None:
    """A file that repeats the defaults changes nothing."""
    repeated = changed_limits({"words_found": DEFAULT_LIMITS["words_found"].limit})
    assert fidelity_suite(repeated).version == FIDELITY.version


def test_a_rule_can_be_a_warning_or_left_out() -> None:
    """By configuration, each rule for itself."""
    limits = changed_limits(
        {"words_found": {"severity": "warning"}, "reading_order": {"severity": "off"}}
    )
    suite = fidelity_suite(limits)
    assert severities(suite)["words_found"] is Severity.WARNING
    assert "reading_order" not in severities(suite)
    torn = replace(GOOD_TEXT, words_found=0.2, order_agreement=0.1)
    result = Gate().check(suite, fidelity_frame([torn]))
    assert result.passed == ("a",)
    assert [each.rule for each in result.warnings["a"]] == ["words_found"]


def test_gaps_may_be_refused() -> None:
    """Then they keep the document back, with the sentence that tells them."""
    suite = fidelity_suite(DEFAULT_LIMITS, refuse_gaps=True)
    lacking = replace(GOOD_TEXT, gaps=1, gaps_told="Page 2: a picture was not read.")
    result = Gate().check(suite, fidelity_frame([lacking]))
    assert result.reason("a") == "not everything was read: Page 2: a picture was not read."
    assert suite.version != FIDELITY.version


@pytest.mark.parametrize("name", DEFAULT_LIMITS)
def test_every_limit_is_of_a_rule(name: str) -> None:
    """None is configured in vain."""
    from checks.suites import SUITES

    assert name in {rule.name for suite in SUITES for rule in suite.rules}
