"""v2 of the API: creates, finds, reads, cancels and deletes parse jobs."""

from __future__ import annotations

from typing import Any

import orjson

from mocks.faults import Fault
from mocks.llamaparse_errors import BadField, error, invalid
from mocks.llamaparse_settings import PROJECT
from mocks.multipart import form_fields, form_names
from mocks.parse_intake import ParseIntake, parsed_json
from mocks.parse_jobs import ParseJob, StoredFile
from mocks.parse_options import LATEST, TIERS, VERSIONS, from_configuration
from mocks.wire import Request, Response, json_response

RESULTS = "/mock-results/"


async def respond(
    intake: ParseIntake, request: Request, rest: list[str], fault: Fault | None
) -> Response:
    """Answer a request to /api/v2/parse; `rest` are the path's parts after that."""
    match request.method, rest:
        case "POST", []:
            return await _create(intake, parsed_json(request.body), None, fault)
        case "POST", ["upload"]:
            return await _upload(intake, request, fault)
        case "GET", []:
            return _listed(intake, request)
        case "GET", ["versions"]:
            dated = {tier: list(VERSIONS[1:]) for tier in TIERS}
            return json_response(200, {**dated, "latest": LATEST})
    job = intake.store.find(rest[0]) if rest else None
    if job is None:
        return error(404, "Parse job not found")
    match request.method, rest[1:]:
        case "GET", []:
            return _result(job, request, intake.settings.inline_bytes)
        case "POST", ["cancel"]:
            job.cancel()
            return json_response(200, job.json())
        case "DELETE", [] if job.ended:
            intake.store.jobs.pop(job.id)
            return json_response(200, {"id": job.id, "project_id": PROJECT})
        case "DELETE", []:
            return error(409, "The job has not ended")
    return error(405, "Method Not Allowed")


async def _upload(intake: ParseIntake, request: Request, fault: Fault | None) -> Response:
    if form_names(request)[:2] != ["configuration", "file"]:
        return invalid("configuration", "The form is configuration, then file")
    form = form_fields(request)
    stored = intake.keep(form, fault)
    if isinstance(stored, Response):
        return stored
    return await _create(intake, parsed_json(form["configuration"]), stored, fault)


async def _create(
    intake: ParseIntake, asked: Any, stored: StoredFile | None, fault: Fault | None
) -> Response:
    if not isinstance(asked, dict):
        return invalid("body", "Input should be a valid dictionary")
    file_id, source = asked.get("file_id"), asked.get("source_url")
    if stored is None and bool(file_id) == bool(source):
        return invalid("file_id", "Exactly one of file_id, source_url")
    try:
        options = from_configuration(asked, intake.settings.webhook_hosts)
        receivers = options.webhooks + intake.saved_webhooks(asked.get("webhook_configuration_ids"))
        failure = None
        if source:
            stored, failure = await intake.fetched(str(source), "source_url")
    except BadField as bad:
        return invalid(bad.name, bad.message, bad.given)
    stored = stored or intake.store.files.get(str(file_id))
    if stored is None:
        return error(404, "File not found")
    job = await intake.start(stored, options, receivers, fault=fault, failure=failure, cached=True)
    return json_response(200, job.json())


def _listed(intake: ParseIntake, request: Request) -> Response:
    query = request.query
    status = query.get("status")
    wanted = {job_id for value in query.get("job_ids", []) for job_id in value.split(",")}
    first, last = (
        query.get(f"created_at_on_or_{side}", [""])[0].replace(" ", "+")
        for side in ("after", "before")
    )
    jobs = [
        job
        for job in sorted(intake.store.jobs.values(), key=lambda job: job.created, reverse=True)
        if (not status or job.status in status)
        and (not wanted or job.id in wanted)
        and job.created_between(first, last)
    ]
    start = int(query.get("page_token", ["0"])[0] or 0)
    end = start + int(query.get("page_size", ["50"])[0])
    following = str(end) if end < len(jobs) else None
    items = [job.json() for job in jobs[start:end]]
    answer = {"items": items, "next_page_token": following, "total_size": len(jobs)}
    return json_response(200, answer)


def _result(job: ParseJob, request: Request, inline_bytes: int) -> Response:
    # The SDK repeats the parameter, the documentation separates by commas.
    expand = {name for value in request.query.get("expand", []) for name in value.split(",")}
    answer: dict[str, Any] = {"job": job.json()}
    if "usage" in expand and (credits := job.billed(TIERS[job.options.tier])) is not None:
        answer["job"]["usage"] = {"credits": credits}
    if job.status != "COMPLETED":
        return json_response(200, answer)
    if job.options.tier == "fast" and any(name.startswith("markdown") for name in expand):
        return error(400, "markdown is not available for the fast tier")
    for kind in ("markdown", "text"):
        pages = {"pages": pages_of(job, kind)}
        size = len(orjson.dumps(pages))
        inline = size <= inline_bytes
        if kind in expand and inline:
            answer[kind] = pages
        if f"{kind}_full" in expand:
            answer[f"{kind}_full"] = job.options.separator.join(job.texts.values())
        if f"{kind}_content_metadata" in expand or (kind in expand and not inline):
            origin = f"http://{request.headers['host']}"
            url = f"{origin}{RESULTS}{job.id}/{kind}?signature={job.signature}"
            meta = {"size_bytes": size, "exists": True, "presigned_url": url}
            answer.setdefault("result_content_metadata", {})[kind] = meta
    return json_response(200, answer)


def pages_of(job: ParseJob, kind: str) -> list[dict[str, Any]]:
    """The result's pages, as `markdown` or as `text`."""
    failed = job.failed_pages() if kind == "markdown" else {}
    pages: list[dict[str, Any]] = []
    for number, text in job.texts.items():
        if number in failed:
            pages.append({"page_number": number, "success": False, "error": failed[number]})
        elif kind == "markdown":
            pages.append({"page_number": number, "success": True, "markdown": text})
        else:
            pages.append({"page_number": number, "text": text})
    if job.has_fault("wrong_pages"):
        pages.append(dict(pages[0]))
    return pages
