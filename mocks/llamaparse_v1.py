"""v1 of the API, under /api/parsing and /api/v1/parsing: upload, job, results."""

from __future__ import annotations

from typing import Any

from mocks.faults import Fault
from mocks.llamaparse_errors import BadField, error, invalid
from mocks.multipart import form_fields
from mocks.parse_intake import ParseIntake
from mocks.parse_jobs import ParseJob
from mocks.parse_options import from_form
from mocks.wire import Request, Response, json_response


async def respond(
    intake: ParseIntake, request: Request, rest: list[str], fault: Fault | None
) -> Response:
    """Answer a request; `rest` are the path's parts after `parsing`."""
    if (request.method, rest) == ("POST", ["upload"]):
        return await _upload(intake, request, fault)
    if request.method != "GET" or rest[:1] != ["job"] or len(rest) < 2:
        return error(404, "Not Found")
    job = intake.store.find(rest[1])
    if job is None:
        return error(404, "Parse job not found")
    match rest[2:]:
        case []:
            return json_response(200, _told(job))
        case ["result", *kind]:
            return _result(job, kind)
    return error(404, "Not Found")


async def _upload(intake: ParseIntake, request: Request, fault: Fault | None) -> Response:
    form = form_fields(request)
    asked = {name: value.decode() for name, value in form.items() if isinstance(value, bytes)}
    source = asked.get("input_url")
    if bool(source) == ("file" in form):
        return invalid("file", "Exactly one of file, input_url")
    try:
        options = from_form(asked, intake.settings.webhook_hosts)
        failure = None
        if source:
            stored, failure = await intake.fetched(source, "input_url")
        else:
            kept = intake.keep(form, fault)
            if isinstance(kept, Response):
                return kept
            stored = kept
    except BadField as bad:
        return invalid(bad.name, bad.message, bad.given)
    intake.ledger.options.update(asked.keys())
    job = await intake.start(
        stored, options, options.webhooks, fault=fault, failure=failure, cached=True
    )
    return json_response(200, {"id": job.id, "status": "PENDING"})


def status_of(job: ParseJob) -> str:
    """PENDING, SUCCESS, ERROR, PARTIAL_SUCCESS or CANCELLED (or CANCELED when scripted so)."""
    match job.status:
        case "COMPLETED":
            return "PARTIAL_SUCCESS" if job.failed_pages() else "SUCCESS"
        case "FAILED":
            return "ERROR"
        case "CANCELLED":
            spelling = job.fault.parameters.get("spelling") if job.fault else None
            return str(spelling or "CANCELLED")
    return "PENDING"


def _told(job: ParseJob) -> dict[str, Any]:
    told: dict[str, Any] = {"id": job.id, "status": status_of(job)}
    if told["status"] == "ERROR" and job.failure:
        code, _, words = job.failure.partition(":")
        told |= {"error_code": code, "error_message": words.strip() or code}
    return told


def _result(job: ParseJob, kind: list[str]) -> Response:
    if status_of(job) not in ("SUCCESS", "PARTIAL_SUCCESS"):
        return error(400, "The job has no result")
    texts = _texts(job)
    metadata = {"job_pages": len(texts), "job_is_cache_hit": job.cache_hit}
    match kind:
        case ["markdown" | "text" as name]:
            text = job.options.separator.join(texts.values())
            return json_response(200, {name: text, "job_metadata": metadata})
        case ["json"]:
            return json_response(200, {"pages": _pages(job), "job_metadata": metadata})
        case ["raw", "markdown" | "text"]:
            raw = "\n\n".join(texts.values()).encode()
            return Response(200, raw, {"content-type": "text/plain; charset=utf-8"})
    return error(404, "Not Found")


def _texts(job: ParseJob) -> dict[int, str]:
    failed = job.failed_pages()
    return {number: "" if number in failed else text for number, text in job.texts.items()}


def _pages(job: ParseJob) -> list[dict[str, Any]]:
    pages = []
    for number, text in _texts(job).items():
        items = [{"type": "text", "value": text, "md": text}] if text else []
        pages.append({"page": number, "text": text, "md": text, "images": [], "items": items})
    return pages
