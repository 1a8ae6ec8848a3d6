"""Validates base URLs of outside services, and redacts what may not be told of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import SplitResult, urlsplit

from pipeline.errors import ConfigurationError, ServiceUnavailable


def plain_base_url(url: str, variable: str) -> str:
    """A service's base URL, without a slash at its end.

    Args:
        variable: the setting that a person corrects.

    Raises:
        ConfigurationError: it is not http or https, or it holds a user or password, which log
            lines would tell.
    """
    parts = _split(url)
    plain = parts is not None and parts.hostname and "@" not in parts.netloc
    if parts is None or not plain or parts.scheme not in ("http", "https"):
        raise ConfigurationError(
            f"{variable} is not a plain http or https address.",
            remedy=f"Set {variable} to an address without user or password.",
        )
    return url.rstrip("/")


def require_safe_download(
    url: str, base_url: str, service: str, allows: Callable[[str], bool] | None = None
) -> None:
    """Refuse to fetch an address, given by a service, that could lie inside our own network.

    Taken are https addresses of allowed hosts (the certificate then proves the host), and the
    service's own origin. What the host's name leads to is checked when it is connected to.

    Args:
        allows: whether results may come from a host; LlamaCloud's own when left out.

    Raises:
        ServiceUnavailable: the address is another one.
    """
    parts = _split(url)
    # readers disagree about "https://a\\@b" and about a space or a tab within a name
    plain = url.isascii() and url.isprintable() and not set(url) & set(' \\"<>^`{|}')
    if parts is not None and plain and "@" not in parts.netloc:
        named = parts.scheme == "https" and parts.port in (None, 443)
        allowed = (allows or result_hosts())(parts.hostname or "")
        if is_own_origin(url, base_url) or (named and allowed):
            return
    raise ServiceUnavailable(
        f"{service} named an address for its result that is not fetched.", remedy=OTHER_HOSTS
    )


def is_own_origin(url: str, base_url: str) -> bool:
    """Whether an address has the scheme, host and port of a service's base URL."""
    parts, base = _split(url), _split(base_url)
    if parts is None or base is None:
        return False
    return (parts.scheme, parts.netloc) == (base.scheme, base.netloc)


def result_hosts(others: Iterable[str] = ()) -> Callable[[str], bool]:
    """Whether LlamaCloud's results may come from a host: its own, Amazon S3, which keeps them.

    Args:
        others: names of hosts that an operator adds, each with all that is below it.
    """
    own = (*_LLAMA_CLOUD, *(each.lower().strip(".") for each in others))

    def allows(host: str) -> bool:
        name = host.lower().rstrip(".")
        return _is_amazon_s3(name) or any(name == each or name.endswith(f".{each}") for each in own)

    return allows


OTHER_HOSTS = (
    "If results come from a host of your own, name it in NAVIGATOR_LLAMA_CLOUD_RESULT_HOSTS."
)
"""What an operator does about a host that is not known."""

_LLAMA_CLOUD = ("llamaindex.ai",)
_S3, _AMAZON = ("s3", "s3-accelerate"), ".amazonaws.com"


def _is_amazon_s3(name: str) -> bool:
    """Whether a host is Amazon's object storage: BUCKET.s3, BUCKET.s3.REGION, s3.REGION, …"""
    if not name.endswith(_AMAZON):
        return False
    *_, before, last = ("", "", *name.removesuffix(_AMAZON).split("."))
    dualstack = name.removesuffix(_AMAZON).split(".")[-3:-1] == ["s3", "dualstack"]
    return last in _S3 or before == "s3" or dualstack


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts
