"""Addresses of resources: a document, its pages and their pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID

SCHEME = "navigator"
_PREFIX = f"{SCHEME}://documents/"
DOCUMENT = _PREFIX + "{document}"
PAGE = DOCUMENT + "/pages/{page}"
PICTURE = PAGE + "/picture"


@dataclass(frozen=True, slots=True)
class Address:
    """What a resource's address names.

    Attributes:
        page: from 1; 0 for the document as a whole.
    """

    kind: Literal["document", "page", "picture"]
    document: UUID
    page: int = 0


def document_address(document: UUID) -> str:
    """The address of a document's state."""
    return DOCUMENT.format(document=document)


def page_address(document: UUID, page: int) -> str:
    """The address of what was read of a page."""
    return PAGE.format(document=document, page=page)


def picture_address(document: UUID, page: int) -> str:
    """The address of a page's picture."""
    return PICTURE.format(document=document, page=page)


def read_address(uri: str) -> Address | None:
    """What an address names; None when it is none of ours."""
    try:
        split = urlsplit(uri)
        if split.scheme != SCHEME or split.netloc != "documents" or split.query or split.fragment:
            return None
        match split.path.split("/")[1:]:
            case [document]:
                return Address("document", UUID(document))
            case [document, "pages", page]:
                return Address("page", UUID(document), _number(page))
            case [document, "pages", page, "picture"]:
                return Address("picture", UUID(document), _number(page))
    except ValueError:
        pass
    return None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        raise ValueError("no page's number")
    return int(text)
