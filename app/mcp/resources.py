"""The resources: documents, their pages and the pages' pictures, by address."""

from __future__ import annotations

import base64

from mcp import types

from app.api.authorization import RowAccess
from app.api.dependencies import ApiParts
from app.api.problems import NotFound
from app.api.routes.documents import get_documents
from app.mcp.addresses import DOCUMENT, PAGE, PICTURE, document_address, read_address
from app.mcp.arguments import DocumentArguments, PageArguments, PictureArguments
from app.mcp.tools import TOOLS, draw

_A_PAGE = 100

TEMPLATES = [
    types.ResourceTemplate(
        name="document",
        uri_template=DOCUMENT,
        mime_type="application/json",
        description="A document's state and versions.",
    ),
    types.ResourceTemplate(
        name="page",
        uri_template=PAGE,
        mime_type="application/json",
        description="What was read of a page.",
    ),
    types.ResourceTemplate(
        name="page picture",
        uri_template=PICTURE,
        mime_type="image/png",
        description="A page as its reader sees it.",
    ),
]


async def list_resources(
    parts: ApiParts, access: RowAccess, cursor: str | None
) -> types.ListResourcesResult:
    """The caller's documents, newest first, a page of them."""
    found = await get_documents(parts, access, cursor=cursor, limit=_A_PAGE)
    resources = [
        types.Resource(name=each.name, uri=document_address(each.id), mime_type="application/json")
        for each in found.items
    ]
    return types.ListResourcesResult(resources=resources, next_cursor=found.next)


async def read_resource(parts: ApiParts, access: RowAccess, uri: str) -> types.ReadResourceResult:
    """What an address names.

    Raises:
        NotFound: nothing that the caller may see.
    """
    match read_address(uri):
        case None:
            raise NotFound(
                "There is no resource of this address.",
                remedy=f"Addresses are {DOCUMENT}, {PAGE} and {PICTURE}.",
            )
        case address if address.kind == "picture":
            given = PictureArguments(document=address.document, page=address.page)
            blob = base64.b64encode(await draw(parts, access, given)).decode()
            picture = types.BlobResourceContents(uri=uri, mime_type="image/png", blob=blob)
            return types.ReadResourceResult(contents=[picture])
        case address if address.kind == "page":
            asked = PageArguments(document=address.document, page=address.page)
            answer = await TOOLS["read_page"].run(parts, access, asked)
        case address:
            about = DocumentArguments(document=address.document)
            answer = await TOOLS["document_status"].run(parts, access, about)
    text = answer.content[0]
    assert isinstance(text, types.TextContent)
    shown = types.TextResourceContents(uri=uri, mime_type="application/json", text=text.text)
    return types.ReadResourceResult(contents=[shown])
