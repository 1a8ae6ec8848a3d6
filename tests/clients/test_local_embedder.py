"""The local embedders really embed, without a key and without the network."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from clients.embedder import Embedder
from clients.local.embedders import OnnxEmbedder, WordLlamaEmbedder
from pipeline.errors import ConfigurationError, EmbeddingError
from pipeline.tokens import tokenizer
from tests.clients.tiny_models import gather_model

PASSAGES = [
    "The annual deductible is $500; hospital stays are covered at 80 percent.",
    "Eyeglass frames may be replaced every second calendar year.",
    "You may cancel the policy in writing within thirty days.",
]


async def test_the_closest_passage_answers_the_question() -> None:
    """A question's vector is closest to the passage that answers it, in words of its own."""
    embedder: Embedder = WordLlamaEmbedder()
    passages = await embedder.embed(PASSAGES)
    for question, right in [("how much do I pay before insurance covers surgery", 0),
                            ("when can I get new glasses", 1),
                            ("ending my contract", 2)]:  # fmt: skip
        vector = (await embedder.embed([question])).vectors[0]
        assert int((passages.vectors @ vector).argmax()) == right


async def test_wordllama_vectors_equal_the_librarys() -> None:
    """Our mean of the token vectors is what the library computes."""
    import wordllama

    library = wordllama.WordLlama.load(
        cache_dir=Path(wordllama.__file__).parent, disable_download=True, dim=256
    )
    texts = [*PASSAGES, "é", "one", "many words " * 300, "\u200b"] * 20
    ours = (await WordLlamaEmbedder().embed(texts)).vectors
    np.testing.assert_allclose(ours, library.embed(texts, norm=True), atol=2e-6)


async def test_wordllama_answer() -> None:
    """Float32 unit vectors, the tokenizer's own count, and no price."""
    embedder = WordLlamaEmbedder()
    answer = await embedder.embed(PASSAGES)
    assert (answer.vectors.dtype, answer.vectors.shape) == (np.dtype(np.float32), (3, 256))
    np.testing.assert_allclose(np.linalg.norm(answer.vectors, axis=1), 1.0, atol=1e-6)
    assert answer.tokens == sum(tokenizer(embedder.tokenizer_name).count(PASSAGES))
    assert embedder.price_per_million_tokens == Decimal(0)
    assert embedder.space.dimension == 256
    assert (await embedder.embed([])).vectors.shape == (0, 256)


async def test_a_vector_does_not_depend_on_its_company() -> None:
    """A text embedded alone, in a batch, or beside others at once has the same bytes."""
    embedder = WordLlamaEmbedder()
    alone = (await embedder.embed([PASSAGES[1]])).vectors[0]
    answers = await asyncio.gather(*(embedder.embed(PASSAGES * n) for n in (1, 30, 50)))
    for answer in answers:
        np.testing.assert_array_equal(answer.vectors[1], alone)


async def test_a_text_without_words_is_refused() -> None:
    """An empty text has no vector, and trying again would not give it one."""
    with pytest.raises(EmbeddingError, match="Text 1"):
        await WordLlamaEmbedder().embed(["fine", ""])


TABLE = np.array([[9, 9, 9], [0, 0, 1], [0, 0, 1], [1, 0, 0], [0, 1, 0], [0, 0, 0]], np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model of six tokens: padding, [CLS], [SEP], deductible, premium, nothing."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    vocabulary = {"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "deductible": 3, "premium": 4, "[UNK]": 5}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    words.enable_padding(length=16)  # as real files do: it must not count
    words.enable_truncation(4)
    path = tmp_path / "tiny-model"
    path.mkdir()
    words.save(str(path / "tokenizer.json"))
    (path / "model.onnx").write_bytes(gather_model(TABLE))
    (path / "tokenizer_config.json").write_text(json.dumps({"model_max_length": int(1e30)}))
    (path / "config.json").write_text(json.dumps({"max_position_embeddings": 8}))
    return path


async def test_onnx_means_over_the_tokens_alone(folder: Path) -> None:
    """Mean pooling sees the tokens and not the padding, in the order of the texts."""
    embedder: Embedder = OnnxEmbedder(folder)
    answer = await embedder.embed(["premium premium deductible", "deductible"] * 20)
    long = np.array([1, 2, 2]) / 3
    short = np.array([1, 0, 2]) / np.sqrt(5)
    np.testing.assert_allclose(answer.vectors, [long, short] * 20, atol=1e-6)
    assert answer.tokens == 20 * (5 + 3)
    assert answer.tokens == sum(
        tokenizer(embedder.tokenizer_name).count(["premium premium deductible", "deductible"] * 20)
    )


async def test_onnx_knows_its_limits(folder: Path) -> None:
    """Dimension and longest text come from the files; a longer text is refused, not cut off."""
    embedder = OnnxEmbedder(folder)
    assert embedder.space.dimension == 3
    assert embedder.space.model.startswith("tiny-model-")
    assert embedder.limits.max_input_tokens == 8
    with pytest.raises(EmbeddingError) as caught:
        await embedder.embed(["premium", "premium " * 7])
    assert caught.value.code == "input_too_long"


def test_other_weights_are_another_space(folder: Path, tmp_path: Path) -> None:
    """Vectors of two models with one name are never compared."""
    other = tmp_path / "elsewhere" / "tiny-model"
    other.mkdir(parents=True)
    for file in folder.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    (other / "model.onnx").write_bytes(gather_model(TABLE * 2))
    assert OnnxEmbedder(other).space.id != OnnxEmbedder(folder).space.id


@pytest.mark.parametrize("missing", ["model.onnx", "tokenizer.json"])
def test_a_damaged_folder_is_a_wrong_setting(folder: Path, missing: str) -> None:
    """A missing and a damaged file are said in one sentence, with the setting to correct."""
    for content in (None, b"\x00 not a model"):
        if content is None:
            (folder / missing).unlink()
        else:
            (folder / missing).write_bytes(content)
        with pytest.raises(ConfigurationError) as caught:
            _ = OnnxEmbedder(folder).space
        assert "NAVIGATOR_ONNX_FOLDER" in caught.value.remedy
