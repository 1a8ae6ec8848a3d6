"""The Markdown table of a run's checks."""

from __future__ import annotations

from dataclasses import replace

from checks.markdown import MAX_DOCUMENTS, quality_table
from checks.suites import FIDELITY
from checks.validation_results import RuleFailure, RuleResult, ValidationResult


def gate_result(failing: dict[str, str], passing: int = 0) -> ValidationResult:
    rule = FIDELITY.rules[0]
    jobs = (*failing, *(f"good{n}" for n in range(passing)))
    failures = {
        job: (RuleFailure(rule.name, rule.title, sentence),) for job, sentence in failing.items()
    }
    rules = (RuleResult(rule, len(jobs), len(failing)),)
    return ValidationResult(FIDELITY, len(jobs), jobs, rules, failures, {}, 0.01)


def test_failures_stand_in_words_with_names() -> None:
    """The table adds up results of one suite and names each failing document with its reason."""
    results = [gate_result({"j1": "the text holds 0 words"}), gate_result({}, passing=3)]
    table = quality_table(results, {"j1": "policy.pdf"})
    named = f"Fidelity of the text v{FIDELITY.version}"
    assert f"| {named} | The text is not empty | 4 | **1** |" in table
    assert "3 of 4 documents passed." in table
    assert "- **policy.pdf**: the text holds 0 words" in table


def test_hostile_names_stay_text() -> None:
    """A file name cannot break the table, open a tag or become a link."""
    hostile = "a|b\n<img src=x> [x](http://h) \u202efdp.exe"
    table = quality_table([gate_result({"j1": "no text"})], {"j1": hostile})
    assert r"a\|b \<img src=x\> \[x\](http\://h) ⟨U+202E⟩fdp.exe" in table


def test_long_lists_are_cut_and_counted() -> None:
    """Beyond the limit, failing documents are counted, not listed."""
    table = quality_table([gate_result({f"j{n}": "bad" for n in range(MAX_DOCUMENTS + 5)})])
    assert table.count("- **") == MAX_DOCUMENTS
    assert "- and 5 more" in table


def test_nothing_checked_is_said() -> None:
    """Without results the text says so instead of showing an empty table."""
    assert quality_table([]) == "Nothing was checked.\n"


def test_warnings_stand_apart_from_failures() -> None:
    """A document that passed with a warning is counted as passed, and the warning is told."""
    warning = RuleFailure("gaps", "Everything was read", "not everything was read: page 2")
    warned = replace(gate_result({}, passing=2), warnings={"good1": (warning,)})
    table = quality_table([warned], {"good1": "policy.pdf"})
    assert "2 of 2 documents passed." in table
    assert "Told of 1 document, and no reason to keep it back:" in table
    assert "- **policy.pdf**: not everything was read: page 2" in table
