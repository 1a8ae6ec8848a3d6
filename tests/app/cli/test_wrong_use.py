"""Bad input and broken surroundings: one sentence, a remedy, the right code, no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.navigating import SAMPLES, Navigator

SECRET = "canary-7f3a"
SAMPLE = str(SAMPLES / "renters-policy.md")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ingest", "nowhere.pdf"], "There is no file or folder 'nowhere.pdf'."),
        (["ingest", "empty"], "There are no documents in empty."),
        (["plan", "*.pdf"], "There is no file or folder '*.pdf'."),
        (["search", " "], "The question is empty."),
        (["status", "nothing"], "There is no document 'nothing'."),
        (["status", "[bold]\x1b[31m"], "There is no document '[bold]"),
        (["delete", "nothing", "--yes"], "There is no document 'nothing'."),
        (["retry"], "Say which documents to retry."),
        (["report", "--run", "ffff"], "There is no run 'ffff'"),
        (["ingest"], "Missing argument 'PATH'"),
        (["search", "x", "--mode", "guess"], "Invalid value for '--mode'"),
        (["nonsense"], "No such command 'nonsense'."),
    ],
)
def test_wrong_use_is_told_in_a_sentence(
    corpus: Navigator, arguments: list[str], said: str
) -> None:
    """A mistake of the person ends with code 2 and a sentence that names it."""
    (corpus.home.parent / "empty").mkdir(exist_ok=True)
    ended = corpus.here(*arguments)
    assert ended.code == 2
    assert said in ended.err
    assert "\x1b" not in ended.err


@pytest.mark.parametrize(
    ("variables", "arguments", "code", "said"),
    [
        ({"NAVIGATOR_EMBEDDER": "openai"}, ["list"], 2, "needs OPENAI_API_KEY"),
        ({"NAVIGATOR_PARSER": "llamaparse"}, ["list"], 2, "needs LLAMA_CLOUD_API_KEY"),
        ({"NAVIGATOR_CHUNK_TOKENS": SECRET}, ["list"], 2, "NAVIGATOR_CHUNK_TOKENS"),
        ({"NAVIGATOR_HOME": "/proc/none"}, ["list"], 2, "Set NAVIGATOR_HOME"),
        ({"NAVIGATOR_STORAGE_URL": "odd://x"}, ["plan", SAMPLE], 2, "NAVIGATOR_STORAGE_URL"),
        ({"DATABASE_URL": f"mysql://u:{SECRET}@h/d"}, ["list"], 2, "must begin with postgresql"),
        (
            {"DATABASE_URL": f"postgresql://u:{SECRET}@127.0.0.1:1/d"},
            ["list"],
            1,
            "Postgres cannot be reached",
        ),
        (
            {"DATABASE_URL": f"postgresql://u:{SECRET}@127.0.0.1:1/d"},
            ["reset", "--yes"],
            2,
            "Only the local default can be emptied",
        ),
        (
            {
                "OPENAI_API_KEY": f"sk-{SECRET}",
                "NAVIGATOR_EMBEDDING_MODEL": "text-embedding-ada-002",
                "NAVIGATOR_EMBEDDING_DIMENSION": "99",
            },
            ["search", "x"],
            2,
            "no vectors of 99 dimensions",
        ),
        (
            {"NAVIGATOR_WORK_POOL": "pool"},
            ["retry", "workers-compensation-encrypted.pdf"],
            2,
            "needs a Prefect server",
        ),
        (
            {"PREFECT_API_URL": "http://127.0.0.1:1/api"},
            ["retry", "workers-compensation-encrypted.pdf"],
            1,
            "The Prefect server that PREFECT_API_URL names does not answer",
        ),
    ],
)
def test_a_wrong_setting_is_told_with_its_remedy(
    navigator: Navigator, variables: dict[str, str], arguments: list[str], code: int, said: str
) -> None:
    """A wrong variable or an unreachable service is named, with what to do, and no secret."""
    ended = navigator.here(*arguments, **variables)
    assert ended.code == code, ended.err
    assert said in ended.err
    assert len(ended.err.strip().splitlines()) >= 2, "a remedy follows the sentence"
    assert SECRET not in ended.out + ended.err


def test_files_that_cannot_be_read_are_named(corpus: Navigator, tmp_path: Path) -> None:
    """A dangling link and an unreadable file are rejected with reasons; nothing is started."""
    link = tmp_path / "gone.pdf"
    link.symlink_to(tmp_path / "nowhere")
    odd = tmp_path / "odd\x1b[31m\udcff.md"
    odd.symlink_to(tmp_path / "nowhere")
    ended = corpus.here("ingest", tmp_path, "--json")
    assert ended.code == 1
    rejected = ended.json["rejected"]
    assert [each["error"]["code"] for each in rejected] == ["file_missing", "file_missing"]
    shown = corpus.here("ingest", tmp_path)
    assert "✗ " in shown.out
    assert "\x1b" not in shown.out


def test_an_error_is_json_for_a_program(corpus: Navigator) -> None:
    """With --json the error is a value on stdout, and still a sentence on stderr."""
    ended = corpus.here("status", "nothing", "--json")
    assert ended.code == 2
    assert ended.json["error"]["code"] == "usage"
    assert ended.json["error"]["remedy"]
    assert "There is no document" in ended.err


def test_doctor_names_what_is_broken(corpus: Navigator) -> None:
    """A part that fails does not keep the others from being tried."""
    url = f"postgresql://u:{SECRET}@127.0.0.1:1/d"
    ended = corpus.here(
        "doctor", "--json", DATABASE_URL=url, PREFECT_API_URL="http://127.0.0.1:1/api"
    )
    assert ended.code == 1
    found = {each["part"]: each for each in ended.json["findings"]}
    assert found["Database"]["verdict"] == found["Prefect"]["verdict"] == "problem"
    assert found["Database"]["remedy"]
    assert found["Storage"]["verdict"] == "ok"
    assert SECRET not in ended.out + ended.err


def test_doctor_reads_out_wrong_settings(corpus: Navigator) -> None:
    """When the settings are wrong, doctor names each wrong variable."""
    ended = corpus.here("doctor", NAVIGATOR_CHUNK_TOKENS="many", NAVIGATOR_PARSER="magic")
    assert ended.code == 1
    assert "NAVIGATOR_CHUNK_TOKENS" in ended.out
    assert "NAVIGATOR_PARSER" in ended.out
