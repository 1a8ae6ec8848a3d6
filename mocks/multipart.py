"""Parses a form's body: multipart/form-data, or URL-encoded when there is no file."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from mocks.wire import Request

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_NAME = re.compile(rb'\bname="([^"]*)"')
_FILE_NAME = re.compile(rb'\bfilename="([^"]*)"')


def form_names(request: Request) -> list[str]:
    """The names of the fields in their order."""
    return list(form_fields(request))


def form_fields(request: Request) -> dict[str, Any]:
    """The fields: bytes for a value, (file name, bytes) for a file; nothing when it is no form."""
    kind = request.headers.get("content-type", "")
    if kind.startswith("application/x-www-form-urlencoded"):
        pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: value.encode() for name, value in pairs}
    boundary = _BOUNDARY.search(kind)
    if boundary is None:
        return {}
    fields: dict[str, Any] = {}
    for part in request.body.split(b"--" + boundary[1].encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name, file_name = _NAME.search(head), _FILE_NAME.search(head)
        if name is None:
            continue
        value = content.removesuffix(b"\r\n")
        fields[name[1].decode()] = (
            (file_name[1].decode("utf-8", "replace"), value) if file_name else value
        )
    return fields
