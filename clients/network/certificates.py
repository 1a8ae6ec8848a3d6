"""Selects trusted CA certificates: the usual ones, or those that the environment names.

httpx looks at SSL_CERT_FILE and SSL_CERT_DIR alone. Where a company inspects TLS, its own root is
as often named by REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, so these count too.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path

import certifi

from pipeline.errors import ConfigurationError

NAMED_BY = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name a file or a folder of trusted certificates; the first that is set counts."""


def trusted_certificates() -> ssl.SSLContext:
    """A context for clients, which proves names.

    Raises:
        ConfigurationError: what a variable names cannot be read.
    """
    variable, named = next(
        ((each, found) for each in NAMED_BY if (found := os.environ.get(each))),
        ("", certifi.where()),
    )
    try:
        if Path(named).is_dir():
            return ssl.create_default_context(capath=named)
        return ssl.create_default_context(cafile=named)
    except (OSError, ValueError) as error:  # ssl's own errors are OSErrors
        reason = error.strerror if isinstance(error, FileNotFoundError) else "no certificates"
        raise ConfigurationError(
            f"{variable or 'certifi'} names trusted certificates that cannot be read ({reason}).",
            remedy=f"Have {variable or 'it'} name a PEM file, or unset it.",
        ) from None
