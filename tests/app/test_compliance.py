"""The controls are what they say: the page shows them, their tests are there, doctor knows them."""

from __future__ import annotations

import pytest

from app.compliance.controls import CONTROLS, Control, table
from app.doctor.protections import protections
from tests.rooms import ROOT

FACTS = {
    "row_level_security", "append_only", "access", "access_log", "erasures", "releases",
    "maintenance", "providers", "holds", "retention_rules",
}  # fmt: skip


def test_the_page_shows_every_control() -> None:
    """As `app/compliance/controls.py` has it."""
    assert table() in (ROOT / "docs" / "compliance.md").read_text("utf-8")


@pytest.mark.parametrize("control", CONTROLS, ids=lambda each: each.name)
def test_a_control_names_what_is_there(control: Control) -> None:
    """Tests, lines of `navigator doctor` and facts of the evidence."""
    assert control.tests and (control.hipaa or control.gdpr)
    assert all((ROOT / "tests" / name).exists() for name in control.tests)
    assert set(control.protections) <= {name for name, _ in protections()}
    assert set(control.facts) <= FACTS
