"""Mocks LlamaParse: v2 and v1, files, asynchronous jobs, results, webhooks, errors.

The text is real: it is read from the uploaded file. What a file itself gets wrong fails its job
with the service's code (encrypted, broken, no text …). `mocks.fault_kinds` lists the faults.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from mocks import llamaparse_v1, llamaparse_v2
from mocks.billing import ParseLedger
from mocks.faults import Fault, FaultScript
from mocks.llamaparse_errors import error, scripted
from mocks.llamaparse_settings import LlamaParseSettings
from mocks.llamaparse_v2 import RESULTS
from mocks.multipart import form_fields
from mocks.parse_intake import ParseIntake, parsed_json
from mocks.parse_jobs import JobStore, StoredFile
from mocks.rate_limit import RateBudget
from mocks.webhook_configs import SavedWebhooks
from mocks.webhook_delivery import WebhookSender
from mocks.wire import Request, Response, json_response

V1 = ("/api/parsing", "/api/v1/parsing")
V2 = "/api/v2/parse"
FILES = "/api/v1/beta/files"
WEBHOOK_CONFIGS = "/api/v1/beta/webhook-configs"
ROOTS = (*V1, V2, FILES, WEBHOOK_CONFIGS, RESULTS)


@dataclass
class LlamaParseService:
    """The mock server; one per server."""

    settings: LlamaParseSettings = field(default_factory=LlamaParseSettings)
    script: FaultScript = field(default_factory=FaultScript)
    name: str = "llamaparse"
    sender: WebhookSender = field(init=False)
    intake: ParseIntake = field(init=False)

    def __post_init__(self) -> None:
        self.sender = WebhookSender(self.settings, self.script)
        self.reset()

    def owns(self, path: str) -> bool:
        """The parse, file and webhook addresses, and the presigned results."""
        return path.startswith(ROOTS)

    def stats(self) -> dict[str, Any]:
        """Requests, statuses, uploads, jobs, credits billed and of unique work, webhooks."""
        return self.intake.ledger.stats() | {"webhooks": self.sender.ledger.stats()}

    def reset(self) -> None:
        """Forget files, jobs, receivers and counters; end every delivery."""
        self.sender.forget()
        uploads = RateBudget(self.settings.uploads_per_minute, None)
        self.intake = ParseIntake(
            self.settings, self.sender, ParseLedger(), JobStore(), SavedWebhooks(), uploads
        )

    async def respond(self, request: Request, fault: Fault | None) -> Response:
        """Answer a request."""
        await asyncio.sleep(self.settings.latency)
        response = scripted(fault)
        if response is None:
            response = await self._authorized(request, fault)
        root = next(root for root in ROOTS if request.path.startswith(root))
        self.intake.ledger.answered(response.status, f"{request.method} {root.rstrip('/')}")
        return response

    async def _authorized(self, request: Request, fault: Fault | None) -> Response:
        path = request.path
        if path.startswith(RESULTS):
            return self._presigned(request)
        if not request.bearer or self.settings.api_key not in (None, request.bearer):
            return error(401, "Invalid API Key")
        if path.startswith(V2):
            return await llamaparse_v2.respond(self.intake, request, _rest(path, V2), fault)
        if path.startswith(WEBHOOK_CONFIGS):
            asked = parsed_json(request.body)
            rest = _rest(path, WEBHOOK_CONFIGS)
            hosts = self.settings.webhook_hosts
            return self.intake.saved.respond(request.method, rest, asked, hosts)
        if path.startswith(FILES):
            return self._files(request, _rest(path, FILES), fault)
        rest = _rest(path, next(root for root in V1 if path.startswith(root)))
        return await llamaparse_v1.respond(self.intake, request, rest, fault)

    def _files(self, request: Request, rest: list[str], fault: Fault | None) -> Response:
        files = self.intake.store.files
        match request.method, rest:
            case "POST", []:
                kept = self.intake.keep(form_fields(request), fault)
                return kept if isinstance(kept, Response) else json_response(200, kept.json())
            case "GET", []:
                wanted = request.query.get("external_file_id")
                items = [f.json() for f in files.values() if _listed(f, wanted)]
                answer = {"items": items, "next_page_token": None, "total_size": len(items)}
                return json_response(200, answer)
            case "GET", [key] if key in files:
                return json_response(200, files[key].json())
            case "DELETE", [key] if key in files:
                del files[key]
                return Response(204)
        return error(404, "File not found")

    def _presigned(self, request: Request) -> Response:
        _, job_id, kind = request.path.strip("/").split("/")
        job = self.intake.store.find(job_id)
        if job is None or request.query.get("signature") != [job.signature]:
            return Response(403, b"<Error><Code>AccessDenied</Code></Error>")
        if "authorization" in request.headers:
            # As S3 does: two ways of proving oneself at once are refused.
            return Response(400, b"<Error><Code>InvalidArgument</Code></Error>")
        self.intake.ledger.presigned += 1
        return json_response(200, {"pages": llamaparse_v2.pages_of(job, kind)})


def _rest(path: str, root: str) -> list[str]:
    return [part for part in path.removeprefix(root).split("/") if part]


def _listed(file: StoredFile, wanted: list[str] | None) -> bool:
    return wanted is None or file.external_id in wanted
