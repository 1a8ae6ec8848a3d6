"""The routes under /api/v1, one resource a file; each file exposes `router`."""

from __future__ import annotations

from app.api.routes import (
    alerts,
    bulk_jobs,
    documents,
    events,
    forecast,
    golden_questions,
    incidents,
    jobs,
    maintenance,
    overview,
    pages,
    reports,
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
    forecast.router,
    bulk_jobs.router,
    jobs.router,
    maintenance.router,
    alerts.router,
    incidents.router,
    overview.router,
    reports.router,
    review.router,
    runs.router,
    search.router,
    golden_questions.router,
    sources.router,
    users.router,
    webhooks.router,
)
