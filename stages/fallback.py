"""Falls back to the local parser while the parsing service is away, when the settings allow it.

The job's parser names both ("llamaparse-…-or-…"), so its identity promises no more than is kept;
the text itself names the one that made it, and the job's history says why.
"""

from __future__ import annotations

from pipeline.documents import ParsedDocument
from pipeline.errors import NavigatorError, ParseCode, ParseError
from pipeline.incident_causes import SERVICE
from pipeline.logs import logger
from pipeline.machine_answers import MachineAnswer
from pipeline.parsing.assessment.validation import require_text
from pipeline.parsing.media import MediaType
from pipeline.store import job_notes, parsed_files
from pipeline.store.claims import ClaimedJob
from pipeline.store.transitions import Actor
from stages.alerts.answering import note_answer
from stages.circuit_breaker import CIRCUIT_OPEN
from stages.services import Services
from stages.text_storage import stored_text

_LOG = logger("navigator.parse")


def may_fall_back(services: Services, error: NavigatorError) -> bool:
    """Whether the local parser is to take over: the service is away, or needed too long."""
    if services.settings.llama_cloud_fallback != "local":
        return False
    too_long = isinstance(error, ParseError) and error.parse_code is ParseCode.TIMEOUT
    return too_long or error.code == CIRCUIT_OPEN


async def parse_instead(
    services: Services, content: bytes, media_type: MediaType, error: NavigatorError
) -> ParsedDocument:
    """The text as the local parser reads it.

    Raises:
        NavigatorError: the same that was given, when the local parser finds no text either: the
            service may do better later.
    """
    try:
        document = await services.parser.parse(content, media_type)
        require_text(document)
    except ParseError:
        raise error from None
    return document


async def note_fallback(
    services: Services,
    job: ClaimedJob,
    document: ParsedDocument,
    error: NavigatorError,
    actor: Actor,
) -> None:
    """Say in the job's history who parsed instead, and why."""
    _LOG.warning("parse_fell_back", job_id=str(job.job_id), parser=document.parser, code=error.code)
    details = {"parser": document.parser, "code": error.code, "why": error.message}
    async with services.database.service() as connection:
        await job_notes.note(connection, job.job_id, "fell_back", details, actor)
    cause = f"{SERVICE}:{services.parsing_service}"
    said = "Documents are read by the local parser meanwhile."
    await note_answer(services.database, MachineAnswer.FALL_BACK, cause, said)


async def bought_before(services: Services, job: ClaimedJob) -> ParsedDocument | None:
    """The service's own text of the same bytes, from when no fallback was allowed."""
    assert services.remote_parser is not None
    bought = (job.user_id, job.file_sha256, services.remote_parser.parser_name)
    if bought[2] == job.parser:
        return None
    async with services.database.service() as connection:
        key = (await parsed_files.find(connection, [bought])).get(bought)
    return await stored_text(services, key) if key else None
