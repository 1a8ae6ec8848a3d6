"""A company's rules: from a suite file as Great Expectations writes it, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from checks.company_rules import company_rules
from checks.frames import fidelity_frame
from checks.gate import Gate
from checks.gx_suite_file import read_suite_file, suite_json
from checks.rules import Severity
from checks.suites import FIDELITY, SUITES
from pipeline.errors import ConfigurationError
from tests.checks.test_gate import GOOD_TEXT

BETWEEN = "expect_column_values_to_be_between"


def written(folder: Path, *expectations: dict[str, Any], name: str = "fidelity") -> Path:
    """A suite file."""
    path = folder / "suite.json"
    path.write_text(json.dumps({"name": name, "expectations": list(expectations), "meta": {}}))
    return path


def test_ours_come_back_as_they_were(tmp_path: Path) -> None:
    """What is exported is read as the same rules, and so as the same version."""
    for suite in SUITES:
        path = tmp_path / f"{suite.name}.json"
        path.write_text(json.dumps(suite_json(suite)))
        [(name, rules)] = read_suite_file(path).items()
        assert name == suite.name
        assert [(r.name, r.limit, r.severity) for r in rules] == [
            (r.name, r.limit, r.severity) for r in suite.rules
        ]


def test_a_rule_of_a_file_is_judged(tmp_path: Path) -> None:
    """Beside ours, with the title and severity that the file gives it; the version is another."""
    expectation = {
        "type": BETWEEN,
        "kwargs": {"column": "pages", "min_value": 3},
        "meta": {"rule": "long_enough", "title": "A policy has three pages"},
        "severity": "critical",
    }
    suite = company_rules((), written(tmp_path, expectation)).added_to(FIDELITY)
    frame = fidelity_frame([replace(GOOD_TEXT, pages=2, pages_with_text=2)])
    result = Gate().check(suite, frame)
    assert "A policy has three pages" in [each.title for each in result.failures["a"]]
    assert suite.version != FIDELITY.version
    assert Gate().check(FIDELITY, frame).passed == ("a",)


def test_a_file_without_words_gets_some(tmp_path: Path) -> None:
    """Name, title and sentence of an expectation that says nothing of itself; info is a warning."""
    path = written(
        tmp_path,
        {"type": BETWEEN, "kwargs": {"column": "words", "min_value": 5}, "severity": "info"},
    )
    [rule] = read_suite_file(path)["fidelity"]
    assert (rule.name, rule.severity) == ("words_to_be_between", Severity.WARNING)
    assert rule.title == "words: values to be between"
    assert rule.sentence.format(observed=4) == "words is 4: values to be between"


@pytest.mark.parametrize(
    ("expectation", "said"),
    [
        (
            {"type": "expect_table_row_count_to_equal", "kwargs": {"value": 3}},
            "expect_table_row_count_to_equal judges no single row",
        ),
        (
            {"type": BETWEEN, "kwargs": {"column": "color", "min_value": 1}},
            "judges color, which the suite fidelity does not measure",
        ),
        (
            {"type": BETWEEN, "kwargs": {"column": "words"}, "meta": {"rule": "not_empty"}},
            "two rules named not_empty",
        ),
        ({"kwargs": {}}, "no GX suite"),
    ],
    ids=["table", "unknown column", "same name", "no type"],
)
def test_what_cannot_be_judged_is_refused(
    tmp_path: Path, expectation: dict[str, Any], said: str
) -> None:
    """In one sentence, before any document comes to the gate."""
    with pytest.raises(ConfigurationError, match=said):
        company_rules((), written(tmp_path, expectation))


def test_a_suite_of_another_name_is_refused(tmp_path: Path) -> None:
    """The sentence says which there are."""
    with pytest.raises(ConfigurationError, match="no suite 'other'") as refused:
        company_rules((), written(tmp_path, name="other"))
    assert refused.value.remedy == "One of: fidelity, chunks, vectors."


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """With its path."""
    with pytest.raises(ConfigurationError, match=r"nowhere\.json cannot be used: No such file"):
        company_rules((), tmp_path / "nowhere.json")
