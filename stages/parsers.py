"""The parsers that the settings ask for: our own, LlamaParse, or one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blocks.saved_blocks import load_block
from pipeline import webhooks
from pipeline.settings import Settings

if TYPE_CHECKING:
    from clients.llamaparse.client import LlamaParseClient
    from clients.parser_pool.sandbox import ParserPool

LLAMAPARSE = "llamaparse"
"""The name under which LlamaParse's budget, circuit and calls are kept."""


def parser_version(settings: Settings, remote: LlamaParseClient | None) -> str:
    """The parser's name and version for a job's identity.

    Where the local parser may stand in for LlamaParse the name says so: a text under it is of one
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


async def open_remote_parser(
    settings: Settings,
) -> tuple[Settings, LlamaParseClient | None]:
    """LlamaParse when it is chosen, and the settings with a local parser's block applied."""
    if settings.parser_block:
        from blocks.parser_blocks import LocalParserBlock

        block = await load_block(settings.parser_block)
        if isinstance(block, LocalParserBlock):
            return block.applied_to(settings), None
        hosts = settings.result_hosts
        return settings, block.open(_webhook(settings), hosts)
    if settings.parser == "local":
        return settings, None
    from clients.llamaparse.client import LlamaParseClient

    assert settings.llama_cloud_api_key is not None, "checked by the settings"
    return settings, LlamaParseClient(
        settings.llama_cloud_api_key,
        base_url=settings.llama_cloud_base_url,
        tier=settings.llama_cloud_tier,
        deadline_seconds=settings.llama_cloud_deadline_seconds,
        webhook=_webhook(settings),
        result_hosts=settings.result_hosts,
    )


def _webhook(settings: Settings) -> dict[str, Any] | None:
    """What LlamaParse is told of webhooks, when there is an address and a secret for them."""
    if settings.public_url is None or settings.llama_cloud_webhook_secret is None:
        return None
    secret = settings.llama_cloud_webhook_secret.get_secret_value()
    return webhooks.configuration(settings.public_url, secret)
