"""Signs links to reports: one report, an expiry, no token.

The key is the one that signs reports, which both runs and the API have; a run in a container does
not get the secret of the API's other links.
"""

from __future__ import annotations

import os
import time
from urllib.parse import urlencode
from uuid import UUID

from pipeline.settings import Settings
from stages.report_keys import ReportKeys, report_keys

API_ADDRESS = "NAVIGATOR_API_ADDRESS"
"""Where the API of the same `navigator up` is; set for its worker and commands beside it."""
PATH = "/api/v1/reports/{}/signed"


def report_link(settings: Settings, report: UUID) -> str | None:
    """A link to a report's page; None when it is not known where the API is."""
    base = settings.public_url or os.environ.get(API_ADDRESS)
    if not base:
        return None
    expires = int(time.time() + settings.report_link_hours * 3600)
    query = link_query(report_keys(settings), report, expires)
    return f"{base.rstrip('/')}{PATH.format(report)}?{query}"


def link_query(keys: ReportKeys, report: UUID, expires: int) -> str:
    """What stands behind the `?` of a link that is good until then, in seconds of the epoch."""
    signature = keys.sign(_message(report, expires))
    return urlencode({"expires": expires, "key": keys.signing, "signature": signature})


def is_signed(keys: ReportKeys, report: UUID, expires: int, key: str, signature: str) -> bool:
    """Whether the link is ours, however old."""
    return key in keys.public and keys.verifies(key, _message(report, expires), signature)


def _message(report: UUID, expires: int) -> bytes:
    # No statement of a report begins so: one signature is never taken for the other.
    return f"link to report {report} until {expires}".encode()
