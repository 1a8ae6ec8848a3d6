"""Decides whether a load may be put on an API: it is loud, and its documents may cost money."""

from __future__ import annotations

from urllib.parse import urlsplit

from pipeline.errors import UsageError
from pipeline.loopback import is_loopback
from pipeline.settings import Settings

_FREE_EMBEDDERS = frozenset({"wordllama", "onnx"})


def require_here(url: str, *, elsewhere: bool) -> None:
    """Make sure that the API is this machine's, or that an operator says otherwise.

    Raises:
        UsageError: it is not.
    """
    host = urlsplit(url).hostname or ""
    if elsewhere or host == "localhost" or is_loopback(host):
        return
    raise UsageError(
        f"{host or url[:100]} is not this machine, and a load is felt by everybody who uses it.",
        remedy="Say --elsewhere if you operate it and mean it.",
    )


def require_free(settings: Settings, *, spend: bool) -> None:
    """Make sure that nothing is bought, or that an operator says it may be.

    Raises:
        UsageError: the settings name a service that may bill the documents.
    """
    if spend or not (payee := _payee(settings)):
        return
    raise UsageError(
        f"The documents of a load would be paid for: {payee}.",
        remedy="Use `navigator up --mocks on` or local parser and embedder, or say --spend.",
    )


def require_no_bill(cost_usd: float, *, spend: bool) -> None:
    """Make sure that the first document of the load cost nothing, whatever the settings here say.

    Raises:
        UsageError: it did.
    """
    if spend or cost_usd == 0:
        return
    raise UsageError(
        f"The load's first document was billed ({cost_usd:.6f} US dollars); no other was sent.",
        remedy="The API has other settings than this command. Say --spend if that is what you "
        "want; mock servers bill what the real ones would, and nobody pays it.",
    )


def _payee(settings: Settings) -> str | None:
    """Who would be paid, in words; None: nobody."""
    embedder = settings.resolved_embedder
    if settings.embedder_block or settings.parser_block:
        return "a saved block may name a service that bills"
    if embedder == "openai" and not _is_here(settings.openai_base_url):
        return "OpenAI embeds them"
    if embedder != "openai" and embedder not in _FREE_EMBEDDERS:
        return f"the embedder {embedder} may bill them"
    if settings.parser == "llamaparse" and not _is_here(settings.llama_cloud_base_url):
        return "LlamaParse reads them"
    if settings.parser not in ("local", "llamaparse"):
        return f"the parser {settings.parser} may bill them"
    return None


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "localhost" or is_loopback(host)
