"""Renders the data-quality report: one self-contained HTML page.

No script, no font, no picture from elsewhere; charts are inline SVG. A content security policy in
the page forbids what an unescaped name could try.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from checks.formatting import duration, moment, number, percent, spaced, usd, value, visible
from checks.html_templates import html_templates
from checks.report_charts import report_charts
from checks.report_data import ReportData
from pipeline.personal_data import KINDS
from pipeline.states import PUBLISHED, state_title

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


MOST_NAMED = 200
"""Rows of the tables of failures, gaps and decisions; the list of all documents has the rest."""
FOLDED = 250
"""Documents behind one heading that unfolds."""

_PAGE = "report.html"


@dataclass(frozen=True, slots=True)
class PageSeal:
    """What the page says of its own signature.

    Attributes:
        report: the report's id. sha256: of its figures. key: the fingerprint of who signs.
    """

    report: str
    sha256: str
    key: str


def warm_up() -> None:
    """Compile the page's template, which takes longer than the page of a small run."""
    _environment().get_template(_PAGE)


def render(data: ReportData, seal: PageSeal | None = None) -> str:
    """The report as one HTML page in UTF-8."""
    template = _environment().get_template(_PAGE)
    css = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    return template.render(
        data=data,
        css=css,
        charts=report_charts(data),
        seal=seal,
        most=MOST_NAMED,
        fold=FOLDED,
        published=PUBLISHED,
    )


def personal_kind(kind: str) -> str:
    """A kind of personal data in words."""
    return KINDS.get(kind, spaced(kind))


@cache
def _environment() -> Environment:
    return html_templates(
        TEMPLATES, value, number, percent, usd, duration, moment, spaced, state_title, visible,
        personal_kind,
    )  # fmt: skip
