"""The suite is dealt out so that nothing dear is made twice and no worker is left alone."""

from __future__ import annotations

from tests.distributing import TOGETHER, in_order, unit_of
from tests.rooms import ROOT


def test_what_shares_something_is_one_unit() -> None:
    """Files of such a folder go to one worker, every other file goes by itself."""
    assert unit_of("tests/app/cli/test_runs.py::test_a[x::y]") == "tests/app/cli/"
    assert unit_of("tests/app/cli/test_corpus.py::test_b") == "tests/app/cli/"
    assert unit_of("tests/app/api/test_jobs.py::test_c[1]") == "tests/app/api/test_jobs.py"
    assert all((ROOT / folder).is_dir() for folder in TOGETHER)


def test_what_waits_comes_before_what_computes() -> None:
    """In the order of the folders; within one of them the tests stay as they were."""
    given = ["tests/pipeline/test_a.py::x", "tests/test_b.py::x", "tests/stages/test_c.py::x",
             "tests/flows/test_d.py::x", "tests/app/cli/test_f.py::x", "tests/app/cli/test_e.py::x",
             "tests/app/api/test_g.py::x"]  # fmt: skip
    assert in_order(given) == [given[i] for i in (4, 5, 3, 2, 6, 0, 1)]
