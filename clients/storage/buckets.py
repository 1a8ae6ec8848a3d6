"""Opens a bucket by its URL: S3 and what speaks like it, GCS, Azure, or memory."""

from __future__ import annotations

from typing import Any

from obstore.exceptions import BaseError, UnknownConfigurationKeyError
from obstore.store import ObjectStore, from_url

from pipeline.errors import ConfigurationError

# Of obstore's `ClientConfig`, those that a text can say. Given among the store's own options they
# end the process in a panic.
_CLIENT_OPTIONS = {
    "allow_http", "allow_invalid_certificates", "connect_timeout", "pool_idle_timeout",
    "pool_max_idle_per_host", "proxy_ca_certificate", "proxy_excludes", "proxy_url",
    "randomize_addresses", "read_timeout", "root_certificate", "timeout", "user_agent",
}  # fmt: skip


def open_bucket(url: str, options: dict[str, str]) -> ObjectStore:
    """The store of a URL; whether it answers is found when it is used.

    Args:
        options: of the store (keys, endpoint, region) and of its connections (`allow_http` …).

    Raises:
        ConfigurationError: the URL or an option cannot be used; without any option's value.
    """
    client: Any = {name: options[name] for name in options.keys() & _CLIENT_OPTIONS}
    store: Any = {name: options[name] for name in options.keys() - _CLIENT_OPTIONS}
    try:
        return from_url(url, client_options=client, **store)
    except UnknownConfigurationKeyError as error:
        name = str(error).split("'")[1]
        raise ConfigurationError(
            f"This kind of storage has no option {name!r}.",
            remedy="Mend or remove it in NAVIGATOR_STORAGE_OPTIONS.",
        ) from None
    except (BaseError, ValueError) as error:
        raise ConfigurationError(
            f"The storage URL cannot be used ({type(error).__name__}).",
            remedy="Check NAVIGATOR_STORAGE_URL and NAVIGATOR_STORAGE_OPTIONS.",
        ) from None
