"""Sniffs a file's kind in the parser's sandbox, where a hostile file costs itself only."""

from __future__ import annotations

from pipeline.parsing.kinds import MediaType
from pipeline.parsing.media import sniff
from pipeline.parsing.options import ParseOptions


def sniff_bytes(
    content: bytes, media_type: MediaType, options: ParseOptions, *, name: str, remote: bool
) -> bytes:
    """The name of the media type that `media.sniff` tells.

    Args:
        media_type, options: as every function of a worker has them; not used.

    Raises:
        ParseError: as `media.sniff`.
    """
    return sniff(content, name, remote=remote).value.encode()
