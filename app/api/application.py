"""The FastAPI application: its parts, its routes, its errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from app.api import problems
from app.api.authentication import TokenVerifier
from app.api.dispatching import Dispatcher
from app.api.parts import ApiParts
from app.api.routes import ROUTERS
from blocks.assembly import open_services
from pipeline.settings import Settings

PREFIX = "/api/v1"
__all__ = ["ApiParts", "create_app"]


def create_app(settings: Settings) -> FastAPI:
    """The application; nothing is opened before it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.parts = await _open(settings, stack)
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
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    return app


async def _open(settings: Settings, stack: AsyncExitStack) -> ApiParts:
    services = await stack.enter_async_context(open_services(settings))
    dispatcher = Dispatcher.from_environment()
    stack.push_async_callback(dispatcher.close)
    return ApiParts(services, dispatcher, TokenVerifier(services.settings))
