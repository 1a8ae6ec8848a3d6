"""Serves the dashboard's static files; their figures come through the API."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Response

from app.api.problems import NotFound

router = APIRouter(include_in_schema=False)

_KINDS = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
# Text can only ever become text: with trusted types, and no policy, a browser refuses every
# attempt to make HTML of a string. Pictures of pages need a token, so they come by fetch: as blobs.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    "Cache-Control": "no-cache",
}


@router.get("/")
async def page() -> Response:
    """The page."""
    return _file("dashboard.html")


@router.get("/dashboard/{name}")
async def part(name: str) -> Response:
    """What the page is made of."""
    return _file(name)


def _file(name: str) -> Response:
    found = _all().get(name)
    if found is None:
        raise NotFound("There is nothing under this address.")
    kind = _KINDS[name.rpartition(".")[2]]
    return Response(found, media_type=f"{kind}; charset=utf-8", headers=_HEADERS)


@cache
def _all() -> dict[str, bytes]:
    folder = files("app.api").joinpath("dashboard")
    return {
        each.name: each.read_bytes()
        for each in folder.iterdir()
        if each.name.rpartition(".")[2] in _KINDS
    }
