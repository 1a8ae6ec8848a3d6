"""Generates insurance documents for experiments; the same seed gives the same bytes.

No paragraph but one stands in two documents, so a text that is paid for twice was sent twice.
"""

from __future__ import annotations

import random
from email.message import EmailMessage
from pathlib import Path

_WHO = ("the policyholder", "the insurer", "any beneficiary", "the claims office", "a tenant")
_DOES = ("shall report", "will reimburse", "does not cover", "may inspect", "must document")
_WHAT = ("water damage", "the deductible", "a total loss", "the yearly premium", "theft of goods")
_WHEN = ("within {n} days", "up to {n},000 dollars", "after {n} months", "under section {n}")
SECTIONS = 4
SENTENCES = 6
SHARED = "This paragraph stands in every policy of the insurer, word for word. " * 6


def write_policies(
    folder: Path, documents: int, seed: int, *, first: int = 0, sections: int = SECTIONS
) -> list[Path]:
    """Write Markdown policies of about two chunks of 100 tokens a section; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"policy-{number:05d}.md" for number in range(first, first + documents)]
    for number, path in enumerate(paths, first):
        path.write_text(policy(number, seed, sections), "utf-8")
    return paths


def policy(number: int, seed: int, sections: int = SECTIONS) -> str:
    """One policy: sections of its own, and the paragraph that all policies share."""
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - a replayable draw is meant
    parts = [f"# Policy {number}-{seed}"]
    for section in range(1, sections + 1):
        sentences = (_sentence(chance, f"{number}.{section}.{n}") for n in range(SENTENCES))
        parts += [f"## Section {section} of policy {number}", " ".join(sentences)]
    return "\n\n".join([*parts, "## General", SHARED]) + "\n"


def _sentence(chance: random.Random, clause: str) -> str:
    when = chance.choice(_WHEN).format(n=chance.randint(2, 97))
    said = f"{chance.choice(_WHO)} {chance.choice(_DOES)} {chance.choice(_WHAT)} {when}"
    return f"In clause {clause}, {said}."


def write_letter(path: Path, seed: int) -> Path:
    """Write an e-mail with two policies attached, which become documents of their own."""
    letter = EmailMessage()
    letter["Subject"], letter["From"], letter["To"] = "Your policies", "a@x.test", "b@x.test"
    letter["Date"], letter["Message-ID"] = "Thu, 26 Nov 2026 10:00:00 +0000", f"<{seed}@x.test>"
    letter.set_content(f"Letter {seed}: the two policies that you asked for are attached.")
    for number in range(2):
        text = policy(90_000 + number, seed).encode()
        letter.add_attachment(
            text, maintype="text", subtype="markdown", filename=f"attached-{number}.md"
        )
    letter.set_boundary(f"boundary-{seed}")  # else drawn anew, and other bytes each time
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(letter.as_bytes())
    return path


def write_empty(path: Path) -> Path:
    """Write a file without words, which ends as failed with a reason."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(" \n ", "utf-8")
    return path
