"""The routes under /api/v1, one resource a file; each file exposes `router`."""

from __future__ import annotations

from app.api.routes import (
    bulk_jobs,
    documents,
    events,
    golden_questions,
    jobs,
    maintenance,
    overview,
    pages,
    review,
    runs,
    search,
    signed_uploads,
    sources,
    uploads,
    users,
    webhooks,
)

ROUTERS = (
    uploads.router,
    signed_uploads.router,
    documents.router,
    pages.router,
    events.router,
    bulk_jobs.router,
    jobs.router,
    maintenance.router,
    overview.router,
    review.router,
    runs.router,
    search.router,
    golden_questions.router,
    sources.router,
    users.router,
    webhooks.router,
)
