"""Route of the Model Context Protocol (streamable HTTP): the API's tokens, rights and limits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, Request, Response
from mcp import types
from mcp.server import ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.types import Receive, Scope, Send

from app.api.authentication import authenticate, bearer
from app.api.authorization import RowAccess, UserParameter, scope_of
from app.api.dependencies import ApiParts, parts_of
from app.api.middleware import BODY_BYTES
from app.api.problems import Forbidden, response_of, sentence_of
from app.api.rate_limits import limited
from app.mcp.server import mcp_server
from pipeline.errors import NavigatorError

router = APIRouter(include_in_schema=False)
PATH = "/mcp"
_REFUSED = -32001
"""The code of a JSON-RPC error that the protocol leaves to servers."""


@asynccontextmanager
async def sessions() -> AsyncIterator[StreamableHTTPSessionManager]:
    """What answers requests; it keeps nothing between two of them."""
    manager = StreamableHTTPSessionManager(
        mcp_server(_asked), json_response=True, stateless=True, max_request_body_size=BODY_BYTES
    )
    async with manager.run():
        yield manager


async def _asked(context: ServerRequestContext[Any, Any]) -> tuple[ApiParts, RowAccess]:
    request = context.request
    assert isinstance(request, Request)
    return parts_of(request), request.state.access


@router.post(PATH)
async def answer(request: Request, user: UserParameter = None) -> Response:
    """Answer a request of the protocol, for the token's user.

    A refusal is an error of the protocol, since clients show no other body.
    """
    try:
        _require_known_origin(request)
        caller = await authenticate(request, await bearer(request))
        request.state.access = await scope_of(await limited(request, caller), user)
    except NavigatorError as error:
        return _refusal(error)
    return _Handed(request.app.state.mcp)


def _require_known_origin(request: Request) -> None:
    """Refuse pages of other sites, as the protocol demands, beside that they have no token.

    Raises:
        Forbidden: the browser says that the page is another site's.
    """
    origin = request.headers.get("origin")
    known = parts_of(request).settings.cors_origins.split()
    own = f"{request.url.scheme}://{request.url.netloc}"
    if origin is not None and origin != own and origin not in known:
        raise Forbidden(
            "Pages of other sites may not ask here.",
            remedy="Add the site to NAVIGATOR_CORS_ORIGINS.",
        )


def _refusal(error: NavigatorError) -> Response:
    refused = response_of(error)
    told = types.ErrorData(code=_REFUSED, message=sentence_of(error))
    body = types.JSONRPCError(jsonrpc="2.0", id=None, error=told)
    kept = ("www-authenticate", "retry-after", "ratelimit-")
    headers = {name: value for name, value in refused.headers.items() if name.startswith(kept)}
    content = body.model_dump_json(by_alias=True)
    return Response(content, refused.status_code, headers, media_type="application/json")


class _Handed(Response):
    """The answer of who speaks the protocol."""

    def __init__(self, manager: StreamableHTTPSessionManager) -> None:
        super().__init__()
        self._manager = manager

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._manager.handle_request(scope, receive, send)
