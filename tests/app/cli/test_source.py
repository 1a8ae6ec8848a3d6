"""`navigator source`: what is added is checked first, and nothing of a secret is kept or said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.navigating import Navigator


@pytest.fixture
def navigator(database_url: str, tmp_path: Path) -> Navigator:
    """The command on a database of the test's own."""
    return Navigator(tmp_path / "home", {"DATABASE_URL": database_url})


def test_a_source_is_added_shown_paused_and_removed(navigator: Navigator, tmp_path: Path) -> None:
    """A watched folder, from the first look to the last."""
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "a.md").write_text("# Policy\n\nIt pays 100 dollars.\n")
    added = navigator.here("source", "add", "share", tmp_path / "share", "--every", "5m")
    assert added.code == 0, added.err
    assert "It holds 1 document among 1 object." in added.out
    assert "no Prefect server" in added.err
    again = navigator.here("source", "add", "share", tmp_path / "share")
    assert again.code == 2 and "There is a source 'share' already" in again.err
    assert navigator.here("source", "pause", "share").code == 0
    [shown] = navigator.here("source", "list", "--json").json["sources"]
    assert (shown["schedule"], shown["url"]) == ("paused", str(tmp_path / "share"))
    ran = navigator.here("source", "run", "share")
    assert ran.code == 2 and "is paused" in ran.err
    assert navigator.here("source", "resume", "share").code == 0
    assert "every 5m" in navigator.here("source", "list").out
    assert "every 5m" in navigator.here("status").out
    assert navigator.here("source", "remove", "share", "--yes").code == 0
    assert navigator.here("source", "list", "--json").json["sources"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("s3://b/x", "--credentials", "hunter2"), "not as they are"),
        (("s3://b/x", "--option", "secret_access_key=hunter2"), "is a secret"),
        (("s3://b/x", "--option", "allow_http=true"), "switch TLS off"),
        (("s3://anna:hunter2@b/x",), "holds a password"),
        (("s3://b/x?versionId=1",), "question mark"),
        (("ftp://b/x",), "no kind of source"),
        (("s3://b/x", "--every", "5s"), "under a minute"),
        (("s3://b/x", "--cron", "whenever"), "no cron schedule"),
        (("s3://b/x", "--cron", "1 2 * * *", "--every", "1h"), "one schedule"),
        (("s3://b/x", "--rights", "{user}/{user}/"), "rule"),
        (("s3://b/x", "--rights", "tag:owner", "--user", "anna"), "two things"),
        (("s3://b/x", "--exclude", "a*b*c*d*e"), "stars"),
        (("/nowhere/at/all",), "no file or folder"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    navigator: Navigator, arguments: tuple[str, ...], said: str
) -> None:
    """With exit code 2, before anything is kept, and without repeating what may be a secret."""
    ended = navigator.here("source", "add", "claims", *arguments)
    assert ended.code == 2, ended.err
    assert said in ended.err
    assert "hunter2" not in ended.out + ended.err
    assert "Traceback" not in ended.err


def test_a_name_is_for_prefect_too(navigator: Navigator) -> None:
    """Small letters, digits and dashes alone."""
    for name in ("Claims", "a/b", "-x", "a" * 64):
        ended = navigator.here("source", "add", "--", name, "s3://b/x")
        assert ended.code == 2 and "A source's name" in ended.err, ended.err
