"""An ingest runs in a process that has imported what it needs, or tells that it does not."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import pytest

from app.command import _kind
from app.process.environment import leave_nothing_running
from app.stack.kept_parts import end_kept_parts, running_parts
from app.warm import INGESTING, OF_PREFECT, READING
from app.warm.client import run_warm
from app.warm.ingesting import MODULES, USED_LATE, load_chosen
from app.warm.protocol import ACCEPTED, loading_mark, read_request
from app.warm.server import WarmServer, main
from pipeline.store.embedded_tools import postmaster
from tests.app.navigating import ROOT, SAMPLES, Navigator, ended
from tests.app.warm.test_warm_process import listens, server, until
from tests.prefect_server import prepare_home


@pytest.fixture
def no_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(OF_PREFECT):
            monkeypatch.delenv(name)


@pytest.mark.usefixtures("no_prefect")
def test_which_commands_run_warm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one that is to leave nothing, nor one with Prefect settings of a person's own."""
    assert _kind(["ingest", "folder"]) == INGESTING
    assert _kind(["status"]) == READING
    assert _kind(["ingest", "folder", "--no-daemon"]) is None
    assert _kind(["plan", "folder"]) is None
    assert _kind([]) is None
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    assert _kind(["ingest", "folder"]) == INGESTING
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    assert _kind(["ingest", "folder"]) is None
    assert _kind(["status"]) == READING


@pytest.mark.parametrize(
    ("settings", "loaded"),
    [
        ({"NAVIGATOR_EMBEDDER": "wordllama"}, ["wordllama"]),
        ({"NAVIGATOR_EMBEDDER": "openai", "OPENAI_API_KEY": "sk-test"}, ["openai", "cl100k_base"]),
        ({"NAVIGATOR_EMBEDDER_BLOCK": "ours"}, []),
    ],
)
def test_an_engine_loads_what_the_settings_choose(
    settings: dict[str, str], loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedder's library and tokenizer; what a block holds is for the ingest to find out."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    found: list[str] = []
    monkeypatch.setattr("app.warm.ingesting.import_module", found.append)
    monkeypatch.setattr("pipeline.tokens.tokenizer", found.append)
    load_chosen()
    assert found == loaded


def test_an_engine_loads_what_there_is() -> None:
    """A library that was renamed would keep the engine from starting."""
    assert all(map(find_spec, (*MODULES, *USED_LATE)))


def test_nothing_is_left_running(monkeypatch: pytest.MonkeyPatch) -> None:
    """`--no-daemon` counts more than the settings."""
    for name in ("NAVIGATOR_ENGINE_IDLE_SECONDS", "NAVIGATOR_DATABASE_IDLE_SECONDS"):
        monkeypatch.setenv(name, "60")
    leave_nothing_running()
    assert os.environ["NAVIGATOR_ENGINE_IDLE_SECONDS"] == "0"
    assert os.environ["NAVIGATOR_DATABASE_IDLE_SECONDS"] == "0"


def test_one_that_still_loads_is_ended_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`navigator down` in the seconds between a command's end and its engine's first look."""
    monkeypatch.setenv("NAVIGATOR_HOME", str(tmp_path))
    monkeypatch.setattr("app.warm.server.sys.argv", ["server", "60", READING])
    monkeypatch.setattr("app.warm.server._MODULES", ())
    monkeypatch.setattr("app.warm.server.start_process", lambda: None)
    monkeypatch.setattr("app.warm.server.gc.freeze", lambda: None)
    monkeypatch.setattr("app.warm.server.threading.active_count", lambda: 1)
    served: list[Path] = []
    monkeypatch.setattr(WarmServer, "serve", lambda self: served.append(self.path))
    mark = loading_mark(tmp_path / f"{READING}.sock")
    mark.touch()
    main()
    assert (len(served), mark.exists()) == (1, False)
    mark.touch()
    assert running_parts(tmp_path) == ("warm",)
    assert end_kept_parts(tmp_path).ended == ("warm",)
    main()
    assert len(served) == 1


@pytest.mark.parametrize(
    ("kind", "answer", "code", "said"),
    [
        (INGESTING, ACCEPTED, None, "it is run again"),
        (READING, ACCEPTED, 1, "Try again"),
        (INGESTING, ACCEPTED + bytes([137]), 137, "ended by SIGKILL"),
        (INGESTING, ACCEPTED + bytes([1]), 1, ""),
    ],
)
def test_a_kill_is_told(
    scratch: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    kind: str,
    answer: bytes,
    code: int | None,
    said: str,
) -> None:
    """A killed process has its ingest run again, cold; a killed command has its signal named."""
    path = scratch / f"{kind}.sock"
    monkeypatch.setenv("NAVIGATOR_HOME", str(scratch))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def take() -> None:
            connection, _ = listener.accept()
            with connection:
                begun, streams, *_ = socket.recv_fds(connection, 65536, 3)
                read_request(connection, begun)
                for stream in streams:
                    os.close(stream)
                connection.sendall(answer)

        taking = Thread(target=take)
        taking.start()
        try:
            assert run_warm(["ingest"], kind) == code
        finally:
            taking.join()
            path.unlink()
    told = capfd.readouterr().err
    assert said in told
    assert bool(said) == bool(told)


def test_down_ends_what_is_idle(tmp_path: Path) -> None:
    """The processes look for their sockets, and end without them."""
    home = Navigator(tmp_path / "home")
    home.home.mkdir()
    sockets = [home.home / f"{kind}.sock" for kind in (INGESTING, READING)]
    for path in sockets:
        path.touch()
    assert home.here("down", "--json").json["stopped"]
    assert not any(path.exists() for path in sockets)


@pytest.fixture
def engine(scratch: Path) -> Iterator[Navigator]:
    """A home in which an ingest has left its engine."""
    idle = dict.fromkeys(
        ("NAVIGATOR_ENGINE_IDLE_SECONDS", "NAVIGATOR_DATABASE_IDLE_SECONDS"), "300"
    )
    made = Navigator(scratch / "engine", idle)
    prepare_home(made.home)
    assert made("ingest", SAMPLES / "auto-policy.pdf").code == 0
    path = made.home / "engine.sock"
    until(lambda: path.exists() and listens(path), "no engine", 400)
    yield made
    made("down")


@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_next_ingest_imports_nothing(engine: Navigator, tmp_path: Path) -> None:
    """It ends as a cold one, is stopped by Ctrl-C, and goes on cold when its engine is killed."""
    (tmp_path / "sqlalchemy.py").write_text("raise SystemExit('imported')")
    broken = {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    assert engine("status", "nothing", **broken).code != 0  # what runs cold fails
    told = engine("ingest", SAMPLES / "renters-policy.md", "--json", **broken)
    assert (told.code, told.json["documents"][0]["status"]) == (0, "published")
    assert engine("ingest", SAMPLES / "renters-policy.md", **broken).code == 0
    assert engine("ingest", tmp_path / "nothing", **broken).code == 2

    process = server(engine.home / "engine.sock")
    running = postmaster(engine.home / "postgres")
    assert running is not None
    running.suspend()
    try:
        asking = engine.start("ingest", SAMPLES / "travel-insurance.txt")
        until(process.children, "no child")
        asking.send_signal(signal.SIGINT)
        assert ended(asking).code == 130
        until(lambda: not process.children(), "the command goes on")
        asking = engine.start("ingest", SAMPLES / "travel-insurance.txt")
        until(process.children, "no child")
        [child] = process.children()
        process.kill()
        until(lambda: not child.is_running() or child.status() == "zombie", "it goes on")
    finally:
        running.resume()
    again = ended(asking)
    assert again.code == 0, again.err
    assert "was killed" in again.err

    assert engine("down").code == 0
    assert postmaster(engine.home / "postgres") is None
    until(lambda: not (engine.home / "engine.sock").exists(), "it stays")
