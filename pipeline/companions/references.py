"""Finds cross references in a passage ("see Section 4(b)", "subject to Exclusion 3")."""

from __future__ import annotations

import re
from typing import NamedTuple

from pipeline.chunking.numbering import Label, label_of

_PARTS = (
    "section|article|clause|part|chapter|exclusion|condition|endorsement|coverage|provision|"
    "paragraph|item|annexure|annex|appendix|exhibit|benefit|art|sezione|articolo|clausola|"
    "sección|seccion|artículo|articulo|cláusula|clausula|anexo|allegato|abschnitt|artikel|"
    "ziffer|teil|kapitel|anhang|capitolo|capítulo"
)
_NUMBERED = re.compile(
    rf"""
    \b(?P<kind>{_PARTS})s?\b\.?[ ]{{0,2}}(?:no\.?|n\.?°?|nr\.?)?[ ]{{0,2}}
    (?P<number>\d{{1,3}}(?:\.\d{{1,3}}){{0,4}}|(?-i:[IVXLC]{{1,6}}|[A-Z]))(?!\w)
    (?P<inner>(?:[ ]?\((?:\d{{1,2}}|[a-z]{{1,3}})\)){{0,3}})
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NAMED = re.compile(
    r"""
    \b(?P<name>(?:policy|benefit|coverage)?[ ]?(?:schedule|declarations|table)
        (?:[ ]of[ ](?:benefits?|coverages?|cover|insurance|limits))?
      | declarations[ ]page | certificate[ ]of[ ]insurance | insurance[ ]certificate
      | versicherungsschein | scheda[ ]di[ ]polizza | condiciones[ ]particulares)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
_POINTS = re.compile(
    r"\b(?:see|refer|shown|specified|stated|mentioned|listed|set out|described|indicated|subject to"
    r"|under|in|siehe|gemäß|laut|vedi|ai sensi|según|véase|indicat[oaie])\b",
    re.IGNORECASE,
)
_BEFORE = 60


class Reference(NamedTuple):
    """A cross reference, as it is written.

    Attributes:
        kind: section, exclusion … or ``schedule`` for a named part.
        label: the number as headings have it; None for a named part.
        inner: what stands in brackets behind it: ``b`` of Section 4(b).
    """

    written: str
    kind: str
    label: Label | None
    inner: str


def references_in(text: str) -> list[Reference]:
    """The cross references of a text, each once."""
    found: dict[str, Reference] = {}
    for match in _NUMBERED.finditer(text):
        written = " ".join(match[0].split())
        number = match["number"]
        label = label_of(f"{match['kind']} {number} .") or label_of(f"{number}. X")
        inner = re.findall(r"\w+", match["inner"])
        found.setdefault(
            written, Reference(written, match["kind"].lower(), label, inner[-1] if inner else "")
        )
    for match in _NAMED.finditer(text):
        if _POINTS.search(text, max(0, match.start() - _BEFORE), match.start()):
            written = " ".join(match[0].split())
            found.setdefault(written.lower(), Reference(written, "schedule", None, ""))
    return list(found.values())
