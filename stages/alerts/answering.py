"""Writes down what the program did about an incident by itself, for the incident's course."""

from __future__ import annotations

from pipeline.errors import NavigatorError
from pipeline.logs import logger
from pipeline.machine_answers import MachineAnswer
from pipeline.store import machine_answers
from pipeline.store.engine import Database

_LOG = logger("navigator.alerts")


async def note_answer(database: Database, answer: MachineAnswer, cause: str, said: str) -> None:
    """Write an answer down; that it cannot be is said in the log, and undoes no answer.

    Args:
        cause: of the incidents that it answers, as `pipeline.incident_causes` names it.
        said: one sentence, without a document's or a person's name.
    """
    _LOG.warning("answered_by_machine", answer=answer.value, cause=cause, said=said)
    try:
        async with database.service() as connection:
            await machine_answers.note(connection, answer, cause, said)
    except NavigatorError as error:
        _LOG.warning("answer_not_noted", answer=answer.value, code=error.code)
