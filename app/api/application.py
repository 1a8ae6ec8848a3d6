"""Builds the FastAPI application: its dependencies, routes, error handlers and middleware."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from app.api import json_bodies, problems
from app.api.alert_webhook import saving_alert_webhook
from app.api.authentication import TokenVerifier
from app.api.dependencies import ApiParts
from app.api.dispatching import Dispatcher
from app.api.feed import EventFeed
from app.api.forwarded_headers import TrustedProxies
from app.api.health import HealthChecks
from app.api.metrics import Metrics
from app.api.middleware import AnswerHeaders, RequestLimits
from app.api.page_images import PagePictures
from app.api.rate_limits import RateLimits
from app.api.request_logging import RequestLogging
from app.api.routes import ROUTERS, dashboard, mcp, probes
from app.api.secrets import signing_key
from app.api.signed_urls import PREFIX
from app.api.tls import RequireTls
from app.api.url_signatures import UrlSigner
from app.stack.noted_restarts import NotedRestarts
from pipeline import correlation
from pipeline.settings import Settings
from stages.alerts.rounds import delivering_alerts
from stages.announcing import announced
from stages.services import Services, open_services

__all__ = ["ApiParts", "create_app"]

# Uploads and streams have limits of their own.
_UNLIMITED = re.compile(
    rf"POST {PREFIX}/documents|PUT {PREFIX}/uploads/[^/]+/content"
    rf"|POST {PREFIX}/uploads/[^/]+/complete|GET {PREFIX}/originals/[^/]+"
    rf"|POST {PREFIX}/reports"
    rf"|GET {PREFIX}/(jobs/[^/]+/)?events|(GET|DELETE) {PREFIX}/users/me(/export)?"
)
_PATIENCE_SECONDS = 3.0
_EXPOSED = ("Location", "Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset",
            correlation.HEADER)  # fmt: skip


def create_app(settings: Settings, *, tls: bool = False, only_mcp: bool = False) -> FastAPI:
    """The application; nothing is opened before it starts.

    Args:
        tls: only requests that came by TLS are answered, see `app.api.tls`.
        only_mcp: of all that it serves, the Model Context Protocol and the probes alone.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.parts = await _open(settings, stack)
            app.state.mcp = await stack.enter_async_context(mcp.sessions())
            yield

    app = FastAPI(
        title="Insurance Navigator",
        version="1",
        summary="Insurance documents to a searchable, quality-gated corpus.",
        lifespan=lifespan,
        openapi_url=f"{PREFIX}/openapi.json",
        # their pages load scripts from elsewhere
        docs_url=None,
        redoc_url=None,
    )
    problems.install(app)
    if not only_mcp:
        for router in ROUTERS:
            app.include_router(router, prefix=PREFIX)
        app.include_router(dashboard.router)
    app.include_router(probes.router)
    app.include_router(mcp.router)
    app.add_middleware(
        RequestLimits, seconds=settings.request_timeout_seconds, unlimited=_UNLIMITED
    )
    app.add_middleware(AnswerHeaders)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins.split(),
            allow_methods=["GET", "POST", "PUT", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Last-Event-ID", correlation.HEADER],
            expose_headers=_EXPOSED,
        )
    if tls:
        app.add_middleware(RequireTls)
    app.add_middleware(RequestLogging)
    if proxies := settings.trusted_proxies.split():
        app.add_middleware(TrustedProxies, proxies=proxies)
    _describe(app)
    return app


async def _open(settings: Settings, stack: AsyncExitStack) -> ApiParts:
    services = await stack.enter_async_context(open_services(settings))
    # From here on somebody waits for each answer, and is better told to come again.
    services.database.patience_seconds = min(_PATIENCE_SECONDS, settings.database_patience_seconds)
    await stack.enter_async_context(announced(services, "api"))
    await stack.enter_async_context(
        delivering_alerts(services, before=NotedRestarts(services).look)
    )
    await stack.enter_async_context(saving_alert_webhook(settings))
    return await open_parts(services, stack)


async def open_parts(services: Services, stack: AsyncExitStack) -> ApiParts:
    """What routes depend on; closed with the stack."""
    settings = services.settings
    dispatcher = await Dispatcher.from_environment(services.installation)
    stack.push_async_callback(dispatcher.close)
    feed = EventFeed(services.database)
    stack.push_async_callback(feed.close)
    pictures = PagePictures(settings, services.storage)
    stack.push_async_callback(pictures.close)
    return ApiParts(
        services=services,
        dispatcher=dispatcher,
        verifier=TokenVerifier(settings),
        limits=RateLimits(settings),
        signer=UrlSigner(signing_key(settings)),
        feed=feed,
        health=HealthChecks(
            services, os.environ.get("PREFECT_API_URL") or None, lambda: dispatcher.trouble
        ),
        metrics=Metrics(services.database, dispatcher.counts),
        pictures=pictures,
    )


def _describe(app: FastAPI) -> None:
    """The OpenAPI document knows what a problem is, though no route returns one by itself."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(problems.schemas() | json_bodies.schemas())
        return document

    app.openapi = openapi  # type: ignore[method-assign]
