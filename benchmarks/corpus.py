"""A corpus of made-up insurance texts: the same seed gives the same bytes on every machine.

A document has 4 to 12 kB of plain paragraphs under a few Markdown headings and comes to about three
windows of 600 tokens. No two paragraphs are alike, so nothing is embedded once for two.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

SEED = 20_261_122
SHORTEST, LONGEST = 4_000, 12_000
HEADING_EVERY = 10
_SUBJECTS = (
    "the policyholder", "the insured person", "the insurer", "the claims department",
    "an additional insured", "the named beneficiary", "the authorised representative",
    "the independent appraiser", "the mortgage holder", "the treating physician",
    "the policy administrator", "the reinsurance partner", "the underwriting office",
    "you", "we", "any of you", "each of us", "a tenant",
)  # fmt: skip
_VERBS = (
    "must report", "is obliged to document", "may request", "will reimburse", "does not cover",
    "is entitled to inspect", "should acknowledge", "has to substantiate", "may decline",
    "will reassess", "is required to disclose", "may subrogate against", "confirms in writing",
)  # fmt: skip
_ADJECTIVES = (
    "accidental", "comprehensive", "documented", "unforeseen", "residential", "commercial",
    "supplementary", "outstanding", "contractual", "structural", "catastrophic", "preventive",
    "temporary", "recoverable", "professional", "consequential", "depreciated", "international",
)  # fmt: skip
_NOUNS = (
    "damage", "coverage", "deductible", "reimbursement", "liability", "premium", "endorsement",
    "exclusion", "hospitalisation", "rehabilitation", "replacement", "settlement", "indemnity",
    "beneficiary designation", "appraisal", "negligence", "burglary", "flooding", "earthquake",
    "prescription", "mediation", "evacuation", "cancellation", "construction", "maintenance",
)  # fmt: skip
_CONDITIONS = (
    "within {n} business days of the occurrence", "up to a limit of {n},000 dollars",
    "unless the declarations page states otherwise", "subject to a waiting period of {n} months",
    "provided that the premium has been received", "before any repair is commissioned",
    "in accordance with section {n} of this agreement", "notwithstanding paragraph {n} above",
    "after deduction of {n} per cent depreciation", "for every insured location separately",
    "as set out in form HO-{n}03 (ed. 04/{n})", "but no more than ${n},250.00 in any one year",
    "if it is asked to do so by us or by the court", "so long as the loss was not its own doing",
    "on the day of the loss, or as soon after it as it can", "at the rate of {n}.5 % a year",
)  # fmt: skip


def write_corpus(folder: Path, documents: int, *, seed: int = SEED) -> list[Path]:
    """Write `documents` files ``0000.md`` … into `folder`; the paths in order."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(documents):
        path = folder / f"policy-{number:05d}.md"
        path.write_text(document(number, seed=seed))
        paths.append(path)
    return paths


def document(number: int, *, seed: int = SEED) -> str:
    """The text of one document, 4,000 to 12,000 characters, all of them ASCII."""
    rng = random.Random(f"{seed}/{number}")
    target = rng.randint(SHORTEST + 700, LONGEST - 100)
    parts = [f"# Policy conditions {number:05d}"]
    size = len(parts[0])
    for index, paragraph in enumerate(_paragraphs(rng, number)):
        if index % HEADING_EVERY == HEADING_EVERY - 1:
            heading = f"## {rng.choice(_ADJECTIVES).capitalize()} {rng.choice(_NOUNS)}"
            parts.append(heading)
            size += len(heading) + 2
        if size + len(paragraph) + 2 > target:
            return "\n\n".join(parts) + "\n"
        parts.append(paragraph)
        size += len(paragraph) + 2
    raise AssertionError("paragraphs never end")


def edit_paragraph(path: Path, edit: str) -> None:
    """Rewrite a sentence in the middle paragraph of a document."""
    paragraphs = path.read_text().split("\n\n")
    middle = len(paragraphs) // 2
    if paragraphs[middle].startswith("#"):
        middle += 1
    first, _, rest = paragraphs[middle].partition(". ")
    paragraphs[middle] = f"{first}, as amended by notice {edit}. {rest}"
    path.write_text("\n\n".join(paragraphs))


def _paragraphs(rng: random.Random, number: int) -> Iterator[str]:
    index = 0
    while True:
        index += 1
        sentences = [_sentence(rng) for _ in range(rng.randint(2, 5))]
        yield f"Clause {number}.{index}. " + " ".join(sentences)


def _sentence(rng: random.Random) -> str:
    words = (
        f"{rng.choice(_SUBJECTS)} {rng.choice(_VERBS)} {_thing(rng)} and {_thing(rng)} "
        f"{rng.choice(_CONDITIONS).format(n=rng.randint(2, 97))}"
    )
    return words[0].upper() + words[1:] + "."


def _thing(rng: random.Random) -> str:
    return f"{rng.choice(_ADJECTIVES)} {rng.choice(_NOUNS)}"
