"""The tools: each is a route of the API, called with the same rights and noted in the same log."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from mcp import types
from pydantic import BaseModel

from app.api.authorization import RowAccess
from app.api.dependencies import ApiParts
from app.api.problems import NotFound, Unprocessable
from app.api.routes import documents, overview, pages
from app.api.routes import search as searching
from app.mcp import answers
from app.mcp.addresses import picture_address
from app.mcp.arguments import (
    Arguments,
    DocumentArguments,
    ListArguments,
    PageArguments,
    PictureArguments,
    SearchArguments,
)

PICTURE_BYTES = 2_000_000
"""Of a picture, at most: a larger one is drawn narrower."""
_NARROWEST = 200
READ_ONLY = types.ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)

Run = Callable[[ApiParts, RowAccess, Any], Awaitable[types.CallToolResult]]


@dataclass(frozen=True, slots=True)
class NavigatorTool:
    """A tool.

    Attributes:
        arguments: what it takes. run: answers it for whoever has these rights.
    """

    name: str
    title: str
    description: str
    arguments: type[BaseModel]
    run: Run

    def described(self) -> types.Tool:
        """The tool as a client lists it."""
        return types.Tool(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=self.arguments.model_json_schema(),
            annotations=READ_ONLY,
        )


async def _search(
    parts: ApiParts, access: RowAccess, given: SearchArguments
) -> types.CallToolResult:
    found = await searching.search(parts, access, given)
    return as_json(answers.search_answer(found), _links(found))


def _links(found: searching.SearchResult) -> list[types.ContentBlock]:
    """The pictures of the pages that passages begin on, each once."""
    pages_of = {
        (each.document_id, each.page_first): each.name
        for each in found.passages
        if each.page_first is not None
    }
    return [
        types.ResourceLink(
            name=f"{name}, page {page}",
            uri=picture_address(document, page),
            mime_type="image/png",
        )
        for (document, page), name in pages_of.items()
    ]


async def _list(parts: ApiParts, access: RowAccess, given: ListArguments) -> types.CallToolResult:
    states = [given.state] if given.state else None
    found = await documents.get_documents(
        parts, access, states, given.tags or None, None, given.cursor, given.limit
    )
    return as_json(answers.list_answer(found))


async def _document(
    parts: ApiParts, access: RowAccess, given: DocumentArguments
) -> types.CallToolResult:
    found = await documents.get_document(parts, access, given.document)
    return as_json(answers.document_answer(found))


async def _page(parts: ApiParts, access: RowAccess, given: PageArguments) -> types.CallToolResult:
    found = await pages.get_page(parts, access, given.document, given.page)
    return as_json(answers.page_answer(found))


async def _picture(
    parts: ApiParts, access: RowAccess, given: PictureArguments
) -> types.CallToolResult:
    picture = await draw(parts, access, given)
    data = base64.b64encode(picture).decode()
    return types.CallToolResult(content=[types.ImageContent(data=data, mime_type="image/png")])


async def draw(parts: ApiParts, access: RowAccess, given: PictureArguments) -> bytes:
    """A page's picture, as wide as asked for, or as fits into one answer.

    Raises:
        NotFound: there is no such page. NotDrawn: drawing it failed.
        Unprocessable: it is too large even when it is narrow.
    """
    width = given.width
    while width >= _NARROWEST:
        answer = await pages.get_picture(parts, access, given.document, given.page, width=width)
        picture = bytes(answer.body)
        if len(picture) <= PICTURE_BYTES:
            return picture
        width //= 2
    raise Unprocessable(
        "The picture of this page is too large to be sent.",
        remedy="Read the page's text, or look at it in the dashboard.",
    )


async def _status(parts: ApiParts, access: RowAccess, _: Arguments) -> types.CallToolResult:
    figures = await overview.get_overview(parts, access)
    health = await parts.health.read()
    shown = figures.model_dump(mode="json", exclude={"throughput", "quality"})
    return as_json({**shown, "health": health.model_dump(mode="json")})


TOOLS = {
    tool.name: tool
    for tool in (
        NavigatorTool(
            "search",
            "Search",
            "Find the passages of the user's own insurance documents that answer a question, best "
            "first. Each has a citation (document, pages, headings) to quote, and the address of "
            "its page's picture. Write the citation beside everything that you take from a "
            "passage; `gaps` say what of its document could not be read.",
            SearchArguments,
            _search,
        ),
        NavigatorTool(
            "list_documents",
            "List documents",
            "List the user's documents, newest first, with state and tags.",
            ListArguments,
            _list,
        ),
        NavigatorTool(
            "document_status",
            "Status of a document",
            "Show one document: its versions, where each stands, what was not read, and why one "
            "failed with what to do about it.",
            DocumentArguments,
            _document,
        ),
        NavigatorTool(
            "read_page",
            "Read a page",
            "Read the text of one page of a document, with tables as Markdown.",
            PageArguments,
            _page,
        ),
        NavigatorTool(
            "page_picture",
            "Picture of a page",
            "Show one page of a document as a picture, to check a passage against the original.",
            PictureArguments,
            _picture,
        ),
        NavigatorTool(
            "status",
            "Status of the installation",
            "Show how the user's corpus and the installation stand: documents by state, storage, "
            "spending, errors, and whether each part works.",
            Arguments,
            _status,
        ),
    )
}


def tool_named(name: str) -> NavigatorTool:
    """The tool of a name.

    Raises:
        NotFound: there is none.
    """
    if name not in TOOLS:
        raise NotFound("There is no such tool.", remedy=f"One of: {', '.join(TOOLS)}.")
    return TOOLS[name]


def as_json(
    answer: dict[str, Any], more: list[types.ContentBlock] | None = None
) -> types.CallToolResult:
    """An answer as JSON, for clients that read its structure and for those that read text."""
    text = types.TextContent(text=json.dumps(answer, ensure_ascii=False))
    return types.CallToolResult(content=[text, *(more or [])], structured_content=answer)
