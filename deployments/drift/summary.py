"""Tells what a comparison found: in a sentence, for an alert, and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from deployments.drift.difference import Difference

_LISTED = 10


def in_short(environment: str, found: Sequence[Difference]) -> str:
    """How much there is, in one sentence."""
    left = sum(each.is_left for each in found)
    repaired = sum(each.repaired for each in found)
    accepted = sum(bool(each.accepted) for each in found)
    first = f"{_count(left)} of {environment} from what it declares"
    parts = [f"{repaired} set back"] * bool(repaired) + [f"{accepted} accepted"] * bool(accepted)
    return f"{first} ({', '.join(parts)})." if parts else f"{first}."


def _count(number: int) -> str:
    if number == 0:
        return "No difference"
    return "1 difference" if number == 1 else f"{number} differences"


def in_words(environment: str, found: Sequence[Difference]) -> str:
    """What is left, for an alert: names of objects, no value."""
    left = [each for each in found if each.is_left]
    lines = [f"- {each.what}" for each in left[:_LISTED]]
    if len(left) > _LISTED:
        lines.append(f"- and {len(left) - _LISTED} more")
    told = f"`navigator drift {environment}` says more."
    return "\n".join([in_short(environment, found), *lines, told])


def as_markdown(environment: str, found: Sequence[Difference]) -> str:
    """Everything, as a table for Prefect's page."""
    lines = [f"# Drift of {environment}", "", in_short(environment, found)]
    if found:
        lines += ["", "| what | declared | is | what it means | who | now |", "|---|" + "---|" * 5]
        lines += [_row(each) for each in found]
    return "\n".join(lines)


def _row(each: Difference) -> str:
    now = f"accepted: {each.accepted}" if each.accepted else each.remedy or "`--fix` sets it back"
    cells = (
        each.what,
        each.declared or "nothing",
        each.found or "nothing",
        each.means,
        each.who,
        "set back" if each.repaired else now,
    )
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    """One line without a table's bars, at most a screen's width."""
    line = " ".join(text.split()).replace("|", "\\|")
    return line if len(line) <= 200 else f"{line[:200]} …"
