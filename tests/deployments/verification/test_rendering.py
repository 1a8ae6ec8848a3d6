"""A verification as a page and as Markdown: what is wrong first, names as data."""

from __future__ import annotations

from datetime import UTC, datetime

from deployments.verification.findings import Finding, Outcome, Verification, failed, ok
from deployments.verification.rendering import as_html, as_markdown

WRONG = failed("settings", "<b>chunk|tokens</b>", 400, 300, "Set it alike.")
TOLD = Finding("settings", "home", Outcome.TOLD, "/a", "/b")
UNCLEAR = Finding("times", "parse", Outcome.INCONCLUSIVE, "at most", "perhaps")
LEFT_OUT = Finding("canaries", "the corpus", Outcome.LEFT_OUT)


def found(*findings: Finding) -> Verification:
    """A verification with these findings."""
    when = datetime(2026, 11, 27, tzinfo=UTC)
    return Verification("staging", "r7", "local", when, when, 61.0, 0.01, findings)


def test_outcomes() -> None:
    """What failed or was left out is not verified; unclear times are, and say so."""
    assert found(ok("a", "b"), TOLD).outcome is Outcome.OK
    assert found(ok("a", "b"), UNCLEAR).outcome is Outcome.INCONCLUSIVE
    assert found(ok("a", "b"), UNCLEAR).verified
    for wrong in (WRONG, LEFT_OUT):
        assert not found(ok("a", "b"), UNCLEAR, wrong).verified
    assert not found().verified, "nothing was looked at"


def test_page() -> None:
    """The page tells every finding, the remedies of what failed first, and escapes names."""
    page = as_html(found(WRONG, TOLD, UNCLEAR))
    assert "The environment staging is not verified: 1 failed, 1 inconclusive, 1 told" in page
    assert page.index("Set it alike.") < page.index('id="settings"')
    assert "&lt;b&gt;chunk|tokens&lt;/b&gt;" in page
    assert "<b>chunk" not in page
    assert "$0.01" in page


def test_page_of_a_verified_environment() -> None:
    """Nothing is to be done where nothing failed."""
    assert "What to do" not in as_html(found(ok("settings", "all")))


def test_markdown() -> None:
    """The artifact has a row for what failed and one for each part; a name breaks no table."""
    told = as_markdown(found(WRONG, TOLD, UNCLEAR))
    [row] = [line for line in told.splitlines() if "Set it alike" in line]
    assert "chunk\\|tokens" in row
    assert "| settings | ✗ 1 failed, · 1 told |" in told
    assert "| times | ? 1 inconclusive |" in told
