"""A small policy as chunks: coverages with exclusions, limits and definitions elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from pipeline.companions.model import ContextChunk

POLICY = UUID(int=100)

BAGGAGE = (
    "We will pay for baggage that is lost or stolen during your trip. An accident of the carrier "
    "is included. See Section 4(b) and the Schedule of Benefits, subject to Exclusion 3."
)
PARTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("other", "Travel policy of the Example Company.", ()),
    ("coverage", "We will pay for medical care.", ("1. Medical care", "What is covered")),
    ("exclusion", "1. Care at home.", ("1. Medical care", "Exclusions")),
    ("coverage", BAGGAGE, ("2. Baggage", "What is covered")),
    ("coverage", "Bags are paid at their value of today.", ("2. Baggage", "What is covered")),
    ("exclusion", "1. Cash.\n2. Glass.\n3. Theft from a car.", ("2. Baggage", "Exclusions")),
    ("limit", "At most $300 for all jewelry.", ("2. Baggage", "Limits")),
    ("exclusion", "War and nuclear events.", ("3. General exclusions",)),
    ("condition", "(a) Tell the police.\n(b) Keep the ticket.", ("4. What to do",)),
    ("definition", '"Accident" means a sudden event from outside.', ("5. Definitions",)),
    ("schedule", "Baggage: $2,000.", ("Schedule of Benefits",)),
)  # fmt: skip


def chunk(
    ordinal: int,
    text: str,
    *,
    role: str = "other",
    titles: Sequence[str] = (),
    document: UUID = POLICY,
    name: str = "policy.pdf",
    context: str = "",
) -> ContextChunk:
    """A chunk on the page of its number; its offsets leave room for its text."""
    start = ordinal * 10_000
    return ContextChunk(
        chunk_id=UUID(int=document.int * 1000 + ordinal),
        document_id=document,
        name=name,
        source=f"/policies/{name}",
        ordinal=ordinal,
        text=text,
        start=start,
        end=start + len(text),
        heading_path=tuple(titles),
        page_first=ordinal,
        page_last=ordinal,
        role=role,
        context=context,
    )


def policy() -> list[ContextChunk]:
    """All chunks of the policy."""
    return [
        chunk(number, text, role=role, titles=titles)
        for number, (role, text, titles) in enumerate(PARTS)
    ]
