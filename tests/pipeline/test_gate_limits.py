"""The gate's limits as configuration: a variable, a file, and what is wrong with either."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import ConfigurationError
from pipeline.gate_limits import DEFAULT_LIMITS, RuleLimit, changed_limits, read_changes
from pipeline.settings import load_settings


def test_a_number_changes_the_limit_and_an_object_what_it_names() -> None:
    """What is not named stays as it is, and so do all other rules."""
    limits = changed_limits({"words_found": 0.5, "reading_order": {"severity": "warning"}})
    assert limits["words_found"] == RuleLimit(0.5, "critical")
    assert limits["reading_order"] == RuleLimit(DEFAULT_LIMITS["reading_order"].limit, "warning")
    assert limits["readable"] == DEFAULT_LIMITS["readable"]


@pytest.mark.parametrize(
    "change",
    [
        {"no_such_rule": 0.5},
        {"gaps": {"severity": "critical"}},
        {"words_found": 95},
        {"words_found": "0.9"},
        {"words_found": True},
        {"words_found": {"severity": "fatal"}},
        {"words_found": {"limits": 0.9}},
        {"words_found": None},
    ],
)
def test_a_wrong_change_is_refused(change: dict[str, object]) -> None:
    """An unknown rule, a share beyond 1, an unknown severity: none is passed over."""
    with pytest.raises(ValueError, match=r"rule|limit"):
        changed_limits(change)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("gate.toml", "words_found = 0.5\n[headings_sane]\nseverity = 'off'\n"),
        ("gate.json", '{"words_found": 0.5, "headings_sane": {"severity": "off"}}'),
    ],
)
def test_a_file_is_toml_or_json(tmp_path: Path, name: str, content: str) -> None:
    """By its name."""
    (tmp_path / name).write_text(content)
    expected = {"words_found": 0.5, "headings_sane": {"severity": "off"}}
    assert read_changes(tmp_path / name) == expected


def test_the_variable_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each changes what it names; the variable has the last word."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gate.toml").write_text("words_found = 0.5\nreadable = 0.6\n")
    monkeypatch.setenv("NAVIGATOR_GATE_FILE", str(tmp_path / "gate.toml"))
    monkeypatch.setenv("NAVIGATOR_GATE_LIMITS", '{"words_found": {"severity": "warning"}}')
    limits = load_settings().rule_limits
    assert limits["words_found"] == RuleLimit(0.5, "warning")
    assert limits["readable"] == RuleLimit(0.6, "critical")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("NAVIGATOR_GATE_LIMITS", '{"word_found": 0.5}'),
        ("NAVIGATOR_GATE_LIMITS", "[]"),
        ("NAVIGATOR_GATE_FILE", "/nowhere/gate.toml"),
        ("NAVIGATOR_GATE_FILE", __file__),
        ("NAVIGATOR_GAPS", "perhaps"),
    ],
)
def test_wrong_settings_are_said_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """One sentence that names the variable, not a document in quarantine an hour later."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert variable in caught.value.message
    assert "\n" not in caught.value.message
