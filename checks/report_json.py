"""The quality report as JSON: its figures as plain values, and the hash of each section."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Any

from checks.report_data import ReportData
from pipeline.canonical_json import canonical
from pipeline.identity import sha256_hex


def report_json(data: ReportData) -> dict[str, Any]:
    """The report as JSON has it: one key for each field of `ReportData`; times in ISO 8601."""
    made: dict[str, Any] = json.loads(json.dumps(_plain(data)))
    return made


def section_hashes(report: Mapping[str, Any]) -> dict[str, str]:
    """The SHA-256 of each section's canonical JSON, to say which one was changed."""
    return {name: sha256_hex(canonical(value)) for name, value in report.items()}


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return value
