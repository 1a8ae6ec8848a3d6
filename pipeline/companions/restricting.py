"""Tells which passages take away or limit what others promise, by role or else by their wording."""

from __future__ import annotations

import re

from pipeline.chunk_roles import Role
from pipeline.companions.model import Relation
from pipeline.text import fold

BY_ROLE: dict[str, Relation] = {
    Role.EXCLUSION: Relation.EXCLUSION,
    Role.LIMIT: Relation.LIMIT,
    Role.SCHEDULE: Relation.LIMIT,
    Role.CONDITION: Relation.CONDITION,
    Role.ENDORSEMENT: Relation.ENDORSEMENT,
}
_EXCLUDES = re.compile(
    r"""
    \b(?:(?:do|does|will|shall|is|are|be|was)[ ]not[ ](?:be[ ])?
        (?:cover|covered|pay|payable|insure|insured|apply|available|liable|provide)
    |not[ ]covered|excluded|excludes|exclusions?|except[ ]for|only[ ](?:if|when|valid)
    |no[ ](?:coverage|cover|benefits?|amount|payment|compensation)
    |esclus[aeio]|non[ ](?:copre|rimborsa|comprende|opera|sono[ ]copert[ei])
    |no[ ]cubre|excluid[oa]s?|excluye
    |nicht[ ]versichert|ausgeschlossen|kein[ ]versicherungsschutz)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
_LIMITS = re.compile(
    r"""
    \b(?:(?:shall|will|must|may|does|can)[ ]not[ ]exceed|not[ ]exceeding|(?:no|not)[ ]more[ ]than
    |limited[ ]to|maximum|up[ ]to|deductible|co-?pay(?:ment)?|co-?insurance|waiting[ ]period
    |sub-?limits?|massim[oai]|massimale|limite|fino[ ]a(?:d|l)?|franchigia|scoperto|hasta|tope
    |deducible|höchstens|maximal|selbstbeteiligung|selbstbehalt|bis[ ]zu)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)


def restriction_of(role: str, text: str, *, by_wording: bool) -> Relation | None:
    """How a passage restricts what others promise; None when it does not.

    Args:
        by_wording: whether to read a passage whose role tells nothing.
    """
    relation = BY_ROLE.get(role)
    if relation is not None or not by_wording or role not in (Role.COVERAGE, Role.OTHER):
        return relation
    folded = fold(text)
    if _EXCLUDES.search(folded):
        return Relation.EXCLUSION
    return Relation.LIMIT if _LIMITS.search(folded) else None
