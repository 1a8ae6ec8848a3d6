"""Reads an expectation suite as Great Expectations writes it, and writes ours the same way."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from checks.rules import Rule, Severity, Suite
from pipeline.errors import ConfigurationError
from pipeline.regular_files import read_regular

_ROW_LEVEL = "expect_column_values_"
_REMEDY = "Export ours with `navigator suites export` to see how a file looks."


def read_suite_file(path: Path) -> dict[str, tuple[Rule, ...]]:
    """The rules of a GX suite file, by the suite of ours that the file's name says.

    Its ``name`` is fidelity, chunks or vectors, with or without a version behind a hyphen. The
    sentences for people come from an expectation's ``meta`` (rule, title, sentence) or ``notes``.

    Raises:
        ConfigurationError: it cannot be read, or holds an expectation that judges no single row.
    """
    try:
        suite = json.loads(read_regular(path))
        name = str(suite["name"]).split("-")[0]
        return {name: tuple(_rule(each) for each in suite["expectations"])}
    except OSError as error:
        raise _unusable(path, error.strerror or type(error).__name__) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        said = str(error) if isinstance(error, ValueError) and error.args else ""
        reason = said if said and not isinstance(error, json.JSONDecodeError) else "no GX suite"
        raise _unusable(path, reason) from None


def _unusable(path: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(f"The suite file {path} cannot be used: {reason}.", remedy=_REMEDY)


def _rule(expectation: Mapping[str, Any]) -> Rule:
    kind, kwargs = str(expectation["type"]), dict(expectation["kwargs"])
    if not kind.startswith(_ROW_LEVEL):
        raise ValueError(f"{kind} judges no single row, so it cannot say which document failed")
    column = str(kwargs.pop("column"))
    meta = expectation.get("meta") or {}
    notes = expectation.get("notes") or meta.get("notes") or ""
    title = str(meta.get("title") or notes or f"{column}: {_words(kind)}")
    severity = Severity.CRITICAL if _is_critical(expectation) else Severity.WARNING
    return Rule(
        name=str(meta.get("rule") or f"{column}_{kind.removeprefix(_ROW_LEVEL)}"),
        title=title,
        sentence=str(meta.get("sentence") or f"{column} is {{observed}}: {_words(kind)}"),
        expectation="".join(part.capitalize() for part in kind.split("_")),
        column=column,
        kwargs=MappingProxyType({k: v for k, v in kwargs.items() if v is not None}),
        severity=severity,
        whole_document=bool(meta.get("whole_document")),
        requirement=str(meta.get("requirement") or ""),
        optional=bool(meta.get("optional")),
    )


def _is_critical(expectation: Mapping[str, Any]) -> bool:
    return str(expectation.get("severity") or "critical") == "critical"


def _words(kind: str) -> str:
    return kind.removeprefix("expect_column_").replace("_", " ")


def suite_json(suite: Suite) -> dict[str, Any]:
    """A suite of ours as GX writes one; `read_suite_file` reads it back as the same rules."""
    return {
        "name": f"{suite.name}-{suite.version}",
        "expectations": [_expectation(rule) for rule in suite.rules],
        "meta": {"title": suite.title},
    }


def _expectation(rule: Rule) -> dict[str, Any]:
    meta = {
        "rule": rule.name,
        "title": rule.title,
        "sentence": rule.sentence,
        "requirement": rule.requirement,
        "whole_document": rule.whole_document,
        "optional": rule.optional,
    }
    kwargs = {key: list(v) if isinstance(v, tuple) else v for key, v in rule.kwargs.items()}
    return {
        "type": re.sub(r"(?<!^)([A-Z])", r"_\1", rule.expectation).lower(),
        "kwargs": {"column": rule.column, **kwargs},
        "meta": meta,
        "severity": rule.severity.value,
    }
