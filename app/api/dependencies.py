"""Holds what routes depend on (database, storage, embedder), opened with the application."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

from fastapi import Depends, Request

from app.api.authentication import TokenVerifier
from app.api.dispatching import Dispatcher
from app.api.feed import EventFeed
from app.api.health import HealthChecks
from app.api.metrics import Metrics
from app.api.page_images import PagePictures
from app.api.rate_limits import RateLimits
from app.api.url_signatures import UrlSigner
from clients.embedder import Embedder
from clients.storage.object_storage import Storage
from pipeline.settings import Settings
from pipeline.store.engine import Database
from pipeline.store.registration import PipelineVersion
from stages.services import Services


@dataclass(frozen=True)
class ApiParts:
    """The dependencies of routes; opened and closed by the application's lifespan.

    Attributes:
        services: database, storage, embedder and the version of the work, as flows have them.
        dispatcher: asks Prefect to work on jobs.
        verifier: tells who a token speaks for.
        limits: how often users may ask.
        signer: makes and checks signed URLs.
        feed: tells when there are new events.
        health: asks every part how it is. metrics: reads the figures for monitoring.
        pictures: draws pages.
    """

    services: Services
    dispatcher: Dispatcher
    verifier: TokenVerifier
    limits: RateLimits
    signer: UrlSigner
    feed: EventFeed
    health: HealthChecks
    metrics: Metrics
    pictures: PagePictures

    @property
    def settings(self) -> Settings:
        """The settings with which the API was started."""
        return self.services.settings

    @property
    def database(self) -> Database:
        """The database; `reader` for everything that a user asks to see."""
        return self.services.database

    @property
    def storage(self) -> Storage:
        """Where bytes are kept."""
        return self.services.storage

    @property
    def embedder(self) -> Embedder:
        """What turns questions into vectors."""
        return self.services.embedder

    @property
    def version(self) -> PipelineVersion:
        """The pipeline version of new jobs."""
        return self.services.version


def parts_of(request: Request) -> ApiParts:
    """The parts of the application that answers this request."""
    return cast(ApiParts, request.app.state.parts)


async def _parts(request: Request) -> ApiParts:
    # FastAPI would call a plain function in a thread, for every request.
    return parts_of(request)


Parts = Annotated[ApiParts, Depends(_parts)]
