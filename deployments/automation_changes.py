"""Makes an environment's automations on its Prefect server, known by our tag and their names.

They work where the server evaluates triggers (PREFECT_SERVER_SERVICES_TRIGGERS_ENABLED), as that
of `navigator up` does. Those that raise an alert do so by the webhook of `alert_webhook`; where
none is saved they are not made.
"""

from __future__ import annotations

import json
from typing import Any

from deployments.alert_webhook import alert_webhook
from deployments.environment import Environment
from deployments.environment_parts import Automation
from deployments.prefect_api import PrefectApi, path_of
from deployments.rendering import TAG
from pipeline.errors import ConfigurationError

_PAGE = 200


def put_automations(server: PrefectApi, environment: Environment) -> None:
    """Have the server's automations with our tag be the environment's, and no others.

    Deployments have to be there already: an automation names them by their ids.

    Raises:
        ConfigurationError: a deployment that one names is not there.
    """
    there = automations(server)
    webhook = alert_webhook(server)
    for name, each in environment.automations.items():
        if each.alert is not None and webhook is None:
            continue
        put_automation(server, environment, name, there.pop(name, None))
    for gone in there.values():
        server.remove(path_of("automations", str(gone["id"])))


def put_automation(
    server: PrefectApi, environment: Environment, name: str, there: dict[str, Any] | None
) -> None:
    """Make one of the environment's automations, in the place of the one that is there.

    Raises:
        ConfigurationError: a deployment that it names is not there.
    """
    body = _body(server, environment, name, environment.automations[name])
    if there is None:
        server.ask("automations/", body)
    else:
        server.replace(path_of("automations", str(there["id"])), body)


def automations(server: PrefectApi) -> dict[str, dict[str, Any]]:
    """The server's automations with our tag, by their names."""
    asked = {"automations": {"tags": {"all_": [TAG]}}, "limit": _PAGE}
    return {each["name"]: each for each in server.ask("automations/filter", asked)}


def _body(
    server: PrefectApi, environment: Environment, name: str, each: Automation
) -> dict[str, Any]:
    return {
        "name": name,
        "description": each.description,
        "enabled": each.enabled,
        "tags": [TAG],
        "trigger": each.trigger,
        "actions": [
            *(_action(server, environment, action) for action in each.actions),
            *_alerting(server, each),
        ],
    }


def _alerting(server: PrefectApi, each: Automation) -> list[dict[str, Any]]:
    action = alert_action(each)
    if action is None:
        return []
    if (webhook := alert_webhook(server)) is None:
        raise ConfigurationError(
            "The webhook of the alerts is not saved on the Prefect server.", remedy="Deploy first."
        )
    return [{**action, "block_document_id": webhook}]


def alert_action(each: Automation) -> dict[str, Any] | None:
    """The action by which an automation raises or closes an alert, but for the webhook's id."""
    if each.alert is None:
        return None
    told = each.alert.model_dump(mode="json", exclude_defaults=True)
    return {"type": "call-webhook", "payload": json.dumps(told)}


def _action(server: PrefectApi, environment: Environment, action: dict[str, Any]) -> dict[str, Any]:
    """The action with the id of the deployment that it names."""
    if (name := action.get("deployment")) is None:
        return action
    flow = environment.deployments[name].flow.replace("_", "-")
    found = server.read(path_of("deployments", "name", flow, str(name)))
    if found is None:
        raise ConfigurationError(
            f"There is no deployment {flow}/{name} on the Prefect server, which an automation is "
            "to act on.",
            remedy="Deploy first, then make the automations.",
        )
    rest = {key: value for key, value in action.items() if key != "deployment"}
    return {**rest, "deployment_id": found["id"], "source": "selected"}
