"""Shared by v1 and v2: keeps an upload, fetches a source, starts a job, tells its receivers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import orjson

from mocks.billing import ParseLedger
from mocks.fault_kinds import LLAMAPARSE_JOBS
from mocks.faults import Fault
from mocks.llamaparse_errors import RATE_LIMITED, BadField, error, invalid
from mocks.llamaparse_settings import LlamaParseSettings
from mocks.loopback import NotAllowed, Unfetched, fetch, require_allowed
from mocks.parse_jobs import JobStore, ParseJob, StoredFile, make_job
from mocks.parse_options import TIERS, ParseOptions
from mocks.rate_limit import RateBudget
from mocks.webhook_configs import SavedWebhooks
from mocks.webhook_delivery import WebhookSender
from mocks.webhooks import Webhook
from mocks.wire import Response


def parsed_json(body: Any) -> Any:
    """The JSON of a body or of a form's field; None when it is none."""
    try:
        return orjson.loads(body)
    except ValueError:
        return None


@dataclass
class ParseIntake:
    """One account's files, jobs, counters and receivers."""

    settings: LlamaParseSettings
    sender: WebhookSender
    ledger: ParseLedger
    store: JobStore
    saved: SavedWebhooks
    uploads: RateBudget

    def keep(self, form: dict[str, Any], fault: Fault | None) -> StoredFile | Response:
        """Keep the form's file, or say why not."""
        upload = form.get("file")
        if not isinstance(upload, tuple):
            return invalid("file", "Field required", kind="missing")
        if self.uploads.spend(0) is not None:
            return error(429, RATE_LIMITED)
        name, content = upload
        if not content:
            return error(400, "Uploaded file is empty.")
        if len(content) > self.settings.max_bytes:
            return error(413, "File too large")
        external = form.get("external_file_id", b"").decode() or None
        self.ledger.uploaded(len(content))
        return self.store.add_file(name, content, external, job_fault(fault))

    async def fetched(self, url: str, name: str) -> tuple[StoredFile, str | None]:
        """The file at an address, and what is wrong with it.

        Raises:
            BadField: the address is not on this machine, nor allowed.
        """
        try:
            require_allowed(url, self.settings.webhook_hosts)
        except NotAllowed as reason:
            raise BadField(name, str(reason), url) from None
        file_name = urlsplit(url).path.rpartition("/")[2] or "source"
        try:
            content, failure = await fetch(url, self.settings.max_bytes), None
        except Unfetched as reason:
            content, failure = b"", str(reason)
        return StoredFile(f"dfl-{uuid4()}", file_name, content), failure

    def saved_webhooks(self, ids: Any) -> tuple[Webhook, ...]:
        """The receivers of saved configurations.

        Raises:
            BadField: there is no such configuration.
        """
        if unknown := [each for each in ids or [] if each not in self.saved.webhooks]:
            raise BadField("webhook_configuration_ids", "No such configuration", unknown)
        return tuple(self.saved.webhooks[each] for each in ids or [])

    async def start(
        self,
        stored: StoredFile,
        options: ParseOptions,
        receivers: Sequence[Webhook],
        *,
        fault: Fault | None,
        failure: str | None = None,
        cached: bool = False,
    ) -> ParseJob:
        """Start a job and tell its receivers from now on.

        Args:
            cached: a result that is there already is given again without being billed.
        """
        price = TIERS[options.tier]
        known = bool(self.ledger.jobs[stored.sha256, options.tier])
        job = await make_job(
            stored,
            options,
            self.settings,
            fault=job_fault(fault) or stored.fault,
            failure=failure,
            cache_hit=cached and options.may_use_cache and known,
        )
        self.store.jobs[job.id] = job
        self.ledger.started(stored.sha256, options.tier, job.credits(price), len(job.texts))
        self.sender.watch(job, receivers)
        return job


def job_fault(fault: Fault | None) -> Fault | None:
    """The fault when it is one that happens to jobs."""
    return fault if fault is not None and fault.kind in LLAMAPARSE_JOBS else None
