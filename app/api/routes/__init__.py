"""The routes under /api/v1, one kind of thing a file; each file exposes `router`."""

from __future__ import annotations

from app.api.routes import documents

ROUTERS = (documents.router,)
