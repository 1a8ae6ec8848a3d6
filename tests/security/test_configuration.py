"""Configuration comes from who runs the program: which file is read, and what in it is believed."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.cli.doctor import examine
from app.doctor.configuration import code
from blocks.embedder_blocks import OpenAIEmbedderBlock
from blocks.parser_blocks import LlamaParseBlock
from clients.llamaparse.client import LlamaParseClient
from clients.openai.embedder import OpenAIEmbedder
from pipeline.api_keys import clean_key, clean_secret
from pipeline.child_processes import CHILD
from pipeline.errors import ConfigurationError
from pipeline.settings import Settings, load_settings
from pipeline.unknown_variables import setting_variables, unknown_variables
from tests.app.navigating import ROOT, Navigator
from tests.rooms import ROOMS

KEY = "sk-proj-abc123"
NOBODY = 65534


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder; the current folder is another."""
    (tmp_path / "home").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("NAVIGATOR_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "home"


def write(path: Path, text: str) -> Path:
    """A file that is its owner's."""
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return path


# -- which file --------------------------------------------------------------------------------


def test_a_file_in_the_current_folder_sets_nothing(home: Path) -> None:
    """Neither a user nor an address nor a key comes from where the documents are."""
    write(Path(".env"), f"NAVIGATOR_USER=mallory\nOPENAI_BASE_URL=http://x\nOPENAI_API_KEY={KEY}\n")
    assert load_settings() == Settings(home=home)


def test_the_file_in_the_home_folder_is_read(home: Path) -> None:
    """Below the environment, above the defaults."""
    write(home / ".env", "NAVIGATOR_USER=anna\nNAVIGATOR_CHUNK_TOKENS=200\n")
    assert (load_settings().user, load_settings().chunk_tokens) == ("anna", 200)
    os.environ["NAVIGATOR_CHUNK_TOKENS"] = "300"
    try:
        assert load_settings().chunk_tokens == 300
    finally:
        del os.environ["NAVIGATOR_CHUNK_TOKENS"]


def test_a_named_file_is_read_instead(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NAVIGATOR_ENV_FILE goes before the home folder's."""
    write(home / ".env", "NAVIGATOR_USER=anna\n")
    named = write(tmp_path / "work.env", "NAVIGATOR_USER=ben\n")
    monkeypatch.setenv("NAVIGATOR_ENV_FILE", str(named))
    assert load_settings().user == "ben"
    monkeypatch.setenv("NAVIGATOR_ENV_FILE", str(tmp_path / "missing.env"))
    with pytest.raises(ConfigurationError, match=r"There is no file .*missing\.env"):
        load_settings()


def test_relative_paths_in_a_file_count_from_its_folder(home: Path) -> None:
    """Not from where the program is started, where somebody else's file may lie."""
    write(Path("gate.toml"), "words_found = 0.0\n")
    write(home / "gate.toml", "words_found = 0.9\n")
    write(home / ".env", "NAVIGATOR_GATE_FILE=gate.toml\nNAVIGATOR_ONNX_FOLDER=models\n")
    loaded = load_settings()
    assert loaded.gate_file == home / "gate.toml"
    assert loaded.onnx_folder == home / "models"
    assert loaded.rule_limits["words_found"].limit == 0.9


@pytest.mark.parametrize("mode", [0o602, 0o620, 0o666, 0o777])
def test_a_file_that_others_can_write_is_refused(home: Path, mode: int) -> None:
    """Who could have written the settings is not asked; the sentence says how to close it."""
    write(home / ".env", "NAVIGATOR_USER=anna\n").chmod(mode)
    with pytest.raises(ConfigurationError, match="can be written by others") as caught:
        load_settings()
    assert "chmod go-w" in caught.value.remedy


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_somebody_else_is_refused(home: Path) -> None:
    """Also where its name is a link in our own folder."""
    theirs = write(home.parent / "theirs.env", "NAVIGATOR_USER=mallory\n")
    os.chown(theirs, NOBODY, NOBODY)
    (home / ".env").symlink_to(theirs)
    with pytest.raises(ConfigurationError, match="belongs to somebody else"):
        load_settings()


def test_a_file_that_is_none_is_told(home: Path) -> None:
    """A folder of the name, a pipe that nobody writes into, or a gigabyte of nothing."""
    os.mkfifo(home / ".env")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_settings()
    (home / ".env").unlink()
    with (home / ".env").open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load_settings()


def test_the_option_names_the_file_for_the_command(tmp_path: Path) -> None:
    """`navigator --env-file FILE COMMAND`; a missing one is said."""
    navigator = Navigator(tmp_path / "home")
    named = write(tmp_path / "odd.env", "NAVIGATOR_CHUNK_TOKENS=31\n")
    ended = navigator.here("--env-file", named, "list")
    assert (ended.code, "NAVIGATOR_CHUNK_TOKENS" in ended.err) == (2, True)
    missing = navigator.here("--env-file", "missing.env", "list")
    assert missing.code == 2
    assert f"There is no file {tmp_path / 'missing.env'}" in missing.err


def test_a_file_that_is_passed_over_is_said_once_on_stderr(tmp_path: Path) -> None:
    """Where it lies and where settings come from instead; a child of ours does not say it again."""
    navigator = Navigator(tmp_path / "home")
    write(tmp_path / ".env", "NAVIGATOR_USER=mallory\n")
    told = navigator.here("token", "--user", "anna")
    assert told.err.count(f"{tmp_path / '.env'} is not read") == 1
    assert f"{tmp_path / 'home' / '.env'}" in told.err
    assert ".env" not in told.out
    assert "is not read" not in navigator.here("token", "--user", "anna", **{CHILD: "1"}).err
    used = navigator.here("--env-file", ".env", "token", "--user", "anna")
    assert "is not read" not in used.err


# -- what is in it -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("NAVIGATOR_EMBEDER", "NAVIGATOR_EMBEDDER"),
        ("NAVIGATOR_CHUNK_TOKEN", "NAVIGATOR_CHUNK_TOKENS"),
        ("NAVIGATOR_OPENAI_APIKEY", "NAVIGATOR_OPENAI_API_KEY"),
        ("navigator_max_file_byte", "NAVIGATOR_MAX_FILE_BYTES"),
        ("NAVIGATOR_ENVFILE", "NAVIGATOR_ENV_FILE"),
        ("NAVIGATOR_FLUX", None),
    ],
)
def test_a_variable_that_sets_nothing_is_named_with_the_nearest(
    name: str, nearest: str | None
) -> None:
    """A typo finds its setting; what is like none finds none."""
    assert unknown_variables([name, "NAVIGATOR_HOME", "PATH"]) == {name: nearest}


@pytest.mark.parametrize(
    "name",
    ["NAVIGATOR_HOME", "navigator_home", "OPENAI_API_KEY", "DATABASE_URL", "NAVIGATOR_FAILPOINT",
     "NAVIGATOR_TEST_SEED", CHILD, "NAVIGATOR_ENV_FILE", "NAVIGATOR_SERVICE_HOST",
     "NAVIGATOR_PORT_8000_TCP_ADDR", "NAVIGATOR_API_PORT", "_NAVIGATOR_COMPLETE"],
)  # fmt: skip
def test_what_is_known_is_not_named(name: str) -> None:
    """Settings in any case, what parents tell children, and what Kubernetes sets for a service."""
    assert unknown_variables([name]) == {}


def test_every_variable_that_the_program_sets_or_reads_is_known() -> None:
    """Whatever our own code calls NAVIGATOR_… is a setting or on the list of others."""
    names: set[str] = set()
    for path in (each for room in (*ROOMS, "benchmarks") for each in (ROOT / room).rglob("*.py")):
        names |= set(re.findall(r"[\"'](NAVIGATOR_[A-Z_]*[A-Z])[\"']", path.read_text("utf-8")))
    assert names > {"NAVIGATOR_HOME"}
    assert unknown_variables(names) == {}
    assert "OPENAI_API_KEY" in setting_variables()


def test_unknown_variables_are_said_and_the_command_goes_on(tmp_path: Path) -> None:
    """From the environment and from the file; nobody's later version stops today's."""
    navigator = Navigator(tmp_path / "home")
    (tmp_path / "home").mkdir()
    write(tmp_path / "home" / ".env", "NAVIGATOR_USR=anna\n")
    ended = navigator.here("token", "--user", "anna", NAVIGATOR_PARSR="local")
    assert ended.code == 0
    assert "did you mean NAVIGATOR_USER?" in ended.err
    assert "did you mean NAVIGATOR_PARSER?" in ended.err
    assert ended.out.count(".") == 2, "the token alone"


async def test_doctor_shows_the_file_and_what_sets_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A note with the nearest name, the file in use and the one that is passed over."""
    write(Path(".env"), "NAVIGATOR_USER=mallory\n")
    monkeypatch.setenv("NAVIGATOR_EMBEDER", "openai")
    monkeypatch.setattr("app.cli.doctor.checks", lambda: ())
    monkeypatch.setattr("app.cli.doctor.protections", lambda: (("Code", code),))
    found = await examine()
    said = " ".join(f"{each.detail} {each.remedy}" for each in found.findings)
    assert [each.part for each in found.protections] == ["Code"]
    assert str(ROOT) in found.protections[0].detail
    assert "did you mean NAVIGATOR_EMBEDDER?" in said
    assert f"{Path.cwd() / '.env'} is not read" in said


# -- keys --------------------------------------------------------------------------------------

AROUND = ["\n", "\r\n", " ", "\t", "\ufeff", "\u00a0", "\u3000", "\x0b", " \r\n\ufeff"]
INSIDE = ["\u200b", "\n", " ", "\x00", "\x7f", "é", "\u2011", "\U0001f511", "\u00a0", "\ud800"]


@pytest.mark.parametrize("odd", AROUND)
def test_white_space_around_a_key_is_none_of_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, odd: str
) -> None:
    """As a mounted file, an editor or a web page leaves it there."""
    for given in (f"{KEY}{odd}", f"{odd}{KEY}", f"{odd}{KEY}{odd}"):
        assert clean_key(given) == KEY
    for name in ("OPENAI_API_KEY", "LLAMA_CLOUD_API_KEY", "NAVIGATOR_METRICS_TOKEN"):
        monkeypatch.setenv(name, f"{odd}{KEY}-long-enough{odd}")
    loaded = load_settings()
    for key in (loaded.openai_api_key, loaded.llama_cloud_api_key, loaded.metrics_token):
        assert key is not None
        assert key.get_secret_value() == f"{KEY}-long-enough"


@pytest.mark.parametrize("odd", INSIDE)
def test_a_key_that_no_request_can_carry_is_refused(odd: str) -> None:
    """The sentence says which character and where, and nothing else of the key."""
    with pytest.raises(ValueError) as caught:
        clean_key(f"sk-se{odd}cret")
    said = str(caught.value)
    assert f"U+{ord(odd):04X}" in said
    assert "character 6" in said
    assert "cret" not in said
    assert said.isprintable()


@pytest.mark.parametrize(
    "name", ["OPENAI_API_KEY", "LLAMA_CLOUD_API_KEY", "NAVIGATOR_METRICS_TOKEN"]
)
def test_it_is_refused_at_start_by_its_variable(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Before anything is done with it, without the key."""
    monkeypatch.setenv(name, "sk-abcdefgh\u200bijklmnopqrst")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert name.removeprefix("NAVIGATOR_") in caught.value.message
    assert "zero width space (U+200B)" in caught.value.message
    assert "abcdefgh" not in f"{caught.value!r}{caught.value.message}{caught.value.remedy}"


def test_a_key_of_white_space_is_no_key(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an empty one."""
    monkeypatch.setenv("OPENAI_API_KEY", " \r\n")
    assert load_settings().openai_api_key is None


def test_a_shared_secret_loses_its_line_end_only(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever signs with it has the same bytes; only what a file adds at its ends is not meant."""
    assert clean_secret("\ufeff s\u00e9cret key \n") == " s\u00e9cret key "
    monkeypatch.setenv("NAVIGATOR_JWT_SECRET", f"{'s' * 31} \r\n")
    secret = load_settings().jwt_secret
    assert secret is not None and secret.get_secret_value() == "s" * 31 + " "


def test_addresses_and_storage_keys_lose_white_space_too(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database is not called `navigator\\n`, and a bucket's key goes into a header."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://u@h/navigator\n")
    monkeypatch.setenv("OPENAI_BASE_URL", " http://localhost:9/v1\r\n")
    monkeypatch.setenv("NAVIGATOR_STORAGE_OPTIONS", '{"secret_access_key": "abc\\n"}')
    loaded = load_settings()
    assert loaded.database_url is not None
    assert loaded.database_url.get_secret_value() == "postgresql://u@h/navigator"
    assert loaded.openai_base_url == "http://localhost:9/v1"
    assert loaded.storage_options == {"secret_access_key": "abc"}


def test_saved_blocks_take_keys_alike() -> None:
    """White space goes, another character is refused in the form, and the key is not repeated."""
    assert OpenAIEmbedderBlock(api_key=f"{KEY}\n").api_key.get_secret_value() == KEY
    assert LlamaParseBlock(api_key=f"\ufeff{KEY}").api_key.get_secret_value() == KEY
    for block in (OpenAIEmbedderBlock, LlamaParseBlock):
        with pytest.raises(ValueError) as caught:
            block(api_key="sk-se\u200bcret")
        assert "zero width space" in str(caught.value)
        assert "cret" not in str(caught.value)


def test_clients_take_keys_alike() -> None:
    """Also where no setting and no form stands before them."""
    odd = SecretStr("sk-se\u200bcret")
    with pytest.raises(ConfigurationError, match="zero width space"):
        OpenAIEmbedder(odd)
    with pytest.raises(ConfigurationError, match="zero width space"):
        LlamaParseClient(odd)
