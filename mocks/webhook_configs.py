"""Saved webhook configurations: the receivers that a job names by id."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from mocks.llamaparse_errors import BadField, error, invalid
from mocks.llamaparse_settings import PROJECT
from mocks.webhooks import Webhook, read_webhook
from mocks.wire import Response, json_response


@dataclass
class SavedWebhooks:
    """The configurations of one account."""

    webhooks: dict[str, Webhook] = field(default_factory=dict)

    def respond(self, method: str, rest: list[str], asked: Any, hosts: str) -> Response:
        """Create, list, read or delete; `rest` are the path's parts after `webhook-configs`."""
        match method, rest:
            case "POST", []:
                return self._create(asked, hosts)
            case "GET", []:
                return json_response(200, [_told(key, each) for key, each in self.webhooks.items()])
            case "GET", [key] if key in self.webhooks:
                return json_response(200, _told(key, self.webhooks[key]))
            case "DELETE", [key] if key in self.webhooks:
                del self.webhooks[key]
                return Response(204)
        return error(404, "Webhook configuration not found")

    def _create(self, asked: Any, hosts: str) -> Response:
        if not isinstance(asked, dict):
            return invalid("body", "Input should be a valid dictionary")
        try:
            webhook = read_webhook(asked, hosts)
        except BadField as bad:
            return invalid(bad.name, bad.message, bad.given)
        key = f"whc-{uuid4()}"
        self.webhooks[key] = webhook
        return json_response(201, _told(key, webhook))


def _told(key: str, webhook: Webhook) -> dict[str, Any]:
    # The secret is written only, never told.
    return {
        "id": key,
        "has_secret": webhook.secret is not None,
        "tenant_id": PROJECT,
        "tenant_type": "project",
        "webhook_url": webhook.url,
        "webhook_events": webhook.events,
        "webhook_headers": webhook.headers,
        "webhook_output_format": webhook.output_format,
    }
