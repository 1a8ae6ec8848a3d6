"""LlamaParse's v2 API, as contracts say it: files, asynchronous parse jobs, results, errors.

The text is real: it is read from the uploaded file. What a file itself gets wrong fails its job
with the service's code (encrypted, broken, no text …). Fault kinds of its own, beside those that
every service has: `status` (status, detail, retry_after), `rate_limit`, `quota`, `job_error` (code,
message), `page_error` (pages), `stuck`, `cancelled`, `lost`, `no_usage`, `wrong_pages`, `not_json`.
A job's fault may come with its file's upload or with its own creation.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import orjson

from mocks.billing import ParseLedger
from mocks.faults import Fault
from mocks.llamaparse_errors import error, invalid, scripted
from mocks.multipart import form_fields
from mocks.parse_jobs import PROJECT, JobStore, LlamaParseSettings, ParseJob, StoredFile
from mocks.wire import Request, Response, json_response

TIERS = {"fast": 1.0, "cost_effective": 3.0, "agentic": 10.0, "agentic_plus": 45.0}
"""Credits a page."""

VERSIONS = ("latest", "2026-10-16", "2026-09-28", "2026-06-15")
RESULTS = "/mock-results/"
JOB_FAULTS = frozenset(
    {"job_error", "page_error", "stuck", "cancelled", "lost", "no_usage", "wrong_pages"}
)
LLAMAPARSE_FAULTS = JOB_FAULTS | {"status", "rate_limit", "quota", "not_json"}


@dataclass
class LlamaParseService:
    """The stand-in; one per server."""

    settings: LlamaParseSettings = field(default_factory=LlamaParseSettings)
    name: str = "llamaparse"
    ledger: ParseLedger = field(default_factory=ParseLedger)
    store: JobStore = field(default_factory=JobStore)

    def owns(self, path: str) -> bool:
        """The parse and file addresses, and the presigned results."""
        return path.startswith(("/api/v2/parse", "/api/v1/beta/files", RESULTS))

    def stats(self) -> dict[str, Any]:
        """Requests, statuses, uploads, jobs, credits billed and credits of unique work."""
        return self.ledger.stats()

    def reset(self) -> None:
        """Forget files, jobs and counters."""
        self.ledger, self.store = ParseLedger(), JobStore()

    async def respond(self, request: Request, fault: Fault | None) -> Response:
        """Answer a request."""
        await asyncio.sleep(self.settings.latency)
        response = scripted(fault)
        if response is None:
            response = await self._authorised(request, fault)
        self.ledger.answered(response.status)
        return response

    async def _authorised(self, request: Request, fault: Fault | None) -> Response:
        if request.path.startswith(RESULTS):
            return self._presigned(request)
        if not request.bearer or self.settings.api_key not in (None, request.bearer):
            return error(401, "Invalid API Key")
        parts = request.path.strip("/").split("/")
        resource = self._files if parts[1] == "v1" else self._jobs
        return await resource(request, parts[4:] if parts[1] == "v1" else parts[3:], fault)

    async def _files(self, request: Request, rest: list[str], fault: Fault | None) -> Response:
        match request.method, rest:
            case "POST", []:
                stored = self._stored(form_fields(request), fault)
                return stored if isinstance(stored, Response) else _ok(stored.json())
            case "GET", []:
                wanted = request.query.get("external_file_id")
                items = [f.json() for f in self.store.files.values() if _listed(f, wanted)]
                return _ok({"items": items, "next_page_token": None, "total_size": len(items)})
            case "GET", [key] if key in self.store.files:
                return _ok(self.store.files[key].json())
            case "DELETE", [key] if key in self.store.files:
                del self.store.files[key]
                return Response(204)
        return error(404, "File not found")

    async def _jobs(self, request: Request, rest: list[str], fault: Fault | None) -> Response:
        match request.method, rest:
            case "POST", []:
                return await self._create(_json(request.body), None, fault)
            case "POST", ["upload"]:
                form = form_fields(request)
                stored = self._stored(form, fault)
                if isinstance(stored, Response):
                    return stored
                return await self._create(_json(form.get("configuration", b"")), stored, fault)
            case "GET", []:
                return self._listed_jobs(request)
            case "GET", ["versions"]:
                return _ok({"versions": {tier: list(VERSIONS[1:]) for tier in TIERS}})
        job = self.store.find(rest[0]) if rest else None
        if job is None:
            return error(404, "Parse job not found")
        match request.method, rest[1:]:
            case "GET", []:
                return self._result(job, request)
            case "POST", ["cancel"]:
                job.cancel()
                return _ok(job.json())
            case "DELETE", [] if job.ended:
                self.store.jobs.pop(job.id)
                return _ok({"id": job.id, "project_id": PROJECT})
            case "DELETE", []:
                return error(409, "The job has not ended")
        return error(405, "Method Not Allowed")

    def _stored(self, form: dict[str, Any], fault: Fault | None) -> StoredFile | Response:
        upload = form.get("file")
        if not isinstance(upload, tuple):
            return invalid("body", "file", "Field required")
        name, content = upload
        if not content:
            return error(400, "Uploaded file is empty.")
        if len(content) > self.settings.max_bytes:
            return error(413, "File too large")
        external = form.get("external_file_id", b"").decode() or None
        self.ledger.uploaded(len(content))
        return self.store.add_file(name, content, external, _job_fault(fault))

    async def _create(self, asked: Any, stored: StoredFile | None, fault: Fault | None) -> Response:
        if not isinstance(asked, dict):
            return invalid("body", "body", "Input should be a valid dictionary")
        if asked.get("tier") not in TIERS:
            return invalid("body", "tier", "Input should be a known tier")
        if asked.get("version") not in VERSIONS:
            return invalid("body", "version", "Input should be latest or a dated version")
        if stored is None:
            if ("file_id" in asked) == ("source_url" in asked):
                return invalid("body", "file_id", "Exactly one of file_id, source_url")
            stored = self.store.files.get(str(asked.get("file_id")))
        if stored is None:
            return error(404, "File not found")
        job = await self.store.add_job(
            stored, asked, _job_fault(fault) or stored.fault, self.settings
        )
        self.ledger.started(stored.sha256, job.tier, job.credits(TIERS[job.tier]))
        return _ok(job.json())

    def _listed_jobs(self, request: Request) -> Response:
        query = request.query
        status, wanted = query.get("status"), query.get("job_ids")
        jobs = [
            job
            for job in sorted(self.store.jobs.values(), key=lambda job: job.created, reverse=True)
            if (not status or job.status in status)
            and (not wanted or job.id in wanted)
            and job.created_after(query.get("created_at_on_or_after", [""])[0])
        ]
        start = int(query.get("page_token", ["0"])[0] or 0)
        end = start + int(query.get("page_size", ["50"])[0])
        following = str(end) if end < len(jobs) else None
        items = [job.json() for job in jobs[start:end]]
        return _ok({"items": items, "next_page_token": following, "total_size": len(jobs)})

    def _result(self, job: ParseJob, request: Request) -> Response:
        expand = _expanded(request)
        answer: dict[str, Any] = {"job": job.json()}
        if "usage" in expand and (credits := job.billed(TIERS[job.tier])) is not None:
            answer["job"]["usage"] = {"credits": credits}
        if job.status != "COMPLETED":
            return _ok(answer)
        if job.tier == "fast" and any(name.startswith("markdown") for name in expand):
            return error(400, "markdown is not available for the fast tier")
        for kind in ("markdown", "text"):
            pages = {"pages": job.pages(kind)}
            size = len(orjson.dumps(pages))
            inline = size <= self.settings.inline_bytes
            if kind in expand and inline:
                answer[kind] = pages
            if f"{kind}_content_metadata" in expand or (kind in expand and not inline):
                origin = f"http://{request.headers['host']}"
                url = f"{origin}{RESULTS}{job.id}/{kind}?signature={job.signature}"
                meta = {"size_bytes": size, "exists": True, "presigned_url": url}
                answer.setdefault("result_content_metadata", {})[kind] = meta
        return _ok(answer)

    def _presigned(self, request: Request) -> Response:
        _, job_id, kind = request.path.strip("/").split("/")
        job = self.store.find(job_id)
        if job is None or request.query.get("signature") != [job.signature]:
            return Response(403, b"<Error><Code>AccessDenied</Code></Error>")
        if "authorization" in request.headers:
            # As S3 does: two ways of proving oneself at once are refused.
            return Response(400, b"<Error><Code>InvalidArgument</Code></Error>")
        self.ledger.presigned += 1
        return _ok({"pages": job.pages(kind)})


def _job_fault(fault: Fault | None) -> Fault | None:
    return fault if fault is not None and fault.kind in JOB_FAULTS else None


def _ok(value: Any) -> Response:
    return json_response(200, value)


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except ValueError:
        return None


def _listed(file: StoredFile, wanted: list[str] | None) -> bool:
    return wanted is None or file.external_id in wanted


def _expanded(request: Request) -> set[str]:
    # The SDK repeats the parameter, the documentation separates by commas.
    return {name for value in request.query.get("expand", []) for name in value.split(",")}
