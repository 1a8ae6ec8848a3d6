"""Opens the parsers that the settings choose: our own, a service, or one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blocks.saved_blocks import load_block
from pipeline.plugins import PARSERS
from pipeline.settings import Settings
from stages.protected_connections import require_http

if TYPE_CHECKING:
    from clients.parser import ParserPlugin, RemoteParser
    from clients.parser_pool.sandbox import ParserPool


def parser_version(settings: Settings, remote: RemoteParser | None) -> str:
    """The parser's name and version for a job's identity.

    Where the local parser may stand in for the service the name says so: a text under it is of one
    or the other, and the text itself says of which.
    """
    if remote is None:
        return local_parser_name(settings)
    if settings.llama_cloud_fallback == "local":
        return f"{remote.parser_name}-or-{local_parser_name(settings)}"
    return remote.parser_name


def local_parser_name(settings: Settings) -> str:
    """The local parser's name and version; reading scanned pages is another version."""
    from pipeline.parsing.local import PARSER

    if not settings.ocr:
        return PARSER
    languages = settings.ocr_languages
    return f"{PARSER}+ocr" if languages == "eng" else f"{PARSER}+ocr-{languages}"


def parser_pool(settings: Settings) -> ParserPool:
    """Processes that parse on this machine."""
    from clients.parser_pool.sandbox import ParserPool
    from pipeline.parsing.options import ParseOptions

    options = ParseOptions(
        timeout_seconds=settings.parse_timeout_seconds,
        memory_bytes=settings.parse_memory_bytes,
        max_pages=settings.max_pages,
        max_file_bytes=settings.max_file_bytes,
        ocr=settings.ocr,
        ocr_languages=settings.ocr_languages,
    )
    return ParserPool(settings.parse_workers, options)


async def open_remote_parser(settings: Settings) -> tuple[Settings, RemoteParser | None]:
    """The service that reads files, if one was chosen, and the settings with its block applied."""
    if settings.parser_block:
        block = await load_block(settings.parser_block)
        settings = block.applied_to(settings)
        opened: RemoteParser | None = block.open(settings)
    else:
        plugin: ParserPlugin = PARSERS.load(settings.parser)
        opened = plugin.open(settings) if plugin.open is not None else None
    address = getattr(opened, "address", None)
    require_http(settings, address, "the parsing service", "LLAMA_CLOUD_BASE_URL")
    if opened is not None and settings.llama_cloud_webhook_secret is not None:
        require_http(settings, settings.public_url, "the API's webhooks", "NAVIGATOR_PUBLIC_URL")
    return settings, opened
