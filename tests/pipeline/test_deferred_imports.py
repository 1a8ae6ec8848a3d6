"""Imports that wait until something of the module is used."""

from __future__ import annotations

import subprocess
import sys

from tests.rooms import ROOT

SCRIPT = """
import sys
from pipeline.deferred_imports import defer_import
from checks.runner import warm_up
defer_import("colorsys")
defer_import("email.policy")
import colorsys
import colorsys as again
from email import policy
assert "email.policy" not in sys.modules
assert type(colorsys).__name__ == type(policy).__name__ == "DeferredModule"
assert again.rgb_to_hsv(1, 1, 1) == (0.0, 0.0, 1)
assert policy.default.linesep == "\\n"
import colorsys, email.policy
assert type(colorsys).__name__ == type(email.policy).__name__ == "module"

warm_up()
heavy = ("scipy.stats", "altair.vegalite", "narwhals")
assert not [name for name in heavy if name in sys.modules]
from great_expectations.expectations.core import expect_column_kl_divergence_to_be_less_than as kl
assert kl.stats.norm.cdf(0) == 0.5
assert kl.alt.Chart
"""


def test_a_module_is_imported_when_it_is_used() -> None:
    """However often it is imported before; the gate starts without scipy's and altair's parts."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
