"""Diagnoses each connection (this machine, TLS, plain by exception) and encryption at rest."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack

from app.doctor.diagnosis import Finding, Verdict
from pipeline.settings import Settings
from stages.transport_findings import (
    State,
    TransportFinding,
    at_rest_findings,
    connection_findings,
)

_VERDICTS = {State.OK: Verdict.OK, State.NOTE: Verdict.NOTE, State.PROBLEM: Verdict.PROBLEM}
_WORST = (State.PROBLEM, State.NOTE, State.OK)


async def connections(settings: Settings, stack: AsyncExitStack) -> Finding:
    """Every connection leaves this machine by TLS, or to a host that an operator named."""
    return _together("Connections", [each async for each in connection_findings(settings)])


async def encryption_at_rest(settings: Settings, stack: AsyncExitStack) -> Finding:
    """What is stored is encrypted, where that can be seen."""
    return _together("Encryption at rest", await at_rest_findings(settings))


def _together(part: str, found: Sequence[TransportFinding]) -> Finding:
    """All in one line, with what to do about the worst of them."""
    detail = "; ".join(f"{each.name}: {each.detail}" for each in found)
    worst = min((each.state for each in found), key=_WORST.index, default=State.OK)
    advice = dict.fromkeys(each.remedy for each in found if each.state is worst and each.remedy)
    return Finding(part, _VERDICTS[worst], detail, " ".join(advice))
