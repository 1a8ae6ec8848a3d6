"""Makes signed URLs: presigned by the storage, or served by us where it cannot presign."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

from fastapi import Request
from pydantic import BaseModel, Field

from app.api.dependencies import ApiParts

PREFIX = "/api/v1"


class Link(BaseModel):
    """A URL that needs no token, for a short while."""

    url: str
    method: str
    headers: dict[str, str] = Field(description="To be sent with the request.")
    expires_at: datetime


async def signed_link(
    parts: ApiParts,
    request: Request,
    method: Literal["GET", "PUT"],
    key: str,
    path: str,
    seconds: int | None = None,
) -> Link:
    """A link to one stored object.

    Args:
        key: of the object. path: of our own route to it, below the API's prefix.
        seconds: that it is good for; without them, as the settings say.
    """
    life = seconds or parts.settings.signed_url_seconds
    url = await parts.storage.signed_url(method, key, life)
    if url is not None:
        # Azure wants to be told; the others pass over it.
        headers = {"x-ms-blob-type": "BlockBlob"} if method == "PUT" else {}
        until = datetime.now(UTC) + timedelta(seconds=life)
        return Link(url=url, method=method, headers=headers, expires_at=until)
    address = PREFIX + path
    query, until = parts.signer.query(method, address, life)
    base = (parts.settings.public_url or str(request.base_url)).rstrip("/")
    return Link(url=f"{base}{address}?{query}", method=method, headers={}, expires_at=until)
