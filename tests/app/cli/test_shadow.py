"""`navigator shadow`: what a person writes for a share."""

from __future__ import annotations

import pytest

from app.cli.shadow import share_of
from pipeline.errors import UsageError


@pytest.mark.parametrize(
    ("told", "share"), [("10%", 0.1), ("2.5 %", 0.025), ("100%", 1.0), ("0.1", 0.1), ("1", 1.0)]
)
def test_a_share(told: str, share: float) -> None:
    """Percent with its sign, or a part of one."""
    assert share_of(told) == pytest.approx(share)


@pytest.mark.parametrize("told", ["", "0%", "101%", "10", "-5%", "ten", "nan", "inf%"])
def test_no_share(told: str) -> None:
    """Nothing, too much, or no number is said to be none."""
    with pytest.raises(UsageError, match="is no share"):
        share_of(told)
