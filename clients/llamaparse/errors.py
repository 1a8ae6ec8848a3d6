"""Maps LlamaParse's HTTP errors and job error codes to ours."""

from __future__ import annotations

import re

from clients.network.provider_errors import Refusal, retry_after
from clients.parser import UnknownJob
from pipeline.errors import (
    ConfigurationError,
    NavigatorError,
    ParseCode,
    ParseError,
    QuotaExhausted,
    RateLimited,
    ServiceUnavailable,
)

SERVICE = "LlamaParse"

_JOB_CODES = {
    "UNSUPPORTED_FILE_TYPE": (ParseCode.UNSUPPORTED_TYPE, "cannot parse this kind of file"),
    "PDF_IS_PROTECTED": (ParseCode.ENCRYPTED, "found the PDF protected by a password"),
    "PDF_IS_BROKEN": (ParseCode.BROKEN, "found the PDF broken"),
    "NO_DATA_FOUND_IN_FILE": (ParseCode.NO_TEXT, "found no text in the file"),
    "DOCUMENT_TOO_LARGE": (ParseCode.TOO_LARGE, "found the document too large"),
    "TOO_MANY_PAGES": (ParseCode.TOO_MANY_PAGES, "found too many pages in the document"),
    "TIMEOUT": (ParseCode.TIMEOUT, "needed too long for the document"),
}
_CODE = re.compile("|".join(rf"\b{code}\b" for code in _JOB_CODES))


def job_error(message: object) -> ParseError:
    """The failure of a job, from its code, wherever in the service's message it stands."""
    found = _CODE.search(message) if isinstance(message, str) else None
    if found is None:
        return ParseError(ParseCode.CRASHED, f"{SERVICE} could not parse the file.")
    parse_code, what = _JOB_CODES[found[0]]
    return ParseError(parse_code, f"{SERVICE} {what} ({found[0]}).")


def parse_error(refusal: Refusal) -> NavigatorError:
    """What a refusal of the parsing service means."""
    status = refusal.status
    if refusal.wants_tls:
        return ConfigurationError(
            refusal.says("speaks TLS at that address"),
            remedy="Begin LLAMA_CLOUD_BASE_URL with https://.",
        )
    if status == 429:
        wait = retry_after(refusal.headers, refusal.message)
        return RateLimited(refusal.says("asks us to slow down"), retry_after=wait)
    if status in (408, 409, 425) or status >= 500:
        return ServiceUnavailable(refusal.says("could not answer"))
    if status == 402:
        return QuotaExhausted(refusal.says("has no credits left for this account"))
    if status == 404 and "job" in refusal.message.lower():
        return UnknownJob(refusal.says("does not know this job"))
    if _CODE.search(refusal.message):
        return job_error(refusal.message)
    if status == 413:
        return ParseError(ParseCode.TOO_LARGE, refusal.says("refused the file as too large"))
    if status == 400 and "empty" in refusal.message.lower():
        return ParseError(ParseCode.EMPTY, refusal.says("refused the file as empty"))
    return _misconfigured(refusal)


def _misconfigured(refusal: Refusal) -> ConfigurationError:
    if refusal.status in (401, 403):
        return ConfigurationError(
            refusal.says("refused the key"),
            remedy="Check LLAMA_CLOUD_API_KEY and LLAMA_CLOUD_BASE_URL: a key is of one region.",
        )
    if 300 <= refusal.status < 400:
        return ConfigurationError(
            refusal.says("redirects, which is not followed"),
            remedy="Set the final address as LLAMA_CLOUD_BASE_URL.",
        )
    return ConfigurationError(
        refusal.says("refused the request"),
        remedy="Check LLAMA_CLOUD_BASE_URL and NAVIGATOR_LLAMA_CLOUD_TIER.",
    )
