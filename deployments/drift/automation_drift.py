"""Compares an environment's automations with those on Prefect's server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from deployments.automation_changes import alert_action
from deployments.drift import explaining, origins
from deployments.drift.difference import Area, Difference
from deployments.drift.explaining import Explanation
from deployments.drift.prefect_server import Found, OnServer
from deployments.environment import Environment
from deployments.environment_parts import Automation


def automation_drift(environment: Environment, found: OnServer) -> Iterator[Difference]:
    """Automations that are missing, other, or nobody's and in force."""
    there = {str(each["name"]): each for each in found.automations}
    ids = {each["name"]: each["id"] for each in found.deployments}
    for name, declared in environment.automations.items():
        is_there = there.pop(name, None)
        if is_there is None and declared.alert is not None and not found.has_alert_webhook:
            continue
        if is_there is None:
            yield _difference(
                name,
                "",
                _does([*declared.actions, *filter(None, [alert_action(declared)])]),
                None,
                explaining.AUTOMATION_OTHER,
            )
            continue
        for field, (wanted, has) in _fields(declared, ids, is_there).items():
            if not _agree(wanted, has):
                told = explaining.AUTOMATION_OTHER
                yield _difference(name, field, _text(wanted), _text(has), told, is_there)
    for name, extra in sorted(there.items()):
        if extra.get("enabled", True):
            does = _does(extra.get("actions") or ())
            yield _difference(name, "", None, does, explaining.AUTOMATION_EXTRA, extra)


def _fields(
    declared: Automation, ids: Mapping[str, str], found: Found
) -> dict[str, tuple[Any, Any]]:
    actions = [_action(each, ids) for each in declared.actions]
    if (alerting := alert_action(declared)) is not None:
        actions.append(alerting)
    return {
        "enabled": (declared.enabled, found.get("enabled")),
        "trigger": (declared.trigger, found.get("trigger")),
        "actions": (actions, list(found.get("actions") or ())),
    }


def _action(action: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    rest = {key: value for key, value in action.items() if key != "deployment"}
    if "deployment" not in action:
        return rest
    return {**rest, "deployment_id": ids.get(str(action["deployment"]))}


def _agree(declared: object, found: object) -> bool:
    """Whether what is declared is there; the server adds what it takes for granted."""
    if isinstance(declared, Mapping):
        return isinstance(found, Mapping) and all(
            _agree(value, found.get(key)) for key, value in declared.items()
        )
    if isinstance(declared, (list, tuple)):
        return (
            isinstance(found, (list, tuple))
            and len(declared) == len(found)
            and all(_agree(*pair) for pair in zip(declared, found, strict=True))
        )
    return declared == found


def _does(actions: Any) -> str:
    return ", ".join(str(each.get("type")) for each in actions) or "does nothing"


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _difference(
    name: str,
    field: str,
    declared: str | None,
    found: str | None,
    told: Explanation,
    there: Found | None = None,
) -> Difference:
    missing = origins.of_missing_object("automation")
    who = missing if there is None else origins.of_prefect_object(there)
    return Difference(
        Area.AUTOMATION, name, field, declared, found, told.means, who, told.repair, told.remedy
    )
