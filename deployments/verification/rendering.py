"""Renders verifications and comparisons for people: HTML pages, Markdown for an artifact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from checks.formatting import duration, moment, number, percent, spaced, usd, visible
from checks.html_templates import html_templates
from checks.markdown import escape
from checks.report import TEMPLATES as REPORT_TEMPLATES
from deployments.verification.findings import Finding, Outcome, Verification, by_part
from deployments.verification.side_by_side import SideBySide

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
_CLASSES = {
    Outcome.OK: "pass",
    Outcome.FAILED: "fail",
    Outcome.LEFT_OUT: "fail",
    Outcome.INCONCLUSIVE: "warning",
    Outcome.TOLD: "soft",
}
_TONES = {Outcome.OK: "good", Outcome.FAILED: "bad", Outcome.INCONCLUSIVE: "warn"}
_MARKS = {
    Outcome.OK: "✓",
    Outcome.FAILED: "✗",
    Outcome.LEFT_OUT: "✗",
    Outcome.INCONCLUSIVE: "?",
    Outcome.TOLD: "·",
}


def as_html(found: Verification) -> str:
    """The report as one self-contained page."""
    counts = Counter(each.outcome for each in found.findings)
    return (
        templates()
        .get_template("verification.html")
        .render(
            found=found,
            css=style_sheet(),
            counts={each.value: counts[each] for each in Outcome if counts[each]},
            parts=by_part(found.findings),
            tones=_TONES,
            classes=_CLASSES,
        )
    )


def pairs_as_html(found: SideBySide) -> str:
    """Two sides as one self-contained page."""
    template = templates().get_template("side_by_side.html")
    return template.render(found=found, css=style_sheet())


def as_markdown(found: Verification) -> str:
    """The same, short: what is wrong with what to do, then a line for each part."""
    lines = [f"**{escape(found.summary)}**", ""]
    if found.wrong:
        lines += ["| what | expected | found | what to do |", "|---|---|---|---|"]
        lines += [_line(each) for each in found.wrong]
        lines.append("")
    return "\n".join([*lines, *_parts(found)]) + "\n"


def _line(each: Finding) -> str:
    told = (f"{each.part}: {each.name}", each.expected, each.found, each.remedy)
    return f"| {' | '.join(escape(cell.replace(chr(10), ' ')) for cell in told)} |"


def _parts(found: Verification) -> Iterator[str]:
    yield "| part | outcome |"
    yield "|---|---|"
    for part, findings in by_part(found.findings).items():
        counts = Counter(each.outcome for each in findings)
        told = ", ".join(f"{_MARKS[o]} {counts[o]} {o.value}" for o in Outcome if counts[o])
        yield f"| {part} | {told} |"


def style_sheet() -> str:
    """That of every report of ours."""
    return (REPORT_TEMPLATES / "report.css").read_text("utf-8")


@cache
def templates() -> Environment:
    """The templates of this folder."""
    return html_templates(TEMPLATES, number, percent, usd, duration, moment, spaced, visible)
