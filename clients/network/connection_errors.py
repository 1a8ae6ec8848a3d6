"""Explains connection errors (DNS, TLS, refused, timeout) in words that a person can act on.

A client's own error says "connection failed"; what happened is the error that caused it.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from pipeline.errors import ConfigurationError, NavigatorError, ServiceUnavailable

_EXPIRED, _NOT_YET_VALID, _OTHER_HOST, _OTHER_ADDRESS = 10, 9, 62, 64
"""OpenSSL's codes of what is wrong with a certificate; the others mean that nobody vouches."""

_NO_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"}
)


class WronglyAddressed(ConfigurationError):
    """No connection as it is set up; nothing was heard of the service itself."""

    code = "wrongly_addressed"


def connection_error(error: BaseException, service: str, url: str, variable: str) -> NavigatorError:
    """What a failed connection means.

    Args:
        service: how we name it to a person.
        url: its base URL. variable: the setting that names it.
    """
    host = urlsplit(url).hostname or ""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _certificate(cause, service, host, variable)
        if isinstance(cause, ssl.SSLError):
            return _tls(cause, service, variable)
        if isinstance(cause, socket.gaierror):
            message = f"The name {host} of {service} cannot be looked up."
            return ServiceUnavailable(message, remedy=_check(variable, "the network"))
        if isinstance(cause, ConnectionRefusedError):
            message = f"{service} is not there: nothing listens at {urlsplit(url).netloc}."
            return ServiceUnavailable(message, remedy=_check(variable, "that it runs"))
    kind = type(error.__cause__ or error).__name__
    return ServiceUnavailable(f"The connection to {service} failed ({kind}).")


def _check(variable: str, what: str) -> str:
    return f"Check {variable} and {what}; it is tried again by itself."


def _certificate(
    error: ssl.SSLCertVerificationError, service: str, host: str, variable: str
) -> NavigatorError:
    if error.verify_code in (_OTHER_HOST, _OTHER_ADDRESS):
        return WronglyAddressed(
            f"The certificate of {service} is for another name than {host}.",
            remedy=f"Have {variable} name the host that the certificate is for.",
        )
    if error.verify_code in (_EXPIRED, _NOT_YET_VALID):
        expired = "has expired" if error.verify_code == _EXPIRED else "is not valid yet"
        return ServiceUnavailable(
            f"The certificate of {service} {expired}.",
            remedy="Look at this machine's clock, and have who runs the service renew it.",
        )
    return WronglyAddressed(
        f"The certificate of {service} is not trusted: no authority that this machine knows has "
        "signed it.",
        remedy="If it is your company's own, have SSL_CERT_FILE (or REQUESTS_CA_BUNDLE) name the "
        "PEM file of the authority that signed it.",
    )


def _tls(error: ssl.SSLError, service: str, variable: str) -> NavigatorError:
    if (error.reason or "") in _NO_TLS:
        return WronglyAddressed(
            f"{service} does not speak TLS at that address.",
            remedy=f"Name its TLS port in {variable}; on this machine, or where "
            "NAVIGATOR_PLAIN_HOSTS names its host, it may begin with http:// instead.",
        )
    return ServiceUnavailable(f"The TLS connection to {service} failed ({error.reason}).")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, innermost last; groups of attempts one by one."""
    seen: set[int] = set()
    left = [error]
    while left:
        each = left.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, BaseExceptionGroup):
            left += each.exceptions
        left += [cause for cause in (each.__context__, each.__cause__) if cause is not None]
