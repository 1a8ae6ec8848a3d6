"""`navigator chaos`: its names, its sizes, its table and its exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.chaos import catalog, experiment_report
from app.chaos.experiment_report import Outcome
from app.chaos.generated_documents import policy, write_letter
from app.chaos.oracle import Breach, Verdict
from app.terminal.durations import seconds
from pipeline.errors import UsageError
from tests.app.navigating import Navigator


@pytest.fixture
def command(tmp_path: Path) -> Navigator:
    """The command with a home in which nothing may be made."""
    return Navigator(tmp_path / "home")


def test_the_names_are_listed(command: Navigator) -> None:
    """Without a name it says which experiments there are, and touches nothing."""
    assert set(command.here("chaos", "--json").json) == {"format", *catalog.EXPERIMENTS}
    assert "kills" in command.here("chaos").out
    assert not command.home.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["kill"], "There is no experiment kill."), (["kills", "--for", "soon"], "soon is no time.")],
    ids=["name", "time"],
)
def test_wrong_use_is_a_sentence(command: Navigator, arguments: list[str], said: str) -> None:
    """An unknown name or time says what there is, with exit code 2."""
    ended = command.here("chaos", *arguments)
    assert (ended.code, said in ended.err) == (2, True), ended.err


def test_times_are_written_as_people_do() -> None:
    """Seconds, minutes, hours."""
    assert [seconds(each) for each in ("90", "90s", "10m", "1h")] == [90, 90, 600, 3600]
    with pytest.raises(UsageError):
        seconds("-1m")


def test_the_same_seed_gives_the_same_documents(tmp_path: Path) -> None:
    """Byte for byte, so that a run can be repeated; another seed gives others."""
    assert policy(3, 7) == policy(3, 7) != policy(3, 8)
    first, second = (write_letter(tmp_path / f"{n}.eml", 7).read_bytes() for n in range(2))
    assert first == second


def test_a_broken_promise_is_exit_code_one(capsys: pytest.CaptureFixture[str]) -> None:
    """The row, then each broken promise with its document; a kept one ends with 0."""
    kept = Outcome("kills", 7, "3 documents", {"kills": 2}, Verdict(0, 0, 5, 800), [1.0, 3.0])
    assert experiment_report.show(kept, json=False) == 0
    broken = Breach("nothing is lost", "2 of its passages are not published", "/x/a.md")
    lost = Outcome("kills", 7, "3 documents", {"kills": 2}, Verdict(1, 0, 0, 0, [broken]))
    assert experiment_report.show(lost, json=False) == 1
    told = experiment_report.as_json(lost)
    assert (told["held"], told["verdict"]["breaches"][0]["document"]) == (False, "/x/a.md")
    assert experiment_report.as_json(kept)["recoveries"] == {"p50": 2.0, "p95": pytest.approx(2.9)}
