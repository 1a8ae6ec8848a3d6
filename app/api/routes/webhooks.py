"""Receives LlamaParse's webhooks: verifies, stores and deduplicates them, wakes who waits.

Nothing is told to who cannot sign: the answer to a job that nobody knows is that to any other.
"""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.security import APIKeyHeader
from starlette.requests import ClientDisconnect

from app.api.dependencies import Parts
from app.api.problems import ApiProblem, NotFound, TooLarge, Unauthenticated, responses
from app.api.process_metrics import WEBHOOKS
from pipeline.logs import logger
from pipeline.settings import Settings
from pipeline.store import webhook_events
from pipeline.webhooks import (
    MAX_BYTES,
    PATH,
    SIGNATURE_HEADER,
    WebhookEvent,
    WebhookMalformed,
    WebhookRefused,
    verify,
)

router = APIRouter(tags=["webhooks"])
_LOG = logger("navigator.webhooks")
_signature = APIKeyHeader(
    name=SIGNATURE_HEADER,
    scheme_name="WebhookSignature",
    description="`sha256=` and the HMAC-SHA256 of the raw body.",
    auto_error=False,
)
_BODY = {
    "requestBody": {
        "required": True,
        "description": "An event as LlamaCloud sends it, as JSON or as JSON in a JSON string.",
        "content": {"application/json": {"schema": {"type": ["object", "string"]}}},
    }
}


class _NotAnEvent(ApiProblem):
    """It is signed, and yet not an event."""

    status = 400


@router.post(
    PATH.removeprefix("/api/v1"),
    status_code=204,
    responses=responses(400, 401, 404, 408, 413, 503),
    openapi_extra=_BODY,
)
async def receive_webhook(
    request: Request,
    parts: Parts,
    signature: Annotated[str | None, Depends(_signature)],
) -> None:
    """Hear from LlamaParse that a job has ended.

    An event counts once, however often it comes. It is a hint only: the job's state is asked of
    the service itself, and a lost event is made up for by asking from time to time.
    """
    secrets = _secrets(parts.settings)
    if not secrets:
        raise NotFound(
            "Webhooks are not set up here.",
            remedy="Operators: set NAVIGATOR_LLAMA_CLOUD_WEBHOOK_SECRET.",
        )
    try:
        body = await _body(request)
        event = verify(
            body, signature, secrets,
            now=time.time(), age_seconds=parts.settings.webhook_age_seconds,
        )  # fmt: skip
    except WebhookRefused as refused:
        WEBHOOKS.labels(refused.code).inc()
        _LOG.warning("webhook_rejected", reason=refused.code)
        raise _problem(refused) from None
    await _take(parts, event)


async def _take(parts: Parts, event: WebhookEvent) -> None:
    async with parts.database.service() as connection:
        receipt = await webhook_events.receive(connection, event)
    WEBHOOKS.labels(receipt.value).inc()
    _LOG.info(
        "webhook_received",
        event_id=str(event.event_id),
        event_type=event.event_type,
        remote_job_id=event.remote_job_id,
        outcome=receipt.value,
    )


def _secrets(settings: Settings) -> list[str]:
    given = (settings.llama_cloud_webhook_secret, settings.llama_cloud_webhook_previous_secret)
    return [secret.get_secret_value() for secret in given if secret is not None]


async def _body(request: Request) -> bytes:
    """The raw body, no longer than an event can be."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > MAX_BYTES:
        WEBHOOKS.labels("too_large").inc()
        raise _too_large()
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BYTES:
                raise _too_large()
    except TooLarge:
        WEBHOOKS.labels("too_large").inc()
        raise
    except ClientDisconnect:
        raise WebhookMalformed("The webhook broke off.") from None
    return bytes(body)


def _too_large() -> TooLarge:
    return TooLarge(f"A webhook may have {MAX_BYTES} bytes at most.")


def _problem(refused: WebhookRefused) -> ApiProblem:
    kind = _NotAnEvent if isinstance(refused, WebhookMalformed) else Unauthenticated
    return kind(refused.message, code=refused.code, remedy=refused.remedy)
