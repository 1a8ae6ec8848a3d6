"""Probes for machines: liveness, readiness, health of every part, Prometheus metrics."""

from __future__ import annotations

import hmac
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from app.api.dependencies import ApiParts, Parts
from app.api.forwarded_headers import is_hidden
from app.api.health import REQUIRED, Health
from app.api.problems import Forbidden, Unauthenticated, responses
from pipeline.loopback import is_loopback

router = APIRouter(tags=["operating"])
_token = HTTPBearer(
    auto_error=False, scheme_name="MetricsToken", description="NAVIGATOR_METRICS_TOKEN."
)
_FAILING: dict[int | str, dict[str, Any]] = {
    503: {"model": Health, "description": "The database or the storage fails"}
}


class Alive(BaseModel):
    """The process answers."""

    status: str = "ok"


@router.get("/health/live")
async def live() -> Alive:
    """Liveness probe: say that the process answers, whatever becomes of the parts it uses."""
    return Alive()


@router.get("/health/ready", responses=_FAILING)
async def ready(parts: Parts, response: Response) -> Health:
    """Readiness probe: say whether requests can be answered (database, schema, storage)."""
    found = await parts.health.read()
    required = {name: part for name, part in found.parts.items() if name in REQUIRED}
    fine = all(part.status == "ok" for part in required.values())
    response.status_code = 200 if fine else 503
    return Health(status="ok" if fine else "failing", parts=required)


@router.get("/health", responses=_FAILING)
async def health(parts: Parts, response: Response) -> Health:
    """Say how every part is, each asked within two seconds."""
    found = await parts.health.read()
    response.status_code = 503 if found.status == "failing" else 200
    return found


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Figures"},
        **responses(401, 403, 503),
    },
)
async def read_metrics(
    request: Request,
    parts: Parts,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_token)],
) -> Response:
    """Give the figures to Prometheus.

    With NAVIGATOR_METRICS_TOKEN, to who sends it or an operator's token; without it, also to
    anybody on the same machine.
    """
    await _require_reader(request, parts, given.credentials if given else None)
    return Response(await parts.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


async def _require_reader(request: Request, parts: ApiParts, given: str | None) -> None:
    expected = parts.settings.metrics_token
    if expected is None and _is_local(request):
        return
    if given is None:
        raise Unauthenticated("The figures need a bearer token.")
    if expected is not None and hmac.compare_digest(
        given.encode(), expected.get_secret_value().encode()
    ):
        return
    if not (await parts.verifier.verify(given)).is_service:
        raise Forbidden("The figures are for operators.")


def _is_local(request: Request) -> bool:
    """Whether this machine itself asks, and no page in its browser under a name of its own."""
    if request.client is None or is_hidden(request):
        return False
    named = request.url.hostname or ""
    return is_loopback(request.client.host) and (named == "localhost" or is_loopback(named))
