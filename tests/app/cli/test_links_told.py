"""Links that are passed over are counted and named wherever an ingest is told of."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.app.navigating import SAMPLES, Navigator

TEXT = (SAMPLES / "renters-policy.md").read_text("utf-8")
USER = "links"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one document and three links."""
    made = tmp_path / "documents"
    made.mkdir()
    (made / "policy.md").write_text(TEXT)
    (tmp_path / "shadow.md").write_text("root:canary")
    (made / "shadow.md").symlink_to(tmp_path / "shadow.md")
    (made / "more").symlink_to(tmp_path)
    (made / "environ.md").symlink_to("/proc/self/environ")
    return made


def test_plan_names_them(corpus: Navigator, folder: Path) -> None:
    """For a person with its reason, for a program with its path; the option follows one."""
    told = corpus.here("plan", folder)
    assert told.code == 0
    assert "Passed over 3 links:" in told.out
    for said in ("leads out of the folder", "leads into /proc, /sys or /dev"):
        assert said in told.out
    asked = corpus.here("plan", folder, "--json").json
    assert [Path(each["source"]).name for each in asked["passed_over"]] == [
        "environ.md", "more", "shadow.md"
    ]  # fmt: skip
    assert len(asked["documents"]) == 1
    followed = corpus.here("plan", folder, "--json", "--follow-links").json
    assert [Path(each["source"]).name for each in followed["passed_over"]] == ["environ.md"]
    assert {each["document"] for each in followed["documents"]} == {"policy.md", "shadow.md"}


def test_ingest_and_its_report_name_them(
    navigator: Navigator, prefect_url: str, folder: Path
) -> None:
    """Before the work, in the run's report and for a program; they are no failure."""
    arguments = ("ingest", folder, "--user", USER, "--sync")
    password = str(navigator.home / "prefect" / "auth-string")
    ended = navigator(*arguments, PREFECT_API_URL=prefect_url, NAVIGATOR_PREFECT_AUTH_FILE=password)
    assert ended.code == 0, ended.err
    assert "Passing over 3 links" in ended.err
    assert "`navigator delete` removes one" in ended.err
    assert "Passed over 3 links:" in ended.out
    assert "canary" not in ended.out + ended.err
    again = navigator.here(*arguments, "--json")
    assert again.code == 0
    assert len(again.json["passed_over"]) == 3
    assert again.json["rejected"] == []
    gone = navigator.here("delete", folder / "policy.md", "--yes", "--user", USER)
    assert gone.code == 0, gone.err


def test_a_link_that_is_named_is_read_and_said(corpus: Navigator, folder: Path) -> None:
    """A person who names a link hears which file that is."""
    target = folder.parent / "policy.md"
    target.write_text(TEXT)
    link = folder.parent / "named.md"
    link.symlink_to(target)
    told = corpus.here("plan", link)
    assert f"is a link: {os.path.realpath(target)} is read." in told.err.replace("\n", "")
