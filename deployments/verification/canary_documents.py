"""Makes the canary corpus: small documents of every kind of end, and questions about them.

The same bytes on every machine. A change of anything here is a new corpus: raise `CORPUS`, and
record baselines anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage

from pipeline.states import JobState

CORPUS = "1"
"""The version of the corpus; a baseline of another one cannot be compared."""


@dataclass(frozen=True, slots=True)
class Canary:
    """One document of the corpus.

    Attributes:
        ends: the state in which it has to end, whatever the parser; None for documents that a
            person has named.
    """

    name: str
    content: bytes
    ends: JobState | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question about the corpus.

    Attributes:
        mode: of search; a question that fits nothing is asked by words alone, where that has one
            answer: none.
    """

    text: str
    mode: str = "hybrid"


QUESTIONS = (
    Question("What is the most that is paid for a stolen bicycle?"),
    Question("How many days do I have to report water damage?"),
    Question("What does the plan pay for a dental crown?"),
    Question("Who signs the appraisal when we cannot agree?"),
    Question("Which endorsement did the broker attach to the letter?"),
    Question("Xylographic quokka farthingale zwieback?", "text"),
)

_TOPICS = (
    ("Dwelling", "the house at the insured location and structures attached to it", 412_000),
    ("Other structures", "fences, sheds and driveways set apart from the house", 41_200),
    ("Personal property", "furniture, clothing and household goods anywhere in the world", 206_000),
    ("Bicycles", "a stolen bicycle and its parts, whether locked or not", 1_200),
    ("Water damage", "sudden discharge of water from pipes, heating or an appliance", 25_000),
    ("Firearms", "theft of firearms and their equipment", 2_500),
    ("Jewelry", "theft of jewelry, watches and furs", 1_500),
    ("Refrigerated food", "food that spoils when the power supply fails", 500),
    ("Loss of use", "added living expense while the house cannot be lived in", 82_400),
    ("Personal liability", "bodily injury and property damage for which you are liable", 300_000),
    ("Medical payments", "necessary medical expense of guests, whoever was at fault", 5_000),
    ("Identity theft", "fees of attorneys and lost wages after a theft of identity", 15_000),
)


def canary_documents() -> tuple[Canary, ...]:
    """The corpus: published, with an attachment, with a gap, quarantined, and unreadable."""
    return (
        Canary("policy.md", policy().encode(), JobState.COMPLETE),
        Canary("rates.csv", _rates().encode(), JobState.COMPLETE),
        Canary("benefits.html", _benefits().encode(), JobState.COMPLETE),
        Canary("letter.eml", _letter(), JobState.COMPLETE),
        Canary("form.html", _form().encode(), JobState.COMPLETE_WITH_GAPS),
        Canary("misread.txt", _misread().encode(), JobState.QUARANTINED),
        Canary("cut-off.pdf", b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>", JobState.FAILED_PARSE),
    )


def policy() -> str:
    """A policy of some sections on each topic: what the times are mostly measured by."""
    parts = ["# Homeowners policy CANARY-1", "This policy is made up; nobody is insured by it."]
    for number, (topic, covers, limit) in enumerate(_TOPICS, 1):
        parts += [f"## {number}. {topic}", *_clauses(number, topic, covers, limit)]
    parts += [
        "## 13. Appraisal",
        "If we cannot agree on the amount of a loss, each party chooses an appraiser. The two "
        "appraisers choose an umpire, and two of the three sign the appraisal.",
    ]
    return "\n\n".join(parts) + "\n"


def _clauses(number: int, topic: str, covers: str, limit: int) -> Iterator[str]:
    days = 10 + 5 * number
    yield f"### {number}.1 Coverage"
    yield (
        f"We cover {covers}. The most that we pay under {topic.lower()} for one loss is "
        f"${limit:,}, after the deductible of ${100 * number:,} has been subtracted from the loss."
    )
    yield f"### {number}.2 Exclusions"
    yield (
        f"Under {topic.lower()} we do not cover wear and tear, neglect after a loss, acts of war, "
        f"or any loss that began more than {days} days before the policy period of section "
        f"{number} did."
    )
    yield f"### {number}.3 Duties after a loss"
    yield (
        f"Report a loss under {topic.lower()} to us within {days} days, keep what is damaged for "
        f"inspection for {days + 30} days, and send a signed statement with receipts."
    )


def _rates() -> str:
    lines = ["Class,Territory,Age from,Age to,Annual premium (USD)"]
    for number in range(40):
        low = 18 + 2 * (number // 4)
        lines.append(f"C{number // 10 + 1},T{number % 4 + 1},{low},{low + 1},{310 + 7 * number}")
    return "\n".join(lines) + "\n"


def _benefits() -> str:
    rows = (
        ("Cleaning", "100%", "Two each year"),
        ("Filling", "80%", "No limit"),
        ("Dental crown", "50%", "One a tooth every seven years"),
        ("Braces", "50%", "Children only, $1,500 in a lifetime"),
    )
    cells = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return (
        "<html><body><h1>Dental plan CANARY-2</h1><p>What the plan pays for each service.</p>"
        "<table><tr><th>Service</th><th>Plan pays</th><th>Limit</th></tr>"
        f"{cells}</table></body></html>"
    )


def _letter() -> bytes:
    letter = EmailMessage()
    letter["Subject"], letter["From"], letter["To"] = "Your endorsement", "a@x.test", "b@x.test"
    letter["Date"], letter["Message-ID"] = "Thu, 26 Nov 2026 10:00:00 +0000", "<canary@x.test>"
    letter.set_content(
        "Dear policyholder,\n\nattached to this letter is the endorsement for your sump pump that "
        "you asked the broker for. Please keep it with your policy.\n"
    )
    endorsement = (
        "# Endorsement CANARY-3\n\nFor an added premium of $85 the broker endorses cover for "
        "water that backs up through sewers or overflows from a sump pump, up to $10,000.\n"
    )
    letter.add_attachment(
        endorsement.encode(), maintype="text", subtype="markdown", filename="endorsement.md"
    )
    letter.set_boundary("canary-boundary")  # else drawn anew, and other bytes each time
    return letter.as_bytes()


def _form() -> str:
    """A form whose embedded appendix no reader of HTML reads: it ends published, with a gap."""
    return (
        "<html><body><h1>Claim form CANARY-4</h1><p>Name of the insured: Anna Example. Date of "
        "the loss: 14 November 2026. Cause of the loss: hail on the roof of the garage.</p>"
        '<p>Estimate of the roofer:</p><object data="estimate.pdf" type="application/pdf">'
        "</object></body></html>"
    )


def _misread() -> str:
    """Letters that stand together in no language, as when a font was misread."""
    letters = "qxzjvkwpfgb"
    words = [
        "".join(letters[(7 * place + 3 * word + word // 5) % len(letters)] for place in range(6))
        for word in range(240)
    ]
    return " ".join(words) + "\n"
